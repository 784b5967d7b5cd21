"""The pages about one patient, set where the patient is assessed: the answer, its proofs, and what else can be asked.

Every view is what a command would say, in the parts of the page that stands alone (`render.page`). It decides nothing.
What can go wrong with a record is told on the page that it was entered on, with everything that was typed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from citelog import patient
from citelog.assess import Assessment
from citelog.diagnostics import CaseError
from citelog.explain.catalogue import catalogue
from citelog.knowledge.base import Citation, Knowledge
from citelog.patient.case import Recorded
from citelog.patient.dates import day
from citelog.patient.numbers import reading
from citelog.proof.words import called, sentence
from citelog.render import page as parts
from citelog.render.page import anchors_of, cards_of
from citelog.render.phrases import counted, markers, reviewed
from citelog.serve.http.limits import Refusal
from citelog.serve.http.operations import FORM, HTML, JSON
from citelog.serve.pages import entered, form
from citelog.serve.pages.entered import Entered
from citelog.serve.pages.shell import EXAMPLES, PATIENT, Place, Shell, environment

Asked = Mapping[str, Any]

TABS = (
    ("", "Answer"),
    ("missing", "What is missing"),
    ("what-if", "What if"),
    ("why-not", "Why not"),
    ("record", "The record"),
    ("document", "The document"),
)
"""The views of a record, by the part of the address behind it, as a page leads to them."""

DAY = "Day of the assessment"
"""What the forms call the date that rules are held to."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A document or a page: its media type, its text, the assessments that it tells, and its status."""

    media: str
    text: str
    assessments: Sequence[Assessment] = ()
    status: int = 200


@dataclass(frozen=True, slots=True)
class Desk:
    """What pages are made of: a knowledge base, the texts of its cases, and how a record is assessed."""

    knowledge: Knowledge
    cases: Mapping[str, str]
    assessed: Callable[[Entered], Assessment]

    def shell(self, asked: Asked) -> Shell:
        """What stands around the pages, as the server knows it."""
        return Shell(self.knowledge, tuple(Place(address, title, "", "") for address, title in asked["places"]))


def page(desk: Desk, asked: Asked, data: bytes) -> Answered:
    """The page that is asked for: `view`, what it is `about`, and for a record its `base`, the address of its pages.

    Raises Refusal, CitelogError (CaseError where a record cannot be used).
    """
    view = asked["view"]
    if view in _DESK:
        return _DESK[view](desk, asked, data)
    if view not in _VIEWS:
        raise Refusal(404, "there is nothing at this address", "start at /")
    given = _given(desk, asked, data)
    return _VIEWS[view](desk, asked, given, desk.assessed(given))


def view(desk: Desk, asked: Asked, given: Entered, found: Assessment) -> Answered:
    """A view of a record that was assessed already; `tabs` and `here` say which views it has, and where it belongs."""
    return _VIEWS[asked["view"]](desk, asked, given, found)


def rehearsal(requests: Mapping[str, Any]) -> Iterator[tuple[Asked, bytes]]:
    """Pages that are asked for once before anybody asks, so that nothing is imported or opened later.

    What derives many times is asked elsewhere already; of its pages the templates are enough.
    """
    for name in environment().list_templates(["html"]):
        environment().get_template(name)
    kept = entered.written(Entered(case=json.dumps(requests["assess"]["case"]))).encode()
    asked: Asked = {"places": [], "base": "/patient/x", "about": "", "then": ""}
    for view in ("enter", "examples", "gone"):
        yield {**asked, "view": view}, b""
    for view in ("", "document", "record", "edit", "why-not", "what-if"):
        yield {**asked, "view": view}, kept
    yield {**asked, "view": "why", "about": requests["why"]["conclusion"]}, kept
    plain = {"media": FORM, "record": 0}
    files = {"media": 'multipart/form-data; boundary="b"', "record": 0}
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nlabs: []\r\n--b--\r\n'
    yield {**asked, "view": "entered", "sent": plain}, b"sort=form&findings.0.known=?&findings.0.state=?"
    yield {**asked, "view": "entered", "sent": plain}, b"sort=text&record=%7B%5D"
    yield {**asked, "view": "entered", "sent": files}, part
    changed = {**plain, "record": len(kept)}
    yield {**asked, "view": "changed", "sent": changed}, kept + b"drop:labs%5B9%5D=yes"


