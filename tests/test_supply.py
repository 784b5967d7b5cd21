"""What citelog is made of: locked by version and hash, listed with its licences, and built to the same bytes anywhere.

The locks and the bill of materials are made by `engine/locked/renew`.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
LOCKED = ROOT / "engine" / "locked"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: Mapping[str, list[str]] = PROJECT["project"]["optional-dependencies"]
RENEW = "run engine/locked/renew"

RUN = ("serve", "edit", "population")
"""The extras that a clone's set-up brings: all but Spark, which is as large as the rest, and the tests' tools."""


def lock(name: str) -> dict[str, Requirement]:
    """The requirements of a lock by name, those for other systems and Pythons too; each must have a hash."""
    text = (LOCKED / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, Requirement] = {}
    for line in text.splitlines():
        told = line.partition("#")[0].strip()
        if told:
            requirement, *hashes = told.split(" --hash=")
            assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", one) for one in hashes), line
            one = Requirement(requirement)
            if not one.marker or one.marker.evaluate():
                found[canonicalize_name(one.name)] = one
    return found


def version(locked: Requirement) -> Version:
    """The one version that a lock allows."""
    (only,) = locked.specifier
    assert only.operator == "=="
    return Version(only.version)


def wanted(*extras: str) -> Iterator[Requirement]:
    """What pyproject.toml asks for: what builds it, what it always needs, and some extras."""
    for told in [
        *PROJECT["build-system"]["requires"],
        *PROJECT["project"]["dependencies"],
        *(one for extra in extras for one in EXTRAS[extra]),
    ]:
        one = Requirement(told)
        if one.name == PROJECT["project"]["name"]:
            yield from wanted(*one.extras)
        else:
            yield one


@pytest.mark.parametrize(("name", "extras"), [("run", RUN), ("test", ("test",))])
def test_every_dependency_is_locked_to_one_version_and_its_hashes(name: str, extras: tuple[str, ...]) -> None:
    locked = lock(name)
    for one in wanted(*extras):
        assert canonicalize_name(one.name) in locked, f"{one.name}: {RENEW}"
        assert version(locked[canonicalize_name(one.name)]) in one.specifier, f"{one.name}: {RENEW}"


def test_the_set_up_brings_what_every_command_needs_but_a_cluster() -> None:
    assert set(RUN) == set(EXTRAS) - {"test", "spark"}
    run, test = lock("run"), lock("test")
    assert {name: version(one) for name, one in run.items()}.items() <= {n: version(o) for n, o in test.items()}.items()


@pytest.mark.skipif(
    not (ROOT / ".venv" / "citelog-test").is_file() or Path(sys.prefix) != ROOT / ".venv",
    reason="this environment was not made by ./run-tests",
)
def test_the_tests_run_with_what_was_locked_and_nothing_that_it_needs_was_not() -> None:
    locked, seen = lock("test"), set[str]()

    def check(requirement: Requirement) -> None:
        for extra in ("", *requirement.extras):
            key = f"{canonicalize_name(requirement.name)}[{extra}]"
            if key in seen:
                continue
            seen.add(key)
            installed = distribution(requirement.name)
            assert str(version(locked[canonicalize_name(requirement.name)])) == installed.version
            for told in installed.requires or ():
                needed = Requirement(told)
                if not needed.marker or needed.marker.evaluate({**default_environment(), "extra": extra}):
                    check(needed)

    for one in wanted("test"):
        check(one)
    assert len(seen) > 100


ALLOWED = re.compile(
    r"\b(MIT|MIT-0|0?BSD|BSD-[23]-Clause|Apache|PSF-2\.0|Mozilla Public License 2\.0|MPL-2\.0|Zlib|CC0-1\.0|ISC)\b"
)
LESSER = {"pydatalog", "python-stdnum"}
"""Under the LGPL: imported as they are, so anybody can exchange them for their own."""
UNSAID = {"pyarrow-hotfix": "Apache-2.0"}
"""Packages whose metadata name no licence; the licence is the one of the file that they bring."""


def test_the_bill_of_materials_lists_what_is_locked_with_a_licence_that_allows_it() -> None:
    bill = json.loads((LOCKED / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "citelog"
    parts: list[dict[str, Any]] = bill["components"]
    listed = {canonicalize_name(part["name"]): Version(part["version"]) for part in parts}
    assert listed == {name: version(one) for name, one in lock("run").items()}, RENEW
    for part in parts:
        name = canonicalize_name(part["name"])
        told = [
            one.get("expression") or one["license"].get("id") or one["license"]["name"]
            for one in part.get("licenses", [])
        ]
        if name in UNSAID:
            assert not told, f"{name} says its licence now"
        elif name in LESSER:
            assert all("Lesser" in one or "Library" in one or "LGPL" in one for one in told), (name, told)
        else:
            assert told and all(ALLOWED.search(one) and "GPL" not in one for one in told), (name, told)
    related = {one["ref"] for one in bill["dependencies"]}
    assert {part["bom-ref"] for part in parts} <= related


def _built(target: str, tree: Path, to: Path) -> Path:
    """A distribution of a tree, built without a network."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", to], cwd=tree, check=True, capture_output=True
    )
    (made,) = to.iterdir()
    return made


