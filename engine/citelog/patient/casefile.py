"""Case files: the lists of a YAML or JSON case, as items.

A key that nobody knows at the top makes the whole file unusable, because a misspelt `labs` would otherwise read as
"no results". Inside an entry nothing stops the rest: what is no entry is noted, what has no value is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from citelog.diagnostics import CaseError, did_you_mean
from citelog.patient.case import (
    LISTS,
    NAME_KEY,
    OWN_KEYS,
    SHARED_KEYS,
    Expectation,
    Gathered,
    Item,
    ListName,
    Note,
    Recorded,
)
from citelog.patient.dates import period
from citelog.patient.reading import Document, as_text, compact, recorded

TOP_KEYS = ("id", *LISTS, "context", "expect")
EXPECT_KEYS = ("include", "exclude", "steps", "at", "cites", "facts", "proofs")


def gather(document: Document) -> Gathered:
    """Everything that a case file says."""
    tree, where = document.tree, document.where
    if strangers := [key for key in tree if key not in TOP_KEYS]:
        names = ", ".join(f'"{key[:60]}"' for key in strangers[:5])
        hint = did_you_mean(strangers[0], TOP_KEYS) or f"the keys of a case are {', '.join(TOP_KEYS)}"
        plural = "s" if len(strangers) > 1 else ""
        raise CaseError(document.place(strangers[0]), f"unknown top-level key{plural} {names}", hint)
    items: list[Item] = []
    notes: list[Note] = []
    for name in LISTS:
        for index, raw in enumerate(_list(tree.get(name), name, where)):
            place = f"{name}[{index}]"
            if isinstance(raw, dict):
                items.append(_item(name, raw, place))
            else:
                text = f"An item of {name} that is {_kind(raw)} and no entry is not read: {compact(raw)}."
                notes.append(Note(text, place))
    return Gathered(
        items=tuple(items),
        notes=tuple(notes),
        id=_id(tree.get("id"), where),
        context=_context(tree.get("context"), where),
        expect=_expectation(tree.get("expect"), document),
    )


def _list(value: Any, name: str, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        remedy = f"begin each entry of {name} with `- `"
        raise CaseError(f"{where}: {name}", f"this is {_kind(value)}, not a list", remedy)
    return value


def _item(name: ListName, raw: Mapping[str, Any], place: str) -> Item:
    known = (*OWN_KEYS[name], *SHARED_KEYS)
    keys: dict[str, Recorded] = {}
    for key, value in raw.items():
        if key == NAME_KEY[name]:
            continue
        kept = recorded(value, is_number=name == "labs" and key == "value")
        if kept != "" or key not in known:
            keys[key] = kept
    return Item(name, as_text(raw.get(NAME_KEY[name])), keys, place)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "empty" if value is None else "a single value"


def _id(value: Any, where: str) -> str | None:
    if isinstance(value, (dict, list, bool)):
        raise CaseError(f"{where}: id", f"this is {_kind(value)}, not text", "give the case a short name")
    return as_text(value) or None


def _context(value: Any, where: str) -> dict[str, tuple[Recorded, str]]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise CaseError(f"{where}: context", f"this is {_kind(value)}, not a mapping", "as in context: {sex: female}")
    return {key: (recorded(item), f"context.{key}") for key, item in value.items() if item is not None}


def _expectation(value: Any, document: Document) -> Expectation | None:
    if value is None:
        return None
    where = document.where
    remedy = 'as in expect: {include: ["kind:value"], exclude: ["kind:value"]}'
    if not isinstance(value, dict):
        raise CaseError(f"{where}: expect", f"this is {_kind(value)}, not a mapping", remedy)
    for key, ids in value.items():
        if key not in EXPECT_KEYS:
            hint = did_you_mean(key, EXPECT_KEYS)
            raise CaseError(f"{document.place(key)}: expect", f'unknown key "{key[:60]}"', hint or remedy)
        if (
            key in ("include", "exclude", "proofs")
            and ids is not None
            and not (isinstance(ids, list) and all(isinstance(one, str) for one in ids))
        ):
            raise CaseError(f"{where}: expect.{key}", "this is not a list of conclusion ids", remedy)
    include, exclude = (tuple(str(one) for one in value.get(key) or ()) for key in ("include", "exclude"))
    proofs = tuple(str(one) for one in value.get("proofs") or ())
    steps = _steps(value.get("steps"), where)
    cites = _lists(value.get("cites"), f"{where}: expect.cites", "statements", "cites: {kind:value: [G01, G02]}")
    facts = _lists(value.get("facts"), f"{where}: expect.facts", "entries", 'facts: {kind:value: ["labs[0]"]}')
    return Expectation(include, exclude, steps, _day(value.get("at"), where), cites, facts, proofs)


def _lists(value: Any, where: str, of: str, example: str) -> dict[str, tuple[str, ...]]:
    """What each of some conclusions is expected to cite, or to rest on."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(one, list) for one in value.values()):
        raise CaseError(where, f"this is not a list of {of} for each conclusion", f"write it as in {example}")
    return {str(key): tuple(str(one) for one in listed) for key, listed in value.items()}


def _steps(value: Any, where: str) -> dict[str, str]:
    """What is expected to stand beside each value, such as the role and the place in time of a step of a regimen."""
    remedy = "write it as in steps: {LOADING-STEP: recommended now}"
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(one, str) and one.strip() for one in value.values()):
        raise CaseError(f"{where}: expect.steps", "this is not what stands beside each value, in words", remedy)
    return {str(key): " ".join(one.split()) for key, one in value.items()}


def _day(value: Any, where: str) -> str | None:
    """The day of the assessment: a whole day or nothing."""
    if value is None:
        return None
    days = period(as_text(value))
    if days is None or days.first != days.last:
        raise CaseError(f"{where}: expect.at", f"{compact(value)} is not a day", "write it as in at: 2026-03-15")
    return days.first.isoformat()
