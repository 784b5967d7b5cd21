"""Receipts: one assessment kept whole, noticed when it is changed, and derived again years later."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import b12
import changed_records
import citelog
import damage
import kept_receipts
import literate
import replays
import tampered
import walked
from authoring import ROOT, Command, Ended
from citelog import disk, home, patient
from citelog.assess import Assessment, assess_case
from citelog.checker import Checker
from citelog.cli.app import main
from citelog.diagnostics import CitelogError
from citelog.knowledge.fingerprint import fingerprint_of
from citelog.receipt import archive, content
from citelog.receipt.manifest import Manifest, group_hash, manifest
from citelog.receipt.replay import Replay, desk
from citelog.receipt.sealed import canonical, seal, unseal
from test_schemas import form, problem

PAGE = ROOT / "docs" / "RECEIPTS.md"
PATIENT = ROOT / "examples" / "patient.yaml"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
NIGHT = """\
id: night
context: {age_years: 11}
labs: [{analyte: night, value: 8.5, unit: hours, when: 2026-03-08}]
findings: [{name: falling asleep in lessons, state: present}, {name: loud snoring, state: present}]
"""
AT_NIGHT = ("--at", "2026-03-09", "--receipt", "night.receipt.json")


def run(*arguments: str | Path, cwd: Path = ROOT) -> Ended:
    """Runs a citelog command, in this process and in a folder."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main([str(argument) for argument in arguments])
    assert isinstance(ended.value.code, int) and isinstance(out.buffer, io.BytesIO)
    return Ended(ended.value.code, out.buffer.getvalue().decode(), err.getvalue())


@cache
def files(name: str | None = None) -> Manifest:
    return manifest(home.knowledge(name), home.ontology())


def replay(data: bytes, name: str, kb: Path | None, editions: Sequence[str] = ()) -> Replay:
    with desk(kb, editions) as at:
        return at.replay(data, name)


@cache
def assessed(source: Path = PATIENT, at: str | None = None) -> Assessment:
    return citelog.open().assess(source, at)


@cache
def receipt(source: Path = PATIENT, at: str | None = None) -> bytes:
    return content.of(assessed(source, at), files())


# what a receipt is


def test_a_receipt_holds_the_record_as_it_was_read_and_every_proof_as_it_was_given() -> None:
    read = content.read(receipt(), "it")
    assert read.record == PATIENT.read_bytes()
    assert read.assessment == assessed().to_dict()
    proofs = {proof["conclusion"]: proof for proof in read.proofs}
    assert proofs == {id_: assessed().why(id_).to_dict() for id_ in assessed().by_id}


def test_its_hashes_are_those_that_anybody_computes() -> None:
    """Of each member the SHA-256 of its line, of each file that of its bytes, of a group that of sha256sum's lines."""
    lines = {line.split(":", 1)[0].strip('"'): line for line in receipt().decode().splitlines()[1:-1]}
    values = {name: line.split(":", 1)[1].removesuffix(",") for name, line in lines.items()}
    assert json.loads(values["hashes"]) == {
        name: hashlib.sha256(value.encode()).hexdigest()
        for name, value in values.items()
        if name not in ("hashes", "sha256")
    }
    assert json.loads(values["sha256"]) == hashlib.sha256(values["hashes"].encode()).hexdigest()
    groups = json.loads(values["files"])["groups"]
    listed = {name: sha for group in groups.values() for name, sha in group.get("files", {}).items()}
    folder = home.knowledge()
    on_disk = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file() and "cases" not in p.parts}
    on_disk["ontology.ttl"] = home.ontology()
    assert listed == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in on_disk.items()}
    cases = sorted(p.relative_to(folder).as_posix() for p in folder.glob("cases/**/*") if p.is_file())
    summed = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in cases)
    assert groups["cases"] == {"count": len(cases), "sha256": hashlib.sha256(summed.encode()).hexdigest()}


def test_a_record_that_is_given_as_data_is_kept_as_the_json_that_it_is() -> None:
    """Whatever the order of its keys, and whatever types Python has for its numbers and dates."""
    import datetime
    from decimal import Decimal

    lab = {
        "analyte": "serum vitamin B12",
        "value": Decimal("80.50"),
        "unit": "pmol/L",
        "when": datetime.date(2026, 3, 2),
    }
    one = content.of(citelog.open().assess({"labs": [lab], "id": "x"}), files())
    other = content.of(citelog.open().assess({"id": "x", "labs": [dict(reversed(lab.items()))]}), files())
    kept = content.read(one, "it").record
    assert one == other
    assert (
        kept == b'{"id":"x","labs":[{"analyte":"serum vitamin B12","unit":"pmol/L","value":80.50,"when":"2026-03-02"}]}'
    )
    knowledge = citelog.open().knowledge
    again = patient.from_bytes(kept, "the receipt", "x", knowledge.terms)
    assert again == citelog.open().assess({"labs": [lab], "id": "x"}).case


def test_a_changed_record_has_no_receipt_because_nobody_wrote_it() -> None:
    changed = assessed().what_if(drop=["findings[0]"]).after
    with pytest.raises(CitelogError, match="example-1: a changed record is nobody's\n   = assess the record itself"):
        content.of(changed, files())


def test_no_receipt_is_given_for_knowledge_that_was_edited_since_it_was_opened(tmp_path: Path) -> None:
    folder = tmp_path / "short-nights"
    shutil.copytree(ROOT / "examples" / "short-nights", folder)
    answer = citelog.open(folder).assess({"id": "x"})
    with (folder / "rules" / "10-night.rls").open("a") as file:
        file.write("\n% a remark\n")
    with pytest.raises(CitelogError, match="its files are no longer those that this answer was derived from"):
        content.of(answer, manifest(folder, home.ontology()))


# what is noticed


def test_a_changed_member_is_named() -> None:
    """A value, a hash, the hash of the hashes, and what stands between the members."""
    data = seal({"at": None, "note": "a"})
    told = {
        b'"at":null': b'"at":true',
        b'"note":"a"': b'"note":"b"',
        b'"note"': b'"mote"',
        b'{"at":"7': b'{"at":"6',
        b'"sha256":"': b'"sha256":" ',
        b'"\n}\n': b'"\n} \n',
    }
    named = [[d.member for d in unseal(data.replace(old, new, 1), ("at", "note")).damage] for old, new in told.items()]
    assert named == [["at"], ["note"], ["at", "note"], ["hashes"], ["sha256"], ["sha256", "frame"]]
    assert unseal(data, ("at", "note")).damage == ()


# the command that gives receipts


def case(folder: Path, text: str = "id: x\nlabs: [{analyte: serum vitamin B12, value: 80, unit: pmol/L}]\n") -> Path:
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    return folder / "case.yaml"


