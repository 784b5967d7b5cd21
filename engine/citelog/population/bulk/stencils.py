"""What all lines of one form say, and what is done with the lines that have the same elements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter

import msgspec

from citelog.patient.case import Item
from citelog.patient.validity import BESIDE
from citelog.population.bulk.stand_ins import HOW, How

FILLED = ("value", "when", "since")
"""The keys of an entry that a stand-in may come out in."""

KEPT = frozenset(("interpretation", "hasMember", "instantiatesCanonical", "meta", "note", "requester"))

UNREAD = (BESIDE - KEPT) | {"id"}
"""Elements that are not looked at; of those kept, the flags and members are read, of a comment it is told that it is
there, and the others can tell a release."""


@dataclass(frozen=True, slots=True)
class Template:
    """An entry of a stencil: `id` is its number, `holes` its keys that are still to be filled."""

    id: int
    item: Item
    holes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stencil:
    """What all lines of one form say; `refused` says why the record of a patient who has such a line is refused."""

    templates: tuple[Template, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    context: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    broken: str = ""
    is_shared: bool = True


NOTHING = Stencil()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with the lines that have the same elements in the same order.

    `kept` picks the elements that are read as they are written, `changed` are the places of the others, and what is
    made of each. `size` is the length of all names. A stencil is remembered by its elements with a NUL between them.
    """

    places: tuple[int, ...]
    names: tuple[str, ...]
    size: int
    kept: Callable[[tuple[msgspec.Raw, ...]], tuple[msgspec.Raw, ...]]
    changed: tuple[tuple[int, How], ...]
    stencils: dict[bytes, Stencil] = field(default_factory=dict)

    def line(self, key: bytes) -> bytes:
        """The line that a stencil is."""
        values = zip(self.places, self.names, key.split(b"\0"), strict=True)
        return b"{%s}" % b",".join(msgspec.json.encode(name) + b":" + value for _, name, value in sorted(values))


def planned(names: tuple[str, ...], medication: How) -> Plan:
    how = {**HOW, "medicationReference": medication}
    read = [place for place, name in enumerate(names) if name not in UNREAD]
    kept = [place for place in read if names[place] not in how]
    changed = [place for place in read if names[place] in how]
    pick = itemgetter(*kept) if len(kept) > 1 else lambda values: tuple(values[place] for place in kept)
    return Plan(
        places=(*kept, *changed),
        names=tuple(names[place] for place in (*kept, *changed)),
        size=sum(map(len, names)),  # a name that is no ASCII is not one of FHIR's
        kept=pick,
        changed=tuple((place, how[names[place]]) for place in changed),
    )