def _given(desk: Desk, asked: Asked, data: bytes) -> Entered:
    """The record that a page is about: one that is kept, or a case of the knowledge base."""
    name = asked.get("example")
    if name is None:
        return entered.read(data)
    if name not in desk.cases:
        raise Refusal(404, "the knowledge base has no case of this name", "see /examples")
    text = desk.cases[name]
    case = patient.from_bytes(text.encode(), name, name, desk.knowledge.terms)
    return Entered(case=text, name=name, at=case.expect.at if case.expect else None)


# views of a record


def _answer(desk: Desk, asked: Asked, given: Entered, found: Assessment) -> Answered:
    cards = cards_of(found)
    made = parts.sections(found, cards, styled=False)
    return _about(desk, asked, given, found, "patient_answer.html", **parts.values(found, cards), sections=made)


def _why(desk: Desk, asked: Asked, given: Entered, found: Assessment) -> Answered:
    anchors = anchors_of(c.id for c in found.conclusions)
    named = [id_ for id_, anchor in anchors.items() if asked["about"] in (id_, anchor)]
    if not named and not found.reached(asked["about"]) and asked["about"] in catalogue(desk.knowledge):
        why_not = f"{asked['base']}/why-not/{_quoted(asked['about'])}"
        raise Refusal(409, f"{asked['about']} was not concluded for this record", f"see {why_not}", "not-concluded")
    ids = named or found.ids(asked["about"])
    cards = cards_of(found, ids)
    values = parts.values(found, cards)
    kinds = {kind.name: kind.title for kind in desk.knowledge.kinds}
    firm = [citation.statement for card in cards for citation in card.quotes]
    return _about(desk, asked, given, found, "patient_why.html", **values, cards=cards, kinds=kinds, firm=firm)


def _document(desk: Desk, asked: Asked, given: Entered, found: Assessment) -> Answered:
    return _about(desk, asked, given, found, "patient_document.html", **parts.values(found, cards_of(found)))


def _record(desk: Desk, asked: Asked, given: Entered, found: Assessment) -> Answered:
    values = parts.values(found, cards_of(found))
    return _about(desk, asked, given, found, "patient_record.html", **values, kept=given)


def _missing(desk: Desk, asked: Asked, given: Entered, found: Assessment) -> Answered:
    return _about(desk, asked, given, found, "patient_missing.html", missing=found.missing())


def _why_not(desk: Desk, asked: Asked, given: Entered, found: Assessment) -> Answered:
    known = catalogue(desk.knowledge)

    def says(id_: str, alone: bool = False) -> str:
        """A conclusion in words, with its kind where it stands `alone` and they need it; empty if no rule draws it."""
        goal = known.get(id_.partition("#")[0])
        if goal is None:
            return ""
        told = called(goal.id.partition(":")[2], goal.kind, desk.knowledge)
        if alone and (goal.kind.exactly_one or goal.kind.about_record):
            return f"{goal.kind.title}: {told}"
        return sentence(told)

    open_ = {
        kind.title: [id_ for id_, goal in known.items() if goal.kind == kind and not found.reached(id_)]
        for kind in desk.knowledge.kinds
    }
    told = found.why_not(asked["about"]) if asked["about"] else None
    return _about(
        desk, asked, given, found, "patient_why_not.html", told=told, asked_for=asked["about"],
        says=says,
        kinds={title: ids for title, ids in open_.items() if ids}, statements=_statements(desk.knowledge),
    )  # fmt: skip


def _what_if(desk: Desk, asked: Asked, given: Entered, found: Assessment) -> Answered:
    told = found.what_if(set=given.set, drop=given.drop, add=given.add) if given.is_changed else None
    return _changing(desk, asked, given, found, told)


