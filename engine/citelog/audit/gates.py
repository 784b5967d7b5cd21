"""Gates: how much of a figure may be, and which gates an audit does not pass."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from citelog.audit.model import Figure
from citelog.audit.report import CODES
from citelog.audit.subject import Subject
from citelog.diagnostics import CitelogError, Span, did_you_mean
from citelog.vocab import CL

_WRITTEN = re.compile(r"\s*([\w-]+)\s*(?:>\s*(\d+)\s*)?")


@dataclass(frozen=True, slots=True)
class Gate:
    """The most that a figure may count; `span` is where a knowledge base keeps the gate."""

    code: str
    most: int = 0
    span: Span | None = None

    def __str__(self) -> str:
        return f"{self.code}>{self.most}" if self.most else self.code


@dataclass(frozen=True, slots=True)
class Failed:
    """A gate that an audit does not pass, and the figure that it asks for."""

    gate: Gate
    figure: Figure

    def __str__(self) -> str:
        one = self.figure
        if one.uncounted:
            return f"gate {self.gate}: not counted, {one.uncounted}"
        allowed = f", more than {self.gate.most}" if self.gate.most else ""
        return f"gate {self.gate}: {one.count} of {one.of} {one.of_what}{allowed} ({one.title})"

    def to_dict(self) -> dict[str, Any]:
        """The gate as data."""
        return {
            "code": self.gate.code,
            "most": self.gate.most,
            "count": None if self.figure.uncounted else self.figure.count,
        }


class Counted(Protocol):
    """Something that is told in figures: an audit, or a new edition of the document beside a knowledge base."""

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What is counted."""


def gate(text: str, span: Span | None = None, known: Collection[str] = CODES) -> Gate:
    """A gate as it is written: `CODE` where none may be, `CODE>N` where N may; raises CitelogError for any other text.

    `known` are the codes that there are.

    >>> gate("rule-untried"), gate("marker-none > 28").most
    (Gate(code='rule-untried', most=0, span=None), 28)
    >>> gate("rule-untrid")
    Traceback (most recent call last):
    citelog.diagnostics.CitelogError: rule-untrid: there is no figure of that code
       = did you mean rule-untried?
    """
    place = f"{span}: " if span else ""
    written = _WRITTEN.fullmatch(text)
    if written is None:
        hint = "write a code, or a code and the most that may be: rule-untried, marker-none>28"
        raise CitelogError(f"{place}{text}: this is no gate", hint)
    code, most = written.groups()
    if code not in known:
        hint = did_you_mean(code, known) or f"the codes are: {', '.join(known)}"
        raise CitelogError(f"{place}{code}: there is no figure of that code", hint)
    return Gate(code, int(most or 0), span)


def kept(of: Subject) -> tuple[Gate, ...]:
    """The gates that a knowledge base keeps for itself (cl:gate); raises CitelogError where one cannot be read."""
    gates = []
    for iri in of.triples.instances(CL + "KnowledgeBase"):
        for text in of.triples.all(iri, CL + "gate"):
            gates.append(gate(str(text), of.place(iri, str(text))))
    return tuple(gates)


def failed(audit: Counted, gates: Iterable[Gate] = ()) -> tuple[Failed, ...]:
    """The gates that an audit does not pass, in the order of the figures.

    What is broken is always a gate; so is a figure that a gate asks for and that could not be counted. Of several
    gates of one figure the strictest is told.
    """
    strictest = {figure.code: Gate(figure.code) for figure in audit.figures if figure.weight == "broken"}
    for one in gates:
        if one.code not in strictest or one.most < strictest[one.code].most:
            strictest[one.code] = one
    asked = [(figure, strictest[figure.code]) for figure in audit.figures if figure.code in strictest]
    return tuple(Failed(one, figure) for figure, one in asked if figure.uncounted or figure.count > one.most)
