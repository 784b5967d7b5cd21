"""An audit as one HTML page that stands alone, and that a browser prints as a document to be filed.

The page needs no network and no script. It decides nothing: what it says, the audit and the trace have said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from citelog.audit.gates import Failed
from citelog.audit.model import TOPICS, WEIGHTS, Audit, Figure, total
from citelog.audit.trace import LEVELS, Key, Node, Trace
from citelog.home import VERSION
from citelog.knowledge.base import Knowledge, Statement
from citelog.render.page import anchors_of
from citelog.render.phrases import counted, short_citation
from citelog.render.quoted import Piece, Quote, cut
from citelog.render.template import fill


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence as it is set: the line that it begins on, its pieces with the quotes over them, its statements."""

    node: Node
    line: int
    pieces: tuple[Piece, ...]
    statements: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A statement beside its sentence, and what it leads to; `first` where no earlier sentence has it."""

    node: Node
    first: bool
    statement: Statement
    citation: str
    triples: int
    used: int
    rules: tuple[Node, ...]
    conclusions: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Back:
    """A conclusion or a rule, and what it goes back to: rules, statements, the lines of their sentences."""

    node: Node
    cases: tuple[Node, ...]
    rules: tuple[Node, ...]
    statements: tuple[Node, ...]
    conclusions: tuple[Node, ...]
    properties: tuple[Node, ...]


def audit_page(
    found: Audit, failed: Iterable[Failed], trace: Trace | None, knowledge: Knowledge | None, whole: bool = True
) -> str:
    """An audit with the trace behind it; without the trace where the knowledge base has errors.

    The same audit gives the same bytes. Where it is not `whole`, only the trace is set.
    """
    places = anchors(trace) if trace else {}
    return fill(
        "audit.html",
        **parts(found, failed, trace, knowledge, places),
        whole=whole,
        href=lambda node: f"#{places[node.key]}" if node.key in places else "",
        whose=lambda about: "",
        engine=f"citelog {VERSION}",
        running=_quoted(f"Audit of {found.knowledge} {found.version}"),
    )


def parts(
    found: Audit,
    failed: Iterable[Failed],
    trace: Trace | None,
    knowledge: Knowledge | None,
    places: Mapping[Key, str],
) -> dict[str, object]:
    """What the parts of the page are made of (`audit_parts.html`); `places` are where each traced thing stands on it.

    Beside them they ask for `href`, the address of a traced thing, and `whose`, that of what an item is about.
    """
    return {
        "found": found,
        "failed": tuple(failed),
        "topics": [(name, title, [f for f in found.figures if f.topic == name]) for name, title in TOPICS.items()],
        "totals": {weight: total(found.figures, weight) for weight in WEIGHTS},
        "uncounted": sum(bool(one.uncounted) for one in found.figures),
        "weights": WEIGHTS,
        "mark": mark,
        "trace": trace,
        "knowledge": knowledge,
        "levels": LEVELS,
        "readings": _readings(trace, knowledge) if trace and knowledge else (),
        "conclusions": [_back(trace, node) for node in trace.of("conclusion")] if trace else (),
        "rules": [_back(trace, node) for node in trace.of("rule") if _answers(node, knowledge)] if trace else (),
        "cases": [(node, trace.back(node, "conclusion")) for node in trace.of("case")] if trace else (),
        "properties": [(node, trace.back(node, "conclusion")) for node in trace.of("property")] if trace else (),
        "members": [
            (node, trace.forth(node, "element"), trace.back(node, "member"), trace.forth(node, "member"))
            for node in trace.of("member")
        ]
        if trace
        else (),
        "elements": [(node, trace.back(node, "member")) for node in trace.of("element")] if trace else (),
        "anchors": places,
        "counted": counted,
    }


def mark(figure: Figure) -> str:
    """The word for how a figure stands: `fine` where it counts nothing and should not."""
    if figure.uncounted:
        return "uncounted"
    return figure.weight if figure.count or figure.weight == "disclosed" else "fine"


def anchors(trace: Trace) -> dict[Key, str]:
    """An id of an element for each thing that is traced."""
    names = anchors_of(f"{node.level}-{node.id}" for node in trace.nodes if node.level != "triple")
    return {node.key: names[f"{node.level}-{node.id}"] for node in trace.nodes if node.level != "triple"}


def _readings(trace: Trace, knowledge: Knowledge) -> list[Reading]:
    source = knowledge.source
    found = []
    for node in trace.of("sentence"):
        if node.at is None:
            continue
        first, last = node.at
        rows = tuple(_row(trace, one, knowledge, node) for one in trace.forth(node, "statement"))
        quotes = [
            Quote(row.node.id, max(first, row.statement.start) - first, min(last, row.statement.end) - first)
            for row in rows
            if row.statement.start < last and first < row.statement.end
        ]
        pieces = tuple(piece for line in cut(source.text[first:last], quotes) for piece in line.pieces)
        found.append(Reading(node, source.line(first), pieces, rows))
    return found


def _row(trace: Trace, node: Node, knowledge: Knowledge, sentence: Node) -> Row:
    statement = knowledge.statements[node.id]
    triples = trace.forth(node, "triple")
    used = sum(bool(trace.forth(one, "rule") or trace.forth(one, "conclusion")) for one in triples)
    citation = short_citation(statement).partition(", ")[2]
    rules = tuple(one for one in trace.forth(node, "rule") if _answers(one, knowledge))
    first = trace.back(node, "sentence")[0] == sentence
    return Row(node, first, statement, citation, len(triples), used, rules, trace.forth(node, "conclusion"))


def _answers(rule: Node, knowledge: Knowledge | None) -> bool:
    """Whether a rule is one that answers, and not one of a safety property."""
    return knowledge is not None and any(one.name == rule.id for one in knowledge.program.rules)


def _back(trace: Trace, node: Node) -> Back:
    return Back(
        node,
        trace.forth(node, "case"),
        trace.back(node, "rule") if node.level == "conclusion" else (),
        trace.back(node, "statement"),
        trace.forth(node, "conclusion"),
        trace.forth(node, "property"),
    )


def _quoted(text: str) -> str:
    """A text as a string of a style sheet: nothing in it can end the string."""
    return '"' + re.sub(r"[^\w .,:-]", lambda m: f"\\{ord(m[0]):x} ", text) + '"'
