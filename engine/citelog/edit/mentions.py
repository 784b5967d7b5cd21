"""Where something is named: the common coin of everything that an editor asks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """What a text names.

    `kind` is `iri` (a term, a statement, a conflict, a property, a class), `predicate` (one without a prefix), `rule`,
    `variable` (its name, and the number of its rule in its file), or what only a reading of the knowledge base can
    turn into one of these: `statement` (an id), `conclusion` (`kind:value`), `word` (a local name).
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A place in a text that names a thing; `name` is the stretch of it that is the thing's own name.

    `role` says what the place does with the thing: `declares` it (its own block, or its signature), `states` it (a
    statement's graph), `describes` it (as the subject within a graph), `derives` it (the head of a rule), `quotes` it
    (the words of the document, in a statement or in the document itself), `tells` of it (in a comment, or in prose) or
    `uses` it.
    """

    start: int
    end: int
    thing: Thing
    role: str
    name: tuple[int, int]


def named(written: str, start: int, known: Mapping[str, str], role: str) -> Mention:
    """The mention of a name with a prefix, or of a full IRI; `known` are the namespaces by their prefixes.

    >>> named("ex:iron", 0, {"ex": "https://example.org/#"}, "uses").thing.name
    'https://example.org/#iron'
    """
    end = start + len(written)
    if written.startswith("<"):
        local = max(written.rfind("#"), written.rfind("/")) + 1
        return Mention(start, end, Thing("iri", written[1:-1]), role, (start + max(local, 1), end - 1))
    prefix, _, local_name = written.partition(":")
    iri = known.get(prefix, prefix + ":") + local_name
    return Mention(start, end, Thing("iri", iri), role, (start + len(prefix) + 1, end))


_PROSE = re.compile(r"(?<![\w:/.-])(?P<prefix>[A-Za-z]\w*):[A-Za-z_]\w*(?:-\w+)*")


def told(prose: str, start: int, known: Mapping[str, str]) -> Iterator[Mention]:
    """The names with a prefix in a comment or a remark that begins at an offset.

    >>> [m.name for m in told("see ex:iron, or note: none", 0, {"ex": "https://example.org/#"})]
    [(7, 11)]
    """
    for found in _PROSE.finditer(prose):
        if found["prefix"] in known:
            yield named(found[0], start + found.start(), known, "tells")