def test_assess_keeps_a_receipt_beside_its_answer_and_the_same_one_again(tmp_path: Path) -> None:
    kept = tmp_path / "x.receipt.json"
    plain = run("assess", case(tmp_path))
    first = run("assess", case(tmp_path), "--receipt", kept)
    assert first == plain and first.status == 0
    data = kept.read_bytes()
    assert data == receipt(case(tmp_path))
    assert run("assess", case(tmp_path), "--receipt", kept).status == 0 and kept.read_bytes() == data
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_another_receipt_is_not_overwritten(tmp_path: Path) -> None:
    kept = tmp_path / "x.receipt.json"
    kept.write_text("precious")
    ended = run("assess", case(tmp_path), "--receipt", kept)
    assert (ended.status, ended.out, kept.read_text()) == (2, "", "precious")
    assert (
        ended.err
        == f"{kept}: there is another file, and is not overwritten\n   = name another, or put this one away first\n"
    )


def test_several_cases_give_a_receipt_each_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "receipts"
    one, other = case(tmp_path), tmp_path / "b.yaml"
    other.write_text("id: a/b\n")
    ended = run("assess", one, other, "--receipt", folder)
    assert (ended.status, ended.out) == (
        2,
        "",
    ) and "2 cases, and this is no folder\n   = make it, and name it" in ended.err
    folder.mkdir()
    assert run("assess", one, other, "--receipt", folder).status == 0
    assert sorted(path.name for path in folder.iterdir()) == ["a%2Fb.receipt.json", "x.receipt.json"]
    ended = run("audit", "replay", *sorted(folder.iterdir()))
    assert ended.status == 0 and [line for line in ended.out.splitlines() if line.startswith("same: ")] == [
        f"same: {folder}/a%2Fb.receipt.json",
        f"same: {folder}/x.receipt.json",
    ]


def test_a_record_from_standard_input_has_a_receipt_too(tmp_path: Path) -> None:
    kept = tmp_path / "receipt.json"
    given = b"labs: [{analyte: serum vitamin B12, value: 80, unit: pmol/L}]"
    command = [sys.executable, "-c", "from citelog.cli.app import main; main()", "assess", "-", "--receipt", str(kept)]
    subprocess.run(command, input=given, env=ENVIRONMENT, capture_output=True, check=True)
    assert content.read(kept.read_bytes(), "it").record == given
    assert run("audit", "replay", kept).status == 0


@pytest.mark.parametrize(
    ("to", "what"),
    [
        ("-", "--receipt -: a receipt is a file beside the answer"),
        ("nowhere/receipt.json", "there is no folder nowhere"),
        ("/dev/full", "/dev/full: there is another file"),
    ],
)
def test_a_receipt_that_can_go_nowhere_stops_the_answer(to: str, what: str, tmp_path: Path) -> None:
    ended = run("assess", case(tmp_path), "--receipt", to, cwd=tmp_path)
    assert (ended.status, ended.out) == (2, "") and what in ended.err and "   = " in ended.err


def test_without_a_receipt_nothing_of_receipts_is_loaded() -> None:
    code = (
        "import sys; from citelog.cli.app import app; app(['assess', sys.argv[1]], standalone_mode=False);"
        "print([m for m in sys.modules if m.startswith('citelog.receipt') or m == 'rfc8785'], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(PATIENT)], env=ENVIRONMENT, capture_output=True, check=True)
    assert ended.stderr == b"[]\n"


def test_a_process_that_is_killed_leaves_whole_receipts_or_none(tmp_path: Path) -> None:
    """Killed at twenty moments, in the middle of writing hundreds."""
    code = (
        "import sys; from pathlib import Path; from citelog import disk\n"
        "data = Path(sys.argv[1]).read_bytes()\n"
        "for n in range(100000):\n    disk.keep(Path(sys.argv[2]) / str(n), data); print(n, flush=True)\n"
    )
    source = tmp_path / "data"
    source.write_bytes(receipt())
    rng, kept = random.Random(6), 0
    for attempt in range(20):
        folder = tmp_path / f"at-{attempt}"
        folder.mkdir()
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(source), str(folder)], env=ENVIRONMENT, stdout=subprocess.PIPE
        )
        assert writer.stdout is not None and writer.stdout.readline() == b"0\n"
        time.sleep(rng.random() * 0.03)
        writer.kill()
        told = writer.stdout.read().split()
        writer.wait()
        writer.stdout.close()
        files = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
        assert set(files.values()) == {receipt()} and {n.decode() for n in told} <= {*files}
        kept += len(files)
    assert kept > 20


def test_two_writers_of_one_name_leave_the_first_and_tell_the_second(tmp_path: Path) -> None:
    disk.keep(tmp_path / "a", b"one")
    disk.keep(tmp_path / "a", b"one")
    with pytest.raises(CitelogError, match="there is another file, and is not overwritten"):
        disk.keep(tmp_path / "a", b"other")
    assert (tmp_path / "a").read_bytes() == b"one" and len(list(tmp_path.iterdir())) == 1
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(CitelogError, match="there is another file, and is not overwritten"):
        disk.keep(tmp_path / "link", b"one")


