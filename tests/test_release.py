"""Releases: what an edition must meet to be frozen, what is recorded of it, and what is noticed afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import tarfile
from pathlib import Path

import jsonschema
import pytest

from authoring import Command
from citelog import home, schemas
from citelog.approval import frozen
from citelog.approval.frozen import Frozen
from citelog.knowledge.fingerprint import fingerprint

ROOT = Path(__file__).parent.parent
SHORT_NIGHTS = ROOT / "examples" / "short-nights"
ENTRY = "# Changes\n\n## {0}\n\nFor pupils of Harbour School: what the leaflet says.\n"


def edit(path: Path, old: str, new: str) -> None:
    found = path.read_text(encoding="utf-8")
    assert old in found, old
    path.write_text(found.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The knowledge base about short nights, ready to be released as 0.1.0."""
    made = Path(shutil.copytree(SHORT_NIGHTS, tmp_path / "short-nights"))
    (made / "CHANGELOG.md").write_text(ENTRY.format("0.1.0"), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases of it, the second with another sentence of a rule; nothing may change them."""
    from citelog import disk
    from citelog.approval.release import Claim, release

    made = Path(shutil.copytree(SHORT_NIGHTS, tmp_path_factory.mktemp("published") / "short-nights"))
    for version, claim in (("0.1.0", Claim("Ada Example", "2026-03-21", None)), ("0.2.0", Claim())):
        if version == "0.2.0":
            edit(made / "about.ttl", '"0.1.0"', '"0.2.0"')
            edit(made / "rules" / "30-advice.rls", "may keep the pupil awake", "may well keep the pupil awake")
        (made / "CHANGELOG.md").write_text(ENTRY.format(version), encoding="utf-8")
        found = release(made, frozen.place(made), version, claim)
        assert found.passed, [gate.said for gate in found.gates if not gate.passed]
        disk.folder(frozen.place(made))
        for name, data in found.files.items():
            disk.keep(frozen.place(made) / name, data)
    return made


def copied(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "short-nights"))


def releases(folder: Path) -> dict[str, Frozen]:
    return {one.version: one for one in frozen.frozen(frozen.place(folder))}


# what is recorded


def test_a_record_has_the_published_form_and_says_what_the_caller_said(published: Path) -> None:
    first, second = (json.loads((frozen.place(published) / f"{v}.json").read_bytes()) for v in ("0.1.0", "0.2.0"))
    validator = jsonschema.Draft202012Validator(schemas.schema("release"))
    for record in (first, second):
        assert list(validator.iter_errors(record)) == []
    assert (first["by"], first["on"], second["by"], second["on"]) == ("Ada Example", "2026-03-21", None, None)
    assert [gate["gate"] for gate in first["gates"]] == [
        "version", "earlier", "changelog", "committed", "check", "test", "verify", "audit", "reviews"
    ]  # fmt: skip
    assert first["gates"][5]["figures"] == {"cases": 8, "expectations": 34, "failed": 0}
    assert first["reviews"]["statement"] == {"draft": 15, "reviewed": 0, "approved": 0}


def test_what_no_machine_decides_of_a_kind_of_conclusion_is_not_told_as_a_safety_property(
    citelog: Command, folder: Path
) -> None:
    """One property of the three is about wording; that cautions compare two nights is no property at all."""
    with (folder / "rules" / "30-advice.rls").open("a", encoding="utf-8") as rules:
        rules.write(
            "\n%%% @cites S13\n"
            '#[name("shorter")]\n#[display("A night was shorter than another, which may be the cola.")]\n'
            "caution(?p, ex:COLA) :- slept(?p, _, ?one), slept(?p, _, ?other), ?one < ?other .\n"
        )
    told = citelog("release", "0.1.0", "--kb", folder).out
    assert "  verify     2 safety properties hold for every possible patient; 1 is decided by no machine" in told
    assert "undecided who can have which conclusions of 1 kind: caution" in " ".join(told.split())
    assert "  - caution  Cautions: who can have which\n" in citelog("verify", "--kb", folder).out


def test_the_archive_holds_the_edition_file_by_file_and_no_other_release(published: Path) -> None:
    """As another program reads it; the hashes are those of the record, made again here."""
    for version in ("0.1.0", "0.2.0"):
        record = json.loads((frozen.place(published) / f"{version}.json").read_bytes())
        with tarfile.open(frozen.place(published) / f"{version}.tar") as tar:
            read = {one.name: tar.extractfile(one).read() for one in tar.getmembers()}  # type: ignore[union-attr]
        inside = {name: data for name, data in read.items() if name.startswith("short-nights/")}
        hashes = {n.removeprefix("short-nights/"): hashlib.sha256(d).hexdigest() for n, d in inside.items()}
        assert hashes == record["files"] and not [name for name in hashes if name.startswith("releases")]
        assert hashlib.sha256(read["ontology.ttl"]).hexdigest() == record["ontology"]


def test_a_release_is_no_part_of_what_the_knowledge_answers(published: Path, tmp_path: Path) -> None:
    made = copied(published, tmp_path)
    before = fingerprint(made, home.ontology())
    shutil.rmtree(frozen.place(made))
    assert fingerprint(made, home.ontology()) == before == releases(published)["0.2.0"].record["knowledge"]["sha256"]


def test_a_release_says_what_changed_since_the_one_before_by_meaning(published: Path) -> None:
    first, second = (releases(published)[version].record for version in ("0.1.0", "0.2.0"))
    assert first["changes"] is None and first["previous"] is None
    assert second["previous"] == {"version": "0.1.0", "record": releases(published)["0.1.0"].sha256}
    changed = second["changes"]
    assert [(one["kind"], one["id"]) for one in changed["changes"]] == [("rule", "cola"), ("knowledge base", "kb")]
    assert changed["cases"]["differing"] == ["tired-and-short"] and changed["cases"]["compared"] == 8
    assert [(one["how"], one["after"]) for one in changed["effects"]] == [("changed", "caution:COLA")]


def test_the_same_edition_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    from citelog.approval.release import Claim, release

    again = Path(shutil.copytree(folder, tmp_path / "elsewhere" / "short-nights"))
    made = [release(one, frozen.place(one), "0.1.0", Claim("Ada Example", "2026-03-21")) for one in (folder, again)]
    assert made[0].files == made[1].files and len(made[0].files) == 2


# what is refused

REFUSED = {
    "another version than the knowledge base says": ("0.2.0", "version", 'pav:version "0.2.0"'),
    "a version without an entry in the changelog": ("0.1.0", "changelog", "CHANGELOG.md"),
    "an edition with an error": ("0.1.0", "check", "citelog check"),
    "an edition with a case that fails": ("0.1.0", "test", "citelog test"),
    "an edition without any case": ("0.1.0", "test", "write one"),
    "an edition that can break a property": ("0.1.0", "verify", "citelog verify"),
    "an edition that a gate of its own keeps back": ("0.1.0", "audit", "citelog audit"),
    "a draft, where it asks for reviews": ("0.1.0", "audit", "citelog audit"),
    "a change that is not committed": ("0.1.0", "committed", "commit it"),
}


def spoil(what: str, folder: Path) -> None:
    advice = folder / "rules" / "30-advice.rls"
    match what:
        case "another version than the knowledge base says":
            (folder / "CHANGELOG.md").write_text(ENTRY.format("0.2.0"), encoding="utf-8")
        case "a version without an entry in the changelog":
            (folder / "CHANGELOG.md").write_text("# Changes\n\n## 0.1.0\n\n## 0.0.9\n\nBegun.\n", encoding="utf-8")
        case "an edition with an error":
            edit(folder / "segments.ttl", 'cl:text        "Sleep well!"', 'cl:text        "Sleep!"')
        case "an edition with a case that fails":
            edit(folder / "cases" / "tired-and-short.yaml", "caution:COLA", "caution:TEA")
        case "an edition without any case":
            shutil.rmtree(folder / "cases")
        case "an edition that can break a property":
            edit(advice, "?hours), ~crossed_lately(?p) .", "?hours) .")
            edit(advice, "%%% @cites S10 S11\n%%% @assumes crossed_lately\n", "%%% @cites S10 S11\n")
            for case in folder.glob("cases/*.yaml"):
                case.write_text(case.read_text(encoding="utf-8").partition("expect:")[0], encoding="utf-8")
        case "an edition that a gate of its own keeps back":
            edit(
                folder / "about.ttl",
                "    cl:document ",
                '    cl:gate               "rule-convention>1" ;\n    cl:document ',
            )
        case "a draft, where it asks for reviews":
            edit(
                folder / "about.ttl", "    cl:document ", '    cl:gate               "not-reviewed" ;\n    cl:document '
            )
        case "a change that is not committed":
            subprocess.run(["git", "init", "-q", str(folder)], check=True, env={**os.environ, "HOME": str(folder)})


@pytest.mark.parametrize("what", REFUSED)
def test_it_refuses_to_release(what: str, folder: Path, citelog: Command) -> None:
    """It ends with no, says which gate is not passed and what to do, and writes nothing."""
    version, name, remedy = REFUSED[what]
    spoil(what, folder)
    before = sorted(folder.rglob("*"))
    ended = citelog("release", version, "--format", "json", "--kb", folder)
    document = json.loads(ended.out)
    gate, *more = [gate for gate in document["gates"] if not gate["passed"]]
    assert {one["gate"] for one in more} <= {"audit"}, "the audit counts errors and failing cases too"
    assert (ended.status, document["released"], gate["gate"]) == (1, False, name), gate
    assert remedy in gate["remedy"] and document["files"] == {}
    assert sorted(folder.rglob("*")) == before


def test_a_version_is_released_once_and_the_next_is_greater(published: Path, tmp_path: Path, citelog: Command) -> None:
    made = copied(published, tmp_path)
    for version, said in (("0.2.0", "0.2.0 is released already"), ("0.1.9", "0.1.9 is not greater than 0.2.0")):
        ended = citelog("release", version, "--kb", made)
        assert ended.status == 1 and f"✗ version    {said}" in ended.out
    assert frozen.number("0.10.0") > frozen.number("0.9.9")


@pytest.mark.parametrize(
    "arguments", [("1.0",), ("1.0.0-beta",), ("01.0.0",), ("1.0.0", "--list"), (), ("--list", "--by", "ada"),
                  ("0.1.0", "--by", "nobody"), ("0.1.0", "--on", "today"), ("--check", "7.0.0")]
)  # fmt: skip
def test_arguments_that_cannot_be_used_are_told(arguments: tuple[str, ...], folder: Path, citelog: Command) -> None:
    ended = citelog("release", *arguments, "--kb", folder)
    assert (ended.status, ended.out) == (2, "") and "\n   = " in ended.err


def test_what_is_committed_is_released_with_its_commit(folder: Path, citelog: Command) -> None:
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1", **who}
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "ready")):
        subprocess.run(["git", "-C", str(folder), *arguments], env=environment, check=True)
    assert citelog("release", "0.1.0", "--kb", folder).status == 0
    asked = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    commit = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    assert releases(folder)["0.1.0"].record["commit"] == commit


@pytest.mark.parametrize("broken", ["another user's", "damaged"])
def test_where_git_does_not_read_the_repository_nobody_can_tell_what_is_committed(
    broken: str, folder: Path, citelog: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which passed as if there were none."""
    subprocess.run(["git", "-C", str(folder), "init", "-q"], check=True)
    if broken == "damaged":
        (folder / ".git" / "HEAD").write_text("nonsense\n")
    else:
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    ended = citelog("release", "0.1.0", "--kb", folder)
    assert ended.status == 1 and "nobody can tell: " in ended.out and not releases(folder)
    if broken != "damaged":
        assert "git does not read it: the repository is another user's" in ended.out
        compared = citelog("diff", "HEAD", "--kb", folder)
        assert f"= if you trust it: git config --global --add safe.directory {folder}" in compared.err


def test_what_git_was_told_not_to_look_at_is_not_committed_for_all_that(folder: Path, citelog: Command) -> None:
    """An ignored rule, and one that git takes for unchanged: `git status` lists neither."""
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1", **who}

    def git(*arguments: str) -> bytes:
        command = ["git", "-C", str(folder.parent), *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True).stdout

    def refused() -> str:
        ended = citelog("release", "0.1.0", "--kb", folder)
        assert ended.status == 1 and git("status", "--porcelain") == b""
        return next(line for line in ended.out.splitlines() if "committed" in line)

    git("init", "-q")
    (folder.parent / ".git" / "info" / "exclude").write_text("99-*.rls\n")
    git("add", folder.name)
    git("commit", "-qm", "ready")
    ignored = folder / "rules" / "99-more.rls"
    ignored.write_text("% A rule might stand here.\n")
    assert f"not committed: {folder.name}/rules/99-more.rls" in refused()
    ignored.unlink()
    git("update-index", "--assume-unchanged", f"{folder.name}/rules/30-advice.rls")
    edit(folder / "rules" / "30-advice.rls", "may keep the pupil awake", "keeps the pupil awake")
    assert f"not committed: {folder.name}/rules/30-advice.rls" in refused()
    (folder.parent / ".git" / "info" / "exclude").write_text(f"{folder.name}\n")
    git("rm", "-rq", "--cached", folder.name)
    git("commit", "-qm", "gone", "--allow-empty")
    assert f"not committed: {folder.name}/" in refused()


# what is noticed


def test_a_release_that_nobody_touched_is_as_it_was_frozen(published: Path, citelog: Command) -> None:
    assert [one.damage for one in releases(published).values()] == [(), ()]
    ended = citelog("release", "--check", "0.2.0", "--kb", published)
    assert ended.status == 0 and "0.2.0: as it was frozen, 22 files and the ontology" in ended.out
    assert citelog("release", "--list", "--kb", published).out.count("as frozen") == 2


def test_the_list_says_where_the_folder_is_not_the_edition_that_it_calls_itself(
    published: Path, tmp_path: Path, citelog: Command
) -> None:
    """The releases are as they were frozen all the same."""
    folder = Path(shutil.copytree(published, tmp_path / "short-nights"))
    edit(folder / "rules" / "30-advice.rls", "may well keep", "may keep")
    edit(folder / "terms.ttl", "cola", "lemonade")
    ended = citelog("release", "--list", "--kb", folder)
    said = (
        "! rules/30-advice.rls: changed in the folder, which calls itself 0.2.0, and 1 more"
        f" = citelog release --kb {folder} --check 0.2.0 shows all"
    )
    assert ended.status == 0 and ended.out.count("as frozen") == 2 and said in " ".join(ended.out.split())
    edit(folder / "about.ttl", '"0.2.0"', '"0.3.0"')
    assert "which calls itself" not in citelog("release", "--list", "--kb", folder).out


@pytest.mark.parametrize("name", ["0.1.0.json", "0.1.0.tar"])
def test_every_changed_byte_of_a_release_is_noticed(name: str, published: Path, tmp_path: Path) -> None:
    """Bytes drawn at random, each with one bit turned over, and each of the last; each time it is put back."""
    made = copied(published, tmp_path)
    path = frozen.place(made) / name
    whole = path.read_bytes()
    drawn = random.Random(name)
    places = [drawn.randrange(len(whole)) for _ in range(60)] + [0, len(whole) - 1]
    for at in places:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << drawn.randrange(8)]) + whole[at + 1 :])
        damage = releases(made)["0.1.0"].damage
        assert damage and name in damage[0], at
    for size in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert releases(made)["0.1.0"].damage, size


