"""Changes of a record: an entry added, a key of an entry set, an entry or a key of it dropped.

A changed record is read again from its items, so that it means exactly what a file with that change would mean.
Paths are those that an assessment shows (`read_from`), with a key behind them: `labs[0].value`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from citelog.diagnostics import CaseError, did_you_mean
from citelog.patient import context
from citelog.patient.case import (
    KIND,
    LISTS,
    NAME_KEY,
    OWN_KEYS,
    SHARED_KEYS,
    Case,
    Entry,
    Gathered,
    Item,
    ListName,
    Recorded,
)
from citelog.patient.entries import match, sentence
from citelog.patient.intake import assemble
from citelog.patient.reading import as_text, fragment, recorded, scalar
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


# --- what people write -------------------------------------------------------------------------------------------


def written(
    case: Case,
    terms: Terms,
    sets: Mapping[str, Any] | Iterable[str],
    drops: Iterable[str],
    adds: Iterable[str | Mapping[str, Any]],
) -> tuple[Change, ...]:
    """Changes as people write them, for the command and for Python.

    >>> from citelog.patient.intake import read
    >>> case = read({"findings": [{"name": "rash", "state": "absent"}]}, Terms())
    >>> [str(change) for change in written(case, Terms(), {"findings[0].state": "present"}, (), ())]
    ["--set 'findings[0].state=present'"]
    """
    if isinstance(sets, Mapping):
        sets = [f"{path}={str(value).lower() if isinstance(value, bool) else value}" for path, value in sets.items()]
    texts = [add if isinstance(add, str) else json.dumps(add, ensure_ascii=False, default=str) for add in adds]
    made: list[Change] = [parse_set(one, case) for one in sets]
    made += [add for text in texts for add in parse_add(text, terms)]
    made += [parse_drop(one, case) for one in drops]
    return tuple(made)


def parse_set(text: str, case: Case) -> Set:
    """`PATH=VALUE`, where the path names an entry of the case and a key. Raises CaseError where it does not."""
    path, equals, value = text.partition("=")
    where = _where("--set", text)
    fragment(json.dumps([text]), "--set")  # refuses what may not stand in a record
    if not equals:
        raise CaseError(where, "this is no PATH=VALUE", "write it as in --set 'labs[0].value=120'")
    place, key = _split(path.strip(), case, where)
    if not key:
        raise CaseError(
            where, f"{place} is a whole entry", f"name the key to set, as in {place}.{_keys(place, case)[0]}"
        )
    is_number = place in _places(case) and _item(case, place, where).list == "labs" and key == "value"
    kept = recorded(scalar(value), is_number=is_number)
    if kept == "":
        raise CaseError(where, "there is no value behind the =", f"to take the key away, write --drop {place}.{key}")
    return Set(place, key, kept)


def parse_drop(text: str, case: Case) -> Drop:
    """`PATH`: an entry of the case, or a key of one."""
    where = _where("--drop", text)
    fragment(json.dumps([text]), "--drop")
    place, key = _split(text.strip(), case, where)
    if key or place == CONTEXT:
        there = case.context if place == CONTEXT else _item(case, place, where).keys
        if key not in there:
            raise CaseError(where, f'{place} has no "{key}"', f"it has {', '.join(there) or 'no keys'}")
    return Drop(place, key)


def parse_add(text: str, terms: Terms) -> tuple[Add, ...]:
    """A piece of a case file: `findings: {name: …, state: present}`, a list of entries, or one entry alone."""
    where = _where("--add", text)
    tree = fragment(text, "--add")
    if not isinstance(tree, dict):
        raise CaseError(where, "this is no entry", "write it as in --add 'findings: {name: …, state: present}'")
    if not any(key in LISTS for key in tree):
        list_ = _list_of(tree, terms, where)
        return (_addition(list_, tree, where),)
    if strangers := [key for key in tree if key not in LISTS]:
        raise CaseError(
            where,
            f'"{strangers[0]}" is no list of a case',
            did_you_mean(strangers[0], LISTS) or "the lists are " + ", ".join(LISTS),
        )
    found = tuple(
        _addition(list_, entry, where)
        for list_ in LISTS
        if list_ in tree
        for entry in (tree[list_] if isinstance(tree[list_], list) else [tree[list_]])
    )
    if not found:
        raise CaseError(where, "there is no entry in it", "write it as in --add 'findings: {name: …, state: present}'")
    return found


def check(changes: Iterable[Change]) -> None:
    """Changes that are made together, in whatever order. Raises CaseError where two are about the same thing."""
    made: dict[str, Change] = {}
    for change in changes:
        if isinstance(change, Add):
            continue
        path = change.path
        for known, other in made.items():
            if path == known or path.startswith(f"{known}.") or known.startswith(f"{path}."):
                what = f"{min(path, known, key=len)} is changed twice, also by {_where('', str(other)).strip()}"
                raise CaseError(_where("", str(change)).strip(), what, "give one of the two")
        made[path] = change


def _where(option: str, text: str) -> str:
    """An option as it was given, for a message: nothing in it steers a terminal, and it is not too long to read."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    return f"{option} {shown if len(shown) <= 120 else shown[:120] + '…'}"