def test_a_full_disk_is_told_and_leaves_no_half_receipt(tmp_path: Path) -> None:
    code = "from citelog.cli.app import main; main()"
    given = [sys.executable, "-c", code, "assess", str(case(tmp_path)), "--receipt", str(tmp_path / "x.receipt.json")]
    environment = ENVIRONMENT | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    limited = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", *given]
    ended = subprocess.run(limited, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    told = "it cannot be written: File too large\n   = make room for it, or name another place\n"
    assert ended.stderr == f"{tmp_path}/x.receipt.json: {told}"
    assert [path.name for path in tmp_path.iterdir() if "receipt" in path.name] == []


# replaying


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """B12 with one rule changed, and beside it the archive of the edition that was, and a receipt of then."""
    folder = tmp_path_factory.mktemp("edited")
    shutil.copytree(b12.FOLDER, folder / "b12")
    (folder / "patient.receipt.json").write_bytes(receipt())
    (folder / "then.tar").write_bytes(archive.archive(b12.FOLDER, home.ontology(), b12.knowledge()))
    rules = folder / "b12" / "rules" / "50-regimens.rls"
    before, name, after = rules.read_text(encoding="utf-8").partition('#[name("regimen-standard-loading")]')
    rules.write_text(
        before + name + after.replace("neuro(?p, cl:absent)", "neuro(?p, cl:present)", 1), encoding="utf-8"
    )
    return folder


def replayed(folder: Path, *more: str | Path) -> tuple[int, Any]:
    ended = run("audit", "replay", "patient.receipt.json", "--kb", "./b12", "--format", "json", *more, cwd=folder)
    assert ended.status < 2, ended.err
    document = json.loads(ended.out)
    assert problem(form("replay"), document) == ""
    return ended.status, document


def test_a_receipt_replays_the_same_where_nothing_changed(tmp_path: Path) -> None:
    kept = tmp_path / "patient.receipt.json"
    kept.write_bytes(receipt())
    ended = run("audit", "replay", kept.name, cwd=tmp_path)
    edition = files().fingerprint[:10]
    assert (ended.status, ended.out) == (
        0,
        f"""\
same: patient.receipt.json
  record     example-1, a case file, assessed without a date by b12 {assessed().knowledge.version} ({edition})
  seal       whole: every member is what was sealed ({json.loads(receipt())["sha256"][:10]})
  engine     the one that answered then: citelog {citelog.__version__}, {assessed().to_dict()["engine"]["reasoner"]}
  knowledge  the edition at hand is the one that answered then, file by file
  proofs     19 proofs, in which the independent checker finds nothing wrong
  again      derived again, the same 19 conclusions
""",
    )


def test_a_changed_rule_is_named_as_the_cause_where_the_edition_is_at_hand(edited: Path) -> None:
    status, document = replayed(edited, "--edition", "then.tar")
    assert (status, document["verdict"]) == (1, "differs")
    assert document["files"] == [{"group": "rules", "file": "rules/50-regimens.rls", "how": "changed"}]
    assert document["then"] == {
        "edition": "then.tar",
        "knowledge": content.read(receipt(), "it").members["knowledge"],
        "same": True,
        "fault": None,
        "faults": [],
        "differences": [],
    }
    assert [(one["what"], one["how"]) for one in document["now"]["differences"]] == [("regimen:HYD-STD-LOAD", "lost")]
    assert document["causes"] == [
        {
            "changes": [
                {
                    "kind": "rule",
                    "id": "regimen-standard-loading",
                    "how": "changed",
                    "details": [{"name": "needs", "before": ["neuro(?p, absent)"], "after": ["neuro(?p, present)"]}],
                }
            ],
            "tried": True,
            "effects": [{"how": "lost", "before": "regimen:HYD-STD-LOAD", "after": None}],
        }
    ]


def test_without_that_edition_the_files_are_named_and_it_is_asked_for(edited: Path) -> None:
    status, document = replayed(edited)
    assert (status, document["then"], document["causes"]) == (1, None, [])
    assert [(one["what"], one["how"]) for one in document["now"]["differences"]] == [("regimen:HYD-STD-LOAD", "lost")]
    shutil.copytree(ROOT / "examples" / "short-nights", edited / "short-nights", dirs_exist_ok=True)
    other = ("--kb", "./b12", "--edition", "short-nights")
    ended = run("audit", "replay", "patient.receipt.json", *other, cwd=edited)
    assert ended.out.splitlines()[1] == "  note       short-nights: this is not the edition that answered"
    assert ended.out.splitlines()[5:] == [
        "  knowledge  the one at hand is another: rules (rules/50-regimens.rls)",
        "  then       the edition that answered is not at hand: its proofs are not checked, and nothing is",
        "             derived under it (name it with --edition: a folder, an archive, a revision)",
        "  today      derived under the edition at hand, the answer is another:",
        "             - regimen:HYD-STD-LOAD is lost",
        "             which change explains it only the edition that answered can tell",
    ]


def test_without_that_edition_nothing_is_called_the_same_and_its_proofs_are_unproved(
    edited: Path, tmp_path: Path
) -> None:
    """A forger names an edition that nobody has: today's says the same, and no checker can look at the proofs."""
    members = json.loads((edited / "patient.receipt.json").read_bytes())
    for step in members["proofs"]["steps"].values():
        step["text"] = "Somebody important said so."
    groups = json.loads(json.dumps(members["files"]["groups"]).replace(files().files["terms.ttl"], "0" * 64))
    groups["terms"]["sha256"] = group_hash(groups["terms"]["files"])
    listed = {n: h for name, group in groups.items() if name != "ontology" for n, h in group.get("files", {}).items()}
    members["files"]["groups"] = groups
    sha256 = fingerprint_of(groups["ontology"]["files"]["ontology.ttl"], listed)
    members["knowledge"]["sha256"] = members["assessment"]["knowledge"]["sha256"] = sha256
    (tmp_path / "it.json").write_bytes(seal({name: members[name] for name in content.MEMBERS}))
    ended = run("audit", "replay", "it.json", cwd=tmp_path)
    assert ended.status == 1 and ended.out.startswith("unproved: it.json\n"), ended.out
    assert (
        "its proofs are not checked" in ended.out
        and "today      derived under the edition at hand: the same" in ended.out
    )


def test_that_edition_is_found_in_the_folder_of_releases_and_one_that_is_damaged_is_said(
    edited: Path, tmp_path: Path
) -> None:
    shutil.copytree(edited, tmp_path, dirs_exist_ok=True)
    releases = tmp_path / "b12" / "releases"
    releases.mkdir()
    plain = (edited / "then.tar").read_bytes()
    (releases / "a.tar").write_bytes(plain.replace(b"hydroxocobalamin", b"hydroxocobalamim", 1))
    (releases / "b.tar.gz").write_bytes(gzip.compress(plain, mtime=0))
    (releases / "c.tar.xz").write_bytes(lzma.compress(plain))
    status, document = replayed(tmp_path)
    assert (status, document["then"]["edition"], document["then"]["same"]) == (1, "releases/b.tar.gz", True)
    [remark] = document["remarks"]
    assert remark.startswith(str(Path("b12/releases/a.tar"))) and "it is not what was written" in remark


def git(folder: Path, *arguments: str) -> None:
    said = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *said, *arguments], check=True, capture_output=True)


def test_that_edition_is_found_in_git_whatever_has_been_committed_since(tmp_path: Path) -> None:
    """A receipt replayed in a new clone: the edition is known by its hash, no revision has to be named."""
    origin = tmp_path / "origin"
    shutil.copytree(ROOT / "examples" / "short-nights", origin / "guides" / "short-nights")
    (origin / "case.yaml").write_text(NIGHT)
    git(tmp_path, "init", "-q", "origin")
    git(origin, "add", ".")
    git(origin, "commit", "-qm", "one")
    assert run("assess", "case.yaml", "--kb", "guides/short-nights", *AT_NIGHT, cwd=origin).status == 0
    for number, (old, new) in enumerate([("?years < ?age", "?years <= ?age"), ("?years >= ?age", "?years > ?age")]):
        rules = origin / "guides" / "short-nights" / "rules" / "10-night.rls"
        text = rules.read_text(encoding="utf-8")
        assert old in text
        rules.write_text(text.replace(old, new), encoding="utf-8")
        git(origin, "commit", "-qam", str(number))
    git(tmp_path, "clone", "-q", "origin", "clone")
    clone = tmp_path / "clone"
    ended = run(
        "audit", "replay", origin / "night.receipt.json", "--kb", "guides/short-nights", "--format", "json", cwd=clone
    )
    document = json.loads(ended.out)
    assert document["then"]["same"] and document["then"]["edition"].endswith(" of its git history")
    assert document["now"]["edition"] == "the folder short-nights"


def test_knowledge_with_errors_answers_nothing_and_what_was_true_then_is_still_shown(
    edited: Path, tmp_path: Path
) -> None:
    shutil.copytree(edited, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "b12" / "rules" / "10-results.rls").open("a") as file:
        file.write("oops(?p) :- .\n")
    status, document = replayed(tmp_path, "--edition", "then.tar")
    assert (status, document["then"]["same"], document["now"]["knowledge"]) == (1, True, None)
    assert document["now"]["fault"] == "it has errors: syntax"