def test_damage_names_the_member_of_a_record_and_the_file_in_an_archive(published: Path, tmp_path: Path) -> None:
    made = copied(published, tmp_path)
    record, archived = (frozen.place(made) / f"0.1.0.{ending}" for ending in ("json", "tar"))
    record.write_bytes(record.read_bytes().replace(b'"Ada Example"', b'"Eve Example"'))
    assert releases(made)["0.1.0"].damage == ("0.1.0.json, by: it is not what was sealed: its hash is another",)
    archived.write_bytes(archived.read_bytes().replace(b"may keep a pupil awake", b"may make a pupil sick", 1))
    assert any(one.startswith("0.1.0.tar: ") for one in releases(made)["0.1.0"].damage)


def forged(made: Path, version: str, name: str, **members: object) -> None:
    """A release under another name, with other members, sealed as if it had been released."""
    from citelog.receipt.sealed import seal

    kept, record = frozen.place(made), dict(releases(made)[version].record)
    if name != version:
        shutil.copy(kept / f"{version}.tar", kept / f"{name}.tar")
        record["knowledge"] |= {"version": name}
    (kept / f"{name}.json").write_bytes(seal(record | members))


NONSENSE = {
    "knowledge": ("b12", {"version": "0.2.0"}),
    "by": (7,),
    "previous": ("0.1.0", {}),
    "gates": ({}, ["check"]),
    "reviews": ([], {"statement": {"draft": "all"}, "rule": {}, "outdated": 0}),
    "archive": (None, "0.2.0.tar", {"sha256": 1, "bytes": 1}),
    "ontology": (None, "0" * 64),
    "files": (None, [], {"about.ttl": None}, {}),
}


