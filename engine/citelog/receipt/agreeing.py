"""Whether the members of a receipt have their shape, and agree: whoever can seal can seal nonsense too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from citelog.knowledge.fingerprint import fingerprint_of
from citelog.patient.dates import period
from citelog.receipt.manifest import COUNTED, GROUPS, ONTOLOGY, group_hash, group_of, is_name
from citelog.receipt.sealed import Damage

MAPPING = "each"
"""In a shape: whatever the name, the value has this one."""

_KNOWLEDGE = {"id": str, "version": str, "sha256": str}
_GROUP = {"sha256": str, "count": int, "files?": {MAPPING: str}}
_CITATION = {"statement": str, "quote": str, "...": object}
_CONCLUSION = {
    "id": str,
    "sentence": str,
    "rules": [str],
    "statements": [str],
    "facts": [str],
    "assumes": [str],
    "citations": [_CITATION],
    "...": object,
}
SHAPE: Mapping[str, Any] = {
    "format": str,
    "record": {"form": str, "sha256": str, "text": str},
    "at": str | None,
    "engine": {"citelog": str, "code": str, "python": str, "reasoner": str},
    "knowledge": _KNOWLEDGE,
    "files": {"folder": str, "groups": {MAPPING: _GROUP}},
    "assessment": {
        "format": str,
        "case": {"id": str, "sha256": str},
        "knowledge": _KNOWLEDGE,
        "engine": {"citelog": str, "reasoner": str},
        "caveats": [{"text": str, "statements": [str]}],
        "conclusions": [_CONCLUSION],
        "notes": [{"text": str, "read_from": str}],
        "facts": [{"id": str, "sentence": str, "read_from": str}],
    },
    "proofs": {"roots": {MAPPING: str}, "steps": {MAPPING: {"kind": str, "text": str, "uses": [str], "...": object}}},
}
"""What each member is made of, as far as it is read here; `files?` may be missing, beside `...` there may be more."""

LATER = ("review",)
"""Members that conclusions have only had since some later version: a receipt without one claims nothing about it.

Documents may be added to in this way, and in no other: what a receipt says must stay what would be said. A version
gives a member to every conclusion or to none.
"""


def contradictions(members: Mapping[str, Any]) -> tuple[Damage, ...]:
    """Every member that has not its shape; where all have it, every one that contradicts another."""
    misshapen = [
        Damage(name, f"{place} is not what stands there in a receipt")
        for name, shape in SHAPE.items()
        if (place := misfit(members[name], shape, name))
    ]
    return tuple(misshapen or _contradictions(members))


def misfit(value: Any, shape: Any, place: str) -> str:
    """The first place in a value that has not its shape; empty where there is none."""
    if isinstance(shape, list):
        if not isinstance(value, list):
            return place
        return next((m for i, one in enumerate(value) if (m := misfit(one, shape[0], f"{place}[{i}]"))), "")
    if not isinstance(shape, dict):
        return "" if isinstance(value, shape) and not (shape is int and isinstance(value, bool)) else place
    if not isinstance(value, dict):
        return place
    if MAPPING in shape:
        return next((m for key, one in value.items() if (m := misfit(one, shape[MAPPING], f"{place}.{key}"))), "")
    may = {key.removesuffix("?"): one for key, one in shape.items()}
    must = {key for key in shape if not key.endswith("?") and key != "..."}
    if missing := sorted(must - value.keys()):
        return f"{place}.{missing[0]}"
    if "..." not in shape and (strange := sorted(value.keys() - may.keys())):
        return f"{place}.{strange[0]}"
    return next((m for key in value if key in may and (m := misfit(value[key], may[key], f"{place}.{key}"))), "")


def _contradictions(members: Mapping[str, Any]) -> Iterator[Damage]:
    record, at, engine, knowledge, files, document, proofs = (members[name] for name in list(SHAPE)[1:])
    if hashlib.sha256(record["text"].encode()).hexdigest() != record["sha256"]:
        yield Damage("record", "its hash is not that of its text")
    if document["case"]["sha256"] != record["sha256"]:
        yield Damage("assessment", "it is of another record than the receipt")
    if at is not None and ((day := period(at)) is None or day.first != day.last or at != day.first.isoformat()):
        yield Damage("at", f"{at!r} is no day")
    if document["engine"] != {key: engine[key] for key in document["engine"]}:
        yield Damage("assessment", "it names another engine than the receipt")
    if document["knowledge"] != knowledge:
        yield Damage("assessment", "it names other knowledge than the receipt")
    for name in LATER:
        if len({name in conclusion for conclusion in document["conclusions"]}) > 1:
            yield Damage("assessment", f"some of its conclusions have {name}, and others do not")
    if not is_name(files["folder"]):
        yield Damage("files", f"{files['folder']!r} is no name of a folder")
    yield from _of_files(files["groups"], knowledge["sha256"])
    ids = [conclusion["id"] for conclusion in document["conclusions"]]
    if sorted(ids) != sorted(proofs["roots"]):
        yield Damage("proofs", "they are not those of the conclusions of the assessment")
    if doubled := sorted(id_ for id_, step in proofs["steps"].items() if "id" in step):
        yield Damage("proofs", f"the step {doubled[0]} names itself again")
    used = {*proofs["roots"].values(), *(id_ for step in proofs["steps"].values() for id_ in step["uses"])}
    if missing := sorted(used - proofs["steps"].keys()):
        yield Damage("proofs", f"the step {missing[0]} is used, and is not there")
    elif idle := sorted(proofs["steps"].keys() - used):
        yield Damage("proofs", f"nothing uses the step {idle[0]}")


def _of_files(groups: Mapping[str, Any], fingerprint: str) -> Iterator[Damage]:
    listed: dict[str, str] = {}
    if groups.get(ONTOLOGY, {}).get("files", {}).keys() != {"ontology.ttl"}:
        yield Damage("files", f"there is no {ONTOLOGY}, or more than one")
    for name, group in groups.items():
        if name not in GROUPS or (name in COUNTED) == ("files" in group):
            yield Damage("files", f"there is no such group as {name}")
        for file, hash_ in group.get("files", {}).items():
            if name != (ONTOLOGY if name == ONTOLOGY and file == "ontology.ttl" else group_of(file)):
                yield Damage("files", f"{file} is none of the {name}")
            listed[f"{ONTOLOGY}:" if name == ONTOLOGY else file] = hash_
        if "files" in group and (group_hash(group["files"]), len(group["files"])) != (group["sha256"], group["count"]):
            yield Damage("files", f"the hash or the number of the {name} is not that of its files")
    if fingerprint_of(listed.pop(f"{ONTOLOGY}:", ""), listed) != fingerprint:
        yield Damage("files", "they do not make the hash of the knowledge")
