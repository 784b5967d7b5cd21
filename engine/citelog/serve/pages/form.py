"""The form to enter a record on: made of the names that a knowledge base knows, and read as the case that was typed.

Nothing is judged here. What was typed becomes a case file, `patient` reads it, and whatever it remarks about an entry
is shown at the row that the entry was typed in, beside what was typed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from citelog.explain.model import shape
from citelog.knowledge.base import Knowledge
from citelog.patient.case import NAME_KEY, ListName
from citelog.patient.predicates import NAMING, WHEN, list_of
from citelog.patient.words import COURSES
from citelog.rules.program import Absent, Constant, Present, Rule
from citelog.values import Iri, Value
from citelog.vocab import CL

MOST = 40
"""Rows that a list can be given more."""

Asked = Present | Absent
"""The premises that name a predicate."""

Typed = Mapping[str, str]
Options = tuple[tuple[str, str], ...]
STATES = ("present", "absent", "unknown")
STATUSES = ("current", "stopped", "planned", "on hold")


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to type or to choose; `options` are values with their labels, none where it is typed.

    `sort` is that of the input in HTML; a `hidden` field is sent along and not shown.
    """

    name: str
    label: str
    value: str = ""
    options: Options = ()
    sort: str = "text"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the record, to be: what it is about, its fields, and what was wrong with it.

    Of a row that `goes_unsaid`, what to choose or to type speaks for itself: labels are there for who cannot see it.
    """

    title: str
    fields: tuple[Field, ...]
    problems: tuple[str, ...] = ()
    goes_unsaid: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The entries of one list; `more` is what a further row is called, empty where there can be none."""

    list: ListName
    title: str
    about: str
    rows: tuple[Row, ...]
    more: str = ""


def groups(knowledge: Knowledge, typed: Typed, problems: Mapping[str, Sequence[str]]) -> tuple[Group, ...]:
    """The form, with what was typed on it; `problems` are told by row, as in `labs.0`."""
    terms = knowledge.terms
    dated = _dated(knowledge)
    read = {
        literal.predicate for rule in knowledge.program.rules for literal in rule.body if isinstance(literal, Asked)
    }
    units = {terms.label(analyte): labels for analyte, labels in _accepted(knowledge)}

    def shown(list_: ListName, field: Field, known: str) -> bool:
        """Whether anything can come of a field: what no rule reads of an entry is not asked for."""
        if list_ == "labs" or field.name not in ("when", "since", "route", "course"):
            return True
        if field.name == "when":
            return known in dated[list_] if known else bool(dated[list_])
        return f"medication_{field.name}" in read

    def rows(list_: ListName, kind: str, predicate: str, fields: Sequence[Field]) -> Iterator[Row]:
        names = _names(knowledge, kind, predicate)
        for number in range(len(names) + more_rows(typed, list_)):
            key = f"{list_}.{number}"
            known = names[number] if number < len(names) else ""
            if known:
                about = Field(f"{key}.known", "", known, sort="hidden")
            else:
                chosen = typed.get(f"{key}.{NAME_KEY[list_]}", "")
                about = Field(f"{key}.{NAME_KEY[list_]}", "Which", chosen, _options("choose", names))
            own = (
                Field(f"{key}.{f.name}", f.label, typed.get(f"{key}.{f.name}", ""), f.options, f.sort)
                for f in (replace(f, options=units.get(known, f.options)) if f.name == "unit" else f for f in fields)
                if shown(list_, f, known)
            )
            goes_unsaid = bool(known) and list_ in ("findings", "preferences")
            yield Row(known or "Another", (about, *own), tuple(problems.get(key, ())), goes_unsaid)

    def labelled(kind: str) -> list[str]:
        return sorted({terms.label(term) for term in terms.names.get(kind, {}).values()}, key=str.casefold)

    made = [
        Group(
            "labs", "Results", "As the laboratory reports them; “<50” is a value too.",
            tuple(rows("labs", "analyte", "result", (
                Field("value", "Value"), Field("unit", "Unit", options=_options("none given", labelled("unit"))),
                Field("when", "Date", sort="date")))), "another result",
        ),
        Group(
            "findings", "Findings and conditions", "What nobody looked at is not recorded, and is not absent.",
            tuple(rows("findings", "finding", "entry", (
                Field("state", "State", options=_options("not recorded", STATES)),
                Field("when", "Date", sort="date")))), "another finding",
        ),
        Group(
            "medications", "Medicines", "Those that this knowledge base has names for.",
            tuple(rows("medications", "drug", "medication", (
                Field("status", "Status", options=_options("not given", STATUSES)),
                Field("dose", "Dose"), Field("frequency", "How often"),
                Field("route", "Route", options=_options("not given", labelled("route"))),
                Field("course", "Course", options=_options("not given", COURSES)),
                Field("since", "Since", sort="date"),
                Field("when", "Date", sort="date")))), "another medicine",
        ),
        Group(
            "preferences", "Preferences", "What the patient wants, where it is recorded.",
            tuple(rows("preferences", "topic", "preference", (
                Field("value", "Choice", options=_options("not recorded", labelled("choice"))),))),
        ),
    ]  # fmt: skip
    context = tuple(
        Row(label, (_of_context(key, typed, labelled("sex")),), tuple(problems.get(f"context.{key}", ())))
        for key, label in _context(knowledge)
    )
    made.append(Group("context", "The patient", "", context))
    return tuple(group for group in made if group.rows)


