"""Rule text to syntax trees that remember where they stood.

A file is cut into statements first and each is parsed by itself, so that one mistake does not hide
the next. Nothing is resolved here: names stay as the author wrote them (check.py resolves them).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from citelog.diagnostics import Diagnostic, Hint, Span, copied, unseen

if TYPE_CHECKING:
    from lark import Lark


@dataclass(frozen=True, slots=True)
class Word:
    """A leaf of an expression as written: `sort` is variable, anonymous, name, iri, bare, number, text or boolean."""

    sort: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class OperationSyntax:
    """Arithmetic between two expressions."""

    operator: str
    left: Expression
    right: Expression
    span: Span


Expression = Word | OperationSyntax


@dataclass(frozen=True, slots=True)
class AggregateSyntax:
    """`#sum(?points, ?item)`: a function over the first variable, one value for each distinct tuple of all."""

    function: str
    variables: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class AtomSyntax:
    """A predicate's name as written and its arguments."""

    name: Word
    args: tuple[Expression | AggregateSyntax, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class AbsentSyntax:
    """`~atom`."""

    atom: AtomSyntax
    span: Span


@dataclass(frozen=True, slots=True)
class ComparisonSyntax:
    """Two expressions and the sign between them."""

    operator: str
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class AttributeSyntax:
    """`#[name("…")]` or `#[display(f"…")]`."""

    name: str
    text: str
    interpolated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Doc:
    """One `%%%` line, without its signs."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class RuleSyntax:
    """One rule as written; `text` is its source without comments, for people to read."""

    docs: tuple[Doc, ...]
    attributes: tuple[AttributeSyntax, ...]
    heads: tuple[AtomSyntax, ...]
    body: tuple[AtomSyntax | AbsentSyntax | ComparisonSyntax, ...] | None
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What stands in one file: its prefixes, its rules, and what could not be read."""

    file: str
    prefixes: dict[str, str]
    rules: tuple[RuleSyntax, ...]
    diagnostics: tuple[Diagnostic, ...]
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The file as its author sees it."""
        return "\n".join(self.lines)

    def line(self, number: int) -> str:
        """A line of the file as its author sees it, counted from 1."""
        return self.lines[number - 1]


_PIECES = re.compile(r"""%[^\n]*|"(?:\\.|[^"\\\n])*"|<[^<>\s]*>|(?P<stop>\.)(?=\s|$|%)|\n|[^%"<.\n]+|.""")


def statements(text: str) -> list[tuple[int, str]]:
    """The statements of a file with the offset at which each starts: cut at a full stop before a blank.

    >>> [piece.strip() for _, piece in statements('a(?x) :- b(?x, "1. 2") .\\nc(?x) :- d(?x) .')]
    ['a(?x) :- b(?x, "1. 2") .', 'c(?x) :- d(?x) .']
    """
    found, start = [], 0
    for match in _PIECES.finditer(text):
        if match["stop"]:
            found.append((start, text[start : match.end()]))
            start = match.end()
    if re.sub(r"%[^\n]*", "", text[start:]).strip():
        found.append((start, text[start:]))
    return found


@functools.cache
def _parser(every_token: bool = False) -> Lark:
    from importlib.resources import files

    from lark import Lark

    grammar = (files("citelog.rules") / "grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        maybe_placeholders=not every_token,
        keep_all_tokens=every_token,
    )


@functools.lru_cache(maxsize=4096)
def _tree(piece: str) -> Any:
    """The tree of one statement: an author changes one rule at a time, and the others were read before."""
    return _parser().parse(piece)


def tokens(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Every token of a file that `parse` reads without a diagnostic, its comments too.

    Each is its kind, as the grammar names it, its text, its offset, and the number of the statement that it is in.

    >>> found = list(tokens("a(?x) .% one\\nb(?x) . %two "))
    >>> found[0], found[-1]
    (('BARE', 'a', 0, 1), ('COMMENT', '%two', 21, 3))
    >>> [token[1:] for token in found if token[0] in ("DOT", "COMMENT")]
    [('.', 6, 1), ('% one', 7, 2), ('.', 19, 2), ('%two', 21, 3)]
    """
    at = number = 0
    for number, (offset, piece) in enumerate(statements(text), 1):
        for token in _parser(every_token=True).parse(piece).scan_values(lambda _: True):
            start = offset + (token.start_pos or 0)
            yield from _comments(text, at, start, number)
            yield token.type, str(token), start, number
            at = start + len(token)
    yield from _comments(text, at, len(text), number + 1)