def test_a_comment_in_the_rules_is_another_edition_with_the_same_answer(edited: Path, tmp_path: Path) -> None:
    shutil.copytree(b12.FOLDER, tmp_path / "b12")
    (tmp_path / "patient.receipt.json").write_bytes(receipt())
    rules = tmp_path / "b12" / "rules" / "10-results.rls"
    rules.write_text(f"% Ten words more, which say nothing.\n\n{rules.read_text(encoding='utf-8')}", encoding="utf-8")
    status, document = replayed(tmp_path, "--edition", edited / "then.tar")
    assert (status, document["verdict"], document["now"]["differences"]) == (0, "same", [])
    assert document["files"] == [{"group": "rules", "file": "rules/10-results.rls", "how": "changed"}]


def test_a_changed_case_is_named_and_changes_no_answer(edited: Path, tmp_path: Path) -> None:
    """A receipt knows the cases by one hash; which of them it is the edition itself can tell."""
    shutil.copytree(b12.FOLDER, tmp_path / "b12")
    (tmp_path / "patient.receipt.json").write_bytes(receipt())
    changed = sorted((tmp_path / "b12" / "cases").glob("*.yaml"))[7]
    changed.write_text(changed.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    status, document = replayed(tmp_path)
    assert (status, document["verdict"]) == (0, "same")
    assert document["files"] == [{"group": "cases", "file": None, "how": "changed"}]


def test_another_engine_that_says_the_same_is_the_same_and_is_said(tmp_path: Path) -> None:
    members = content.read(receipt(), "it").members
    engine = {**members["engine"], "citelog": "0.0.1", "code": "0" * 64, "reasoner": "pyDatalog 0.22.3"}
    document = members["assessment"] | {"engine": {"citelog": "0.0.1", "reasoner": "pyDatalog 0.22.3"}}
    kept = tmp_path / "old.receipt.json"
    kept.write_bytes(seal({**members, "engine": engine, "assessment": document}))
    ended = run("audit", "replay", kept)
    here = content.engine()
    assert ended.status == 0
    told = " ".join(line.strip() for line in ended.out.splitlines()[3:5])
    assert told == (
        f"engine     another than then: citelog 0.0.1 → citelog {here['citelog']}, code 0000000000 → code "
        f"{here['code'][:10]}, pyDatalog 0.22.3 → {here['reasoner']}"
    )


def test_two_receipts_of_one_edition_in_folders_of_two_names_are_each_of_their_own(tmp_path: Path) -> None:
    """Places in files begin with the name of the folder, also where both are replayed in one process."""
    (tmp_path / "case.yaml").write_text(NIGHT)
    for name in ("one", "other"):
        shutil.copytree(ROOT / "examples" / "short-nights", tmp_path / name)
        told = ("--kb", f"./{name}", "--at", "2026-03-09", "--receipt", f"{name}.receipt.json")
        assert run("assess", "case.yaml", *told, cwd=tmp_path).status == 0
    found = [
        replay((tmp_path / f"{name}.receipt.json").read_bytes(), name, tmp_path / "one") for name in ("one", "other")
    ]
    assert [(one.verdict, one.then and one.then.differences) for one in found] == [("same", ()), ("same", ())]
    for name in ("one", "other"):
        kept = content.read((tmp_path / f"{name}.receipt.json").read_bytes(), name).members
        assert {s["file"].partition("/")[0] for s in kept["proofs"]["steps"].values() if "file" in s} == {name}


def test_a_receipt_of_knowledge_that_is_not_at_hand_needs_its_name_or_an_archive(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "short-nights", tmp_path / "short-nights")
    (tmp_path / "case.yaml").write_text(NIGHT)
    assert run("assess", "case.yaml", "--kb", "short-nights", *AT_NIGHT, cwd=tmp_path).status == 0
    assert run("export", "--to", "archive", "--kb", "short-nights", "--out", "nights.tar", cwd=tmp_path).status == 0
    ended = run("audit", "replay", "night.receipt.json", cwd=tmp_path)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        "night.receipt.json: it is of short-nights, which is not at hand\n"
        "   = name the knowledge base with --kb, or an archive of it with --edition\n"
    )
    ended = run("audit", "replay", "night.receipt.json", "--kb", "b12", cwd=tmp_path)
    assert (ended.status, ended.out) == (2, "") and "it is of short-nights, and --kb names b12" in ended.err
    ended = run("audit", "replay", "night.receipt.json", "--edition", "nights.tar", cwd=tmp_path)
    assert ended.status == 0 and "derived again, the same" in ended.out


# anybody's answer, anywhere


def test_every_answer_replays_the_same_on_another_machine(tmp_path: Path) -> None:
    """Random records, in fresh processes with another hash seed, locale, time zone and umask: the same bytes."""
    day, kept, cases = "2026-03-15", tmp_path / "receipts", []
    kept.mkdir()
    for seed in range(600, 610):
        cases.append(tmp_path / f"random-{seed}.yaml")
        cases[-1].write_text(json.dumps(changed_records.random_record(seed)[0] or {"labs": []}), encoding="utf-8")
    receipts = [kept / f"{file.stem}.receipt.json" for file in cases]
    elsewhere = ENVIRONMENT | {"PYTHONHASHSEED": "11", "LC_ALL": "C", "TZ": "Asia/Kathmandu"}
    for command in (["assess", *cases, "--receipt", kept, "--at", day], ["audit", "replay", *receipts]):
        line = [sys.executable, "-c", "from citelog.cli.app import main; main()", *map(str, command)]
        ended = subprocess.run(line, env=elsewhere, capture_output=True, check=False, umask=0o077)
        assert ended.returncode == 0, ended.stdout.decode() + ended.stderr.decode()
        elsewhere |= {"PYTHONHASHSEED": "12", "TZ": "America/St_Johns"}
    assert [path.read_bytes() for path in receipts] == [receipt(file, day) for file in cases]


def test_receipts_are_replayed_elsewhere_and_made_there_to_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of `python tests/replays.py` a share; where the knowledge there is another, it says so of each."""
    found = replays.replayed(0, 9)
    assert found["differences"] == [] and found["compared"] == 9

    def other(folder: Path, to: Path) -> None:
        shutil.copytree(folder, to)
        for path in to.glob("rules/*.rls"):
            path.write_text(path.read_text(encoding="utf-8") + "% another edition\n", encoding="utf-8")

    monkeypatch.setattr(replays, "backwards", other)
    assert len(replays.replayed(0, 3)["differences"]) == 3


def test_a_record_in_another_order_is_answered_the_same() -> None:
    assert sum(replays.shuffled(seed) for seed in range(40)) > 30


def test_every_receipt_has_the_published_form_and_so_have_its_parts() -> None:
    for name in list(b12.library())[::80]:
        data = content.of(b12.assessed(name), files())
        found = content.read(data, name)
        assert (problem(form("receipt"), json.loads(data)), problem(form("assessment"), found.assessment)) == ("", "")
        assert problem(form("proof"), min(found.proofs, key=lambda proof: len(proof["steps"]))) == ""


# what is noticed: a changed byte


def test_of_a_hundred_changed_bytes_each_is_noticed_and_named() -> None:
    """In receipts and in every sort of file of a knowledge base; tests/tampered.py makes a thousand."""
    found = list(tampered.verdicts(100, seed=1))
    assert [verdict for verdict in found if not (verdict.noticed and verdict.named)] == []
    assert len({verdict.kind for verdict in found}) > 12


@pytest.mark.long
def test_of_a_thousand_changed_bytes_each_is_noticed_and_named_as_the_page_says() -> None:
    told = tampered.table(tampered.verdicts(1000, seed=6))
    page = PAGE.read_text(encoding="utf-8")
    counts = [line.split()[-3:] for line in told.splitlines()[1:]]
    assert all(changes == noticed == named for changes, noticed, named in counts) and counts[-1][0] == "1000"
    assert told.splitlines()[-1] in page


# what is noticed: receipts that were never given


def resealed(**members: Any) -> bytes:
    """The patient's receipt with other members, sealed by somebody who knows how."""
    return seal({**content.read(receipt(), "it").members, **members})