@pytest.mark.parametrize("member", NONSENSE)
def test_a_record_that_was_sealed_with_nonsense_in_it_is_damaged(
    member: str, published: Path, tmp_path: Path, citelog: Command
) -> None:
    """Whoever can write a record can seal it: nothing but what it refers to tells then."""
    for nonsense in NONSENSE[member]:
        made = copied(published, tmp_path / hashlib.sha256(repr(nonsense).encode()).hexdigest())
        forged(made, "0.2.0", "0.2.0", **{member: nonsense})
        assert releases(made)["0.2.0"].damage
        for asked in (("--list",), ("--list", "--format", "json"), ("--check", "0.2.0"), ("0.3.0",)):
            ended = citelog("release", *asked, "--kb", made)
            assert (ended.status, ended.err) == (1, ""), (nonsense, asked)


def test_the_hash_of_the_knowledge_in_a_record_is_that_of_its_archive(published: Path, tmp_path: Path) -> None:
    made = copied(published, tmp_path)
    told = releases(made)["0.2.0"].record["knowledge"]
    forged(made, "0.2.0", "0.2.0", knowledge={**told, "sha256": "0" * 64})
    assert releases(made)["0.2.0"].damage == ("0.2.0.tar: it is another edition than the record is of",)


SWAPPED = {
    "a record sealed anew after it was changed": "0.1.0.json: it is not the record that 0.2.0 was released after",
    "a record that is gone": "0.1.0.json: it is not there",
    "a release that is gone": "0.1.0.json: the release before it is not there",
    "an archive of another release": "0.1.0.tar: it is another edition than the record is of",
    "an archive that is gone": "0.1.0.tar: it is not there",
    "a record of another release": "0.1.0.json: it is the record of 0.2.0",
    "a release put in between": "0.2.0.json: it was released after 0.1.0, and not after 0.1.5, which stands between",
    "a release put in front": "0.1.0.json: it calls itself the first release, and 0.0.9 came before",
}


