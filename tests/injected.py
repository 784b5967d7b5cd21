"""Texts that mean to be more than text (payloads.yaml), wherever one can be given, and who reads what is made of them.

Nothing is looked for in the bytes: each output is read by a reader of its own form, and `probe` may stand in it as text
and nowhere else: as no element, no attribute that acts, no address, no name of a relation, no file.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import html5lib
import pyoxigraph
import yaml
from markdown_it import MarkdownIt
from pyoxigraph import RdfFormat

import b12
import calls
from citelog.assess import Assessment, assess, assess_case
from citelog.export import forms
from citelog.export.subject import Subject
from citelog.hooks import cards, request
from citelog.hooks.services import services
from citelog.patient import intake
from citelog.render import fhir, page, picture, prov

Record = dict[str, Any]
Texts = list[str]

FILE = Path(__file__).parent / "payloads.yaml"
PROBE = "probe"


@cache
def _families() -> Mapping[str, Any]:
    return dict(yaml.safe_load(FILE.read_text(encoding="utf-8")))


@cache
def markup() -> tuple[str, ...]:
    """Every opening with every act, and what stands alone."""
    of = _families()["markup"]
    return (*(opening + act for opening in of["openings"] for act in of["acts"]), *of["alone"])


@cache
def control() -> tuple[str, ...]:
    """What no record may hold."""
    return tuple(_families()["control"])


@cache
def identifiers() -> tuple[str, ...]:
    """Every shape with every aim."""
    of = _families()["identifiers"]
    return tuple(shape.format(aim) for shape in of["shapes"] for aim in of["aims"])


# --- what is given ----------------------------------------------------------------------------------------------------

FIELDS: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "labs": (
        {"analyte": "serum vitamin B12", "value": "*", "unit": "pmol/L"},
        {"analyte": "serum vitamin B12", "value": "80", "unit": "*", "when": "*", "flag": "*"},
        {"analyte": "serum vitamin B12", "value": "80", "unit": "pmol/L", "flag": "*", "remark": "*", "*": "x"},
        {"analyte": "*", "value": "*", "unit": "*", "when": "*"},
        {"analyte": "plasma homocysteine", "value": "*", "unit": "*"},
    ),
    "findings": (
        {"name": "neurological involvement", "state": "present", "when": "*", "flag": "*", "remark": "*"},
        {"name": "symptoms attributed to vitamin B12 deficiency", "state": "*"},
        {"name": "*", "state": "present"},
    ),
    "conditions": ({"name": "pernicious anaemia", "state": "present", "remark": "*"}, {"name": "*", "state": "*"}),
    "medications": (
        {"name": "hydroxocobalamin", "status": "current", "dose": "*", "route": "*", "frequency": "*", "since": "*"},
        {"name": "folic acid", "status": "*", "course": "*", "*": "*"},
        {"name": "*", "status": "current", "dose": "*"},
    ),
    "preferences": ({"topic": "route", "value": "*"}, {"topic": "*", "value": "*"}),
}
"""The entries of a record with a `*` in each string that somebody can write, names and keys too."""


COPIES = 3
"""How often each entry stands in a record, each time with other payloads."""


def record(payloads: tuple[str, ...], turn: int) -> Record:
    """A record in which each field has other payloads; over all turns each has had every one."""
    number = turn

    def given(text: str) -> str:
        nonlocal number
        if text != "*":
            return text
        number += 1
        return payloads[number % len(payloads)]

    made: Record = {list_: [] for list_ in FIELDS}
    for _ in range(COPIES):
        for list_, entries in FIELDS.items():
            made[list_] += [{given(key): given(value) for key, value in entry.items()} for entry in entries]
    return made


def turns() -> range:
    """The turns after which each field has had every payload: its copies stand `fields()` payloads apart."""
    return range(len(markup()) - (COPIES - 1) * fields())


def person(payload: str) -> Record:
    """A record in which all that is said of the patient as a whole is one payload."""
    return {"id": payload.strip(), "context": {"age_years": payload, "sex": payload, payload: payload}}


def fields() -> int:
    """How many strings of all kinds of entries have a payload."""
    texts = [text for entries in FIELDS.values() for entry in entries for pair in entry.items() for text in pair]
    return texts.count("*")


def call(payloads: tuple[str, ...], turn: int) -> bytes:
    """A call of a hook with a payload in each text of its resources."""
    one, two, three, four, five, six = (payloads[(turn + n) % len(payloads)] for n in range(6))
    results = calls.bundle(
        calls.observation(unit=one, code={"text": two}, note=[{"text": three}]),
        calls.observation(valueQuantity=None, valueString=four),
    )
    conditions = calls.bundle(calls.condition(), calls.condition(five))
    orders = calls.bundle(calls.order(medicationCodeableConcept={"text": six}), calls.order(), type="collection")
    for entry in results["entry"]:
        entry["resource"] = {key: value for key, value in entry["resource"].items() if value is not None}
    made = calls.call("order-sign", orders, results=results, conditions=conditions)
    return json.dumps(made).encode()


# --- who reads what is made -------------------------------------------------------------------------------------------

QUIET = frozenset((
    "id", "title", "value", "alt", "content", "name", "for", "class", "d", "aria-label", "aria-labelledby", "headers",
    "data-quotes",
))  # fmt: skip
"""Attributes of which nothing acts on the text."""


def read_tree(tree: Any) -> tuple[str, Texts]:
    """The words of a page or a picture, and every place where one of them is more than a word."""
    wrong = []
    for element in tree.iter():
        tag = str(element.tag).rpartition("}")[2]
        if tag in ("script", "iframe", "object", "embed", "base", "form") or PROBE in tag:
            wrong.append(f"<{tag}>")
        for full, value in element.attrib.items():
            name = str(full).rpartition("}")[2]
            if (
                name.startswith("on")
                or PROBE in name
                or (PROBE in value and not (name in QUIET or (name == "href" and value.startswith("#"))))
            ):
                wrong.append(f"<{tag} {name}={value}>")
        if tag == "style" and PROBE in "".join(element.itertext()):
            wrong.append("a style")
    return "".join(tree.itertext()), wrong


def read_html(text: str) -> tuple[str, Texts]:
    """A page, as browsers read it; any error of its parsing is one."""
    return read_tree(html5lib.HTMLParser(strict=True).parse(text))


def read_xml(text: str) -> tuple[str, Texts]:
    """A picture, or the narrative of a resource."""
    return read_tree(ElementTree.fromstring(text))


def read_rdf(text: str, form: RdfFormat) -> tuple[str, Texts]:
    """A graph: literals hold what they like; an address holds a payload only in escapes, as a part of one of ours."""
    words, wrong = [], []
    for quad in pyoxigraph.parse(text.encode(), form, base_iri="urn:base:"):
        for term in (quad.subject, quad.predicate, quad.object, quad.graph_name):
            if isinstance(term, pyoxigraph.Literal):
                words.append(term.value)
                if PROBE in term.datatype.value or PROBE in (term.language or ""):
                    wrong.append(str(term))
            elif isinstance(term, pyoxigraph.NamedNode) and PROBE in term.value:
                ours = re.match(r"(?:https://w3id\.org/citelog|urn:citelog:|urn:uuid:)", term.value)
                if not ours or term is quad.predicate or re.search(r"[<>\"{}|^`\\\s]", term.value):
                    wrong.append(str(term))
    return "\n".join(words), wrong


def read_markdown(text: str) -> tuple[str, Texts]:
    """Markdown as CommonMark reads it, with tables: no link, no picture and no markup holds a payload."""
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    return read_tree(html5lib.HTMLParser().parse(html))


def read_narratives(document: Any) -> tuple[str, Texts]:
    """The narrative of each resource, and every address."""
    words, wrong, open_ = [], [], [document]
    for one in open_:
        match one:
            case list():
                open_ += one
            case dict():
                open_ += one.values()
                told = [(key, str(one[key])) for key in ("reference", "system", "url", "fullUrl") if key in one]
                wrong += [f"{key}: {text}" for key, text in told if PROBE in text]
                if isinstance(one.get("div"), str):
                    more, bad = read_xml(one["div"])
                    words.append(more)
                    wrong += bad
    return "\n".join(words), wrong


def read_terminal(text: str) -> tuple[str, Texts]:
    """What is printed: no character of it steers a terminal, or turns the direction of others."""
    steers = [one for one in text if (ord(one) < 32 and one not in "\n\t") or 0x7F <= ord(one) < 0xA0 or one in STEERS]
    return text, [f"U+{ord(one):04X}" for one in steers]


STEERS = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


OURS = ("Rule", "Program", "Comment", "ShowSignature")
"""What an exported program holds; no script, and nothing that is included."""


def read_clingo(text: str) -> tuple[str, Texts]:
    """A program as clingo reads it."""
    import clingo.ast

    kinds: Texts = []
    clingo.ast.parse_string(text, lambda node: kinds.append(str(node.ast_type)))
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    return "\n".join(words), sorted({kind for kind in kinds if kind.rpartition(".")[2] not in OURS})


# --- what is made of an answer ----------------------------------------------------------------------------------------

Sink = Callable[[Assessment], Iterator[tuple[str, Texts]]]


def _pages(found: Assessment) -> Iterator[tuple[str, Texts]]:
    yield read_html(page.page(found))


def _pictures(found: Assessment) -> Iterator[tuple[str, Texts]]:
    for one in found.conclusions:
        yield read_xml(picture.svg(found.why(one.id), every=True, sentence=one.sentence))


def _graphs(found: Assessment) -> Iterator[tuple[str, Texts]]:
    yield read_rdf(prov.turtle(found), RdfFormat.TURTLE)
    yield read_rdf(prov.jsonld(found), RdfFormat.JSON_LD)


def _resources(found: Assessment) -> Iterator[tuple[str, Texts]]:
    yield read_narratives(fhir.bundle(found))


def _exported(found: Assessment, *names: str) -> Iterator[tuple[str, Texts]]:
    subject = Subject(b12.knowledge(), b12.FOLDER, found)
    for form in names:
        for file in forms.export(form, subject):
            if not re.fullmatch(r"[\w.-]+", file.name) or file.name.startswith("."):
                yield "", [f"a file of the name {file.name}"]
            if form == "clingo":
                yield read_clingo(file.text)
            elif form == "fhir":
                yield read_narratives(json.loads(file.text))
            elif form in DATASETS:
                yield read_rdf(file.text, RdfFormat.N_QUADS if form == "nquads" else RdfFormat.TRIG)


def _programs(found: Assessment) -> Iterator[tuple[str, Texts]]:
    return _exported(found, *(form for form in forms.FORMS if form not in DATASETS))


def _datasets(found: Assessment) -> Iterator[tuple[str, Texts]]:
    return _exported(found, *DATASETS)


DATASETS = ("nquads", "trig", "nanopub")

SINKS: Mapping[str, Sink] = {
    "page": _pages,
    "pictures": _pictures,
    "graphs": _graphs,
    "resources": _resources,
    "programs": _programs,
    "datasets": _datasets,
}
"""Whatever is made of an answer, each read as what it says it is: its words, and all that is more than words."""


def told(sink: str, given: Record) -> tuple[int, Texts]:
    """How many payloads of a record can be read in an output, and what is wrong in it."""
    found = assess(b12.knowledge(), given)
    words, wrong = [], []
    for more, bad in SINKS[sink](found):
        words.append(more)
        wrong += [f"{sink}: {one} of {given}" for one in bad]
    return seen(words), wrong


def carded(turn: int) -> tuple[int, Texts]:
    """The same of the cards that a hook gives: their details are Markdown, their links ours."""
    _, orders = services(b12.knowledge())
    asked = request.read(orders, call(markup(), turn))
    case = intake.from_bytes(asked.record, "called", asked.instance, b12.knowledge().terms)
    words, wrong = [], []
    for card in cards.response(asked, assess_case(b12.knowledge(), case, asked.at))["cards"]:
        for text in (card["detail"], card["summary"]):
            more, bad = read_markdown(text)
            words.append(more)
            wrong += [f"cards, turn {turn}: {one}" for one in bad]
        addresses = [link["url"] for link in card.get("links", ())] + [card["source"].get("url", "")]
        wrong += [f"cards, turn {turn}: {one}" for one in addresses if PROBE in one]
    return seen(words), wrong


def seen(words: Iterable[str]) -> int:
    """How many payloads stand in some words, as they were given but for blanks."""
    text = re.sub(r"\s+", "", "".join(words))
    return sum(re.sub(r"\s+", "", one) in text for one in markup())


# --- code in rule files -----------------------------------------------------------------------------------------------

RULE = """
@prefix ex: <https://example.org/leaflet#> .
@prefix cl: <https://w3id.org/citelog#> .
%! {head}

