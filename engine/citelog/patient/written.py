"""Changes of a record as people write them: `PATH=VALUE` to set, a path to drop, a piece of a case file to add."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from citelog.diagnostics import CaseError, did_you_mean
from citelog.patient.case import (
    KIND,
    LISTS,
    NAME_KEY,
    OWN_KEYS,
    SHARED_KEYS,
    Case,
    Item,
    ListName,
)
from citelog.patient.changes import CONTEXT, Add, Change, Drop, Set
from citelog.patient.reading import as_text, fragment, recorded, scalar
from citelog.vocab import Terms


def written(
    case: Case,
    terms: Terms,
    sets: Mapping[str, Any] | Iterable[str],
    drops: Iterable[str],
    adds: Iterable[str | Mapping[str, Any]],
) -> tuple[Change, ...]:
    """Changes as people write them, for the command and for Python: some of each, or one by itself.

    >>> from citelog.patient.intake import read
    >>> case = read({"findings": [{"name": "rash", "state": "absent"}]}, Terms())
    >>> [str(change) for change in written(case, Terms(), {"findings[0].state": "present"}, (), ())]
    ["--set 'findings[0].state=present'"]
    >>> [str(change) for change in written(case, Terms(), (), "findings[0]", ())]
    ["--drop 'findings[0]'"]
    """
    sets, drops = ((one,) if isinstance(one, str) else one for one in (sets, drops))
    adds = (adds,) if isinstance(adds, (str, Mapping)) else adds
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