@pytest.mark.parametrize("what", SWAPPED)
def test_what_was_exchanged_as_a_whole_is_noticed_by_what_refers_to_it(
    what: str, published: Path, tmp_path: Path
) -> None:
    """Whoever keeps the hash of the last record can tell of every one before it."""
    made = copied(published, tmp_path)
    kept = frozen.place(made)
    match what:
        case "a record sealed anew after it was changed":
            forged(made, "0.1.0", "0.1.0", by="Eve Example")
        case "a record that is gone":
            (kept / "0.1.0.json").unlink()
        case "a release that is gone":
            (kept / "0.1.0.json").unlink()
            (kept / "0.1.0.tar").unlink()
        case "an archive of another release":
            shutil.copy(kept / "0.2.0.tar", kept / "0.1.0.tar")
        case "an archive that is gone":
            (kept / "0.1.0.tar").unlink()
        case "a record of another release":
            shutil.copy(kept / "0.2.0.json", kept / "0.1.0.json")
        case "a release put in between":
            forged(made, "0.1.0", "0.1.5", previous=releases(made)["0.2.0"].record["previous"])
        case "a release put in front":
            forged(made, "0.1.0", "0.0.9")
    assert SWAPPED[what] in {damage for one in releases(made).values() for damage in one.damage}