def _changing(
    desk: Desk, asked: Asked, given: Entered, found: Assessment, told: object, problem: CaseError | None = None
) -> Answered:
    status = 422 if problem else 200
    return _about(
        desk, asked, given, found, "patient_what_if.html", status, told=told, kept=given, problem=problem,
        statements=_statements(desk.knowledge), groups=form.groups(desk.knowledge, {}, {}), pieces=[*given.add, "", ""],
    )  # fmt: skip


def _edit(desk: Desk, asked: Asked, given: Entered, found: Assessment) -> Answered:
    typed = given.typed or {"sort": "text", "record": given.case}
    return _form(desk, asked, {"at": given.at or "", **typed, **_carried(given)})


def _about(
    desk: Desk, asked: Asked, given: Entered, found: Assessment, template: str, status: int = 200, **values: object
) -> Answered:
    """A page about a record that was assessed."""
    base = asked["base"]
    shared = {
        "knowledge": desk.knowledge,
        "case": found.case,
        "given": given,
        "anchors": anchors_of(desk.knowledge.statements),
        "counted": counted,
        "markers": markers,
    }
    here = asked.get("here", EXAMPLES.address if "example" in asked else PATIENT.address)
    text = desk.shell(asked).page(
        template, here, **{**shared, **values}, base=base, view=asked["view"], tabs=asked.get("tabs", TABS),
        row=asked.get("row"), at=found.at, reviewed=reviewed(found), quoted=_quoted,
        at_conclusion=f"{base}/why/", places=anchors_of(c.id for c in found.conclusions),
    )  # fmt: skip
    return Answered(HTML, text, [found], status)


def _quoted(id_: str) -> str:
    """The id of a conclusion as a part of an address."""
    return quote(id_, safe=":")


def _statements(knowledge: Knowledge) -> dict[str, Citation]:
    return {id_: Citation.of(statement) for id_, statement in knowledge.statements.items()}


# a record, entered


def _enter(desk: Desk, asked: Asked, data: bytes) -> Answered:
    return _form(desk, asked, {})


def _gone(desk: Desk, asked: Asked, data: bytes) -> Answered:
    return _form(desk, asked, {}, status=410)


def _examples(desk: Desk, asked: Asked, data: bytes) -> Answered:
    named = [(name, quote(name, safe=""), name.replace("-", " ")) for name in desk.cases]
    return Answered(HTML, desk.shell(asked).page("examples.html", EXAMPLES.address, cases=named))


def _entered(desk: Desk, asked: Asked, data: bytes) -> Answered:
    """What was entered, to be kept where it can be read; else the page again, with what is wrong and what was typed."""
    typed = entered.sent(asked["sent"]["media"], data)
    if "more" in typed:
        list_ = typed.pop("more")
        return _form(desk, asked, {**typed, f"rows.{list_}": str(form.more_rows(typed, list_) + 1)})
    written = typed.get("sort") == "form"
    places: dict[str, str] = {}
    text = typed.get("file") or typed.get("record", "")
    if written:
        made, places = form.case(typed)
        text = json.dumps(made, ensure_ascii=False, indent=1)
    else:
        typed["record"] = text
    problems: dict[str, list[str]] = {}
    try:
        if not text.strip():
            raise CaseError("record", "nothing was entered", "paste a record, or choose a file")
        at = day(typed["at"].strip(), DAY).isoformat() if typed.get("at", "").strip() else None
        case = patient.from_bytes(text.encode("utf-8", "surrogatepass"), "record", "record", desk.knowledge.terms)
    except CaseError as error:
        return _form(desk, asked, typed, problem=error, status=422)
    if written and "anyway" not in typed:
        for note in case.notes:
            problems.setdefault(places.get(note.read_from, ""), []).append(note.text)
        for entry in case.entries:
            if entry.list == "labs" and reading(value := entry.keys.get("value")) is None:
                problems.setdefault(places.get(entry.read_from, ""), []).append(_no_number(value))
        if problems:
            return _form(desk, asked, typed, problems, status=422)
    kept = Entered(
        case=text, at=at, typed={k: v for k, v in typed.items() if k != "anyway"} if written else None,
        unlooked=_named(typed, "unlooked:"), withheld=_named(typed, "withheld:"),
    )  # fmt: skip
    return Answered(JSON, entered.written(kept))