@pytest.mark.slow
def test_the_source_distribution_builds_the_wheel_of_the_tree_wherever_and_whenever(tmp_path: Path) -> None:
    one, two = (_built("sdist", ROOT, tmp_path / name) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    with tarfile.open(one) as archive:
        archive.extractall(tmp_path / "tree", filter="data")
    (tree,) = (tmp_path / "tree").iterdir()
    for path in tree.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(path.stat().st_mode & 0o700)
    wheel = _built("wheel", ROOT, tmp_path / "of the tree")
    assert _built("wheel", tree, tmp_path / "of the source").read_bytes() == wheel.read_bytes()
    held = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
    assert {"run-tests", "engine/locked/test.txt", "tests/test_supply.py", "knowledge/b12/about.ttl"} <= held
    with zipfile.ZipFile(wheel) as archive:
        brought = {name.partition(".dist-info/")[2]: archive.read(name) for name in archive.namelist()}
    for name, path in (
        ("licenses/LICENSE", ROOT / "LICENSE"),
        ("licenses/NOTICE", ROOT / "NOTICE"),
        ("sboms/sbom.cdx.json", LOCKED / "sbom.cdx.json"),
    ):
        assert brought[name] == path.read_bytes()


PYTHONS = [sys.executable, *filter(None, os.environ.get("CITELOG_PYTHONS", "").split(":"))]
"""This one, and what CITELOG_PYTHONS names: other Pythons that pyproject.toml allows."""


@pytest.mark.long
@pytest.mark.parametrize("other", PYTHONS)
@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_it_answers_in_a_new_environment_of_what_is_locked(target: str, other: str, tmp_path: Path) -> None:
    """No development tool, no tree: what somebody has who installs it. Needs the Python package index."""
    python = tmp_path / "env" / "bin" / "python"
    made = _built(target, ROOT, tmp_path / "made")
    subprocess.run([other, "-m", "venv", tmp_path / "env"], check=True)
    pip = [python, "-I", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--require-hashes", "--requirement", LOCKED / "run.txt"], check=True)
    subprocess.run([*pip, "--no-deps", "--no-index", "--no-build-isolation", made], check=True)
    shown = ROOT / "examples" / "patient.yaml"
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}

    def told(*arguments: str | Path) -> str:
        command = [python.with_name("citelog"), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True, text=True).stdout

    document = json.loads(told("assess", shown, "--format", "json"))
    assert document["conclusions"]
    assert told("why", shown, document["conclusions"][0]["id"])
    told("assess", shown, "--receipt", "kept.receipt.json")
    assert told("audit", "replay", "kept.receipt.json").startswith("same")
    told("check")
    assert told("show", "G06") and told("query", "conclusions", "--case", shown)


OSV = os.environ.get("CITELOG_OSV", "")


@pytest.mark.skipif(not OSV, reason="CITELOG_OSV names no folder of advisories (the JSON files of OSV's PyPI export)")
@pytest.mark.parametrize("name", ["run", "test"])
def test_no_advisory_at_hand_is_about_a_version_that_is_locked(name: str) -> None:
    """Advisories in the Open Source Vulnerability format, from a folder: nothing is asked of anybody."""
    locked = {key: version(one) for key, one in lock(name).items()}
    read, hit = 0, []
    for path in Path(OSV).glob("*.json"):
        advisory = json.loads(path.read_bytes())
        read += 1
        if "withdrawn" not in advisory:
            hit += [f"{advisory['id']}: {key} {locked[key]}" for key in _affected(advisory, locked)]
    assert read, f"{OSV} holds no advisory"
    assert hit == []


def _affected(advisory: Mapping[str, Any], locked: Mapping[str, Version]) -> Iterator[str]:
    """The locked packages that an advisory is about, as the format's evaluation has it: ranges, or versions by name."""
    for affected in advisory.get("affected", ()):
        package = affected.get("package", {})
        key = canonicalize_name(package.get("name", ""))
        if package.get("ecosystem") != "PyPI" or key not in locked:
            continue
        ranges = [one for one in affected.get("ranges", ()) if one["type"] == "ECOSYSTEM"]
        within = any(_within(locked[key], one["events"]) for one in ranges)
        if within or any(_same(told, locked[key]) for told in affected.get("versions", ())):
            yield key


def _same(told: str, locked: Version) -> bool:
    try:
        return Version(told) == locked
    except ValueError:  # not a version as PyPI has them to-day, so not a locked one
        return False


def _within(locked: Version, events: list[Mapping[str, str]]) -> bool:
    """Whether a version lies between an introduction and what ended it."""
    inside = False
    for event in events:
        ((what, at),) = event.items()
        start = Version("0") if at == "0" else Version(at)
        if what == "introduced" and locked >= start:
            inside = True
        elif (what == "fixed" and locked >= start) or (what == "last_affected" and locked > start):
            inside = False
    return inside


def test_an_advisory_is_read_as_its_format_has_it() -> None:
    locked = {"lark": Version("1.3.1")}

    def about(name: str = "Lark", **told: Any) -> bool:
        return bool([*_affected({"affected": [{"package": {"ecosystem": "PyPI", "name": name}, **told}]}, locked)])

    def ranges(*events: tuple[str, str]) -> dict[str, Any]:
        return {"ranges": [{"type": "ECOSYSTEM", "events": [dict([one]) for one in events]}]}

    assert about(versions=["1.3.1"]) and about(versions=["1.3.1.0", "banana"]) and not about(versions=["1.3", "1.3.10"])
    assert about(**ranges(("introduced", "0"))) and not about("larch", **ranges(("introduced", "0")))
    assert not about(**ranges(("introduced", "0"), ("fixed", "1.3.1")))
    assert about(**ranges(("introduced", "0"), ("last_affected", "1.3.1")))
    assert not about(**ranges(("introduced", "0"), ("last_affected", "1.3.0")))
    assert about(**ranges(("introduced", "0"), ("fixed", "1.0"), ("introduced", "1.3"), ("fixed", "2")))
