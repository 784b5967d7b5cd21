"""What a record says of its patient beside the lists: an age, a date of birth, a sex.

A key of the context is an entry where some rule reads it (it is then among the names of the kind `context`), and a
note where none does. An age follows from a date of birth only with the day of the assessment; the clock is never read.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from citelog.diagnostics import did_you_mean
from citelog.patient.case import Entry, Item, Note, Recorded
from citelog.patient.dates import period
from citelog.patient.numbers import reading
from citelog.values import Iri, Value
from citelog.vocab import Terms, cl

AGE, BIRTH, SEX = cl("age_years"), cl("birth_date"), cl("sex")
GIVES: Mapping[Iri, str] = {AGE: "age_years", BIRTH: "age_years", SEX: "sex"}
"""The predicate of the facts that a key of the context gives."""

OLDEST = 130
"""Years; nobody is known to have grown older than 122."""


def items(context: Mapping[str, tuple[Recorded, str]], terms: Terms) -> Iterator[Item]:
    """The keys that some rule reads, each as an entry of the record."""
    for key, (value, place) in context.items():
        if terms.match("context", key):
            yield Item("context", key, {"value": value}, place)


def notes(context: Mapping[str, tuple[Recorded, str]], terms: Terms) -> Iterator[Note]:
    """The keys that no rule reads: they decide nothing, and are said."""
    known = [name for name in terms.names.get("context", ()) if " " not in name]
    for key, (value, place) in context.items():
        if not terms.match("context", key):
            whole = next((name for name in known if name.startswith(f"{key}_")), "")
            hint = f"did you mean {whole}?" if whole else did_you_mean(key, known)
            said = f"Context, {key.replace('_', ' ')}: {shown(value)}. Recorded, and read by no rule"
            yield Note(f"{said}; {hint}" if hint else f"{said}.", place)


def shown(value: Recorded) -> str:
    """A value as a sentence gives it."""
    return str(value).lower() if isinstance(value, bool) else value


def said(entry: Entry, term: Iri, terms: Terms) -> Iterator[tuple[str, Value] | str]:
    """The predicate and value that an entry of the context gives, whatever the day; and why it gives none."""
    recorded = shown(entry.keys.get("value", ""))
    if term == AGE:
        found = reading(recorded)
        if found is None or found.sign is not None or not 0 <= found.number <= OLDEST:
            yield f"It is not used: an age is a number of years from 0 to {OLDEST}."
        else:
            yield "age_years", found.number
    elif term == SEX:
        if sex := terms.match("sex", recorded):
            yield "sex", sex
        else:
            known = dict.fromkeys(terms.label(one) for one in terms.names.get("sex", {}).values())
            yield f'It is not used: no sex is known as "{recorded}"; write {", ".join(known)}.'
    elif period(recorded) is None:
        yield f'It is not used: the date "{recorded}" cannot be read.'


def said_on(entry: Entry, at: datetime.date | None) -> int | str | None:
    """The age in whole years that a date of birth gives on the day of the assessment; in words, why it gives none."""
    born = period(shown(entry.keys.get("value", ""))) if entry.term == BIRTH else None
    if born is None:
        return None
    if at is None:
        return "No age follows from it without the day of the assessment: give it with --at."
    if born.first > at:
        return f"No age follows from it on {at}, which is before it."
    youngest, oldest = _years(min(born.last, at), at), _years(born.first, at)
    if oldest > OLDEST:
        return f"It is not used: it would make the patient more than {OLDEST} years old on {at}."
    if youngest != oldest:
        return f"On {at} it may mean {youngest} or {oldest} years, so no age follows from it."
    return oldest


def _years(born: datetime.date, at: datetime.date) -> int:
    """Birthdays that have been.

    >>> _years(datetime.date(2000, 2, 29), datetime.date(2026, 2, 28))
    25
    """
    return at.year - born.year - ((at.month, at.day) < (born.month, born.day))
