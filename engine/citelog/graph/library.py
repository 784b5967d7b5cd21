"""Queries as files: SPARQL whose opening comment says the question, who asks it, its parameters, and an example.

    # Which conclusions rest on what the document marks with one number?
    #
    # More about it, as long as it needs to be.
    #
    # @audience auditor
    # @needs case
    # @param marker: string = 4 — the number, as the document prints it
    # @example citelog query marker --case examples/patient.yaml --param marker=4
    # @gives treat:immediate

`@needs case` is for questions that mean nothing without a case. A parameter is declared with its type and its meaning,
and with the value that it has where none is given, if it has one. An example is a command that can be run; `@gives` is
a text that its answer holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog import home
from citelog.diagnostics import CitelogError, did_you_mean
from citelog.listing import NoFileError, paths_in

FORMAT = "citelog-queries/1"

AUDIENCES: Mapping[str, str] = {
    "author": "who writes a knowledge base",
    "asker": "who asks about a patient",
    "auditor": "who checks what an answer rests on",
}
"""Who a query is for."""

TYPES: Mapping[str, str] = {
    "string": "a text",
    "integer": "a whole number",
    "decimal": "a number, exact",
    "boolean": "true or false",
    "date": "a day, as 2026-03-15",
    "iri": "an IRI, whole or with a prefix of the knowledge base",
    "statement": "the id of a statement",
    "conflict": "the id of a conflict",
    "rule": "the name of a rule",
    "term": "a name, a code or the local name of a term of the knowledge base",
    "conclusion": "the id of a conclusion of a case that was named, as assess shows it",
}
"""What a parameter can be, and how it is given."""

_TAG = re.compile(r"@(?P<tag>\w+)\s*(?P<rest>.*)")
_PARAMETER = re.compile(
    r"(?P<name>[a-z][a-z0-9_]*)\s*:\s*(?P<type>\S+)(?:\s+=\s*(?P<default>.*?))?\s+—\s+(?P<meaning>.+)"
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a query asks for: a name, a type (graph.parameters), a meaning, and what it is if not given."""

    name: str
    type: str
    meaning: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A command line, and texts that its answer holds."""

    command: str
    gives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A query of the library, or of a file; without a header, all but `name` and `text` are empty.

    `name` is what it is asked for by; `needs_case` whether it means nothing without a case.
    """

    name: str
    question: str
    about: str
    audience: str
    parameters: tuple[Parameter, ...]
    examples: tuple[Example, ...]
    needs_case: bool
    text: str

    @property
    def usage(self) -> str:
        """How it is asked of any knowledge base; the examples are of the one that is shipped as the default.

        >>> next(one.usage for one in library() if one.name == "proof")
        'citelog query proof --case CASE --param conclusion=…'
        """
        given = (f" --param {one.name}=…" for one in self.parameters if one.default is None)
        return f"citelog query {self.name}{' --case CASE' if self.needs_case else ''}{''.join(given)}"


def library() -> tuple[Query, ...]:
    """Every query that is shipped, by audience and name."""
    order = list(AUDIENCES)
    found = (read(path) for path in _shipped())
    return tuple(sorted(found, key=lambda query: (order.index(query.audience), query.name)))


def document(queries: Iterable[Query]) -> dict[str, Any]:
    """What can be asked by name, as the document `citelog-queries/1`."""
    return {
        "format": FORMAT,
        "queries": [
            {
                "name": query.name,
                "question": query.question,
                "about": query.about,
                "audience": query.audience,
                "needs_case": query.needs_case,
                "parameters": [
                    {"name": one.name, "type": one.type, "meaning": one.meaning, "default": one.default}
                    for one in query.parameters
                ],
            }
            for query in queries
        ],
    }


def find(name_or_file: str) -> Query:
    """A shipped query by its name, any other by its file; raises CitelogError where there is neither."""
    names = {path.stem: path for path in _shipped()}
    if name_or_file in names:
        return read(names[name_or_file])
    path = Path(name_or_file)
    if path.suffix == ".rq" or path.is_file():
        return read(path)
    hint = did_you_mean(name_or_file, names) or "citelog query --list shows them; a file ends in .rq"
    raise CitelogError(f"{name_or_file}: no query of the library has this name", hint)


def _shipped() -> list[Path]:
    try:
        return paths_in(home.queries(), "*.rq")
    except OSError as error:
        remedy = error.remedy if isinstance(error, NoFileError) else "let it be read: it holds the library of queries"
        raise CitelogError(f"{error.filename}: {error.strerror}", remedy) from error


def read(path: Path) -> Query:
    """The query of a file; raises CitelogError where it cannot be read, or its header is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CitelogError(f"{path}: {error.strerror}", "is the file there, and readable?") from error
    except UnicodeDecodeError as error:
        raise CitelogError(f"{path}: byte {error.start} is not UTF-8", "save the file as UTF-8") from error
    return parse(path.stem if path.parent == home.queries() else str(path), text)


def parse(name: str, text: str) -> Query:
    """The query of a text, by the name or the file that it is asked for by.

    >>> query = parse("cited", "# Who cites it?\\n# @param statement: statement — which one\\nASK {}")
    >>> query.name, query.question, query.parameters[0].type
    ('cited', 'Who cites it?', 'statement')
    """
    said: list[str] = []
    audience, needs_case, parameters, examples = "", False, dict[str, Parameter](), list[Example]()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("#"):
            break
        words = line.removeprefix("#").strip()
        tag = _TAG.fullmatch(words)
        if tag is None:
            said.append(words)
            continue
        rest = tag["rest"]
        match tag["tag"]:
            case "audience":
                audience = _one_of(rest, AUDIENCES, "audience", f"{name}:{number}")
            case "needs":
                needs_case = bool(_one_of(rest, ("case",), "need", f"{name}:{number}"))
            case "param":
                parameter = _parameter(rest, f"{name}:{number}")
                if parameter.name in parameters:
                    raise CitelogError(f"{name}:{number}: {parameter.name} is declared twice", "remove one")
                parameters[parameter.name] = parameter
            case "example":
                examples.append(Example(rest))
            case "gives" if examples:
                examples[-1] = Example(examples[-1].command, (*examples[-1].gives, rest))
            case "gives":
                raise CitelogError(f"{name}:{number}: @gives follows an @example", "say the example first")
            case other:
                _one_of(other, ("audience", "needs", "param", "example", "gives"), "tag", f"{name}:{number}")
    question, _, about = "\n".join(said).strip().partition("\n")
    known = tuple(parameters.values())
    return Query(name, question, about.strip(), audience, known, tuple(examples), needs_case, text)


def _parameter(text: str, place: str) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    if found is None:
        hint = "write @param name: type — meaning, or @param name: type = value — meaning"
        raise CitelogError(f"{place}: the parameter cannot be read: {text}", hint)
    type_ = _one_of(found["type"], TYPES, "type", place)
    return Parameter(found["name"], type_, found["meaning"], found["default"])


def _one_of(word: str, known: Mapping[str, str] | tuple[str, ...], what: str, place: str) -> str:
    if word not in known:
        hint = did_you_mean(word, known) or f"one of: {', '.join(known)}"
        raise CitelogError(f"{place}: {word or 'nothing'} is no {what}", hint)
    return word