def _comments(text: str, start: int, end: int, number: int) -> Iterator[tuple[str, str, int, int]]:
    for match in re.finditer(r"%[^\n]*", text[start:end]):
        yield "COMMENT", match[0].rstrip(), start + match.start(), number


@functools.lru_cache(maxsize=64)
def parse(text: str, file: str) -> RuleFile:
    """Read a rule file; problems come back as diagnostics with the code `syntax`.

    What was read is kept: of the files that an author works on, most stay as they are.
    """
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    prefixes: dict[str, str] = {}
    rules: list[RuleSyntax] = []
    diagnostics: list[Diagnostic] = []
    lines = tuple(text.split("\n"))
    line = counted = 0

    def report(span: Span, message: str, hint: Hint) -> None:
        diagnostics.append(Diagnostic("syntax", span, message, hint, lines[span.line - 1]))

    for offset, piece in statements(text):
        line += text.count("\n", counted, offset)
        column, counted = offset - (text.rfind("\n", 0, offset) + 1), offset
        try:
            tree = _tree(piece)
        except (UnexpectedCharacters, UnexpectedToken) as error:
            if isinstance(error, UnexpectedToken) and error.token.type == "$END":
                read = text[: offset + len(piece)].rstrip().split("\n")
                report(
                    Span(file, len(read), len(read[-1]) + 1),
                    "the rule does not end",
                    "end it with a blank and a full stop",
                )
            else:
                what = error.char if isinstance(error, UnexpectedCharacters) else str(error.token)
                ahead = piece[: error.pos_in_stream]
                span = Span(file, line + error.line, error.column + column * (error.line == 1))
                report(span, *_mistake(piece, ahead, what, lines[span.line - 1]))
            for name, iri in _PREFIX.findall(piece):  # what uses it has no fault of its own
                prefixes.setdefault(name, iri)
            continue
        reader = _Reader(file, line, column)
        if tree.data != "prefix":
            try:
                rules.append(reader.rule(tree, piece))
            except _TooDeep as deep:
                message = f"more than {DEEPEST} operations stand within each other"
                report(deep.args[0], message, "name a part first: ?part = … in the body")
            continue
        name, iri = str(tree.children[0]).removesuffix(":"), str(tree.children[1])[1:-1]
        if name in prefixes:
            report(reader.span(tree.children[0]), f"the prefix {name}: is declared twice", "remove one of the lines")
        prefixes.setdefault(name, iri)
    return RuleFile(file, prefixes, tuple(rules), tuple(diagnostics), lines)


_PREFIX = re.compile(r"(?mi)^\ufeff?\s*@?pref?i?x\s+([A-Za-z]\w*):\s*<([^<>\s]*)>")
"""A prefix in a statement that cannot be read, in the spellings that people mistake for ours."""

_COPIED = {
    "“": '"',
    "”": '"',
    "„": '"',
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "–": "-",
    "−": "-",
    "×": "*",
    "÷": "/",
    "¬": "~",
}


def _mistake(piece: str, ahead: str, what: str, line: str) -> tuple[str, Hint]:
    """A message and what an author most likely meant, learnt from the mistakes that people make."""
    bare = re.sub(r'%[^\n]*|"(?:\\.|[^"\\\n])*"', "", piece)
    message = f"{what} is not expected here"
    if what and (named := unseen(what[0])):
        return named
    if what == "←" or (piece[len(ahead) :].startswith("<-") and ":-" not in bare):
        return f"{what if what == '←' else '<-'} is not expected here", "write :-"
    if what in _COPIED:
        return message, copied(what, _COPIED[what])
    if what.startswith(("#[", "%%%")):
        if not re.sub(r"(?m)^\s*(%|#\[)[^\n]*", "", ahead).strip():
            return "a description or a tag stands below an attribute", "write the %%% lines above the #[…] lines"
        return "a new rule begins here, and the one before has not ended", "end each rule with a blank and a full stop"
    if what == "@prefix":
        return "a prefix is declared here, and what stands above has not ended", "end it with a blank and a full stop"
    if _PREFIX.match(line):
        return f"{line.split()[0]} is not expected here", "a prefix reads @prefix ex: <https://…> ."
    if line.lstrip().startswith("#["):
        hint = 'an attribute reads #[name("…")] or #[display(f"… {?x} …")], alone on its line'
        return message, hint + "; the text holds no quotation mark and no backslash"
    if what == '"' and "\\" in line:
        return (
            "a text holds a backslash",
            "write the character itself: a text has no escapes, and no quotation mark inside",
        )
    if what == '"':
        return "a text is not closed on its line", 'close it with ", and write no quotation mark inside'
    if ahead.endswith("_") or re.search(r"\?_", bare):
        return message, "the name of a variable starts with a letter: ?x; a lone _ stands for any value"
    if re.search(r"\b(not|and|or)\b|!\s*\w+\(|[|&;]", bare):
        return message, "write ~ for not, a comma for and, and a second rule for or"
    if re.search(r"[<>]=?\s*[<>]|=<|=>|==", bare):
        return message, "the comparison signs are < <= > >= = and !="
    if re.match(r"-\d", what):
        return message, f"put a blank between - and {what[1:]}"
    if bare.count("(") != bare.count(")"):
        return message, "the parentheses do not match"
    if what == "if":
        return message, "write :-"
    if re.match(r"[\w?<~\"]", what):
        return message, f"is {'a comma' if ':-' in bare else ':-'} missing before it?"
    if what == ".":
        return message, "a full stop ends the rule: is a literal missing before it, or a comma too many?"
    return message, "a rule reads: head(?x, …) :- literal(?x, …), ~other(?x), ?a < ?b ."