def more_rows(typed: Typed, list_: str) -> int:
    """How many rows a list has beyond those of the names that are known."""
    given = typed.get(f"rows.{list_}", "0")
    return min(int(given), MOST) if re.fullmatch("[0-9]{1,3}", given) else 0


def case(typed: Typed) -> tuple[dict[str, Any], dict[str, str]]:
    """The case that was typed, and for each of its entries (`labs[0]`) the row it was typed in (`labs.3`).

    A row of a known name is an entry where anything else stands in it; nothing that was typed is changed.

    >>> case({"labs.0.known": "ferritin", "labs.0.value": "<5", "labs.1.known": "iron", "context.sex": ""})
    ({'labs': [{'analyte': 'ferritin', 'value': '<5'}]}, {'labs[0]': 'labs.0'})
    """
    rows: dict[tuple[ListName, int], dict[str, str]] = {}
    for name, value in typed.items():
        parts = re.fullmatch(r"(labs|findings|medications|preferences)\.([0-9]{1,3})\.(\w{1,20})", name)
        if parts and value.strip():
            list_: Any = parts[1]
            rows.setdefault((list_, int(parts[2])), {})[parts[3]] = value.strip()
    made: dict[str, Any] = {"id": typed["id"].strip()} if typed.get("id", "").strip() else {}
    places: dict[str, str] = {}
    for (list_, number), keys in sorted(rows.items()):
        known = keys.pop("known", "")
        if known and not keys:
            continue
        entries = made.setdefault(list_, [])
        places[f"{list_}[{len(entries)}]"] = f"{list_}.{number}"
        entries.append({**({NAME_KEY[list_]: known} if known else {}), **keys})
    context = {
        n.removeprefix("context."): v.strip() for n, v in typed.items() if n.startswith("context.") and v.strip()
    }
    if context:
        made["context"] = context
        places |= {f"context.{key}": f"context.{key}" for key in context}
    return made, places


def _names(knowledge: Knowledge, kind: str, predicate: str) -> list[str]:
    """The names of a kind: those that the rules ask for, in the order in which they do, then the others."""
    terms, rules = knowledge.terms, shape(knowledge)
    asked = frozenset(rules.asked.get((predicate, 2), ()))
    last = len(rules.program.rules)

    def place(term: Iri) -> tuple[bool, int, str]:
        return term not in asked, rules.spoken_of.get(term, last), terms.label(term).casefold()

    return [terms.label(term) for term in sorted(set(terms.names.get(kind, {}).values()), key=place)]


def _accepted(knowledge: Knowledge) -> Iterator[tuple[Iri, Options]]:
    """The analytes of which the knowledge base says in which units they are reported, each with these."""
    found: dict[Iri, set[str]] = {}
    for analyte, unit in (atom.args for atom in knowledge.stated if atom.predicate == CL + "acceptsUnit"):
        if isinstance(analyte, Iri) and isinstance(unit, Iri):
            found.setdefault(analyte, set()).add(knowledge.terms.label(unit))
    for analyte, labels in found.items():
        yield analyte, _options("none given", sorted(labels, key=str.casefold))


def _dated(knowledge: Knowledge) -> Mapping[ListName, frozenset[str]]:
    """By list, the names of the entries whose date some rule reads: asked for by name or among others, also by way of
    other rules.
    """
    rules, terms = shape(knowledge), knowledge.terms
    found: dict[ListName, set[Value]] = {}
    seen: set[tuple[str, int]] = set()

    def read(rule: Rule, record: object) -> None:
        """Note what a record is about: what the rule asks of it, or the rules of a premise that gives it."""
        for literal in (one for one in rule.body if isinstance(one, Asked)):
            if literal.predicate in NAMING:
                list_, name = list_of(literal.predicate), literal.args[2]
                if list_ and literal.args[1] == record:
                    asked = rules.asked.get((literal.predicate, 2), ())
                    found.setdefault(list_, set()).update((name.value,) if isinstance(name, Constant) else asked)
                continue
            for place in (place for place, arg in enumerate(literal.args) if arg == record):
                if (literal.predicate, place) not in seen:
                    seen.add((literal.predicate, place))
                    for above in rules.rules.get(literal.predicate, ()):
                        read(above, above.args[place])

    for rule in rules.program.rules:
        for literal in (one for one in rule.body if isinstance(one, Asked) and one.predicate == WHEN):
            read(rule, literal.args[1])
    dated: defaultdict[ListName, frozenset[str]] = defaultdict(frozenset)
    for list_, names in found.items():
        dated[list_] = frozenset(terms.label(one) for one in names if isinstance(one, Iri))
    return dated


def _context(knowledge: Knowledge) -> list[tuple[str, str]]:
    """The keys of the context that the rules read, each with its label."""
    terms = knowledge.terms
    keys = {term: name for name, term in terms.names.get("context", {}).items() if " " not in name}
    return sorted((key, terms.label(term)) for term, key in keys.items())


def _of_context(key: str, typed: Typed, sexes: Sequence[str]) -> Field:
    name, value = f"context.{key}", typed.get(f"context.{key}", "")
    if key == "sex":
        return Field(name, "Value", value, _options("not recorded", sexes))
    return Field(name, "Value", value, sort="date" if "date" in key else "text")


def _options(none: str, values: Sequence[str]) -> Options:
    return (("", none), *((value, value) for value in values))
