"""What stands above a rule: its name, its description, its sentence, and its tags."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from citelog.diagnostics import Hint, Instead, Span, meant, shortened, unseen
from citelog.rules.findings import Findings
from citelog.rules.language import ATTRIBUTES, TAGS, Names
from citelog.rules.naming import Naming, local_name
from citelog.rules.program import Absent, Acceptance, Literal, Present
from citelog.rules.syntax import AttributeSyntax, RuleSyntax

_WORD = re.compile(r"[^\s,:]+(?::[^\s,:]+)*")
"""A word of a tag: what stands between blanks and commas, without a colon at its end."""


@lru_cache(maxsize=16)
def _columns(line: str) -> Mapping[str, int]:
    """Where each word of a line stands first: as many may be asked for as there are."""
    return {found[0]: found.start() + 1 for found in reversed(list(_WORD.finditer(line)))}


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag with the rest of its text, and its lines."""

    name: str
    text: str
    spans: tuple[Span, ...]

    @property
    def words(self) -> list[str]:
        """The text as a list of names."""
        return self.text.replace(",", " ").split()

    def word(self, word: str, findings: Findings) -> Span:
        """Where a word of it stands."""
        for span in self.spans:
            if column := _columns(findings.file.line(span.line)).get(word):
                return Span(span.file, span.line, column)
        return self.spans[0]


@dataclass(frozen=True, slots=True)
class Above:
    """All of it: the name is empty, and the sentence (`display`) None, where there is none."""

    name: str
    doc: str
    display: AttributeSyntax | None
    tags: tuple[Tag, ...]

    def called(self, *names: str) -> Iterator[Tag]:
        """The tags of some names."""
        return (tag for tag in self.tags if tag.name in names)

    @property
    def cites(self) -> tuple[str, ...]:
        """The statements that it names."""
        return tuple(dict.fromkeys(word for tag in self.called("cites") for word in tag.words))

    @property
    def convention(self) -> str:
        """Why it names none, if it says so."""
        return " ".join(tag.text for tag in self.called("convention"))


def named(syntax: RuleSyntax) -> str:
    """The name of a rule; empty where it has none."""
    return next((a.text for a in syntax.attributes if a.name == "name"), "")


def above(syntax: RuleSyntax, names: Names, findings: Findings) -> Above:
    """What stands above a rule, looked at by itself."""
    if not findings.rule:
        findings.add("unnamed-rule", syntax.span, "the rule has no name", 'write #[name("…")] above it')
    _look_at_attributes(syntax, findings)
    found = Above(
        findings.rule,
        " ".join(doc.text for doc in takewhile(lambda doc: not doc.text.startswith("@"), syntax.docs)).strip(),
        next((a for a in syntax.attributes if a.name == "display"), None),
        tuple(_tags(syntax, findings)),
    )
    for tag in found.called("cites"):
        for statement in tag.words:
            if statement not in names.statements:
                near = findings.meant("statement", statement, names.statements)
                if (id_ := statement.rpartition(":")[2]) in names.statements:
                    near = Instead(statement, id_, f"statements are cited by their ids alone: did you mean {id_}?")
                hint = near or "is the statement in statements.trig?"
                span = tag.word(statement, findings)
                findings.add("unknown-statement", span, f"there is no statement {statement}", hint)
    if not found.cites and not found.convention and not any(found.called("through", "cites")):
        findings.add(
            "uncited-rule",
            syntax.span,
            "the rule names no statement",
            "add %%% @cites with statement ids, or %%% @convention with the reason for none",
        )
    return found


def _look_at_attributes(syntax: RuleSyntax, findings: Findings) -> None:
    seen: set[str] = set()
    for attribute in syntax.attributes:
        span = findings.at(attribute.span, attribute.name)
        if attribute.name not in ATTRIBUTES:
            hint = meant(attribute.name, ATTRIBUTES) or f"attributes are {', '.join(ATTRIBUTES)}"
            findings.add("unknown-tag", span, f"unknown attribute {attribute.name}", hint)
        elif attribute.name in seen:
            findings.add("syntax", span, f"the rule has a second {attribute.name}", "remove one of the two")
        seen.add(attribute.name)


