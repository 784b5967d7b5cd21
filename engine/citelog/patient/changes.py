"""Changes of a record: an entry added, a key of an entry set, an entry or a key of it dropped.

A changed record is read again from its items, so that it means exactly what a file with that change would mean.
Paths are those that an assessment shows (`read_from`), with a key behind them: `labs[0].value`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from citelog.diagnostics import CaseError
from citelog.patient import context
from citelog.patient.case import (
    NAME_KEY,
    Case,
    Entry,
    Gathered,
    Item,
    ListName,
    Recorded,
)
from citelog.patient.entries import match, sentence
from citelog.patient.intake import assemble
from citelog.patient.reading import scalar
from citelog.vocab import Terms


@dataclass(frozen=True, slots=True)
class Set:
    """A key of an entry gets a value.

    >>> str(Set("labs[0]", "value", "120"))
    "--set 'labs[0].value=120'"
    """

    place: str
    key: str
    value: Recorded

    def __str__(self) -> str:
        value = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"--set {shlex.quote(f'{self.path}={value}')}"

    @property
    def path(self) -> str:
        """The path as it is written."""
        return f"{self.place}.{self.key}"

    def to_dict(self) -> dict[str, Any]:
        """The change as data."""
        return {"set": self.path, "value": self.value}


@dataclass(frozen=True, slots=True)
class Drop:
    """An entry goes, or one key of it."""

    place: str
    key: str = ""

    def __str__(self) -> str:
        return f"--drop {shlex.quote(self.path)}"

    @property
    def path(self) -> str:
        """The path as it is written."""
        return f"{self.place}.{self.key}" if self.key else self.place

    def to_dict(self) -> dict[str, Any]:
        """The change as data."""
        return {"drop": self.path}


@dataclass(frozen=True, slots=True)
class Add:
    """An entry more.

    >>> str(Add("findings", "fatigue", (("state", "present"),)))
    "--add 'findings: {name: fatigue, state: present}'"
    """

    list: ListName
    name: str
    keys: tuple[tuple[str, Recorded], ...]

    def __str__(self) -> str:
        entry = ", ".join(f"{key}: {_flow(value)}" for key, value in self.entry.items())
        return f"--add {shlex.quote(f'{self.list}: {{{entry}}}')}"

    @property
    def entry(self) -> dict[str, Recorded]:
        """The entry as a case file has it."""
        return {NAME_KEY[self.list]: self.name, **dict(self.keys)}

    def to_dict(self) -> dict[str, Any]:
        """The change as data."""
        return {"add": self.list, "entry": self.entry}


Change = Set | Drop | Add

CONTEXT = "context"
"""The place of changes of the context: each key of it is an entry of its own."""


def setting(entry: Entry, key: str, value: Recorded) -> Set:
    """The change that gives a key of an entry a value."""
    return Set(CONTEXT, entry.name, value) if entry.list == "context" else Set(entry.read_from, key, value)


def dropping(entry: Entry, key: str = "") -> Drop:
    """The change that takes an entry away, or a key of it."""
    return Drop(CONTEXT, entry.name) if entry.list == "context" else Drop(entry.read_from, key)


def _flow(value: Recorded) -> str:
    """A value inside braces: in quotes where YAML would read something else into it."""
    if isinstance(value, bool):
        return str(value).lower()
    plain = re.fullmatch(r"[^\W_](?:[\w .()/%µ–-]*[\w)%])?", value)
    return (
        value
        if plain and scalar(value) == value and not isinstance(scalar(value), bool)
        else json.dumps(value, ensure_ascii=False)
    )


def apply(case: Case, changes: Iterable[Change], terms: Terms) -> Case:
    """The case with the changes made, in order; its hash is of the case and the changes.

    Raises CaseError where a change names an entry that is not there.
    """
    listed = tuple(changes)
    gathered = case.gathered
    for change in listed:
        gathered = _changed(gathered, change)
    digest = hashlib.sha256("\n".join((case.sha256, *map(str, listed))).encode()).hexdigest()
    return assemble(gathered, case.id, digest, terms)


def _changed(gathered: Gathered, change: Change) -> Gathered:
    if isinstance(change, Add):
        item = Item(change.list, change.name, dict(change.keys), _next_place(gathered, change.list))
        return replace(gathered, items=(*gathered.items, item))
    if change.place == CONTEXT:
        kept = {key: value for key, value in gathered.context.items() if key != change.key}
        if isinstance(change, Set):
            kept[change.key] = (change.value, place_of(change, gathered))
        return replace(gathered, context=kept)
    items: list[Item] = []
    found = False
    for item in gathered.items:
        if item.read_from != change.place:
            items.append(item)
            continue
        found = True
        if isinstance(change, Set):
            items.append(_with(item, change.key, change.value))
        elif change.key:
            items.append(replace(item, keys={key: value for key, value in item.keys.items() if key != change.key}))
    if not found:
        raise CaseError(str(change), "the record has no such entry", "see the paths that `citelog assess` shows")
    return replace(gathered, items=tuple(items))


def _with(item: Item, key: str, value: Recorded) -> Item:
    if key == NAME_KEY[item.list]:
        return replace(item, name=str(value), codes=())
    return replace(item, keys={**item.keys, key: value})


def place_of(change: Change, gathered: Gathered) -> str:
    """Where the entry is read from that a change makes of a record, changes or takes away."""
    if isinstance(change, Add):
        return _next_place(gathered, change.list)
    if change.place == CONTEXT:
        return gathered.context.get(change.key, ("", f"context.{change.key}"))[1]
    return change.place


def _next_place(gathered: Gathered, list_: ListName) -> str:
    taken = [int(m[1]) for item in gathered.items if (m := re.fullmatch(rf"{list_}\[([0-9]+)\]", item.read_from))]
    return f"{list_}[{max(taken, default=-1) + 1}]"


def told(change: Change, case: Case, terms: Terms) -> str:
    """A change of a case in words: what the record says after it, and what it said before.

    >>> from citelog.patient.intake import read
    >>> case = read({"findings": [{"name": "rash", "state": "absent"}]}, Terms())
    >>> told(Set("findings[0]", "state", "present"), case, Terms())
    '“Rash: present.” instead of “Rash: absent.” (findings[0])'
    >>> told(Add("findings", "fever", (("state", "absent"),)), case, Terms()), told(Drop("findings[0]"), case, Terms())
    ('“Fever: absent.” in addition', 'without “Rash: absent.” (findings[0])')
    """
    if isinstance(change, Add):
        item = Item(change.list, change.name, dict(change.keys), "")
        return f"“{sentence(item, match(item, terms), terms)}” in addition"
    place = place_of(change, case.gathered)
    was, now = (_told_at(place, one, terms) for one in (case.gathered, _changed(case.gathered, change)))
    if not was:
        return f"“{now}” in addition" if now else str(change)
    return f"“{now}” instead of “{was}” ({place})" if now else f"without “{was}” ({place})"


def _told_at(place: str, gathered: Gathered, terms: Terms) -> str:
    """The sentence of what is read from a place; empty where nothing is."""
    items = (*gathered.items, *context.items(gathered.context, terms))
    return next((sentence(item, match(item, terms), terms) for item in items if item.read_from == place), "")


def merged(case: Case, first: tuple[Change, ...], then: Iterable[Change]) -> tuple[Change, ...]:
    """One set of changes that comes to the same as the first, and then others made to what the first give.

    An entry that was added and then changed is added as it ends up; a key that is set twice is set once.
    """
    places: dict[str, int] = {}
    gathered = case.gathered
    for index, change in enumerate(first):
        if isinstance(change, Add):
            places[_next_place(gathered, change.list)] = index
        gathered = _changed(gathered, change)
    listed: list[Change | None] = list(first)
    for change in then:
        if isinstance(change, Add):
            listed.append(change)
            continue
        index = places.get(change.place, -1)
        added = listed[index] if index >= 0 else None
        if isinstance(added, Add):
            listed[index] = _readded(added, change)
            continue
        whole = isinstance(change, Drop) and not change.key
        for i, other in enumerate(listed):
            if (
                other is not None
                and not isinstance(other, Add)
                and other.place == change.place
                and (whole or other.key == change.key)
            ):
                listed[i] = None
        listed.append(change)
    return tuple(change for change in listed if change is not None)


def _readded(added: Add, change: Set | Drop) -> Add | None:
    keys = dict(added.keys)
    if isinstance(change, Set):
        if change.key == NAME_KEY[added.list]:
            return replace(added, name=str(change.value))
        keys[change.key] = change.value
    elif not change.key:
        return None
    else:
        keys.pop(change.key, None)
    return replace(added, keys=tuple(keys.items()))