DEEPEST = 100
"""Operations of arithmetic within each other. All that reads, shows and derives a rule goes down into them."""


class _TooDeep(Exception):
    """Arithmetic within arithmetic, deeper than anything is read; its argument is the place."""


class _Reader:
    """Turns the tree of a statement into the dataclasses above; it stands `lines` down, the first `columns` in."""

    def __init__(self, file: str, lines: int, columns: int) -> None:
        self.file, self.lines, self.columns = file, lines, columns

    def span(self, node: Any) -> Span:
        """Where the first token of a node stands.

        The parser could note where each node begins and ends; it would take half as long again.
        """
        while hasattr(node, "children"):
            node = node.children[0]
        return Span(self.file, self.lines + node.line, node.column + self.columns * (node.line == 1))

    def rule(self, tree: Any, piece: str) -> RuleSyntax:
        docs = tuple(
            Doc(str(n.children[0])[3:].strip(), self.span(n.children[0])) for n in tree.children if n.data == "doc"
        )
        attributes = tuple(self.attribute(n) for n in tree.children if n.data == "attribute")
        head = next(n for n in tree.children if n.data == "head")
        body = next((n for n in tree.children if n.data == "body"), None)
        literals = None if body is None else tuple(self.literal(n) for n in body.children)
        shown = re.sub(r"(?m)^\s*(%[^\n]*|#\[[^\n]*)\n?", "", piece).strip()
        heads = tuple(self.atom(n) for n in head.children)
        return RuleSyntax(docs, attributes, heads, literals, shown, self.span(head))

    def attribute(self, tree: Any) -> AttributeSyntax:
        _, name, _, interpolated, text, *_ = tree.children
        return AttributeSyntax(str(name), _unquoted(str(text)), interpolated is not None, self.span(tree))

    def literal(self, tree: Any) -> AtomSyntax | AbsentSyntax | ComparisonSyntax:
        if tree.data == "atom":
            return self.atom(tree)
        if tree.data == "absent":
            return AbsentSyntax(self.atom(tree.children[1]), self.span(tree))
        left, operator, right = tree.children
        return ComparisonSyntax(str(operator), self.expression(left), self.expression(right), self.span(tree))

    def atom(self, tree: Any) -> AtomSyntax:
        token = tree.children[0].children[0]
        sort = {"BARE": "bare", "PREFIXED": "name", "IRI": "iri"}[token.type]
        name = Word(sort, str(token)[1:-1] if sort == "iri" else str(token), self.span(token))
        shown = (a for a in tree.children[1:] if a is not None)
        args = tuple(self.aggregate(a) if a.data == "aggregate" else self.expression(a) for a in shown)
        return AtomSyntax(name, args, self.span(tree))

    def aggregate(self, tree: Any) -> AggregateSyntax:
        _, function, *rest = tree.children
        variables = tuple(str(token)[1:] for token in rest if token.type == "VARIABLE")
        return AggregateSyntax(str(function), variables, self.span(tree))

    def expression(self, tree: Any, depth: int = 0) -> Expression:
        if depth > DEEPEST:
            raise _TooDeep(self.span(tree))
        while tree.data == "bracketed":
            tree = tree.children[1]
        if tree.data == "operation":
            left, operator, right = tree.children
            parts = self.expression(left, depth + 1), self.expression(right, depth + 1)
            return OperationSyntax(str(operator), *parts, self.span(tree))
        token = tree.children[0]
        text = str(token)
        if tree.data == "variable":
            text = text[1:]
        elif tree.data == "iri":
            text = text[1:-1]
        elif tree.data == "text":
            text = _unquoted(text)
        return Word(str(tree.data), text, self.span(token))


def _unquoted(text: str) -> str:
    return text[1:-1]
