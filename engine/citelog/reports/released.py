"""A release as lines of text: its gates, what was frozen, what changed since the one before; and what there is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from citelog.approval.frozen import Frozen
from citelog.approval.release import Release
from citelog.diagnostics import proposal
from citelog.knowledge.base import STATES
from citelog.render.lines import Line, wrapped
from citelog.render.phrases import counted
from citelog.render.table import table

_STYLES = {"reviews": "yellow"}
"""How a gate is shown that is passed, where it is to be noticed all the same."""

_WIDE = 11
"""Columns for the name of a gate."""


def released(found: Release, width: int) -> Iterator[Line]:
    """Each gate with what it found; of one that is not passed, what to do."""
    yield Line(f"{found.title}, {found.version}", "bold")
    for gate in found.gates:
        sign, style = ("  ", _STYLES.get(gate.name, "")) if gate.passed else ("✗ ", "bold red")
        yield from wrapped(f"{sign}{gate.name.ljust(_WIDE)}{gate.said}", width, " " * (_WIDE + 2), style)
        if not gate.passed:
            yield Line(f"{' ' * (_WIDE + 2)}= {gate.remedy}", proposes=True)
    if found.left:
        yield from wrapped(f"  {'not asked'.ljust(_WIDE)}{', '.join(found.left)}", width, " " * (_WIDE + 2), "dim")
    if found.changed is not None:
        yield from _since(found, width)
    for name, data in found.files.items():
        yield Line(f"  {'kept'.ljust(_WIDE)}{name}, sha256 {hashlib.sha256(data).hexdigest()}", "green")
    if not found.passed:
        failed = sum(not gate.passed for gate in found.gates)
        yield Line(
            f"not released: {counted(failed, 'gate is', 'gates are')} not passed, and nothing was written", "bold red"
        )


def _since(found: Release, width: int) -> Iterator[Line]:
    changed = found.changed
    assert changed is not None
    if changed.same:
        yield Line(f"  {'changes'.ljust(_WIDE)}nothing since {changed.old.name} but layout", "yellow")
        return
    kinds: dict[str, int] = {}
    for change in (*changed.changes.listed, *changed.cases):
        kinds[change.kind] = kinds.get(change.kind, 0) + 1
    told = ", ".join(counted(count, kind) for kind, count in kinds.items()) or "the text of the document"
    cases = f"conclusions differ in {len(changed.differing)} of {counted(len(changed.asked), 'case')}"
    said = f"since {changed.old.name}: {told}; {cases}"
    yield from wrapped(f"  {'changes'.ljust(_WIDE)}{said}", width, " " * (_WIDE + 2))


def listed(found: Sequence[Frozen], strayed: Sequence[str], width: int) -> Iterator[Line]:
    """The releases, the last first, each with who released it, how far it was reviewed, and whether it is as it was.

    `strayed` is where the folder is not the last of them, though it goes by that version.
    """
    if not found:
        yield Line("nothing is released yet")
        return
    rows = []
    for one in reversed(found):
        by = ", ".join(filter(None, (one.record.get("by"), one.record.get("on")))) or "–"
        now = one.damage[0] if one.damage else "as frozen"
        rows.append((one.version, by, _reviewed(one.record.get("reviews") or {}), now))
    yield from table(["version", "released by", "statements and rules", "now"], rows, width)
    if strayed:
        more = f", and {len(strayed) - 1} more" if len(strayed) > 1 else ""
        yield Line("")
        yield from wrapped(f"! {strayed[0]}{more}", width, "  ", "yellow")
        yield Line(f"  = {proposal('release', '--check', found[-1].version)} shows all", "yellow", proposes=True)


def _reviewed(reviews: dict[str, dict[str, int]]) -> str:
    """How far the parts of an edition are reviewed, all counted together."""
    of = {state: sum(reviews.get(kind, {}).get(state, 0) for kind in ("statement", "rule")) for state in STATES}
    return ", ".join(f"{of[state]} {state}" for state in STATES if of[state]) or "–"


def compared(found: Frozen, strayed: Sequence[str], called: str, width: int) -> Iterator[Line]:
    """Whether a release is as it was frozen, and the folder with it; else everything that is not."""
    for what in (*found.damage, *strayed):
        yield from wrapped(f"✗ {what}", width, "  ", "bold red")
    if not found.damage:
        yield Line(f"{found.version}: as it was frozen, {len(found.record['files'])} files and the ontology", "green")
        yield Line(f"  record, sha256 {found.sha256}")
    if not strayed:
        of = "is that edition" if called == found.version else f"calls itself {called}, and is not compared"
        yield Line(f"  the folder {of}", "dim")