def _list_of(entry: Mapping[str, Any], terms: Terms, where: str) -> ListName:
    """The list that one entry alone belongs to, by what it names."""
    if "analyte" in entry:
        return "labs"
    if "topic" in entry:
        return "preferences"
    name = as_text(entry.get("name"))
    found: list[ListName] = [list_ for list_ in ("findings", "medications") if name and terms.match(KIND[list_], name)]
    if len(found) == 1:
        return found[0]
    what = f'it is not plain which list "{name}" belongs to' if name else "the entry names nothing"
    raise CaseError(where, what, f"name the list before it: {', '.join(LISTS)}, as in 'findings: {{name: …}}'")


def _addition(list_: ListName, entry: Any, where: str) -> Add:
    if not isinstance(entry, dict):
        raise CaseError(where, f"an item of {list_} that is no entry", f"as in {list_}: {{{NAME_KEY[list_]}: …}}")
    name = as_text(entry.get(NAME_KEY[list_]))
    if not name:
        raise CaseError(where, "the entry names nothing", f"give it {NAME_KEY[list_]}: …")
    keys = []
    for key, value in entry.items():
        if key != NAME_KEY[list_]:
            _known(list_, key, where)
            keys.append((key, recorded(value, is_number=list_ == "labs" and key == "value")))
    return Add(list_, name, tuple(keys))


def _known(list_: ListName, key: str, where: str) -> None:
    known = (NAME_KEY[list_], *OWN_KEYS[list_], *SHARED_KEYS)
    if key not in known:
        raise CaseError(
            where, f'nothing reads "{key}" of {list_}', did_you_mean(key, known) or f"read are {', '.join(known)}"
        )


def _places(case: Case) -> tuple[str, ...]:
    return tuple(item.read_from for item in case.gathered.items)


def _keys(place: str, case: Case) -> tuple[str, ...]:
    return next((OWN_KEYS[item.list] for item in case.gathered.items if item.read_from == place), ("age_years",))


def _split(path: str, case: Case, where: str) -> tuple[str, str]:
    """A path as the place of an entry and a key of it (empty for the whole entry)."""
    if path.startswith("context."):
        return CONTEXT, path.removeprefix("context.")
    places = sorted(_places(case), key=len, reverse=True)
    for place in places:
        if path == place:
            return place, ""
        if path.startswith(f"{place}."):
            key = path.removeprefix(f"{place}.")
            item = _item(case, place, where)
            if key not in item.keys:
                _known(item.list, key, where)
            return place, key
    near = did_you_mean(path.rpartition(".")[0] or path, places)
    named = ", ".join(sorted(places)[:8]) + (" …" if len(places) > 8 else "")
    raise CaseError(
        where, "the record has no such entry", near or (f"it has {named}" if places else "it has no entries")
    )


def _item(case: Case, place: str, where: str) -> Item:
    found = [item for item in case.gathered.items if item.read_from == place]
    if len(found) != 1:
        what = f"{len(found)} entries of the record were read from {place}" if found else "the record has no such entry"
        raise CaseError(where, what, "change the file itself, and assess it")
    return found[0]


# --- what becomes of the record ----------------------------------------------------------------------------------


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
