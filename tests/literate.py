"""Documents that are tests: prose, the text that an author writes, and what citelog answers.

A document is Markdown. Its fenced blocks are read by the first word after the fence:

`declare`    predicates, terms and statements that the rules may use, one a line (`declared`)
`facts`      what a record or a statement says, in the order of the predicates' arguments (`facts`)
`rules`      a rule file; a name after the word (`rules two.rls`) makes a second file
`edit FILE`  a change to a file of the small knowledge base in language/leaflet: `- old` and `+ new` lines
`fix FILE`   a change after those, that answers the advice which they bring about
`accept FILE`  another, that accepts it
`answer`     what comes out: the diagnostics exactly as printed, or every fact that the rules derive

In `declare` and `facts`, a line that ends in `for i = 0 … 9` stands for as many lines, with `{i}`, `{i+1}` or
`{i+1 mod 10}` in them replaced; `rules for i = 0 … 9` is as many copies of its text.
"""

from __future__ import annotations

import datetime
import re
import shutil
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from citelog.rules.check import check
from citelog.rules.language import Names
from citelog.rules.program import Argument, Predicate, Program
from citelog.rules.syntax import parse
from citelog.run.datalog import Machine
from citelog.run.result import Run
from citelog.values import Atom, Iri, Value, show
from citelog.vocab import CL

