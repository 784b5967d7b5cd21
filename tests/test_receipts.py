"""Receipts: one assessment kept whole, noticed when it is changed, and derived again years later."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import pytest

import citelog
from citelog import home, patient
from citelog.assess import Assessment
from citelog.diagnostics import CitelogError
from citelog.receipt import content
from citelog.receipt.manifest import Manifest, manifest
from citelog.receipt.sealed import seal, unseal

ROOT = Path(__file__).parent.parent
PATIENT = ROOT / "examples" / "patient.yaml"


@cache
def files(name: str | None = None) -> Manifest:
    return manifest(home.knowledge(name), home.ontology())


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
    import shutil

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