def hostile(data: bytes, tmp_path: Path) -> Ended:
    (tmp_path / "it.json").write_bytes(data)
    return run("audit", "replay", "it.json", cwd=tmp_path)


NO_RECEIPTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "it.json: this is no receipt\n   = give a file that `citelog assess --receipt` wrote\n"),
    "what is not JSON": (lambda: b"labs: []\n", "it.json: this is no receipt"),
    "an assessment": (lambda: assessed().to_json().encode(), "it.json: this is no receipt"),
    "a receipt that was laid out anew": (
        lambda: json.dumps(json.loads(receipt()), indent=1).encode(),
        "it.json: this is no receipt",
    ),
    "zeros": (lambda: bytes(1_000_000), "it.json: this is no receipt"),
    "a receipt of a later form": (
        lambda: resealed(format="citelog-receipt/2"),
        "it.json: it is of the form citelog-receipt/2, and citelog-receipt/1 is read here\n   = take a newer citelog\n",
    ),
}


@pytest.mark.parametrize("name", NO_RECEIPTS)
def test_what_is_no_receipt_cannot_be_used(name: str, tmp_path: Path) -> None:
    make, said = NO_RECEIPTS[name]
    ended = hostile(make(), tmp_path)
    assert (ended.status, ended.out) == (2, "") and ended.err.startswith(said)


def test_a_file_that_is_larger_than_any_receipt_is_not_even_read(tmp_path: Path) -> None:
    with (tmp_path / "it.json").open("wb") as file:
        file.truncate(10**12)
    ended = run("audit", "replay", "it.json", cwd=tmp_path)
    assert (ended.status, ended.err) == (2, "it.json: larger than 256 MB\n   = no receipt of one patient is\n")


def line_of(member: str, value: bytes) -> bytes:
    """The receipt with a member written so, and sealed again, however the value is written."""
    lines = receipt().split(b"\n")
    at = next(i for i, line in enumerate(lines) if line.startswith(f'"{member}":'.encode()))
    lines[at] = f'"{member}":'.encode() + value + b","
    values = [line.split(b":", 1) for line in lines[1:-4]]
    hashes = {name.decode().strip('"'): hashlib.sha256(value[:-1]).hexdigest() for name, value in values}
    lines[-4] = b'"hashes":' + canonical(hashes) + b","
    lines[-3] = b'"sha256":' + canonical(hashlib.sha256(canonical(hashes)).hexdigest())
    return b"\n".join(lines)


DAMAGED: dict[str, tuple[Callable[[], bytes], str]] = {
    "cut short": (lambda: receipt()[:2000], "assessment: it is not there"),
    "cut at the end": (lambda: receipt()[:-3], "frame: it does not begin with { and end with }"),
    "a member twice": (lambda: receipt().replace(b'"at":null,\n', b'"at":null,\n"at":null,\n'), "at: after it, line 5"),
    "members in another order": (
        lambda: receipt().replace(b'"at":null,\n', b"").replace(b'"record"', b'"at":null,\n"record"', 1),
        "frame: its members stand in another order",
    ),
    "a byte that is no UTF-8": (lambda: line_of("record", b'{"text":"\xff"}'), "record: it is no JSON: 'utf-8' codec"),
    "a name twice": (
        lambda: line_of("record", b'{"text":"a","text":"b"}'),
        "record: it is no JSON: a name stands twice",
    ),
    "NaN": (lambda: line_of("at", b"NaN"), "at: it is no JSON: NaN is no number of JSON"),
    "a number without end": (lambda: line_of("at", b"9" * 5000), "at: it is no JSON: Exceeds the limit"),
    "more than can be counted": (lambda: line_of("at", b"1e999"), "frame: this cannot be sealed: inf is not"),
    "half a character": (lambda: line_of("at", b'"\\ud800"'), "sealed: half a character (a surrogate) stands in"),
    "half a name": (lambda: line_of("at", b'{"\\ud800":null}'), "sealed: half a character (a surrogate) stands in"),
    "lists without end": (lambda: line_of("assessment", b"[" * 100_000), "assessment: it is no JSON: it is nested too"),
    "lists too deep": (lambda: line_of("at", b"[" * 60 + b"]" * 60), "at: it is no JSON: it is nested too deeply"),
    "blanks": (
        lambda: line_of("at", b" null"),
        "frame: its members stand in another order, or a value is not written as",
    ),
    "an escape": (
        lambda: receipt().replace(b"citelog-receipt", b"citelog\\u002dreceipt", 1),
        "format: it is not what was",
    ),
    "another shape": (lambda: resealed(assessment=[]), "assessment: assessment is not what stands there in a receipt"),
    "a conclusion without an id": (
        lambda: resealed(assessment={**assessed().to_dict(), "conclusions": [{}]}),
        "assessment: assessment.conclusions[0].assumes is not what stands there",
    ),
    "no day": (lambda: resealed(at="2026-02-30"), "at: '2026-02-30' is no day"),
    "another record": (
        lambda: resealed(record={"form": "case file", "sha256": "0" * 64, "text": "labs: []"}),
        "record: its hash is not that of its text",
    ),
    "the record of another": (lambda: resealed(record=record_of("labs: []")), "assessment: it is of another record"),
    "a folder that leads away": (
        lambda: resealed(files={**files().document, "folder": "../../etc"}),
        "files: '../../etc' is no name of a folder",
    ),
    "another hash of a file": (
        lambda: resealed(files=json.loads(json.dumps(files().document).replace(files().files["terms.ttl"], "0" * 64))),
        "files: they do not make the hash of the knowledge",
    ),
    "a name of a folder that no disk takes": (
        lambda: resealed(files={**files().document, "folder": "x" * 256}),
        "is no name of a folder",
    ),
    "a step with a name of its own": (
        lambda: forged(lambda m: [step.update(id=id_) for id_, step in m["proofs"]["steps"].items()]),
        "names itself again",
    ),
    "a review left out where it is a weak one": (
        lambda: forged(lambda m: conclusion(m).pop("review")),
        "assessment: some of its conclusions have review, and others do not",
    ),
    "another engine in its answer": (
        lambda: forged(lambda m: m["engine"].update(citelog="0")),
        "assessment: it names another engine than the receipt",
    ),
    "other knowledge in its answer": (
        lambda: forged(lambda m: m["knowledge"].update(version="9")),
        "assessment: it names other knowledge than the receipt",
    ),
    "no ontology": (
        lambda: forged(lambda m: m["files"]["groups"].pop("ontology")),
        "files: there is no ontology, or more than one",
    ),
    "a group of files that there is not": (
        lambda: forged(lambda m: m["files"]["groups"].update(more={"count": 0, "sha256": "0" * 64})),
        "files: there is no such group as more",
    ),
    "a file in a group of others": (
        lambda: forged(lambda m: m["files"]["groups"]["rules"]["files"].update({"terms.ttl": "0" * 64})),
        "files: terms.ttl is none of the rules",
    ),
    "a name too many": (
        lambda: forged(lambda m: m["record"].update(colour="red")),
        "record: record.colour is not what stands there in a receipt",
    ),
    "a step that is not there": (
        lambda: forged(lambda m: next(iter(m["proofs"]["steps"].values()))["uses"].append("nowhere")),
        "proofs: the step nowhere is used, and is not there",
    ),
    "a step that nothing uses": (
        lambda: forged(lambda m: m["proofs"]["steps"].update(idle=next(iter(m["proofs"]["steps"].values())))),
        "proofs: nothing uses the step idle",
    ),
    "a proof too few": (
        lambda: resealed(proofs={"roots": {}, "steps": {}}),
        "proofs: they are not those of the conclusions of the assessment",
    ),
}