%%% {doc}
%%% @convention {reason}
#[name("{name}")]
#[display({display})]
status(?p, ex:low) :- entry(?p, ?r, ?name, cl:present), ?x = "{text}", ?y = {iri} .
{line}
"""
PLAIN = {
    "head": "What is coded.", "doc": "Coded.", "reason": "Nothing rests on it.", "name": "coded",
    "display": '"Coded."', "text": "x", "iri": "ex:low", "line": "",
}  # fmt: skip


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


PLACES: Mapping[str, Callable[[str], Mapping[str, str]]] = {
    "the remark on the file": lambda act: {"head": act},
    "what a rule says of itself": lambda act: {"doc": act},
    "the reason of a convention": lambda act: {"reason": act},
    "the name of a rule": lambda act: {"name": _escaped(act)},
    "its sentence": lambda act: {"display": f'"{_escaped(act)}"'},
    "a sentence with values": lambda act: {"display": f'f"{_escaped(act)} {{?name}}"'},
    "a text": lambda act: {"text": _escaped(act)},
    "a text that ends too early": lambda act: {"text": act},
    "a term": lambda act: {"iri": f"<{act}>"},
    "a line of its own": lambda act: {"line": act},
}
"""Where in a rule file an act can stand: in words, within quotation marks and out of them, as a term, as a line."""


def code() -> list[tuple[str, str, str]]:
    """Every act in every place: both, and the text of the rule file."""
    acts = _families()["code"]["acts"]
    return [(place, act, RULE.format(**PLAIN | dict(put(act)))) for place, put in PLACES.items() for act in acts]


_watched: Texts | None = None


def _watch(event: str, given: tuple[Any, ...]) -> None:
    """Whatever Python is about to do that a text must never make it do."""
    if _watched is None:
        return
    if event in ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "ctypes.dlopen"):
        _watched.append(f"{event} {given}")
    elif (event == "compile" and PROBE in str(given[0]) and not Path(str(given[1])).is_file()) or (
        event == "open" and isinstance(given[0], str) and (Path(given[0]).name == PROBE or given[0] == "/etc/passwd")
    ):
        _watched.append(f"{event} {given[:2]}")


@contextmanager
def watched() -> Iterator[Texts]:
    """What this process was made to do that it must not do, while it is watched."""
    global _watched
    if not getattr(sys, "_citelog_watched", False):
        sys.addaudithook(_watch)
        sys._citelog_watched = True  # type: ignore[attr-defined]
    _watched = []
    try:
        yield _watched
    finally:
        _watched = None
