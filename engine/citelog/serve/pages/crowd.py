"""The pages of a population, set where its answers are held: the summary, lists of patients, and any row opened.

A row is opened as one patient is: assessed again from the entries that the run read, compared with what the run wrote
down, and shown in the same views (`views`). An address names a row by its number in the run, never a patient.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from citelog.diagnostics import CaseError
from citelog.knowledge.base import Knowledge
from citelog.population.counts.census import census
from citelog.population.counts.held import held
from citelog.population.counts.listed import MOST, RARE, RUN, Listed, Lists, Page
from citelog.population.counts.listed import Asked as Wanted
from citelog.population.counts.summary import Summary
from citelog.population.counts.summing import summed
from citelog.population.opened import DisagreementError, Person, Row, opened
from citelog.proof.words import worded
from citelog.render import summary_page
from citelog.render.documents import assessments, written
from citelog.render.summed import people, percent, shown
from citelog.serve.http.limits import Refusal
from citelog.serve.http.operations import FORM, HTML, JSON
from citelog.serve.pages import addresses, views
from citelog.serve.pages.entered import Entered, sent
from citelog.serve.pages.shell import POPULATION
from citelog.serve.pages.views import Answered, Desk

FORMAT = "citelog-population-list/1"
LIST = f"{POPULATION.address}/patients"
PARTS = ("has", "without", "rule")
"""What a list can be narrowed by, as an address has it."""
FILTERS = 40
"""How many of them one address may have."""

TABS = (
    ("", "Answer"),
    ("missing", "What is missing"),
    ("why-not", "Why not"),
    ("record", "The record"),
    ("document", "The document"),
)
"""The views of a row."""

_REFERENCE = re.compile(r"([0-9a-f]{8})-([1-9][0-9]{0,11})")

Asked = Mapping[str, Any]


@dataclass(frozen=True)
class Crowd:
    """The answers of one run, held: its lists and its summary. `run` is in the address of each of its rows."""

    lists: Lists
    summary: Summary
    run: str
    _set: dict[str, str] = field(default_factory=dict)
    """Pages that are the same for everybody, by what they are."""

    def reference(self, number: int) -> str:
        """A row, as an address names it."""
        return f"{self.run}-{number}"

    def person(self, reference: str) -> tuple[int, Person]:
        """A row by its name in an address. Raises Refusal where there is none, or it is one of another run."""
        found = _REFERENCE.fullmatch(reference)
        if not found or not 1 <= int(found[2]) <= self.lists.census.patients:
            raise Refusal(404, "there is no such row", f"start at {POPULATION.address}")
        if found[1] != self.run:
            what = "this address is of another run, in which the same row may be somebody else"
            raise Refusal(404, what, f"find the patient again from {POPULATION.address}")
        return int(found[2]), self.lists.person(int(found[2]))


def crowd(folder: Path, knowledge: Knowledge) -> Crowd:
    """A folder of answers, counted and held. Raises CaseError where it cannot be used."""
    answers = opened(folder)
    answers.check(knowledge)
    counted = census(answers, knowledge)
    run = hashlib.sha256((folder / "run.json").read_bytes()).hexdigest()[:8]
    return Crowd(Lists(held(answers), counted, knowledge), summed(answers, knowledge, counted), run)


def page(one: Crowd, desk: Desk, asked: Asked, data: bytes, deadline: float) -> Answered:
    """What is asked for: `summary`, `patients` (a list), a patient to `find`, or a view of a row."""
    if "row" in asked:
        return _row(one, desk, asked, deadline)
    return {"summary": _summary, "patients": _list, "find": _found}[asked["view"]](one, desk, asked, data)


def rehearsal(one: Crowd) -> Iterator[tuple[Asked, bytes]]:
    """What is asked for once before anybody asks, so that nothing is imported or opened later."""
    asked: Asked = {"places": [], "about": "", "query": "", "accept": HTML}
    for accept in (HTML, JSON):
        for view in ("summary", "patients"):
            yield {**asked, "view": view, "accept": accept}, b""
    yield {**asked, "view": "patients", "query": "order=rare&has=?"}, b""
    yield {**asked, "view": "find"}, b"patient=?"
    if one.lists.census.patients:
        person = one.lists.person(1)
        yield {**asked, "view": "find"}, urlencode({"patient": person.id}).encode()
        for tab, _ in TABS:
            if tab != "missing":  # it derives many times, and was asked of another record
                yield {**asked, "view": tab, "row": one.reference(1)}, b""
        yield {**asked, "view": "", "row": one.reference(1), "accept": JSON}, b""


# the summary


def _summary(one: Crowd, desk: Desk, asked: Asked, data: bytes) -> Answered:
    if asked["accept"] == JSON:
        return Answered(JSON, one._set.setdefault(JSON, written([one.summary.to_dict()])))
    values = summary_page.values(one.summary, lambda said: _address(_pairs(said)) if said else "", addresses.address)
    key = json.dumps(asked["places"])
    if key not in one._set:
        text = desk.shell(asked).page("population.html", POPULATION.address, list=LIST, run=one.run, **values)
        one._set[key] = text
    return Answered(HTML, one._set[key])


def _pairs(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(part, name) for part, given in said.items() for name in ([given] if isinstance(given, str) else given)]


def _address(pairs: Sequence[tuple[str, str]]) -> str:
    """The address of a list."""
    return f"{LIST}?{urlencode(pairs, quote_via=quote, safe=':')}" if pairs else LIST


# lists


@dataclass(frozen=True, slots=True)
class Chip:
    """Something that a list is narrowed by, the address of the list without it, and what it is called."""

    word: str
    name: str
    off: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Narrower:
    """A conclusion that some patients of a list have, how many, and the addresses of those with and without it.

    `says` is what the knowledge base calls it, empty where that adds nothing.
    """

    value: str
    role: str | None
    says: str
    count: int
    having: str
    lacking: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order that a list may stand in."""

    name: str
    title: str