def record_of(text: str) -> dict[str, str]:
    return {"form": "case file", "sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_receipt_that_nobody_gave_so_is_damaged_and_the_member_is_named(name: str, tmp_path: Path) -> None:
    make, said = DAMAGED[name]
    ended = hostile(make(), tmp_path)
    assert (ended.status, ended.err) == (1, "")
    told = " ".join(ended.out.split())
    assert told.startswith("damaged: it.json damage") and said in told, ended.out


def forged(change: Callable[[Any], None]) -> bytes:
    """A receipt in which something else is said, consistently, and sealed as if it had been given so."""
    members = json.loads(canonical(content.read(receipt(), "it").members))
    change(members)
    return seal({name: members[name] for name in content.MEMBERS})


def conclusion(members: Any, id_: str = "regimen:HYD-STD-LOAD") -> Any:
    return next(one for one in members["assessment"]["conclusions"] if one["id"] == id_)


def with_another_record(members: Any) -> None:
    text = members["record"]["text"].replace("state: absent", "state: present")
    assert text != members["record"]["text"]
    with_the_record(members, text)


def with_the_record(members: Any, text: str) -> None:
    members["record"] = record_of(text)
    members["assessment"]["case"]["sha256"] = members["record"]["sha256"]


def without(members: Any, id_: str) -> None:
    members["assessment"]["conclusions"].remove(conclusion(members, id_))
    del members["proofs"]["roots"][id_]
    steps, open_ = members["proofs"]["steps"], [*members["proofs"]["roots"].values()]
    for step in open_:
        open_ += [used for used in steps[step]["uses"] if used not in open_]
    members["proofs"]["steps"] = {step: steps[step] for step in open_}


def with_proofs_of_another_patient(members: Any) -> None:
    text = members["record"]["text"].replace("80", "81")
    other = json.loads(content.of(assess_bytes(text.encode(), "example-1"), files()))
    assert other["proofs"]["roots"].keys() == members["proofs"]["roots"].keys() and other["proofs"] != members["proofs"]
    members["proofs"] = other["proofs"]


def elsewhere(members: Any) -> None:
    next(s for s in members["proofs"]["steps"].values() if "rule" in s).update(file="b12/rules/elsewhere.rls")


def assess_bytes(data: bytes, id_: str) -> Assessment:
    return assess_case(b12.knowledge(), patient.from_bytes(data, "it", id_, b12.knowledge().terms))


FORGERIES: dict[str, tuple[Callable[[Any], None], str]] = {
    "another sentence": (
        lambda m: conclusion(m).update(sentence="Nothing need be done."),
        "- regimen:HYD-STD-LOAD: 'sentence' is \"Nothing need be done.\", and must be",
    ),
    "another dose": (
        lambda m: conclusion(m)["dose"].update(text="10 mg"),
        '- regimen:HYD-STD-LOAD: \'dose.text\' is "10 mg", and must be "1 mg"',
    ),
    "an assumption hidden": (
        lambda m: conclusion(m).update(assumes=["nothing at all"]),
        "- regimen:HYD-STD-LOAD: 'assumes'",
    ),
    "a member left out": (lambda m: conclusion(m).pop("dose"), "- regimen:HYD-STD-LOAD: it does not say 'dose'"),
    "a quote that the document does not have": (
        lambda m: conclusion(m)["citations"][0].update(quote="10 mg daily"),
        "- regimen:HYD-STD-LOAD: 'citations[0].quote' is \"10 mg daily\"",
    ),
    "a conclusion left out": (
        lambda m: without(m, "regimen:HYD-STD-LOAD"),
        "HYD-STD-LOAD, recommended, now) is a conclusion, and is listed 0 times",
    ),
    "another record": (with_another_record, "derived again, the answer is another"),
    "what is no record": (
        lambda m: with_the_record(m, "- a list"),
        "it gives no answer: the record: this is a list, not a case",
    ),
    "notes left out": (lambda m: m["assessment"].update(notes=[]), "- assessment: 'notes' is [], and must be"),
    "a caveat left out": (lambda m: m["assessment"].update(caveats=[]), "- assessment: 'caveats' is []"),
    "the proofs of another patient": (with_proofs_of_another_patient, "there is no such fact, or no such firing"),
    "conclusions in another order": (
        lambda m: m["assessment"]["conclusions"].reverse(),
        "~ conclusions changes: order",
    ),
    "another file for a rule": (elsewhere, "'file' is \"b12/rules/elsewhere.rls\", and must be"),
    "another form of record": (lambda m: m["record"].update(form="FHIR R4"), "~ case changes: form"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_was_forged_and_sealed_again_is_found_out_by_deriving_it(name: str, tmp_path: Path) -> None:
    change, said = FORGERIES[name]
    ended = hostile(forged(change), tmp_path)
    assert (ended.status, ended.err) == (1, "")
    assert ended.out.startswith("differs: it.json\n") and said in " ".join(ended.out.split()), ended.out


def test_every_way_to_damage_a_proof_is_found_out_in_a_receipt_too() -> None:
    """The damages of tests/damage.py, each made in the steps of a receipt, which is then sealed again."""
    rng, found = random.Random(6), dict[str, bool]()
    answers = [b12.assessed(name) for name in list(b12.library())[::60]]
    checkers = [Checker(answer.knowledge, answer.case, answer.at) for answer in answers]
    for kind, make in damage.DAMAGES.items():
        for _ in range(50):
            answer, checker = rng.choice(list(zip(answers, checkers, strict=True)))
            id_ = rng.choice(list(answer.by_id))
            proof = json.loads(json.dumps(answer.why(id_).to_dict()))  # the answer is the library's own
            try:
                make(damage.Draw(rng, proof, checker))
            except IndexError:
                continue  # this proof has no such place
            steps = {step["id"]: {k: v for k, v in step.items() if k != "id"} for step in proof["steps"]}
            if len(steps) < len(proof["steps"]) or proof["conclusion"] != id_ or proof["root"] not in steps:
                break  # no receipt can say that
            members = json.loads(canonical(content.read(content.of(answer, files()), "it").members))
            members["proofs"]["steps"] |= steps
            members["proofs"]["roots"][id_] = proof["root"]
            sealed = seal({name: members[name] for name in content.MEMBERS})
            found[kind] = replay(sealed, "it", b12.FOLDER).verdict != "same"
            break
    assert [kind for kind, noticed in found.items() if not noticed] == []
    assert len(found) > len(damage.DAMAGES) / 2


# archives of editions


def test_an_archive_is_the_same_on_every_machine_and_tar_reads_it(tmp_path: Path) -> None:
    """Whatever the order, the times and the permissions of the files on the disk."""
    shutil.copytree(b12.FOLDER, tmp_path / "b12")
    paths = sorted((tmp_path / "b12").rglob("*"), reverse=True)
    for number, path in enumerate(paths):
        path.chmod(0o700)
        os.utime(path, (number, number))
    (tmp_path / "b12" / ".hidden").write_text("an editor's")
    assert run("export", "--to", "archive", "--out", tmp_path / "one.tar").err.startswith(f"{tmp_path}/one.tar: b12 ")
    assert run("export", "--to", "archive", "--kb", tmp_path / "b12", "--out", tmp_path / "other.tar").status == 0
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "other.tar").read_bytes()
    subprocess.run(["tar", "xf", "one.tar", "--one-top-level=out"], cwd=tmp_path, check=True)
    told = manifest(tmp_path / "out" / "b12", tmp_path / "out" / "ontology.ttl")
    assert told == files()
    assert run("audit", "replay", kept_in(tmp_path), "--kb", tmp_path / "out" / "b12").status == 0


def kept_in(folder: Path) -> Path:
    (folder / "patient.receipt.json").write_bytes(receipt())
    return folder / "patient.receipt.json"


def test_archives_are_compared_as_folders_are(tmp_path: Path) -> None:
    (tmp_path / "then.tar").write_bytes(night())
    shutil.copytree(ROOT / "examples" / "short-nights", tmp_path / "short-nights")
    assert run("diff", "then.tar", "short-nights", "--no-pictures", cwd=tmp_path).status == 0
    rules = tmp_path / "short-nights" / "rules" / "10-night.rls"
    rules.write_text(rules.read_text(encoding="utf-8").replace("?years < ?age", "?years <= ?age"), encoding="utf-8")
    assert run("export", "--to", "archive", "--kb", "short-nights", "--out", "now.tar", cwd=tmp_path).status == 0
    ended = run("diff", "then.tar", "now.tar", "--no-pictures", "--brief", cwd=tmp_path)
    assert ended.status == 1 and "rule short-under-age  (short-nights/rules/10-night.rls:" in ended.out


def packed(*members: tarfile.TarInfo | tuple[str, bytes], form_: int = tarfile.USTAR_FORMAT) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=form_) as tar:
        for member in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member[0])
            data = b"" if isinstance(member, tarfile.TarInfo) else member[1]
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return whole.getvalue()


