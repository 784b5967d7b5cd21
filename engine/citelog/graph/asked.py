"""A query asked of a dataset: what it may not do, and what comes back.

pyoxigraph answers; nothing is added to the query as it stands. Queries read. What would reach out of
the dataset is refused before it is asked: SERVICE, whatever stands in FROM that is no graph of the dataset, and
updates. To find these, the query is cut into the tokens of the SPARQL grammar, so that the word in a text, an IRI, a
name or a comment is not taken for the keyword. (The command asks in a process that can open nothing besides.)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from citelog.diagnostics import CitelogError, advised, did_you_mean, nearest_name
from citelog.graph.dataset import PARAMETER, Dataset
from citelog.knowledge.triples import RDF
from citelog.vocab import CL

if TYPE_CHECKING:
    from pyoxigraph import Literal, NamedNode, QueryBoolean, QuerySolutions, QueryTriples

    Found = QueryBoolean | QuerySolutions | QueryTriples

_TOKEN = re.compile(
    r"""
    (?P<iri>     <[^<>"{}|^`\x00-\x20]*> )
  | (?P<text>    \"{3}(?:(?:\"|\"\")?(?:[^"\\]|\\.))*\"{3} | '{3}(?:(?:'|'')?(?:[^'\\]|\\.))*'{3}
               | \"(?:[^"\\\n\r]|\\.)*\" | '(?:[^'\\\n\r]|\\.)*' )
  | (?P<var>     [?$]\w+ )
  | (?P<name>    (?:[^\W\d_](?:[\w.-]*[\w-])?)?
                :(?:(?:[\w:.-]|%[0-9A-Fa-f]{2}|\\[^\w\s])*(?:[\w:-]|%[0-9A-Fa-f]{2}|\\[^\w\s]))? )
  | (?P<tag>     @[A-Za-z-]+ )
  | (?P<word>    \w+ )
  | (?P<blank>   (?:\s+|\#[^\n\r]*)+ )
  | (?P<sign>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
"""The terminals of the SPARQL grammar, as far as they tell keywords from the rest; every character is in one."""

UPDATES = frozenset(["insert", "delete", "load", "clear", "create", "drop", "copy", "move", "add", "with"])
"""The words that updates begin with."""

FORMS = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
"""The words that queries begin with, after their prologue."""


class Token(NamedTuple):
    """A token of a query: its kind (`iri`, `text`, `var`, `name`, `word`, `sign` …), how it is written, its line."""

    kind: str
    written: str
    line: int


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a query, without blanks and comments.

    >>> [(t.kind, t.written) for t in tokens("ASK { ?s a:b 'SERVICE' } # SERVICE")][1:5]
    [('sign', '{'), ('var', '?s'), ('name', 'a:b'), ('text', "'SERVICE'")]
    """
    line = 1
    for found in _TOKEN.finditer(text):
        kind, written = str(found.lastgroup), found[0]
        if kind != "blank":
            yield Token(kind, written, line)
        line += written.count("\n")


@contextmanager
def asked(data: Dataset, name: str, text: str, bound: Mapping[str, NamedNode | Literal]) -> Iterator[Found]:
    """What a query finds, to be read within the context; `name` is for messages, `bound` has the parameters' values.

    Raises CitelogError where the query cannot be read, or asks for what it may not have.
    """
    from pyoxigraph import NamedNode, Quad

    check(data, name, text, bound)
    value = NamedNode(RDF + "value")
    parameters = [Quad(NamedNode(PARAMETER + key), value, term) for key, term in bound.items()]
    data.store.extend(parameters)
    try:
        yield data.store.query(text)
    except SyntaxError as error:
        what, remedy = slip(str(error), text, data.prefixes)
        raise CitelogError(f"{name}: {what}", remedy) from error
    except (RuntimeError, OSError) as error:
        raise CitelogError(f"{name}: the query cannot be answered: {error}", "use the functions of SPARQL") from error
    finally:
        for quad in parameters:
            data.store.remove(quad)


def slip(said: str, text: str, known: Mapping[str, str]) -> tuple[str, str]:
    """Why a query cannot be read, and what to try, from what pyoxigraph `said`; `known` are prefixes to propose.

    It is an update, which pyoxigraph's queries do not know, or there is a slip in it.
    """
    cut = list(tokens(text))
    words = _words(cut)
    first = _after_prologue(words)
    for token in cut[first : first + 1]:
        if token.written.casefold() in UPDATES:
            what = f"{token.written} is an update, and queries only read"
            return f"line {token.line}: {what}", "to change the knowledge, edit its files"
        if token.kind == "word" and token.written.upper() not in FORMS:
            hint = did_you_mean(token.written.upper(), (*FORMS, "PREFIX", "BASE"))
            begins = f"a query begins with {', '.join(FORMS[:-1])} or {FORMS[-1]}, after its PREFIX lines"
            return f"line {token.line}: no query begins with {token.written}", hint or begins
    place = re.match(r"error at (\d+):(\d+): (.*)", said, re.DOTALL)
    if place is None:
        return f"this is no SPARQL query: {said}", "https://www.w3.org/TR/sparql11-query/ has the grammar"
    line, column, what = int(place[1]), int(place[2]), _expected(place[3])
    lines, declared = text.split("\n"), _prefixes(cut, words)
    for token in cut:  # pyoxigraph says so, or what it had looked for besides when it came to one
        prefix = token.written.partition(":")[0]
        is_it = what == _UNDECLARED or (prefix and token.line <= line)
        if is_it and token.kind == "name" and prefix not in declared and not token.written.endswith(":"):
            hint = f"write PREFIX {prefix}: <{known.get(prefix, '…')}> before it"
            return f"line {token.line}: the prefix {prefix}: is not declared", hint
    while line > len(lines) or (line > 1 and not lines[line - 1][: column - 1].strip()):
        line, column = line - 1, len(lines[line - 2].rstrip()) + 1  # where what is written ends
    column = min(column, len(lines[line - 1].rstrip()) + 1)
    gutter = f"   {line} | "
    begin = max(0, column - _BEFORE)
    piece = lines[line - 1][begin : begin + _SHOWN]
    shown = (
        f"line {line}, column {column}: this is no SPARQL query{what and f': {what}'}\n"
        f"{gutter}{piece}\n{' ' * (len(gutter) + column - 1 - begin)}^"
    )
    return shown, "it cannot be read on from there"


_UNDECLARED = "Prefix not found"
_EXPECTATION = re.compile(r'"(?:\\.|[^"\\])*"|\[[^\]]*\]|[^",\[\]]+')
_KINDS = {'"?"': "a variable", '"<"': "a name", '":"': "a name", '"\\""': "a text", "['0'..='9']": "a number"}
_FEW = 4
_BEFORE, _SHOWN = 80, 110  # characters of a line that are shown: before a slip, and in all


def _expected(what: str) -> str:
    """What pyoxigraph says of a slip, without its tables of characters: a reason, or a few things that may stand there.

    >>> _expected('expected one of "$", "(", "<", "?", FILTER, [\\'0\\'..=\\'9\\'], [_]')
    'a variable, a name, a number or "(" may stand here'
    >>> _expected("expected one of The SELECT contains a variable that is unbound, [_]")
    'The SELECT contains a variable that is unbound'
    """
    all_: list[str] = [one.strip() for one in _EXPECTATION.findall(re.sub(r"^expected (one of )?", "", what))]
    if reasons := [one for one in all_ if re.search(r"[a-z]+ [a-z]+", one)]:
        return reasons[0]
    kinds = [kind for sign, kind in _KINDS.items() if sign in all_]
    signs = [sign for sign in ('"}"', '")"', '"."', '";"', '"{"', '"("') if sign in all_]
    few = list(dict.fromkeys([*kinds, *signs]))[:_FEW]
    return f"{' or '.join(filter(None, (', '.join(few[:-1]), few[-1])))} may stand here" if few else ""


def check(data: Dataset, name: str, text: str, declared: Iterable[str] = ()) -> None:
    """Refuse what reaches out of the dataset, and a parameter that nothing declares."""
    folded = text.casefold()
    if not any(letters in folded for letters in ("service", "from", PARAMETER)):
        return  # the words are not in it, whatever the tokens
    from pyoxigraph import NamedNode

    cut, declared = list(tokens(text)), set(declared)
    words = _words(cut)
    prefixes = _prefixes(cut, words)
    for at, token in enumerate(cut):
        # glued to whatever: no other word of SPARQL has these letters, and a prefix of that name stands before no {
        prefix = token.written.partition(":")[0].casefold() if token.kind == "name" else ""
        opens = cut[at + 1].written == "{" if at + 1 < len(cut) else False
        glued = "service" in prefix and opens and (at == 0 or words[at - 1] != "graph")
        if "service" in words[at] or glued:
            what = "SERVICE would ask another server, and nothing here reaches a network"
            raise CitelogError(f"{name}: line {token.line}: {what}", "ask that server yourself, and compare")
        iri = _iri(token, prefixes) if token.kind in ("iri", "name") else None
        if iri is None:
            continue
        if iri.startswith(PARAMETER) and iri.removeprefix(PARAMETER) not in {"", *declared}:
            wanted = iri.removeprefix(PARAMETER)
            what = f"reads the parameter {wanted}, which is not declared"
            hint = did_you_mean(wanted, declared) or f"declare it: # @param {wanted}: string — what it means"
            raise CitelogError(f"{name}: line {token.line}: {what}", hint)
        dataset_clause = words[at - 1 : at] == ["from"] or words[max(0, at - 2) : at] == ["from", "named"]
        if dataset_clause and not data.store.contains_named_graph(NamedNode(iri)):
            what = f"FROM {token.written} is no graph of the dataset, and nothing is loaded"
            hint = "leave FROM out, or name the graph of a statement"
            raise CitelogError(f"{name}: line {token.line}: {what}", hint)


_SLIP = 2
"""How many letters longer or shorter a name with a slip is at most: others are names of their own."""


def unknown(data: Dataset, text: str) -> tuple[str, ...]:
    """What a query names and nothing has, neither the ontology nor the data: each in words, with the nearest there is.

    Of the ontology every such name is told, of other vocabularies those that look like a slip in one that is there.
    What a CONSTRUCT makes, and types of values, may have any name.
    """
    from pyoxigraph import NamedNode

    cut = list(tokens(text))
    prefixes, told = _prefixes(cut, _words(cut)), dict[str, str]()
    for token in _asked_for(cut):
        iri = _iri(token, prefixes)
        within = max((one for one in data.prefixes.values() if iri and iri.startswith(one)), key=len, default=None)
        if iri is None or within is None or iri == within or iri in told:
            continue
        node = NamedNode(iri)
        places = ((node, None, None), (None, node, None), (None, None, node), (None, None, None, node))
        if any(next(data.store.quads_for_pattern(*place), None) for place in places):
            continue
        prefix = next(prefix for prefix, one in data.prefixes.items() if one == within)
        local = iri.removeprefix(within)
        near = nearest_name(local, _local(data, within))
        if within == CL or (near and abs(len(near) - len(local)) <= _SLIP):
            hint = f"did you mean {prefix}:{near}?" if near else "citelog show NAME says what there is of a name"
            what = f"{prefix}:{local} is neither in the ontology nor in the data"
            told[iri] = advised(f"line {token.line}: {what}", hint)
    return tuple(told.values())


def valueless(text: str, bound: Collection[str] = ()) -> tuple[str, ...]:
    """The variables of a query that nothing can give a value, neither it nor a parameter, each in words: a column that
    stays empty, or a condition that never holds.

    >>> print(*valueless("SELECT ?quote {\\n ?s a:b ?quot FILTER(?n > 1) }"), sep="\\n")
    line 1: nothing gives ?quote a value
       = did you mean ?quot?
    line 2: nothing gives ?n a value
       = does it stand in a pattern of the query?
    >>> valueless("SELECT (COUNT(*) AS ?n) { ?s a:b ?o BIND(?o + 1 AS ?m) FILTER EXISTS { ?s a:c ?k } } ORDER BY ?m ?k")
    ()
    >>> print(*valueless("CONSTRUCT { ?s a:c ?other } WHERE { ?s a:b ?o }"))
    line 1: nothing gives ?other a value
       = does it stand in a pattern of the query?
    >>> valueless("SELECT * { ?s a:b ?o FILTER(?o > ?least && ?o < ?most) } VALUES (?most) { (9) }", ["least"])
    ()
    """
    read, given = dict[str, Token](), set(bound)
    inside: list[bool] = []  # of each bracket that is open: whether what stands in it has to match, so gives values
    cut = list(tokens(text))
    words = _words(cut)
    expects = False  # after FILTER, BIND or HAVING: the next parenthesis is of an expression
    for at, token in enumerate(cut):
        matches = bool(inside) and inside[-1]
        if words[at] in ("filter", "bind", "having"):
            expects = True
        elif token.written in ("{", "("):
            is_pattern = token.written == "{" and words[at - 1] != "construct"
            inside.append(is_pattern or words[at - 1] == "values" or (matches and not expects))
            expects = False
        elif token.written in ("}", ")") and inside:
            inside.pop()
        elif token.kind == "var":
            name = token.written[1:]
            read.setdefault(name, token)
            if matches or words[at - 1] in ("as", "values"):
                given.add(name)
    told = []
    for name in (one for one in read if one not in given):
        near = nearest_name(name, given)
        hint = f"did you mean ?{near}?" if near else "does it stand in a pattern of the query?"
        told.append(advised(f"line {read[name].line}: nothing gives {read[name].written} a value", hint))
    return tuple(told)


def _asked_for(cut: Sequence[Token]) -> Iterator[Token]:
    """The names of a query after its prologue, but for those in the template of a CONSTRUCT and after `^^`."""
    first = _after_prologue(_words(cut))
    depth, template = 0, [one.written.casefold() for one in cut[first : first + 2]] == ["construct", "{"]
    for at, token in enumerate(cut[first:], first):
        depth += (token.written == "{") - (token.written == "}")
        template = template and (depth > 0 or at <= first)
        if token.kind in ("iri", "name") and not template and cut[at - 1].written != "^":
            yield token


def _local(data: Dataset, within: str) -> set[str]:
    """The names that a vocabulary has in a dataset, without its namespace."""
    names = {str(term.value) for quad in data.store for term in quad if hasattr(term, "value")}
    return {name.removeprefix(within) for name in names if name.startswith(within)}


def _words(cut: Sequence[Token]) -> list[str]:
    """The words of a query, folded; a token of another kind is empty."""
    return [token.written.casefold() if token.kind == "word" else "" for token in cut]


def _after_prologue(words: Sequence[str]) -> int:
    """The place of the first token after BASE, PREFIX and VERSION."""
    at = 0
    while words[at : at + 1] in (["prefix"], ["base"], ["version"]):
        at += 3 if words[at] == "prefix" else 2
    return at


def _prefixes(cut: Sequence[Token], words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word, name, iri in zip(words, cut[1:], cut[2:], strict=False):
        if word == "prefix" and (name.kind, iri.kind) == ("name", "iri"):
            found[name.written.removesuffix(":")] = iri.written[1:-1]
    return found


def _iri(token: Token, prefixes: Mapping[str, str]) -> str | None:
    """The IRI that a token names, if it names one."""
    if token.kind == "iri":
        return token.written[1:-1]
    prefix, _, local = token.written.partition(":")
    return prefixes[prefix] + local.replace("\\", "") if token.kind == "name" and prefix in prefixes else None