def _list(one: Crowd, desk: Desk, asked: Asked, data: bytes) -> Answered:
    wanted = _wanted(asked["query"])
    try:
        found = one.lists.page(wanted)
    except CaseError as error:
        raise Refusal(422, error.what, error.remedy, where=error.where) from error
    before, after = _turned(wanted, found)
    if asked["accept"] == JSON:
        return Answered(JSON, written([_document(one, found, before, after)]))
    kinds = {kind.name: kind for kind in desk.knowledge.kinds}
    single = [kind for kind in desk.knowledge.kinds if kind.exactly_one]
    pairs = _filters(wanted)
    narrowed = [(part, name) for part, name in pairs if part in PARTS]
    text = desk.shell(asked).page(
        "population_list.html", POPULATION.address, found=found, single=single,
        several=[kind for kind in desk.knowledge.kinds if not kind.exactly_one],
        chips=[
            Chip(part, name, _address([p for p in pairs if p != (part, name)]), _says(part, name, desk.knowledge))
            for part, name in narrowed
        ],
        worded=lambda kind, value: worded(value, kinds[kind], desk.knowledge),
        pairs=narrowed, order=wanted.order, orders=_orders(desk.knowledge),
        narrower=_narrower(desk.knowledge, found, wanted), before=before, after=after, first=_address(pairs),
        at=lambda row: f"{LIST}/{one.reference(row.number)}/", of=_of, whole=one.lists.census.patients,
        shown=shown, percent=percent, people=people, summary=POPULATION.address,
    )  # fmt: skip
    return Answered(HTML, text)


def _says(part: str, name: str, knowledge: Knowledge) -> str:
    """What something is called that a list is narrowed by; empty where that adds nothing."""
    kind, _, rest = name.partition(":")
    own = next((one for one in knowledge.kinds if one.name == kind and part != "rule"), None)
    return worded(rest.partition(" ")[0], own, knowledge) if own else ""


def _of(row: Listed, kind: str) -> list[Row]:
    """What was concluded of one kind."""
    return [told for told in row.told if told[0] == kind]