def entry(name: str, type_: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = type_, target
    return info


@cache
def night() -> bytes:
    """The archive of the knowledge base of the tutorial."""
    folder = ROOT / "examples" / "short-nights"
    return archive.archive(folder, home.ontology(), citelog.open(folder).knowledge)


def resealed_night(**told: Any) -> bytes:
    """The same with another manifest, sealed by somebody who knows how."""
    with tarfile.open(fileobj=io.BytesIO(night())) as tar:
        members = [(one.name, file.read()) for one in tar if (file := tar.extractfile(one))]
    manifest = unseal(dict(members)["manifest.json"], archive.MEMBERS).members
    changed = seal({name: (manifest | told)[name] for name in archive.MEMBERS})
    return packed(*((name, changed if name == "manifest.json" else data) for name, data in members))


HOSTILE_ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "it has no manifest.json or no ontology.ttl"),
    "no tar": (lambda: b"PK\x03\x04" + bytes(600), "at byte 0 begins no plain file"),
    "a way out": (lambda: packed(("kb/../../evil", b"")), "'kb/../../evil' leads out of the edition"),
    "an absolute path": (lambda: packed(("/etc/evil", b"")), "'/etc/evil' leads out of the edition"),
    "a backslash": (lambda: packed(("kb\\evil", b"")), "leads out of the edition"),
    "a hidden file": (lambda: packed(("kb/.git/hooks", b"")), "leads out of the edition"),
    "a symbolic link": (
        lambda: packed(entry("kb/a", tarfile.SYMTYPE, "/etc/passwd")),
        "at byte 0 begins no plain file",
    ),
    "a hard link": (lambda: packed(entry("kb/a", tarfile.LNKTYPE, "ontology.ttl")), "at byte 0 begins no plain file"),
    "a folder": (lambda: packed(entry("kb", tarfile.DIRTYPE)), "at byte 0 begins no plain file"),
    "a device": (lambda: packed(entry("kb/a", tarfile.CHRTYPE)), "at byte 0 begins no plain file"),
    "a long name in a header of its own": (
        lambda: packed(("kb/" + "a" * 300, b""), form_=tarfile.PAX_FORMAT),
        "at byte 0 begins no plain file",
    ),
    "a file twice": (lambda: packed(("kb/a", b"1"), ("kb/a", b"2")), "'kb/a' stands in it twice"),
    "a file that is a folder too": (lambda: packed(("kb/a", b"1"), ("kb/a/b", b"2")), "'kb/a/b' stands in it twice"),
    "a size that is not there": (
        lambda: packed(("kb/a", b"1")).replace(b"00000000001\x00", b"77777777777\x00", 1),
        "'kb/a' is larger than it",
    ),
    "a negative size": (
        lambda: packed(("kb/a", b"1")).replace(b"00000000001\x00", b"-0000000001\x00", 1),
        "no plain file",
    ),
    "a bomb": (lambda: gzip.compress(bytes(3_000_000), 9, mtime=0), "unpacked it is larger than 2 MB"),
    "a bomb in xz": (lambda: lzma.compress(bytes(3_000_000)), "unpacked it is larger than 2 MB"),
    "a large one": (lambda: bytes(3_000_000), "it is larger than 2 MB"),
    "cut short": (lambda: gzip.compress(night(), mtime=0)[:-100], "it is cut short, or something stands behind it"),
    "something behind it": (lambda: gzip.compress(night(), mtime=0) + b"more", "it is cut short, or something stands"),
    "something behind it, unpacked": (lambda: night() + b"more", "its members stand otherwise"),
    "an owner": (lambda: owned(night()), "its members stand otherwise"),
    "a changed byte of a file": (
        lambda: night().replace(b"morning headache", b"evening headache", 1),
        "its hash is another",
    ),
    "bytes that are no gzip": (lambda: gzip.compress(night(), mtime=0)[:200] + b"\xff" * 500, "it cannot be unpacked"),
    "bytes that are no xz": (lambda: lzma.compress(night())[:200] + bytes(500), "it cannot be unpacked"),
    "a later form": (lambda: resealed_night(format="citelog-edition/2"), "it is of the form citelog-edition/2"),
    "a folder that is no name": (lambda: resealed_night(folder=3), "folder: this is no name of one"),
    "files that are no list": (lambda: resealed_night(files=[]), "files: this is no list of files"),
    "files that nobody listed": (lambda: resealed_night(files={}), "about.ttl: the manifest does not have it"),
    "knowledge without a name": (lambda: resealed_night(knowledge=None), "knowledge: it is not named"),
    "other knowledge": (
        lambda: resealed_night(knowledge={"id": "a", "version": "1", "sha256": "0" * 64}),
        "knowledge: its files make another hash",
    ),
    "a changed byte of the manifest": (
        lambda: night().replace(b'"rules/10-night.rls":"', b'"rules/10-night.rlz":"', 1),
        "manifest.json: files: it is not what was sealed",
    ),
}