EX = "https://example.org/kb#"
LEAFLET = Path(__file__).parent / "language" / "leaflet"
FENCE = re.compile(r"(?ms)^```(?P<kind>\w[\w-]*)(?: +(?P<name>[^\n`]+))?\n(?P<text>.*?)^```$")
REPEATED = re.compile(r"^(?P<line>.*\S)\s+for i = (?P<first>\d+) … (?P<last>\d+)$")
PLACE = re.compile(r"\{i(?:(?P<sign>[+-])(?P<step>\d+))?(?: mod (?P<mod>\d+))?\}")
SHOWN, LINES = 12, 60


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a document: its kind, the name after it, its text, and where it stands."""

    kind: str
    name: str
    text: str
    outer: tuple[int, int]


def blocks(text: str) -> list[Block]:
    """Every fenced block of a document that says its kind."""
    return [Block(m["kind"], m["name"] or "", m["text"], m.span()) for m in FENCE.finditer(text)]


def accept(path: Path, answer: str) -> None:
    """Put the answer where the document has its `answer` block, or at its end."""
    text = path.read_text(encoding="utf-8")
    old = [b for b in blocks(text) if b.kind == "answer"]
    block = f"```answer\n{answer}```"
    text = text[: old[0].outer[0]] + block + text[old[0].outer[1] :] if old else f"{text.rstrip()}\n\n{block}\n"
    path.write_text(text, encoding="utf-8")


def repeated(text: str) -> str:
    """The text with each `for i = …` line written out.

    >>> repeated("next(n{i}, n{i+1 mod 3}) for i = 1 … 2")
    'next(n1, n2)\\nnext(n2, n0)\\n'
    """
    lines = []
    for line in text.splitlines():
        found = REPEATED.match(line)
        numbers = range(int(found["first"]), int(found["last"]) + 1) if found else [0]
        lines += [PLACE.sub(lambda m, i=i: _place(m, i), found["line"]) if found else line for i in numbers]  # type: ignore[misc]
    return "".join(line + "\n" for line in lines)


def _place(match: re.Match[str], i: int) -> str:
    value = i + int(match["step"] or 0) * (-1 if match["sign"] == "-" else 1)
    return str(value % int(match["mod"]) if match["mod"] else value)


# what a document declares and states


@dataclass(frozen=True, slots=True)
class Declared:
    """The names of a document: by predicate (as its rules write it), terms, statements."""

    names: Names
    written: dict[str, Predicate]


def declared(text: str) -> Declared:
    """Read a `declare` block.

    >>> declared("patient  result(p: patient, value: number)\\nterms ex:low\\nstatements S1").names.statements
    frozenset({'S1'})
    """
    written: dict[str, Predicate] = {}
    terms: set[Iri] = set()
    statements: set[str] = set()
    for line in repeated(text).splitlines():
        word, _, rest = line.split("#", 1)[0].strip().partition(" ")
        if word == "terms":
            terms |= {Iri(expanded(name)) for name in rest.replace(",", " ").split()}
        elif word == "statements":
            statements |= set(rest.replace(",", " ").split())
        elif word:
            assert word in ("patient", "knowledge", "derived"), f"not a declaration: {line}"
            found = re.match(r"\s*([\w:-]+)\((.*)\)\s*$", rest)
            assert found, f"not a signature: {rest}"
            parts = [part.split(":") for part in found[2].split(",") if part.strip()]
            arguments = tuple(Argument(name.strip(), type_.strip()) for name, type_ in parts)
            name = expanded(found[1])
            written[found[1]] = Predicate(name, arguments, word)
    return Declared(Names({p.name: p for p in written.values()}, frozenset(terms), frozenset(statements)), written)


def expanded(name: str) -> str:
    """A written name in full: `cl:` and `ex:` are known to every document."""
    return name.replace("ex:", EX, 1) if name.startswith("ex:") else name.replace("cl:", CL, 1)


FACT = re.compile(r"^(?P<name>[\w:-]+)\((?P<args>.*)\)\s*\.?\s*$")
ARGUMENT = re.compile(r'\s*("(?P<text>[^"]*)"|[^",]+)\s*(?:,|$)')


class Refused(Exception):
    """A fact whose value is not of the declared type: no reader of records or statements lets it in."""


def facts(text: str, known: Declared) -> list[Atom]:
    """The facts of a block; a value is read as the type that its place declares."""
    found = []
    for line in repeated(text).splitlines():
        if not line.strip() or line.startswith("%"):
            continue
        match = FACT.match(line.strip())
        assert match, f"not a fact: {line}"
        predicate = known.written[match["name"]]
        given = [m["text"] if m["text"] is not None else m[1].strip() for m in ARGUMENT.finditer(match["args"])]
        assert len(given) == len(predicate.arguments), f"wrong arity: {line}"
        found.append(
            Atom(predicate.name, tuple(value(g, a.type) for g, a in zip(given, predicate.arguments, strict=True)))
        )
    return found


def value(written: str, type_: str) -> Value:
    """A value from its text; Refused where it is not of the type.

    >>> value("6.999999999", "number"), value("2026-03-01", "date"), value("low", "term").local
    (Decimal('6.999999999'), datetime.date(2026, 3, 1), 'low')
    """
    shapes = {
        "number": r"[+-]?\d+(\.\d+)?",
        "integer": r"[+-]?\d+",
        "boolean": r"true|false",
        "date": r"\d{4}-\d\d-\d\d",
        "text": r"(?s).*",
    }
    if not re.fullmatch(shapes.get(type_, r"[\w:.-]+"), written):
        raise Refused(f"{written} is no {type_}")
    match type_:
        case "number":
            return Decimal(written)
        case "integer":
            return int(written)
        case "boolean":
            return written == "true"
        case "date":
            return datetime.date.fromisoformat(written)
        case "text":
            return re.sub(r"\\u\{([0-9a-f]+)\}", lambda m: chr(int(m[1], 16)), written)
        case _:
            return Iri(expanded(written) if ":" in written else EX + written)


# what comes out


def rule_file(block: Block) -> tuple[str, str]:
    """The name and text of a `rules` block; one whose name is `for i = …` stands for as many copies of its text."""
    found = re.fullmatch(r"for i = (\d+) … (\d+)", block.name)
    if not found:
        return block.name or "example.rls", block.text
    numbers = range(int(found[1]), int(found[2]) + 1)
    return "example.rls", "\n".join(PLACE.sub(lambda m, i=i: _place(m, i), block.text) for i in numbers)  # type: ignore[misc]


def compiled(declare: str, rules: list[tuple[str, str]]) -> tuple[Declared, Program, str]:
    """The names, the program and the printed diagnostics of a document."""
    known = declared(declare)
    program, found = check([parse(text, name) for name, text in rules], known.names)
    return known, program, "".join(f"{d}\n" for d in found)


def split(program: Program, given: list[Atom]) -> tuple[dict[Atom, tuple[str, ...]], list[tuple[Atom, None]]]:
    """Facts as the machine takes them: those of the knowledge, and those of the patient."""
    stated = {a: () for a in given if program.predicates[a.predicate].layer == "knowledge"}
    return stated, [(a, None) for a in given if a not in stated]


def answer(text: str, deadline: float = 10.0) -> str:
    """What citelog says to a document: diagnostics, or every derived fact with the rules that give it."""
    parts = blocks(text)
    if any(b.kind == "edit" for b in parts):
        raise ValueError("a document about a knowledge base needs a folder: see `edited`")
    declare = "".join(b.text for b in parts if b.kind == "declare")
    rules = [rule_file(b) for b in parts if b.kind == "rules"]
    known, program, wrong = compiled(declare, rules)
    if wrong:
        return wrong
    given, refused = [], ""
    for block in parts:
        for line in repeated(block.text).splitlines() if block.kind == "facts" else ():
            try:
                given += facts(line, known)
            except Refused as why:
                refused += f"refused: {line.strip()}  ({why})\n"
    stated, patient = split(program, given)
    run = Machine(program, stated, deadline).run(patient, deadline)
    return refused + transcript(run)


def transcript(run: Run) -> str:
    """Every fact of every derived predicate with the rules that give it, in a fixed order."""
    lines = []
    for name in dict.fromkeys(rule.predicate for rule in run.program.rules):
        atoms = sorted(run.atoms(name), key=lambda a: [(type(v).__name__, v) for v in a.args])
        shown = atoms if len(atoms) <= SHOWN else [*atoms[:2], None, *atoms[-1:]]
        lines += [f"no {Iri(name).local}"] if not atoms else []
        for atom in shown:
            if atom is None:
                lines.append(f"… {len(atoms)} facts of {Iri(name).local} in all")
            else:
                by = ", ".join(dict.fromkeys(f.rule.name for f in run.firings(atom)))
                lines.append(f"{Iri(atom.predicate).local}({', '.join(map(show, atom.args))})  by {by}")
    if len(lines) > LINES:
        lines = [*lines[:SHOWN], f"… {len(lines)} lines in all", *lines[-SHOWN:]]
    return "".join(line + "\n" for line in lines)


def edited(text: str, folder: Path, kinds: tuple[str, ...] = ("edit",)) -> Path:
    """A copy of the leaflet in `folder`, with the document's edits made: `-` lines give way to `+` lines."""
    target = folder / "leaflet"
    shutil.copytree(LEAFLET, target)
    for block in (b for b in blocks(text) if b.kind in kinds):
        name, _, how = block.name.partition(" ")
        path = target / name
        if how == "removed":
            path.unlink()
            continue
        whole = path.read_text(encoding="utf-8") if path.exists() else ""
        old = "".join(line[2:] + "\n" for line in block.text.splitlines() if line.startswith("- "))
        new = "".join(line[2:] + "\n" for line in block.text.splitlines() if line.startswith("+ "))
        assert whole.count(old) == 1 or not old, f"the edit of {name} fits {whole.count(old)} places"
        whole = whole.replace(old, new) if old else whole + new
        path.write_bytes(whole.encode("latin-1" if how == "saved as Latin-1" else "utf-8"))
    return target
