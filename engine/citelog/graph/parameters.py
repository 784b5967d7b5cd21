"""The values of a query's parameters: texts of a command line or a request, as terms of their declared types.

A value is never put into the text of a query. It becomes one triple of the dataset, which the query reads:
`param:marker rdf:value ?marker`, with `PREFIX param: <urn:citelog:parameter:>`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from citelog.answer import Answer
from citelog.diagnostics import CitelogError, did_you_mean
from citelog.graph.library import TYPES, Query
from citelog.knowledge.base import Knowledge
from citelog.knowledge.triples import XSD
from citelog.vocab import folded

if TYPE_CHECKING:
    from pyoxigraph import Literal, NamedNode

_WRITTEN = {
    "integer": r"[+-]?\d+",
    "decimal": r"[+-]?(\d+(\.\d*)?|\.\d+)",
    "boolean": "true|false",
    "date": r"\d{4}-\d\d-\d\d",
}
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\]*")


@dataclass(frozen=True, slots=True)
class Known:
    """What the names of a call can mean: a knowledge base, the answers for its cases, and prefixes."""

    knowledge: Knowledge
    answers: tuple[Answer, ...] = ()
    prefixes: Mapping[str, str] | None = None


def bind(query: Query, given: Mapping[str, str], known: Known) -> dict[str, NamedNode | Literal]:
    """A term for each parameter of a query, from what was given or from its default.

    Raises CitelogError for a name that is no parameter, a value that is not of its type, and a value that is missing.
    """
    declared = {parameter.name: parameter for parameter in query.parameters}
    for name in given:
        if name not in declared:
            told = f"it has {', '.join(declared)}" if declared else "it has none"
            declare = "" if query.audience else f"; a file declares one so: # @param {name}: string — what it means"
            raise CitelogError(f"{query.name} has no parameter {name}", did_you_mean(name, declared) or told + declare)
    bound = {}
    for name, parameter in declared.items():
        value = given.get(name, parameter.default)
        if value is None:
            raise CitelogError(
                f"{query.name} needs the parameter {name}: {parameter.meaning}",
                f"add --param {name}=…, {TYPES[parameter.type]}",
            )
        bound[name] = term(name, parameter.type, value, known)
    return bound


def term(name: str, type_: str, value: str, known: Known) -> NamedNode | Literal:
    """The term that a text means for a parameter of a type; raises CitelogError where it means none."""
    from pyoxigraph import Literal, NamedNode

    kb = known.knowledge
    match type_:
        case "string":
            return Literal(value)
        case "integer" | "decimal" | "boolean" | "date":
            if not re.fullmatch(_WRITTEN[type_], value, re.ASCII) or (type_ == "date" and not _is_day(value)):
                raise _wrong(name, value, type_, TYPES[type_])
            return Literal(value, datatype=NamedNode(XSD + type_))
        case "iri":
            return NamedNode(_whole(name, value, known.prefixes or {}))
        case "statement":
            return NamedNode(kb.statements[_among(name, value, "statement", kb.statements)].iri.value)
        case "conflict":
            return NamedNode(kb.namespace + _among(name, value, "conflict", kb.conflicts))
        case "rule":
            return NamedNode(kb.rule(_among(name, value, "rule", [rule.name for rule in kb.program.rules])).value)
        case "term":
            return NamedNode(_term(name, value, kb))
        case _:
            reached = [id_ for found in known.answers for id_ in found.by_id]
            if not known.answers:
                raise CitelogError(f"{name}={value}: a conclusion is of a case", "name one: --case patient.yaml")
            return Literal(_among(name, value, "conclusion", reached))


def _term(name: str, value: str, kb: Knowledge) -> str:
    """A term by a name that records may use, by its label, or by its local name."""
    for kind in kb.terms.names:
        if (found := kb.terms.match(kind, value)) is not None:
            return found.value
    named = {folded(label): term.value for term, label in sorted(kb.terms.labels.items(), reverse=True)}
    local = {term.local: term.value for term in sorted(kb.terms.labels, reverse=True)}
    if folded(value) in named:
        return named[folded(value)]
    return local[_among(name, value, "term", local, kb.terms.labels.values())]


def _among(name: str, value: str, what: str, known: Iterable[str], others: Iterable[str] = ()) -> str:
    known = list(known)
    if value not in known:
        few = f"{what}s are {', '.join(known[:8])}{' …' if len(known) > 8 else ''}"
        hint = did_you_mean(value, [*known, *others]) or few
        raise CitelogError(f"{name}={value}: there is no {what} {value}", hint)
    return value


def _whole(name: str, value: str, prefixes: Mapping[str, str]) -> str:
    prefix, colon, local = value.partition(":")
    whole = prefixes[prefix] + local if colon and prefix in prefixes else value
    if not _IRI.fullmatch(whole):
        raise _wrong(name, value, "iri", TYPES["iri"])
    return whole


def _is_day(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _wrong(name: str, value: str, type_: str, meant: str) -> CitelogError:
    article = "an" if type_[0] in "aeiou" else "a"
    return CitelogError(f"{name}={value}: {value!r} is not {article} {type_}", f"give {meant}")