def owned(data: bytes) -> bytes:
    """The same files in a tar of another maker."""
    whole = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as old,
        tarfile.open(fileobj=whole, mode="w", format=tarfile.USTAR_FORMAT) as new,
    ):
        for info in old:
            info.uname = "root"
            new.addfile(info, old.extractfile(info))
    return whole.getvalue()


@pytest.mark.parametrize("name", HOSTILE_ARCHIVES)
def test_what_is_no_archive_of_ours_is_refused_before_anything_is_written(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGEST", 2_000_000)
    make, said = HOSTILE_ARCHIVES[name]
    with pytest.raises(CitelogError) as refused:
        archive.read(make(), "it.tar")
    assert said in str(refused.value) and str(refused.value).startswith("it.tar: ")
    assert str(refused.value).endswith("\n   = give a file that `citelog export --to archive` wrote, as it wrote it")


def test_an_archive_comes_back_as_the_files_that_it_was_made_of() -> None:
    found = archive.read(lzma.compress(night()), "it")
    folder = ROOT / "examples" / "short-nights"
    assert found.manifest == manifest(folder, home.ontology())
    with tarfile.open(fileobj=io.BytesIO(night())) as tar:
        told = tar.extractfile("manifest.json")
        assert told is not None and problem(form("edition"), json.load(told)) == ""
    with archive.unpacked(found) as (there, ontology):
        assert manifest(there, ontology) == found.manifest and there.name == "short-nights"
    assert not there.exists()


def test_a_case_has_no_place_in_an_archive_and_a_terminal_cannot_show_one(tmp_path: Path) -> None:
    ended = run("export", "--to", "archive", "--case", PATIENT)
    assert (ended.status, ended.out) == (2, "") and "--case: an archive is of a knowledge base" in ended.err
    (tmp_path / "a.tar").write_bytes(b"another")
    ended = run("export", "--to", "archive", "--out", tmp_path / "a.tar")
    assert ended.status == 2 and "is another file, and is not overwritten" in ended.err


# receipts of earlier versions


@pytest.fixture(scope="session")
def edition_at(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """The folder of an archive of tests/receipts, unpacked once; its receipts find the ontology of then beside it."""

    @cache
    def unpacked(path: Path) -> Path:
        folder = tmp_path_factory.mktemp("edition")
        subprocess.run(["tar", "xJf", str(path), "-C", str(folder)], check=True)
        return next(one for one in folder.iterdir() if one.is_dir())

    return unpacked


@pytest.mark.parametrize(
    ("path", "edition"), list(kept_receipts.kept()), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_a_receipt_of_an_earlier_version_replays(path: Path, edition: Path, edition_at: Callable[[Path], Path]) -> None:
    """Under the edition that answered then: what was sealed, proofs that hold, the same derived again."""
    told = replay(lzma.decompress(path.read_bytes()), path.name, None, [str(edition_at(edition))])
    assert told.then is not None
    assert (told.verdict, told.damage, told.then.faults, told.then.differences) == ("same", (), (), ())


def test_the_receipts_of_earlier_versions_are_of_many_kinds_and_small() -> None:
    read = [content.read(lzma.decompress(path.read_bytes()), path.name) for path, _ in kept_receipts.kept()]
    kinds = {one["kind"] for receipt_ in read for one in receipt_.assessment["conclusions"]}
    assert {"conflict", "data-issue", "open-question", "regimen", "night"} <= kinds
    assert {receipt_.members["record"]["form"] for receipt_ in read} == {"case file", "FHIR R4"}
    assert {receipt_.at is None for receipt_ in read} == {True, False}
    assert sum(path.stat().st_size for path in kept_receipts.FOLDER.rglob("*") if path.is_file()) < 1_000_000


def test_the_archive_itself_serves_as_well() -> None:
    path, edition = next(kept_receipts.kept())
    told = replay(lzma.decompress(path.read_bytes()), path.name, None, [str(edition)])
    assert (told.verdict, told.then and told.then.name) == ("same", str(edition))


def test_what_a_receipt_could_not_say_yet_it_does_not_deny(tmp_path: Path) -> None:
    """A version before conclusions had a review gave receipts without one."""

    def older(members: Any) -> None:
        for one in members["assessment"]["conclusions"]:
            del one["review"]

    ended = hostile(forged(older), tmp_path)
    assert ended.status == 0
    assert ended.out.splitlines()[:2] == [
        "same: it.json",
        "  note       review: the receipt says nothing of it, as an earlier version would",
    ]


# the page


@pytest.mark.slow
def test_the_page_about_receipts_is_followed_word_for_word(tmp_path: Path, citelog: Command) -> None:
    """With CITELOG_ACCEPT=1 the page is renewed where it leaves nothing out."""
    shutil.copytree(ROOT / "examples" / "short-nights", tmp_path / "guide" / "short-nights")
    page = PAGE.read_text(encoding="utf-8")
    commands = list(walked.walk(page, tmp_path, citelog))
    if os.environ.get("CITELOG_ACCEPT"):
        PAGE.write_text(walked.renewed(page, commands), encoding="utf-8")
        return
    assert len(commands) >= 12
    for command in commands:
        assert command.agrees, f"$ {command.line}\n{command.printed}"
    (program,) = [block.text for block in literate.blocks(page) if block.kind == "python"]
    told = f"{program}\nfrom citelog.receipt.content import read\nprint(read(data, 'it').at)\n"
    ended = subprocess.run(
        [sys.executable, "-c", told], cwd=tmp_path, env=ENVIRONMENT, check=True, capture_output=True, text=True
    )
    assert ended.stdout == "2026-03-09\n"
    said = {line.split("|")[1].strip(" `") for line in page.splitlines() if line.startswith("| `")}
    assert said == {*content.MEMBERS, "hashes", "sha256"}