def test_no_release_follows_one_that_is_damaged(published: Path, tmp_path: Path, citelog: Command) -> None:
    made = copied(published, tmp_path)
    path = frozen.place(made) / "0.1.0.json"
    path.write_bytes(path.read_bytes().replace(b'"Ada Example"', b'"Eve Example"'))
    ended = citelog("release", "0.3.0", "--kb", made)
    assert ended.status == 1 and "✗ earlier    not what was released any more: 0.1.0" in ended.out
    listed = citelog("release", "--list", "--kb", made)
    assert listed.status == 1 and "its hash is another" in " ".join(listed.out.split())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("statements.trig", "changed"),
        ("cases/tired-and-short.yaml", "changed"),
        ("new.ttl", "new"),
        ("terms.ttl", "gone"),
    ],
)
def test_a_folder_that_still_calls_itself_by_a_released_version_is_held_to_it(
    name: str, said: str, published: Path, tmp_path: Path, citelog: Command
) -> None:
    """One version is one edition: a changed byte of any of its files is noticed, a layout too."""
    made = copied(published, tmp_path)
    if said == "gone":
        (made / name).unlink()
    else:
        with (made / name).open("a", encoding="utf-8") as file:
            file.write("\n")
    ended = citelog("release", "--check", "0.2.0", "--kb", made)
    assert ended.status == 1 and f"✗ {name}: {said} in the folder, which calls itself 0.2.0" in ended.out
    assert citelog("release", "--check", "0.1.0", "--kb", made).status == 0, "that edition is another one"


