"""An edition frozen: what it must meet, what is recorded of it, and what changed since the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from citelog import home
from citelog.approval import gates
from citelog.approval.frozen import ARCHIVE, FORMAT, MEMBERS, RECORD, Frozen, frozen, number, told_of
from citelog.approval.gates import Gate, Tick
from citelog.compare.diff import Diff, diff
from citelog.compare.editions import edition
from citelog.knowledge.base import Knowledge
from citelog.knowledge.load import load
from citelog.receipt import archive
from citelog.receipt.sealed import seal
from citelog.run.datalog import reasoner

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Claim:
    """What the caller says of a release: by whom, on which day, and a note; no clock is read."""

    by: str | None = None
    on: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Release:
    """A release: the gates that were asked, the files to be kept by their names, and the difference from the last.

    There are no files where a gate was not passed. `left` are the gates that were not asked because of that.
    """

    version: str
    title: str
    gates: tuple[Gate, ...]
    left: tuple[str, ...]
    files: Mapping[str, bytes]
    changed: Diff | None

    @property
    def passed(self) -> bool:
        """Whether every gate is passed."""
        return all(gate.passed for gate in self.gates)


LONG = ("check", "test", "verify", "audit", "reviews")


def release(folder: Path, kept: Path, version: str, claim: Claim, tick: Tick = lambda *_: None) -> Release:
    """A release of the edition in a folder, beside those that are kept; nothing is written.

    Raises CitelogError where the version is none, and where a file is changed meanwhile.
    """
    number(version)
    earlier = tuple(one for one in frozen(kept) if one.version != version or one.has_record)
    knowledge = load(folder, home.ontology()).knowledge
    title = knowledge.title if knowledge else folder.name
    asked = list(gates.quick(folder, knowledge, version, earlier))
    if not all(gate.passed for gate in asked):
        return Release(version, title, tuple(asked), LONG, {}, None)
    asked += gates.long(of := gates.read(folder, tick), tick)
    if not all(gate.passed for gate in asked):
        left = tuple(name for name in LONG if name not in {gate.name for gate in asked})
        return Release(version, title, tuple(asked), left, {}, None)
    data = archive.archive(folder, home.ontology(), of.usable)
    changed = _since(earlier[-1], kept, folder, tick) if earlier else None
    record = seal(_record(of.usable, data, asked, earlier, changed, claim))
    files = {f"{version}{ARCHIVE}": data, f"{version}{RECORD}": record}
    return Release(version, of.usable.title, tuple(asked), (), files, changed)


def _record(
    knowledge: Knowledge,
    data: bytes,
    asked: Sequence[Gate],
    earlier: Sequence[Frozen],
    changed: Diff | None,
    claim: Claim,
) -> dict[str, Any]:
    edition_ = archive.read(data, f"{knowledge.version}{ARCHIVE}")  # what was written can be read
    figures = {gate.name: gate.figures for gate in asked}
    last = earlier[-1] if earlier else None
    told = {
        "format": FORMAT,
        "knowledge": {**edition_.knowledge, "title": knowledge.title},
        "source": {"file": knowledge.source.file, "sha256": knowledge.source.sha256},
        "engine": {"citelog": home.VERSION, "reasoner": reasoner()},
        "by": claim.by,
        "on": claim.on,
        "note": claim.note,
        "commit": figures["committed"]["commit"],
        "previous": {"version": last.version, "record": last.sha256} if last else None,
        "gates": [gate.to_dict() for gate in asked],
        "reviews": dict(figures["reviews"]),
        "changes": _changes(changed) if changed else None,
        **told_of(edition_, data),
    }
    return {name: told[name] for name in MEMBERS}


# what changed since the release before


def _since(last: Frozen, kept: Path, folder: Path, tick: Tick) -> Diff:
    """The difference from the last release, on the cases of both, by meaning."""

    def watch(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
        listed = list(items)
        for place, item in enumerate(listed):
            tick(what, place, len(listed))
            yield item

    with archive.unpacked(archive.read_file(kept / f"{last.version}{ARCHIVE}")) as (before, _):
        return diff(edition(before, last.version), edition(folder, "this one"), watch=watch)


def _changes(found: Diff) -> dict[str, Any]:
    """A difference as a record keeps it: each change with its details, and what becomes of the cases; no proofs."""
    document = found.to_dict()
    return {
        "since": found.old.name,
        "same": found.same,
        "changes": document["changes"],
        "layout": document["layout"],
        "cases": {
            "compared": document["compared"]["cases"],
            "differing": list(found.differing),
            "kept": list(found.kept),
        },
        "effects": [
            {"how": told.effect.how, "before": before or None, "after": after or None, "cases": list(told.cases)}
            for group in found.groups
            for told in group.effects
            for before, after in [told.effect.ids]
        ],
    }
