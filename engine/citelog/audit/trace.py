"""The way from each sentence of the document to what is concluded from it, the cases that show it, and back.

A trace is a graph of things in levels. Each link is one that an answer really takes: a rule leads to a conclusion where
it stands in the proof of that conclusion in some case. What has no link where one is due, and gives no reason, is an
orphan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from citelog.diagnostics import Span

FORMAT = "citelog-trace/1"

LEVELS: Mapping[str, str] = {
    "sentence": "Sentences of the document",
    "statement": "Statements",
    "triple": "What statements say",
    "rule": "Rules",
    "conclusion": "Conclusions",
    "case": "Cases",
    "property": "Safety properties",
    "member": "Members of the documents of an answer",
    "element": "Places of the page",
}
"""The levels, from the document to what is tried and what is shown, with their headings."""

Key = tuple[str, str]
"""A level and an id."""


Place = tuple[int, int] | None
"""From where to where something stands in the document; None for what does not."""


@dataclass(frozen=True, slots=True)
class Node:
    """A thing that can be traced.

    `reason` says why it has no link where one would be due: a sentence that is set aside, a rule by convention. `at` is
    from where to where it stands in the document, in code points, for what stands there.
    """

    level: str
    id: str
    text: str
    span: Span
    reason: str = ""
    at: Place = None

    @property
    def key(self) -> Key:
        """What links name it by."""
        return self.level, self.id

    def to_dict(self) -> dict[str, Any]:
        """The thing as data."""
        return {
            "level": self.level,
            "id": self.id,
            "text": self.text,
            "file": self.span.file,
            "line": self.span.line,
            "reason": self.reason or None,
            "start": self.at[0] if self.at else None,
            "end": self.at[1] if self.at else None,
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Node:
        """The thing that was written as data."""
        at = None if data["start"] is None else (data["start"], data["end"])
        return cls(data["level"], data["id"], data["text"], Span(data["file"], data["line"]), data["reason"] or "", at)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A thing without a link where one is due; `towards` says in which direction: `document` or `answer`."""

    node: Node
    towards: str
    what: str

    def to_dict(self) -> dict[str, Any]:
        """The orphan as data."""
        return {"level": self.node.level, "id": self.node.id, "towards": self.towards, "what": self.what}


@dataclass(frozen=True)
class Trace:
    """Everything that can be traced, in the order of levels and places, and every link from one thing to the next."""

    nodes: tuple[Node, ...]
    links: tuple[tuple[Key, Key], ...]

    @cached_property
    def by_key(self) -> Mapping[Key, Node]:
        """The things by what links name them."""
        return {node.key: node for node in self.nodes}

    @cached_property
    def _ways(self) -> tuple[Mapping[Key, list[Key]], Mapping[Key, list[Key]]]:
        forth: dict[Key, list[Key]] = defaultdict(list)
        back: dict[Key, list[Key]] = defaultdict(list)
        for one, other in self.links:
            forth[one].append(other)
            back[other].append(one)
        return forth, back

    def of(self, level: str) -> tuple[Node, ...]:
        """The things of a level."""
        return tuple(node for node in self.nodes if node.level == level)

    def forth(self, node: Node, level: str) -> tuple[Node, ...]:
        """What a thing leads to on another level, towards the answer."""
        return tuple(self.by_key[key] for key in self._ways[0].get(node.key, ()) if key[0] == level)

    def back(self, node: Node, level: str) -> tuple[Node, ...]:
        """What leads to a thing from another level, towards the document."""
        return tuple(self.by_key[key] for key in self._ways[1].get(node.key, ()) if key[0] == level)

    @cached_property
    def orphans(self) -> tuple[Orphan, ...]:
        """Every thing without a link where one is due, and without a reason."""
        return tuple(self._orphans())

    def _orphans(self) -> Iterator[Orphan]:
        for node in self.nodes:
            for due in _DUE:
                excused = due.level != node.level or (due.excused and node.reason)
                ways = self._ways[due.towards == "document"].get(node.key, ())
                if not excused and not any(key[0] in due.levels for key in ways):
                    yield Orphan(node, due.towards, due.otherwise)

    def to_dict(self) -> dict[str, Any]:
        """The trace as data: what the document of the format `citelog-trace/1` says beside whose it is."""
        return {
            "nodes": [node.to_dict() for node in self.nodes],
            "links": [{"from": {"level": a[0], "id": a[1]}, "to": {"level": b[0], "id": b[1]}} for a, b in self.links],
            "orphans": [one.to_dict() for one in self.orphans],
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Trace:
        """The trace that was written as data."""
        nodes = tuple(Node.of_data(one) for one in data["nodes"])
        known = {node.key: node.key for node in nodes}  # a key is one object, whatever the number of its links
        ends = ((known[_key(one["from"])], known[_key(one["to"])]) for one in data["links"])
        return cls(nodes, tuple(ends))


def _key(data: Mapping[str, str]) -> Key:
    return data["level"], data["id"]


@dataclass(frozen=True, slots=True)
class Due:
    """A link that a thing of a level must have: towards what, to which levels, and what is so where it has none.

    `excused` says whether the reason that a thing gives stands for the link.
    """

    level: str
    towards: str
    levels: tuple[str, ...]
    otherwise: str
    excused: bool = False


_DUE = (
    Due("sentence", "answer", ("statement",), "no statement encodes it, and no reason is given", excused=True),
    Due("statement", "document", ("sentence",), "it lies in no segment of the document that names it"),
    Due(
        "statement",
        "answer",
        ("rule", "conclusion", "statement"),
        "nothing rests on it, and no reason is given",
        excused=True,
    ),
    Due("triple", "document", ("statement",), "no statement says it, and nobody vouches for it", excused=True),
    Due("rule", "document", ("statement",), "it encodes no statement, and no reason is given", excused=True),
    Due("rule", "answer", ("conclusion", "property", "rule", "member"), "it stands in no proof of any case"),
    Due("conclusion", "document", ("rule",), "no rule gives it in any case"),
    Due("conclusion", "answer", ("case",), "no case shows it"),
    Due("case", "document", ("conclusion",), "it shows no conclusion"),
    Due("property", "document", ("conclusion", "rule"), "it looks at nothing, and no reason is given", excused=True),
    Due("member", "answer", ("element",), "no place of the page shows it, and no reason is given", excused=True),
    Due("element", "document", ("member",), "it shows no member of a document, and no reason is given", excused=True),
)