def test_another_ontology_makes_another_edition(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, citelog: Command
) -> None:
    """It is part of what is frozen: with another one, the same files have another hash."""
    ontology = tmp_path / "ontology.ttl"
    ontology.write_bytes(home.ontology().read_bytes() + b"# more\n")
    monkeypatch.setattr(home, "ontology", lambda: ontology)
    ended = citelog("release", "--check", "0.2.0", "--kb", published)
    said = "✗ the ontology: another one is read with the folder, which calls itself 0.2.0"
    assert ended.status == 1 and said in ended.out and "0.2.0: as it was frozen" in ended.out


@pytest.mark.parametrize("version", ["0.2.O", "0.1.9"])
def test_a_version_that_cannot_be_read_or_is_older_is_no_way_out(
    version: str, published: Path, tmp_path: Path, citelog: Command
) -> None:
    """The next edition has a greater version; then it is said that nothing was compared."""
    made = copied(published, tmp_path)
    edit(made / "about.ttl", '"0.2.0"', f'"{version}"')
    assert "✗ about.ttl: changed" in (ended := citelog("release", "--check", "0.2.0", "--kb", made)).out
    assert ended.status == 1
    edit(made / "about.ttl", f'"{version}"', '"0.3.0"')
    ended = citelog("release", "--check", "0.2.0", "--kb", made)
    assert ended.status == 0 and "the folder calls itself 0.3.0, and is not compared" in ended.out
