"""From items to entries: names matched, sentences written, equal contents brought together, everything in order.

The order is by list, sentence and content, never by place, so that a record that was shuffled says the same. Words
that the knowledge base knows are shown in its spelling; values are shown exactly as recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from citelog.patient.case import KIND, PARTS, Entry, Item, Note, Record, Recorded
from citelog.patient.dates import shown
from citelog.patient.frequency import frequency
from citelog.patient.numbers import reading
from citelog.patient.words import COURSES, in_error, state, status, word
from citelog.values import Iri
from citelog.vocab import Terms, folded, folded_unit

_HAS_A_UNIT_IN_IT = re.compile(r"\W{0,2}\d[\d.,]*\s*[^\W\d_]")
"""A value such as "80 pmol/L", which without its quotes would be told like the value 80 with its unit."""

_UNNAMED = {
    "labs": "Unnamed result", "findings": "Unnamed finding", "conditions": "Unnamed condition",
    "medications": "Unnamed medicine", "preferences": "Unnamed", "context": "Unnamed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sorted:
    """The entries and records of a case, and the notes about items that were made in error."""

    entries: tuple[Entry, ...]
    records: tuple[Record, ...]
    notes: tuple[Note, ...]


def match(item: Item, terms: Terms) -> Iri | None:
    """The term that an item is about: by its codes, else by its name; none where its codes name different terms."""
    kind = KIND[item.list]
    found = {term for code in item.codes if (term := terms.match(kind, code))}
    if len(found) > 1:
        return None
    return found.pop() if found else terms.match(kind, item.name) if item.name else None


def match_route(terms: Terms, text: str) -> Iri | None:
    """The route that a text names; "oral route" and "oral use" name what "oral" does, and "i.m." what "IM" does."""
    plain = re.sub(r"\s+(route|use)$", "", folded(text))
    return next(filter(None, (terms.match("route", one) for one in (text, plain, plain.replace(".", "")))), None)


def match_choice(terms: Terms, text: str) -> Iri | None:
    """What a preference prefers: a choice, or a route."""
    return terms.match("choice", text) or match_route(terms, text)


def sort(items: Iterable[Item], terms: Terms) -> Sorted:
    """Entries numbered f1…, records numbered r1…, both in the order that the assessment shows them."""
    matched = [(item, match(item, terms)) for item in items]
    notes = tuple(
        Note(f"{sentence(item, term, terms)} Left out: it was entered in error.", item.read_from)
        for item, term in matched
        if _made_in_error(item)
    )
    rows = sorted(
        (
            (PARTS.index(item.list), sentence(item, term, terms), content(item, term, terms), _place(item), item, term)
            for item, term in matched
            if not _made_in_error(item)
        ),
        key=lambda row: row[:4],
    )
    numbers: dict[tuple[int, Content], Iri] = {}
    members: dict[Iri, list[Entry]] = {}
    entries = []
    for count, (position, said, contained, _, item, term) in enumerate(rows, start=1):
        iri = numbers.setdefault((position, contained), Iri(f"urn:citelog:record:r{len(numbers) + 1}"))
        entry = Entry(f"f{count}", item.list, item.name, term, item.keys, item.read_from, said, iri)
        entries.append(entry)
        members.setdefault(iri, []).append(entry)
    return Sorted(tuple(entries), tuple(Record(iri, tuple(group)) for iri, group in members.items()), notes)


def _made_in_error(item: Item) -> bool:
    return any(in_error(str(item.keys.get(key, ""))) for key in ("state", "status"))


# --- content -----------------------------------------------------------------------------------------------------

Content = tuple[str, tuple[tuple[str, str], ...]]


def content(item: Item, term: Iri | None, terms: Terms) -> Content:
    """What an entry says, apart from how it is spelt: equal for entries that are one record."""
    return (
        term.value if term else f"named {folded(item.name)}",
        tuple(sorted((key, _compared(key, value, terms)) for key, value in item.keys.items())),
    )


def _compared(key: str, value: Recorded, terms: Terms) -> str:
    if isinstance(value, bool):
        return f"{value}, not as text"
    if key == "unit":
        unit = terms.match("unit", value)
        return unit.value if unit else folded_unit(value)
    return word(value) if key in ("state", "status") else folded(value)


def _place(item: Item) -> list[int | str]:
    """A place that sorts as a reader counts: labs[2] before labs[10]."""
    parts = re.split(r"([0-9]{1,9})", item.read_from)
    return [int(part) if index % 2 else part for index, part in enumerate(parts)]


# --- sentences ---------------------------------------------------------------------------------------------------


def sentence(item: Item, term: Iri | None, terms: Terms) -> str:
    """An entry as a reader sees it, such as "Serum ferritin: 80 µg/L (2026-03-02), flag L."."""
    name = terms.label(term) if term else item.name or _UNNAMED[item.list]
    if item.list == "preferences":
        name = f"{name} preference"
    told = [part for part in _told(item, terms) if part]
    what = ", ".join(told) or "on record"
    when = f" ({shown(_text(item, 'when'))})" if "when" in item.keys else ""
    extra = [] if item.list == "medications" else [f"route {_text(item, 'route')}"] if "route" in item.keys else []
    if "flag" in item.keys:
        extra.insert(0, f"flag {_text(item, 'flag')}")
    return f"{name[:1].upper()}{name[1:]}: {what}{when}{''.join(f', {one}' for one in extra)}."


def _told(item: Item, terms: Terms) -> list[str]:
    if item.list == "labs":
        return _measured(item, terms)
    if item.list == "medications":
        return _given(item, terms)
    if item.list == "context":
        value = _text(item, "value")
        sex = terms.match("sex", value)
        return [terms.label(sex) if sex else shown(value)]
    if item.list == "preferences":
        value = _text(item, "value")
        term = match_choice(terms, value)
        return [terms.label(term) if term else value or "not recorded"]
    recorded = _text(item, "state")
    return [(word(recorded) if state(recorded) else recorded) or "state not recorded"]


def _measured(item: Item, terms: Terms) -> list[str]:
    value, unit = _text(item, "value"), _text(item, "unit")
    if unit and (term := terms.match("unit", unit)):
        unit = terms.label(term)
    if not value:
        return ["no value recorded", f"unit {unit}" if unit else ""]
    if not unit:
        if reading(item.keys.get("value")):
            return [value, "no unit"]
        return [f"“{value}”", "no unit"] if _HAS_A_UNIT_IN_IT.match(value) else [value]
    return [f"{value} {unit}"]


def _given(item: Item, terms: Terms) -> list[str]:
    route, often, course, taken = (_text(item, key) for key in ("route", "frequency", "course", "status"))
    if route and (term := match_route(terms, route)):
        route = terms.label(term)
    return [
        _text(item, "dose"),
        route,
        folded(often) if frequency(often) else often,
        word(course) if word(course) in COURSES else course,
        word(taken) if status(taken) else taken,
        f"since {shown(_text(item, 'since'))}" if "since" in item.keys else "",
    ]


def _text(item: Item, key: str) -> str:
    value = item.keys.get(key, "")
    return str(value).lower() if isinstance(value, bool) else value
