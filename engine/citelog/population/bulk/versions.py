"""Of a resource that stands in an export more than once, which version counts: decided as in one patient's record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from citelog.diagnostics import CaseError
from citelog.patient.bundles import Placed, current
from citelog.patient.reading import json_object
from citelog.population.bulk.reader import Reader
from citelog.population.bulk.stencils import Template

Place = tuple[int, int]
"""A chunk and a line of it."""

Whose = tuple[str, str | None]
"""A patient, and the server that the reference names."""


@dataclass(slots=True)
class Versions:
    """What becomes of lines that are versions of one resource.

    The entries and notes of `dropped` lines do not count. What is said instead, of which line and patient: `notes`, a
    text and the place in the resource; `entries`, whole.
    """

    dropped: list[Place] = field(default_factory=list)
    notes: list[tuple[Place, Whose, str, str]] = field(default_factory=list)
    entries: list[tuple[Place, Whose, Template]] = field(default_factory=list)


def settle(lines: Iterable[tuple[Place, bytes]], reader: Reader) -> Versions:
    """Which of these lines count; `reader` reads those of which none is the newest."""
    placed: list[Placed] = []
    found: dict[str, tuple[Place, Whose]] = {}
    versions = Versions()
    for at, line in lines:
        read = reader.read(line)
        whose = read.patient, read.base or None
        try:
            resource = json_object(line, "the line")
        except CaseError as trouble:  # in an element that nobody looks at, unless the versions are compared
            versions.dropped.append(at)
            versions.notes.append((at, whose, f"A resource is not read. It cannot be read: {trouble.what}.", ""))
            continue
        name = f"{at[0]}:{at[1]}"
        placed.append(Placed(name, resource))
        found[name] = at, whose
    kept, notes = current(placed)
    stay = {one.place for one in kept if not one.doubt or one.kind == "Patient"}  # what both Patients say is used
    versions.dropped += [found[one.place][0] for one in placed if one.place not in stay]
    for note in notes:
        versions.notes += [(*found[name], note.text, "") for name in note.read_from.split(", ")]
    for one in kept:
        at, whose = found[one.place]
        if one.place in stay:
            continue
        said = reader.doubted(one.resource, one.doubt)
        versions.entries += [(at, whose, template) for template in said.templates]
        versions.notes += [(at, whose, text, place) for text, place in said.notes]
    return versions
