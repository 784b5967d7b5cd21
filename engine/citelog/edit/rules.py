"""A rule file as words, whatever state it is in, and what each of them names.

The parser of the language wants whole rules; an editor asks in the middle of one. So the words are read by themselves
here: a rule goes from one full stop to the next, or to the first line above another rule's head.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from citelog.edit.mentions import Mention, Thing, named, told
from citelog.rules.program import Predicate

_WORD = re.compile(
    r"""(?P<doc>%%%(?!%)[^\n]*) | (?P<comment>%[^\n]*)
    | (?P<text>(?<!\w)f?"[^"\n]*"?) | (?P<iri><[^<>"{}|^`\\\s]*>)
    | (?P<directive>@prefix\b) | (?P<name>[A-Za-z]\w*:[A-Za-z][\w-]*(?<!-)) | (?P<prefix>[A-Za-z]\w*:(?!-))
    | (?P<variable>\?[A-Za-z]\w*) | (?P<attribute>\#\[(?:[A-Za-z]\w*)?) | (?P<aggregate>\#[A-Za-z]\w*)
    | (?P<number>\d+(?:\.\d+)?) | (?P<boolean>(?:true|false)\b) | (?P<bare>[A-Za-z_]\w*)
    | (?P<stop>\.(?=\s|$|%)) | (?P<sign>:-|<=|>=|!=|\S)""",
    re.VERBOSE,
)
_TAG = re.compile(r"@(?P<name>\w+)")
_TAG_WORD = re.compile(r"[^\s,]+")
_SHOWN = re.compile(r"\{\?(?P<name>[A-Za-z]\w*)")

CITING, LICENSING = ("cites",), ("through", "assumes", "unless")
"""Tags whose words are statements, and tags whose words are predicates."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a rule file: its kind (a group of the pattern above), its text, its offset, the number of its rule.

    `within` is the tag that a `doc` belongs to, the attribute that a `text` stands in, and `head` or `body`.
    """

    kind: str
    text: str
    start: int
    rule: int
    within: str

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Written:
    """One rule, or what there is of it: its words, with the lines above its head."""

    words: tuple[Word, ...]

    @property
    def start(self) -> int:
        """Where its first line begins."""
        return self.words[0].start

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.words[-1].end

    @property
    def name(self) -> Word | None:
        """The text in `#[name("…")]`."""
        return next((w for w in self.words if w.kind == "text" and w.within == "name"), None)

    @property
    def head(self) -> Word | None:
        """The predicate that it derives."""
        named = (w for w in self.words if w.within == "head" and w.kind in ("bare", "name", "iri"))
        return next(named, None)


@lru_cache(maxsize=256)
def words(text: str) -> tuple[Word, ...]:
    """Every word of a rule file.

    >>> [(w.kind, w.text) for w in words("a(?x) :- ~b(?x")][-3:]
    [('bare', 'b'), ('sign', '('), ('variable', '?x')]
    """
    return tuple(_words(text.replace("\r", "\n")))  # some lines end so; offsets stay


def _words(text: str) -> Iterator[Word]:
    rule, tag, attribute, part, directive = 0, "", "", "head", False
    begun = False  # whether the head of the rule has begun
    for match in _WORD.finditer(text):
        kind, written = str(match.lastgroup), match[0]
        if begun and kind in ("doc", "attribute", "directive"):  # the rule before has no end yet
            rule, tag, begun, part, directive = rule + 1, "", False, "head", False
        within = part
        if kind == "doc":
            within = tag = found["name"] if (found := _TAG.match(written[3:].strip())) else tag
        elif kind == "attribute":
            within = attribute = written[2:]
        elif attribute:
            within, attribute = attribute, "" if written == "]" else attribute
        elif kind == "directive" or directive:
            within = "prefix"
            directive = kind != "stop"
        elif kind != "comment":
            begun = True
            if written == ":-":
                part = "body"
        yield Word(kind, written, match.start(), rule, within)
        if kind == "stop":
            rule, tag, begun, part, directive = rule + 1, "", False, "head", False


@lru_cache(maxsize=256)
def rules(text: str) -> tuple[Written, ...]:
    """The rules of a file, whole or not; its prefixes, and comments about the whole file, are none."""
    found: dict[int, list[Word]] = {}
    for word in words(text):
        if word.kind != "comment" and word.within != "prefix":
            found.setdefault(word.rule, []).append(word)
    return tuple(Written(tuple(each)) for each in found.values())


def rule_at(text: str, offset: int) -> Written | None:
    """The rule around an offset."""
    return next((rule for rule in rules(text) if rule.start <= offset <= rule.end), None)


def namespaces(text: str) -> dict[str, str]:
    """The prefixes that a rule file declares, without their colons."""
    found: dict[str, str] = {}
    name = ""
    for word in words(text):
        if word.within == "prefix":
            if word.kind == "prefix":
                name = word.text[:-1]
            elif word.kind == "iri" and name:
                found.setdefault(name, word.text[1:-1])
    return found


