"""From entries to the facts that rules read, with a note for whatever could not be read.

One pass says both, so that nothing can be skipped without a word. The notes name the record by its sentence; where
it stands goes into `read_from` only.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache

from citelog.diagnostics import did_you_mean, nearest_name
from citelog.patient import context
from citelog.patient.case import KIND, OWN_KEYS, SHARED_KEYS, Case, Entry, Note
from citelog.patient.dates import period
from citelog.patient.entries import match_choice, match_route
from citelog.patient.frequency import frequency
from citelog.patient.numbers import reading
from citelog.patient.words import COURSES, is_low, state, status, word
from citelog.values import Atom, Iri, Value
from citelog.vocab import Terms, cl

PATIENT = Iri("urn:citelog:patient:1")
"""The patient: one for every case, since a derivation sees only one."""


def facts(case: Case, terms: Terms, at: datetime.date | None = None) -> tuple[tuple[Atom, Iri | None], ...]:
    """What the rules read about a patient: each fact with the record that says it, None where the call does."""
    found: list[tuple[Atom, Iri | None]] = [(Atom("patient", (PATIENT,)), None)]
    if at is not None:
        found.append((Atom("evaluation_day", (PATIENT, at)), None))
    for record in case.records:
        found.extend((said, record.iri) for said in _said(record.entry, terms) if isinstance(said, Atom))
    for entry, age in _ages(case, terms, at):
        if isinstance(age, int):
            found.append((_atom("age_years", entry, Decimal(age)), entry.record))
    return tuple(found)


def notes(entries: tuple[Entry, ...], terms: Terms) -> Iterator[Note]:
    """What of the entries is not used, and why."""
    for entry in entries:
        yield from (Note(said, entry.read_from) for said in _said(entry, terms) if isinstance(said, str))


def notes_on(case: Case, terms: Terms, at: datetime.date | None) -> Iterator[Note]:
    """What of a case is not used because of the day of the assessment, or because none is given."""
    for entry, said in _ages(case, terms, at):
        if isinstance(said, str):
            yield Note(f"{entry.sentence} {said}", entry.read_from)


def _ages(case: Case, terms: Terms, at: datetime.date | None) -> Iterator[tuple[Entry, int | str]]:
    """What each date of birth gives: an age, or why none; an age that is recorded goes before it."""
    born = [entry for entry in case.entries if entry.term == context.BIRTH]
    is_recorded = born and any(
        isinstance(said, Atom) for entry in case.entries if entry.term == context.AGE for said in _said(entry, terms)
    )
    for entry in born:
        said = context.said_on(entry, at)
        if is_recorded and said is not None:
            yield entry, f"The recorded age is used, not the {said} years of {at}." if isinstance(said, int) else said
        elif said is not None:
            yield entry, said


# --- one entry: the facts it gives (atoms) and what is not used of it (sentences) ---------------------------------

_CALLED = {
    "labs": "analyte", "findings": "finding or condition", "conditions": "finding or condition",
    "medications": "medicine", "preferences": "preference", "context": "key",
}  # fmt: skip


def _said(entry: Entry, terms: Terms) -> Iterator[Atom | str]:
    for remark in _unread_keys(entry):
        yield f"{entry.sentence} {remark}"
    if entry.term is None:
        yield unmatched(entry, terms)
        return
    read = {"labs": _result, "medications": _medication, "preferences": _preference, "context": _context}.get(
        entry.list, _finding
    )
    useful = False
    for said in read(entry, entry.term, terms):
        useful = useful or isinstance(said, Atom)
        yield said if isinstance(said, Atom) else f"{entry.sentence} {said}"
    if when := _text(entry, "when"):
        days = period(when)
        if days is None:
            yield f'{entry.sentence} The date "{when}" cannot be read.'
        elif useful:
            yield _atom("recorded_when", entry, days.first, days.last)


def _atom(predicate: str, entry: Entry, *rest: Value) -> Atom:
    return Atom(predicate, (PATIENT, entry.record, *rest))


_MEANT = {"date": "when", "result": "value"}
"""Keys that people write, and which they mean: nothing in their letters tells it."""


def _unread_keys(entry: Entry) -> Iterator[str]:
    known = (*OWN_KEYS[entry.list], *SHARED_KEYS)
    for key, value in entry.keys.items():
        if key not in known:
            hint = did_you_mean(_MEANT.get(key.casefold(), key), known)
            shown = f" ({value})" if value != "" else ""
            yield f'The key "{key}"{shown} is not read{"; " + hint if hint else "."}'


def unmatched(entry: Entry, terms: Terms) -> str:
    """What is said of an entry whose name is not known."""
    if not entry.name:
        return f"{entry.sentence} Not used: it has no name."
    several = holding(entry.name, KIND[entry.list], terms)
    near = " or ".join(several) if len(several) > 1 else nearest(entry, terms) or "".join(several)
    hint = f"did you mean {near}?" if near else ""
    known = f'no {_CALLED[entry.list]} is known as "{entry.name}"'
    return f"{entry.sentence} Not used: {known}{'; ' + hint if hint else '.'}"


def nearest(entry: Entry, terms: Terms) -> str:
    """What an entry that nothing matches may be meant to be called, as the knowledge base writes it; or nothing."""
    near = _near(entry.name[:80], tuple(terms.names.get(KIND[entry.list], ())))
    return terms.written.get(near, near)


_FEW = 3
"""Things that a name which says too little may mean, where they are told: more than these help nobody."""


def holding(name: str, kind: str, terms: Terms) -> tuple[str, ...]:
    """The labels of the few things that have all the words of a name in one of theirs; empty where they are many.

    >>> iron = {"serum ferritin": Iri("urn:f"), "ferritin level": Iri("urn:f"), "serum iron": Iri("urn:i")}
    >>> terms = Terms({"analyte": iron}, {Iri("urn:f"): "serum ferritin", Iri("urn:i"): "serum iron"})
    >>> holding("ferritin", "analyte", terms), holding("serum", "analyte", terms), holding("?", "analyte", terms)
    (('serum ferritin',), ('serum ferritin', 'serum iron'), ())
    """
    asked = set(re.findall(r"\w+", name.casefold()))
    known = terms.names.get(kind, {})
    those = dict.fromkeys(
        terms.label(term) for one, term in known.items() if ":" not in one and asked and asked <= _words(one)
    )
    return tuple(those) if len(those) <= _FEW else ()


@lru_cache(maxsize=4096)
def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", name.casefold()))


_ALIKE = 0.85  # of two words, from 0 to 1: "feritin" is ferritin, "transferrin" is not


@lru_cache(maxsize=4096)
def _near(name: str, known: tuple[str, ...]) -> str:
    """The nearest name, as it is compared: a label; never towards a code, where near is wrong.

    A name that has another word in the place of one is another thing, however alike the two are.

    >>> _near("short night", ("a short night", "short night (diary)"))
    'short night (diary)'
    >>> _near("serum feritin", ("serum ferritin",)), _near("total ferritin", ("serum ferritin",))
    ('serum ferritin', '')
    >>> _near("ferritin", ("serum ferritin",)), _near("serum ferritin, fasting", ("serum ferritin",))
    ('serum ferritin', 'serum ferritin')
    """
    labels = [one for one in known if ":" not in one]
    asked = name.casefold()
    if longer := [one for one in labels if one.startswith(f"{asked} ")]:
        return min(longer, key=lambda one: (len(one), one))
    return nearest_name(name, [one for one in labels if _is_a_slip(asked, one)])


def _is_a_slip(asked: str, known: str) -> bool:
    """Whether names differ by words that one leaves out, or by how words are spelt."""
    said, meant = re.findall(r"\w+", asked), re.findall(r"\w+", known)
    over = [one for one in said if one not in meant]
    wanting = [one for one in meant if one not in said]
    return not over or not wanting or all(get_close_matches(one, wanting, n=1, cutoff=_ALIKE) for one in over)


def has_no_state(entry: Entry) -> bool:
    """Whether a finding or condition says something for its state that is none: it counts as unknown."""
    recorded = _text(entry, "state") if entry.list in ("findings", "conditions") else ""
    return bool(recorded) and state(recorded) is None


def _finding(entry: Entry, term: Iri, terms: Terms) -> Iterator[Atom | str]:
    recorded = _text(entry, "state")
    meant = state(recorded)
    if meant == "over":
        yield "It counts as neither present nor absent."
        return
    if meant is None:
        meant = "unknown"
        yield (
            f'The state "{recorded}" counts as unknown: write present, absent or unknown.'
            if recorded
            else "It counts as unknown."
        )
    yield _atom("entry", entry, term, cl(meant))


def _result(entry: Entry, term: Iri, terms: Terms) -> Iterator[Atom | str]:
    yield _atom("result", entry, term)
    found = reading(entry.keys.get("value"))
    if found is None:
        yield _atom("result_unreadable", entry)
    elif found.sign is None:
        yield _atom("result_value", entry, found.number)
    else:
        yield _atom("result_bound", entry, cl(found.sign.value), found.number)
    recorded = _text(entry, "unit")
    if not recorded:
        yield _atom("result_unit_missing", entry)
    elif unit := terms.match("unit", recorded):
        yield _atom("result_unit", entry, unit)
    else:
        yield _atom("result_unit_unknown", entry)
        yield f'The unit "{recorded}" is not known.'
    if flag := _text(entry, "flag"):
        yield _atom("result_flag", entry, cl("low_flag" if is_low(flag) else "other_flag"))


def _medication(entry: Entry, term: Iri, terms: Terms) -> Iterator[Atom | str]:
    yield _atom("medication", entry, term)
    recorded = _text(entry, "status")
    meant = status(recorded)
    yield _atom("medication_status", entry, cl((meant or "status unknown").replace(" ", "_")))
    if meant is None:
        yield (
            f'The status "{recorded}" counts as unknown: write current, stopped, planned or on hold.'
            if recorded
            else "Its status is not recorded, and counts as unknown."
        )
    if route := _text(entry, "route"):
        way = match_route(terms, route)
        yield _atom("medication_route", entry, way) if way else f'The route "{route}" is not known.'
    if course := _text(entry, "course"):
        known = word(course) in COURSES
        yield (
            _atom("medication_course", entry, cl(word(course)))
            if known
            else f'The course "{course}" is neither {" nor ".join(COURSES)}.'
        )
    if often := _text(entry, "frequency"):
        rate = frequency(often)
        yield (
            _atom("medication_frequency", entry, rate.times, rate.period, cl(rate.unit))
            if rate
            else f'The frequency "{often}" cannot be read.'
        )
    if since := _text(entry, "since"):
        days = period(since)
        yield (
            _atom("medication_since", entry, days.first, days.last)
            if days
            else f'The start date "{since}" cannot be read.'
        )


def _preference(entry: Entry, term: Iri, terms: Terms) -> Iterator[Atom | str]:
    recorded = _text(entry, "value")
    if choice := match_choice(terms, recorded):
        yield _atom("preference", entry, term, choice)
    else:
        yield f'The choice "{recorded}" is not known.' if recorded else "No choice is recorded."


def _context(entry: Entry, term: Iri, terms: Terms) -> Iterator[Atom | str]:
    for said in context.said(entry, term, terms):
        yield said if isinstance(said, str) else _atom(said[0], entry, said[1])


def _text(entry: Entry, key: str) -> str:
    value = entry.keys.get(key, "")
    return str(value).lower() if isinstance(value, bool) else value