def _wanted(query: str) -> Wanted:
    """What an address asks for. Raises Refusal for what it cannot."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=FILTERS)
    except (UnicodeDecodeError, ValueError) as error:
        what = f"the address cannot be read, or has more than {FILTERS} parts"
        raise Refusal(400, what, "narrow the list by less") from error
    found: dict[str, list[str]] = {part: [] for part in PARTS}
    other: dict[str, str] = {}
    for name, value in pairs:
        if name in found and value:
            found[name].append(value)
        elif name in ("order", "after", "before") and value:
            other[name] = value
        elif name not in (*PARTS, "order", "after", "before"):
            remedy = f"use {', '.join(PARTS)}, order, after, before"
            raise Refusal(400, f"a list has no {name[:60]}", remedy)
    after, before = (_number(other[name], name) if name in other else None for name in ("after", "before"))
    has, without, rule = (tuple(dict.fromkeys(found[part])) for part in PARTS)
    return Wanted(has, without, rule, other.get("order", RUN), after, before)


def _number(text: str, name: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,11}", text):
        raise Refusal(400, f"{name} is the number of a row", "follow the links of the list")
    return int(text)


def _filters(wanted: Wanted) -> list[tuple[str, str]]:
    """A list as its address has it, without the place of the page."""
    pairs = [(part, name) for part in PARTS for name in getattr(wanted, part)]
    return [*pairs, ("order", wanted.order)] if wanted.order != RUN else pairs


def _turned(wanted: Wanted, found: Page) -> tuple[str, str]:
    """The addresses of the pages before and after; empty where there is none."""
    pairs = _filters(wanted)
    if not found.rows:
        return "", ""
    before = "" if found.is_first else _address([*pairs, ("before", str(found.rows[0].number))])
    after = "" if found.is_last else _address([*pairs, ("after", str(found.rows[-1].number))])
    return before, after


def _orders(knowledge: Knowledge) -> list[Order]:
    most = [
        Order(f"{MOST}{kind.name}", f"most {kind.title.lower()}") for kind in knowledge.kinds if not kind.exactly_one
    ]
    return [Order(RUN, "as in the run"), Order(RARE, "rarest pictures"), *most]


def _narrower(knowledge: Knowledge, found: Page, wanted: Wanted) -> list[tuple[str, list[Narrower]]]:
    """What a list can be narrowed by: conclusions that some of it have and some have not, by their kinds."""
    pairs, made = _filters(wanted), []
    for kind in knowledge.kinds:
        some = []
        for row, count in sorted(found.narrower.items(), key=lambda pair: (-pair[1], pair[0][1], pair[0][2] or "")):
            if row[0] == kind.name and 0 < count < found.total:
                name = f"{row[0]}:{row[1]}{f' {row[2]}' if row[2] else ''}"
                having, lacking = (_address([*pairs, (part, name)]) for part in ("has", "without"))
                some.append(Narrower(row[1], row[2], worded(row[1], kind, knowledge), count, having, lacking))
        if some:
            made.append((kind.title, some))
    return made


def _document(one: Crowd, found: Page, before: str, after: str) -> dict[str, Any]:
    """A page of a list, format `citelog-population-list/1`."""
    return {
        "format": FORMAT,
        "knowledge": one.lists.knowledge.identity,
        "run": one.run,
        "total": found.total,
        "patients": [
            {
                "row": row.number,
                "patient": row.person.id,
                "address": f"{LIST}/{one.reference(row.number)}/",
                "alike": row.alike,
                "conclusions": [{"id": f"{kind}:{value}", "role": role} for kind, value, role in row.told],
            }
            for row in found.rows
        ],
        "previous": f"/api{before}" if before else None,
        "next": f"/api{after}" if after else None,
    }


# one patient


def _found(one: Crowd, desk: Desk, asked: Asked, data: bytes) -> Answered:
    """The address of a patient's row, by the id that was sent."""
    fields = sent(FORM, data, 10)
    patient = fields.get("patient", "").strip()
    number = one.lists.number(patient) if patient else None
    if number is None:  # the id is not repeated: a refusal may be logged elsewhere
        raise Refusal(404, "nobody in this population is called so", "give the id exactly as the data write it")
    return Answered("text/plain", f"{LIST}/{one.reference(number)}/")


def _row(one: Crowd, desk: Desk, asked: Asked, deadline: float) -> Answered:
    """A view of one patient of the run, derived again and compared; as JSON, the assessment."""
    number, person = one.person(asked["row"])
    if asked["view"] not in dict(TABS) and asked["view"] != "why":
        raise Refusal(404, "there is nothing at this address", f"start at {POPULATION.address}")
    answers = one.lists.answers
    try:
        found = answers.of(person, desk.knowledge, deadline)
    except DisagreementError as error:
        what = "the stored answer of this row and the one derived now are not the same; rely on neither"
        raise Refusal(500, what, "ask for it with citelog assess --population, and report what it says") from error
    if asked["accept"] == JSON:
        return Answered(JSON, assessments([found]), [found])
    record = json.dumps(answers.record(person), ensure_ascii=False, indent=1)
    given = Entered(case=record, at=answers.document["at"])
    where = {"base": f"{LIST}/{one.reference(number)}", "tabs": TABS, "here": POPULATION.address, "row": number}
    return views.view(desk, {**asked, **where}, given, found)