def mentions(text: str) -> Iterator[Mention]:
    """What a rule file names, in its order."""
    known, file = namespaces(text), words(text)
    for i, word in enumerate(file):
        following = file[i + 1].text if i + 1 < len(file) else ""
        role = "derives" if word.within == "head" and following == "(" else "uses"
        if word.kind == "doc":
            yield from _tag(word, known)
        elif word.kind == "comment":
            yield from told(word.text, word.start, known)
        elif word.kind == "text" and word.within == "name":
            inner = (word.start + 1, word.end - word.text.endswith('"'))
            yield Mention(*inner, Thing("rule", text[slice(*inner)]), "declares", inner)
        elif word.kind == "text" and word.within == "display":
            for shown in _SHOWN.finditer(word.text):
                yield _variable(word, word.start + shown.start("name") - 1, shown["name"])
        elif word.within == "prefix":
            continue
        elif word.kind == "variable":
            yield _variable(word, word.start, word.text[1:])
        elif word.kind == "bare" and following == "(" and word.within in ("head", "body"):
            inner = (word.start, word.end)
            yield Mention(*inner, Thing("predicate", word.text), role, inner)
        elif word.kind in ("name", "iri"):
            yield named(word.text, word.start, known, role)


def _variable(word: Word, start: int, name: str) -> Mention:
    return Mention(
        start,
        start + 1 + len(name),
        Thing("variable", f"{word.rule}?{name}"),
        "uses",
        (start + 1, start + 1 + len(name)),
    )


def _tag(word: Word, known: dict[str, str]) -> Iterator[Mention]:
    if word.within not in CITING + LICENSING:
        yield from told(word.text, word.start, known)
        return
    tag = _TAG.match(word.text[3:].lstrip())
    at = word.text.index("@") + len(tag[0]) if tag else 3
    for found in _TAG_WORD.finditer(word.text, at):
        start = word.start + found.start()
        inner = (start, start + len(found[0]))
        if word.within in CITING:
            yield Mention(*inner, Thing("statement", found[0]), "uses", inner)
        elif word.within in LICENSING:
            if ":" in found[0]:
                yield named(found[0], start, known, "uses")
            else:
                yield Mention(*inner, Thing("predicate", found[0]), "uses", inner)


@dataclass(frozen=True, slots=True)
class Atom:
    """A predicate with the words of each of its arguments; `closed` where its parenthesis is."""

    predicate: str
    written: str
    arguments: tuple[tuple[Word, ...], ...]
    start: int
    end: int
    closed: bool


def atoms(rule: Written, known: Mapping[str, str]) -> Iterator[Atom]:
    """The atoms of a rule, the one being written too.

    >>> [(a.written, len(a.arguments)) for a in atoms(rules("a(?x) :- b(?x, ")[0], {})]
    [('a', 1), ('b', 2)]
    """
    file = [w for w in rule.words if w.within in ("head", "body")]
    for i, word in enumerate(file[:-1]):
        if word.kind not in ("bare", "name", "iri") or file[i + 1].text != "(":
            continue
        arguments: list[list[Word]] = [[]]
        depth, end, closed = 0, file[i + 1].end, False
        for inner in file[i + 1 :]:
            if inner.kind == "stop" or inner.text == ":-":
                break
            depth += (inner.text == "(") - (inner.text == ")")
            end = inner.end
            if depth == 0:
                closed = True
                break
            if inner.text == "," and depth == 1:
                arguments.append([])
            elif inner is not file[i + 1]:
                arguments[-1].append(inner)
        name = word.text if word.kind == "bare" else named(word.text, word.start, known, "uses").thing.name
        yield Atom(name, word.text, tuple(map(tuple, arguments)), word.start, end, closed)


def types(rule: Written, known: Mapping[str, str], predicates: Mapping[str, Predicate]) -> dict[str, tuple[str, str]]:
    """The types of a rule's variables, each with the place that gives it: the first in which the variable stands.

    >>> from citelog.rules.program import Argument
    >>> drug = Predicate("takes", (Argument("patient", "patient"), Argument("drug", "term")), "patient")
    >>> types(rules("a(?p) :- takes(?p, ?d")[0], {}, {"takes": drug})
    {'p': ('patient', "takes's patient"), 'd': ('term', "takes's drug")}
    """
    found: dict[str, tuple[str, str]] = {}
    for atom in atoms(rule, known):
        predicate = predicates.get(atom.predicate)
        for argument, given in zip(predicate.arguments if predicate else (), atom.arguments, strict=False):
            if len(given) == 1 and given[0].kind == "variable":
                found.setdefault(given[0].text[1:], (argument.type, f"{atom.written}'s {argument.name}"))
    return found
