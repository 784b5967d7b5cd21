"""Every member of the documents that an answer is given in, and the place of the page that shows it.

The members are those of the published schemas. The templates of the page say before each value which members it shows,
in a comment that no page carries: `{#: assessment.case.id #}`. So no list is kept here of what is shown where; only
of what is not shown, and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from typing import Any

from citelog import schemas
from citelog.diagnostics import Span
from citelog.render import template

DOCUMENTS = ("assessment", "proof", "receipt", "log-entry")
"""The documents whose members are traced: the answer, its proofs, the receipt of it, the entry of a log about it."""

TEMPLATES = ("page.html", "parts.html")
"""The templates that an answer is shown with."""

BESIDE: Mapping[str, str] = {
    "document": "the text of the source document",
    "knowledge": "words of the knowledge base itself: titles, headings, its remarks",
    "counted": "a count of what the page shows",
}
"""What a value of the page can show beside members."""

ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "proof.steps[]": (
        "for the checker: the words of the step say it",
        "id kind text predicate args[].* uses facts[] read_from[] statements statements[] citations rule doc file line"
        " rule_text bindings[].* convention muted aggregate.function aggregate.rows operator left.* right.* expression"
        " value.* named looked_for.predicate looked_for.args[].* assumed",
    ),
    "receipt": (
        "citelog audit replay checks it, and says where it differs",
        "record.form record.sha256 record.text at engine.citelog engine.code engine.python engine.reasoner knowledge.id"
        " knowledge.version knowledge.sha256 files.folder files.groups.*.sha256 files.groups.*.count"
        " files.groups.*.files.* assessment.format proofs.roots.* proofs.steps.*.kind proofs.steps.*.text"
        " proofs.steps.*.uses[] hashes.* sha256",
    ),
    "log-entry": (
        "citelog audit log shows it, and verifies it",
        "number time kind origin keep public_key asked receipt salt of knowledge.id knowledge.version knowledge.sha256"
        " engine.citelog engine.reasoner engine.*",
    ),
}
"""Members of a part of a document that are looked at elsewhere, one by one: a new one is an orphan until it is, too."""

UNSHOWN: Mapping[str, str] = {
    "*.format": "it names the form of the document",
    "assessment.conclusions[].*.value[]": "for programs: the page shows the words that it is read from",
    "assessment.conclusions[].*.unit": "for programs: the page shows the words that it is read from",
    "assessment.conclusions[].also[].*": "it orders the candidates, and the page shows them in that order",
    "proof.case.*": "as in the assessment",
    "proof.knowledge.*": "as in the assessment",
    "proof.caveats[].*": "as in the assessment",
    "proof.conclusion": "the proof stands under its conclusion",
    "proof.root": "the first step of each proof",
    "proof.steps[].uses[]": "a step stands below the one that uses it",
    "proof.steps[].citations[].*": "as with the conclusions: the name of a statement leads to its quote",
    "proof.steps[].entry": "as in the table of the record, to which the name of the entry leads",
    **{f"{part}.{name}": why for part, (why, names) in ELSEWHERE.items() for name in names.split()},
}
"""Members that no place of the page shows, by patterns of their names, and why; the first that fits is told."""

KEEPS: Mapping[str, tuple[str, ...]] = {
    "receipt.record.sha256": ("assessment.case.sha256",),
    "receipt.record.text": ("assessment.facts[].sentence", "assessment.facts[].read_from"),
    "receipt.engine.citelog": ("assessment.engine.citelog",),
    "receipt.engine.reasoner": ("assessment.engine.reasoner",),
    "receipt.knowledge.id": ("assessment.knowledge.id",),
    "receipt.knowledge.version": ("assessment.knowledge.version",),
    "receipt.knowledge.sha256": ("assessment.knowledge.sha256",),
    "receipt.files.groups.*.sha256": ("assessment.knowledge.sha256",),
    "receipt.assessment.format": ("assessment.format",),
    "receipt.proofs.steps.*.kind": ("proof.steps[].kind",),
    "receipt.proofs.steps.*.text": ("proof.steps[].text",),
    "receipt.proofs.steps.*.uses[]": ("proof.steps[].uses[]",),
    "log-entry.knowledge.id": ("assessment.knowledge.id",),
    "log-entry.knowledge.version": ("assessment.knowledge.version",),
    "log-entry.knowledge.sha256": ("assessment.knowledge.sha256",),
    "log-entry.engine.citelog": ("assessment.engine.citelog",),
    "log-entry.engine.reasoner": ("assessment.engine.reasoner",),
    "log-entry.receipt": ("receipt.sha256",),
}
"""What a member of a receipt or of a log keeps of an answer."""


@cache
def members() -> Mapping[str, tuple[str, Span]]:
    """Every member of the documents by its name, as in `assessment.conclusions[].id`: what it says, and its place.

    A member that holds others is named by them alone.
    """
    found: dict[str, tuple[str, Span]] = {}
    for document in DOCUMENTS:
        schema = schemas.schema(document)
        for path, words in _walk(schema["$defs"]["document"], schema, document, ()):
            found.setdefault(path, (words, Span(f"schemas/{document}{schemas.ENDING}")))
    return found


def _walk(
    part: Mapping[str, Any], schema: Mapping[str, Any], path: str, open_: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """The members below a part of a schema; a part that stands within itself is told once."""
    below = list(_below(part, schema, path, open_))
    if below:
        yield from below
    else:
        yield path, part.get("description") or _described(part, schema)


def _below(
    part: Mapping[str, Any], schema: Mapping[str, Any], path: str, open_: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    for key, value in part.items():
        if key == "$ref" and value not in open_:
            yield from _below(_referred(value, schema), schema, path, (*open_, value))
        elif key == "properties":
            for name, inner in value.items():
                yield from _walk(inner, schema, f"{path}.{name}", open_)
        elif key == "items":
            yield from _walk(value, schema, f"{path}[]", open_)
        elif key == "additionalProperties" and isinstance(value, dict):
            yield from _walk(value, schema, f"{path}.*", open_)
        elif key in ("anyOf", "oneOf", "allOf"):
            for inner in value:
                yield from _below(inner, schema, path, open_)


def _described(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    while "$ref" in part and "description" not in part:
        part = _referred(part["$ref"], schema)
    return str(part.get("description", ""))


def _referred(reference: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    file, _, pointer = reference.partition("#/$defs/")
    within = schema["$defs"]["common"]["$defs"] if file or pointer not in schema["$defs"] else schema["$defs"]
    found: Mapping[str, Any] = within[pointer]
    return found


def unshown(member: str) -> str:
    """Why no place of the page needs to show a member; empty where one is due."""
    return next((why for pattern, why in UNSHOWN.items() if _fits(member, pattern)), "")


def kept(member: str) -> tuple[str, ...]:
    """The members of an answer that a member of a receipt or a log keeps."""
    return next((names for pattern, names in KEEPS.items() if _fits(member, pattern)), ())


def _fits(member: str, pattern: str) -> bool:
    """Whether a member is of a pattern: `*` stands for one name, and at the end for everything below.

    >>> _fits("a.b.c[]", "a.*"), _fits("a.b.c[]", "a.*.c[]"), _fits("a.b.d.c[]", "a.*.c[]")
    (True, True, False)
    """
    whole, rest = (pattern[:-1], ".+") if pattern.endswith(".*") else (pattern, "")
    form = re.escape(whole).replace(r"\*", r"[^.\[\]]+") + rest
    return re.fullmatch(form, member) is not None


def named(pattern: str) -> tuple[str, ...]:
    """The members that a template means by a pattern."""
    return tuple(one for one in members() if _fits(one, pattern))


# the places of the page

SAID = re.compile(r"\{#:\s*(?P<members>[^#]*?)\s*#\}")
_CODE = re.compile(r"\{\{(?P<output>.*?)\}\}|\{#(?!:).*?#\}|\{%.*?%\}", re.S)
_MACRO = re.compile(r"\s*(?P<name>\w+)\(")
_PUNCTUATION = re.compile(r"\s*'[^']*'\s+if\b")
_LEFT, _RIGHT = "\ue000", "\ue001"


@cache
def elements() -> Mapping[str, tuple[tuple[str, ...], Span]]:
    """Every value that the page shows, by its element and line, with what its template says that it shows.

    Calls of macros, whose own values are told where they stand, and what only separates values are left out.
    """
    found: dict[str, tuple[tuple[str, ...], Span]] = {}
    for name in TEMPLATES:
        text = template.source(name)
        macros = set(re.findall(r"\{%-? macro (\w+)\(", text)) | set(
            re.findall(r"\w+", "".join(re.findall(r" import ([^%]*) with", text)))
        )
        reader = _Elements(macros)
        reader.feed(_prepared(text))
        reader.close()
        for line, tag, said in reader.found:
            span = Span(f"templates/{name}", line)
            key = f"{name}:{line} {tag}"
            before = found.get(key, ((), span))[0]
            found[key] = (tuple(dict.fromkeys((*before, *said))), span)
    return found


def _prepared(text: str) -> str:
    """A template as HTML: statements go, and each value becomes a mark that no attribute can be broken by."""

    def marked(match: re.Match[str]) -> str:
        lines = "\n" * match[0].count("\n")
        if match["output"] is None:
            return lines
        return f"{_LEFT}{match['output'].replace('<', ' ').replace('>', ' ').replace(chr(34), chr(39))}{_RIGHT}{lines}"

    def said(match: re.Match[str]) -> str:
        return f"{_LEFT}: {match['members']}{_RIGHT}"

    return _CODE.sub(marked, SAID.sub(said, text))


class _Elements(HTMLParser):
    """Reads a prepared template: which element each value stands in, and what is said before it."""

    VOID = frozenset(("meta", "link", "br", "hr", "img", "input", "col"))

    def __init__(self, macros: set[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.macros = macros
        self.stack: list[str] = []
        self.found: list[tuple[int, str, tuple[str, ...]]] = []
        self.said: tuple[str, ...] = ()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            classes = (dict(attrs).get("class") or "").split(_LEFT)[0].split()
            self.stack.append(".".join((tag, *classes[:1])))

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place].partition(".")[0] == tag:
                del self.stack[place:]
                return

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1].startswith("style"):
            return
        line = self.getpos()[0]
        for match in re.finditer(f"{_LEFT}(?P<code>[^{_RIGHT}]*){_RIGHT}", data):
            code = match["code"]
            if code.startswith(":"):
                self.said = tuple(code[1:].split())
                continue
            called = _MACRO.match(code)
            if not (_PUNCTUATION.match(code) or (called and called["name"] in self.macros)):
                at = line + data.count("\n", 0, match.start())
                self.found.append((at, self.stack[-1] if self.stack else "(text)", self.said))
            self.said = ()