def _tags(syntax: RuleSyntax, findings: Findings) -> list[Tag]:
    """The tags; a line that does not start with @ goes on with the tag above it, or with the rule's description."""
    tags: list[Tag] = []
    for doc in syntax.docs:
        if not doc.text.startswith("@"):
            if tags:
                tags[-1] = Tag(tags[-1].name, f"{tags[-1].text} {doc.text}".strip(), (*tags[-1].spans, doc.span))
            continue
        name, _, rest = doc.text[1:].partition(" ")
        span = findings.at(doc.span, "@" + name)
        if hidden := next(filter(None, map(unseen, name)), None):
            findings.add("syntax", span, *hidden)
        elif name not in TAGS:
            known = ", ".join("@" + t for t in TAGS)
            near = meant("@" + name, ["@" + t for t in TAGS])
            findings.add("unknown-tag", span, f"unknown tag @{name}", near or f"tags are {known}")
        tags.append(Tag(name, rest.strip(), (doc.span,)))
    for tag in tags:
        if tag.name in TAGS and tag.name != "mute" and not tag.text:
            span = findings.at(tag.spans[0], "@" + tag.name)
            findings.add("unknown-tag", span, f"@{tag.name} says nothing", TAGS[tag.name])
    return tags


# --- beside the rule ---------------------------------------------------------------------------------------------


def accepted(found: Above, findings: Findings) -> Iterator[Acceptance]:
    """The advice that the author accepts."""
    for tag in found.called("accept"):
        code, _, reason = (part.strip() for part in tag.text.partition(":"))
        if reason:
            yield Acceptance(code, reason, tag.word(code, findings))
        elif tag.text:
            findings.add("unknown-tag", tag.spans[0], "@accept gives no reason", TAGS["accept"])


def licences(found: Above, naming: Naming) -> tuple[str, ...]:
    """The predicates whose absence the rule says that it rests on."""
    return tuple(naming.full(name) for tag in found.called("assumes", "unless") for name in tag.words)


def assumed(literal: Literal, found: Above, naming: Naming) -> Literal:
    """A literal, marked where it is an absence that the conclusion must own up to."""
    names = (naming.full(name) for tag in found.called("assumes") for name in tag.words)
    if isinstance(literal, Absent) and literal.predicate in names:
        return Absent(literal.predicate, literal.args, True)
    return literal


def through(found: Above, literals: Sequence[Literal], naming: Naming, findings: Findings) -> int | None:
    """The place of the premise whose sentence and citations are the conclusion's own."""
    chosen = None
    for tag in found.called("through"):
        if tag.text:
            premises = {x.predicate: i for i, x in reversed(list(enumerate(literals))) if isinstance(x, Present)}
            chosen = premises.get(naming.full(tag.text))
            if chosen is None:
                locals_ = [local_name(predicate) for predicate in premises]
                hint = meant(tag.text, locals_) or f"it has {', '.join(locals_)}"
                message = f"@through names {tag.text}, which is no positive literal of the rule"
                findings.add("unused-licence", tag.word(tag.text, findings), message, hint)
    return chosen


def look_at_sentence(display: AttributeSyntax, variables: Sequence[str], findings: Findings) -> None:
    """Whether a rule's sentence shows variables that it binds, and no number of its own."""
    for number in re.findall(r"(?<!\w)\d+(?:[.,]\d+)*(?!\w)", re.sub(r"\{[^{}]*\}", "", display.text)):
        findings.add(
            "clinical-number",
            findings.at(display.span, number),
            f"the number {number} stands in the sentence",
            "put it into the statement that gives it, read it from there, and show the variable",
        )
    shown = re.findall(r"\{([^{}]*)\}", display.text)
    if shown and not display.interpolated:
        span = findings.at(display.span, '"')
        plain = 'write an f before it: display(f"…")'
        findings.add("syntax", span, "the sentence shows a variable but is plain text", plain)
    bound = {v: f"?{v}" for v in variables if not v.startswith("_")}
    binds = shortened(f"the rule binds {', '.join(bound.values()) or 'no variable'}", 400)
    for written in shown:
        name = written.removeprefix("?")
        if not written.startswith("?") or name not in bound:
            hint: Hint = Instead(f"{{{written}}}", f"{{?{name}}}", f"write {{?{name}}}")
            if name not in bound:
                sort = f"variable of line {display.span.line}"
                hint = findings.meant(sort, f"?{name}", bound.values(), written) or binds
            span = findings.at(display.span, "{" + written)
            message = f"the sentence shows {written}, which the rule does not bind"
            findings.add("unknown-display-variable", span, message, hint)