def _carried(given: Entered) -> dict[str, str]:
    """What a form carries on of the call that a record comes from: it holds for what is made of the record, too."""
    return {f"unlooked:{key}": "yes" for key in given.unlooked} | {f"withheld:{id_}": "yes" for id_ in given.withheld}


def _named(typed: form.Typed, what: str) -> list[str]:
    """What fields name behind a word, as in `drop:labs[0]`."""
    return [name.removeprefix(what) for name in typed if name.startswith(what)]


def _no_number(value: Recorded | None) -> str:
    if value is None:
        return "No value is given."
    return f"The value “{value}” is not a number that can be read. Numbers are written as in 80.5, or <50."


def _changed(desk: Desk, asked: Asked, data: bytes) -> Answered:
    """A record with the changes that are to be tried, where they can be made."""
    length = asked["sent"]["record"]
    given = _given(desk, asked, data[:length])
    typed = entered.sent(asked["sent"]["media"], data[length:])
    found = desk.assessed(given)
    old = {
        entry.read_from if entry.list == "context" else f"{entry.read_from}.{key}": str(value)
        for entry in found.case.entries
        for key, value in entry.keys.items()
    }
    sets = {n[4:]: v for n, v in typed.items() if n.startswith("set:") and v.strip() != old.get(n[4:], "").strip()}
    drop = _named(typed, "drop:")
    sets = {path: value for path, value in sets.items() if not any(path.startswith(f"{place}.") for place in drop)}
    drop += [path for path, value in sets.items() if not value.strip() and path not in drop]  # emptied: it says nothing
    sets = {path: value for path, value in sets.items() if value.strip()}
    add = [value.strip() for name, value in typed.items() if name.startswith("add:") and value.strip()]
    add += _additions(typed)
    changed = replace(given, set=sets, drop=drop, add=add)
    try:
        found.what_if(set=sets, drop=drop, add=add)
    except CaseError as error:
        return _changing(desk, asked, changed, found, None, error)
    return Answered(JSON, entered.written(changed))


def _additions(typed: Mapping[str, str]) -> Iterator[str]:
    """Entries that were chosen by name, as pieces of a case."""
    made, _ = form.case(typed)
    for list_, entries in made.items():
        if isinstance(entries, list):
            yield from (json.dumps({list_: [entry]}, ensure_ascii=False) for entry in entries)


def _form(
    desk: Desk,
    asked: Asked,
    typed: form.Typed,
    problems: Mapping[str, Sequence[str]] | None = None,
    problem: CaseError | None = None,
    status: int = 200,
) -> Answered:
    told = problems or {}
    text = desk.shell(asked).page(
        "patient_form.html", PATIENT.address, typed=typed, groups=form.groups(desk.knowledge, typed, told),
        problems=told, problem=problem, then=asked.get("then", ""), gone=asked["view"] == "gone",
        is_text=typed.get("sort") == "text", knowledge=desk.knowledge,
        unlooked=_named(typed, "unlooked:"), withheld=_named(typed, "withheld:"),
        day=DAY, wrong_day=problem is not None and problem.where == DAY,
    )  # fmt: skip
    return Answered(HTML, text, status=status)


_DESK: Mapping[str, Callable[[Desk, Asked, bytes], Answered]] = {
    "enter": _enter,
    "examples": _examples,
    "gone": _gone,
    "entered": _entered,
    "changed": _changed,
}
"""Pages without a record that is kept already."""

_VIEWS: Mapping[str, Callable[[Desk, Asked, Entered, Assessment], Answered]] = {
    "": _answer,
    "why": _why,
    "document": _document,
    "record": _record,
    "edit": _edit,
    "missing": _missing,
    "why-not": _why_not,
    "what-if": _what_if,
}
"""Views of a record, by the part of the address behind it."""
