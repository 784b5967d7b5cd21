"""What can be written at a place of a rule file: a tag, a statement, a predicate with its arguments, a term."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from citelog.advice.review import CODES as ADVICE
from citelog.edit import rules
from citelog.edit.desk import Reading
from citelog.edit.items import Item, fitting, labelled, short
from citelog.edit.mentions import Thing
from citelog.rules.language import AGGREGATES, TAGS
from citelog.rules.program import Argument, Predicate
from citelog.vocab import CL

_PARTIAL = re.compile(r"[\w:?#@~-]*\Z")


def in_rules(reading: Reading, prefixes: Mapping[str, str], text: str, offset: int) -> Iterator[Item]:
    """Everything that fits at an offset; `prefixes` are those that the other files declare."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    known = rules.namespaces(text)
    rule = rules.rule_at(text, offset) or _before(text, offset)
    if line.lstrip().startswith("%%%"):
        yield from _in_tag(reading, known, text, offset, line, rule)
    elif "%" in re.sub(r'"[^"]*"?', "", line):
        return
    elif line.lstrip().startswith("@"):
        yield from _prefix_lines(prefixes, known, offset, len(line.lstrip()))
    elif line.count('"') % 2:
        if (shown := re.search(r"\{\??\w*\Z", line)) and "display" in line:
            for name in _variables(rule):
                yield Item(f"?{name}", "variable", offset - len(shown[0]) + 1, offset, f"?{name}")
    elif found := re.search(r"#\[?\w*\Z", line):
        yield from _signs(offset - len(found[0]), offset, attribute="[" in found[0] or not line.strip("# \t"))
    else:
        yield from _words(reading, known, text, offset, rule)


def _before(text: str, offset: int) -> rules.Written | None:
    """The rule that is being written, where the cursor stands behind its last word."""
    earlier = [r for r in rules.rules(text) if r.end <= offset]
    return earlier[-1] if earlier and earlier[-1].words[-1].kind != "stop" else None


def _in_tag(
    reading: Reading, known: Mapping[str, str], text: str, offset: int, line: str, rule: rules.Written | None
) -> Iterator[Item]:
    """A tag's name, a statement's id, or a predicate of the rule."""
    if found := re.search(r"%%%\s*(@\w*)\Z", line):
        for tag, meaning in TAGS.items():
            blank = "" if tag == "mute" else " "
            yield Item(f"@{tag}", "tag", offset - len(found[1]), offset, f"@{tag}{blank}", meaning)
        return
    word = next((w for w in rules.words(text) if w.kind == "doc" and w.start <= offset <= w.end), None)
    if word is not None and word.within == "accept" and (named := re.search(r"@accept\s+([\w-]*)\Z", line)):
        for code, meaning in ADVICE.items():
            yield Item(code, "tag", offset - len(named[1]), offset, f"{code}: ${{1:the reason}}", meaning, snippet=True)
        return
    partial = re.search(r"[^\s,%@]*\Z", line)
    start = offset - len(partial[0]) if partial else offset
    if word is None or word.within not in rules.CITING + rules.LICENSING:
        return
    if word.within in rules.CITING:
        used = {w.thing.name for w in rules.mentions(text[word.start : word.end])}
        for id_, iri in reading.ids.items():
            quote = reading.triples.text(iri, CL + "quote")
            yield Item(
                id_, "statement", start, offset, id_, quote, rank=2 if id_ in used else 1, thing=Thing("iri", iri)
            )
        return
    atoms = list(rules.atoms(rule, known)) if rule else []
    body = [a for a in atoms if rule and (rule.head is None or a.start != rule.head.start)]
    negated = {a.written for a in body if text[: a.start].rstrip().endswith("~")}
    for atom in body:
        if (atom.written in negated) != (word.within == "through"):
            detail = "a premise of the rule" if word.within == "through" else "negated in the rule"
            yield Item(atom.written, "predicate", start, offset, atom.written, detail, thing=_thing(atom.predicate))


def _prefix_lines(prefixes: Mapping[str, str], known: Mapping[str, str], offset: int, length: int) -> Iterator[Item]:
    for prefix, namespace in prefixes.items():
        if prefix not in known:
            line = f"@prefix {prefix}: <{namespace}> ."
            yield Item(line, "skeleton", offset - length, offset, line, "a prefix of the other files")


def _signs(start: int, end: int, attribute: bool) -> Iterator[Item]:
    if attribute:
        yield Item('#[name("…")]', "tag", start, end, '#[name("${1:rule-name}")]', "the rule's name", snippet=True)
        display = '#[display(f"${1:The sentence, with {?x\\}.}")]'
        yield Item('#[display(f"…")]', "tag", start, end, display, "the sentence of the conclusion", snippet=True)
    else:
        for name in AGGREGATES:
            yield Item(f"#{name}", "tag", start, end, f"#{name}(${{1:?x}})", "over different things", snippet=True)


def _words(
    reading: Reading, known: Mapping[str, str], text: str, offset: int, rule: rules.Written | None
) -> Iterator[Item]:
    """A variable, a term that fits its place, a predicate, or a whole rule."""
    partial = _PARTIAL.search(text, max(0, text.rfind("\n", 0, offset)), offset)
    written = partial[0] if partial else ""
    start = offset - len(written.lstrip("~"))
    atom = _around(rule, known, offset)
    if atom is None and not written.startswith("?"):
        negating = text[:start].rstrip().endswith("~")
        body = rule is not None and any(w.text == ":-" and w.start < offset for w in rule.words)
        yield from _predicates(reading, known, rule, start, offset, head=not body and not negating)
        if not body:
            yield _skeleton(start, offset)
    place = None
    if atom is not None:
        predicate = reading.predicates.get(atom.predicate)
        position = _position(atom, text, start)
        arguments = predicate.arguments if predicate else ()
        place = arguments[min(position, len(arguments) - 1)] if arguments else None
        if predicate and place and not written.startswith("?"):
            yield from _terms(reading, known, predicate, place, start, offset)
    if rule is not None:
        typed = {name: kind for name, (kind, _) in rules.types(rule, known, reading.predicates).items()}
        for name in _variables(rule):
            fits = place is None or typed.get(name) in (None, place.type)
            yield Item(f"?{name}", "variable", start, offset, f"?{name}", typed.get(name, ""), rank=0 if fits else 3)


def _around(rule: rules.Written | None, known: Mapping[str, str], offset: int) -> rules.Atom | None:
    """The atom among whose arguments an offset lies."""
    for atom in rules.atoms(rule, known) if rule else ():
        opened = atom.start + len(atom.written)
        if opened < offset and (offset < atom.end or not atom.closed):
            return atom
    return None


def _position(atom: rules.Atom, text: str, offset: int) -> int:
    """The number of the argument at an offset, counted from 0."""
    depth = commas = 0
    for character in text[atom.start + len(atom.written) + 1 : offset]:
        depth += (character == "(") - (character == ")")
        commas += character == "," and depth == 0
    return commas


def signature(reading: Reading, text: str, offset: int) -> tuple[str, list[str], int] | None:
    """The predicate that is being written: with its arguments, each of them, and which of them is next."""
    known = rules.namespaces(text)
    rule = rules.rule_at(text, offset) or _before(text, offset)
    atom = _around(rule, known, offset)
    predicate = reading.predicates.get(atom.predicate) if atom else None
    if atom is None or predicate is None:
        return None
    parts = [f"{a.name}: {a.type}" for a in predicate.arguments]
    return f"{atom.written}({', '.join(parts)})", parts, _position(atom, text, offset)


def _predicates(
    reading: Reading, known: Mapping[str, str], rule: rules.Written | None, start: int, end: int, head: bool
) -> Iterator[Item]:
    """Predicates with their arguments; in a head, only those that rules derive."""
    typed = rules.types(rule, known, reading.predicates) if rule else {}
    mine = {kind: name for name, (kind, _) in reversed(typed.items()) if kind == "patient"}
    for predicate in reading.predicates.values():
        if head and predicate.layer != "derived":
            continue
        name = short(predicate.name, known, in_rules=True)
        if name is None:
            continue
        arguments = ", ".join(f"${{{i}:?{mine.get(a.type, a.name)}}}" for i, a in enumerate(predicate.arguments, 1))
        detail = f"({', '.join(f'{a.name}: {a.type}' for a in predicate.arguments)})  {predicate.layer}"
        rank = 2 if predicate.layer == "knowledge" else 1
        yield Item(name, "predicate", start, end, f"{name}({arguments})", detail, True, rank, _thing(predicate.name))


def _skeleton(start: int, end: int) -> Item:
    insert = (
        '%%% ${1:What the rule says.}\n%%% @cites ${2:S01}\n#[name("${3:rule-name}")]\n'
        '#[display(f"${4:The sentence.}")]\n${5:head}(?patient) :- ${6:patient(?patient)} .\n'
    )
    return Item("rule", "skeleton", start, end, insert, "a rule with its tags", True, 0)


def _terms(
    reading: Reading, known: Mapping[str, str], predicate: Predicate, place: Argument, start: int, end: int
) -> Iterator[Item]:
    """Terms for a place of a predicate: those that fit it first."""
    if place.type == "boolean":
        yield from (Item(word, "text", start, end, word, "boolean") for word in ("true", "false"))
    if place.type not in ("term", "patient", "record"):
        return
    fits = fitting(reading, predicate, place)
    for iri, label in labelled(reading):
        name = short(iri, known, in_rules=False)
        if name is not None:  # the list shows the short name, also where the rule must have the whole
            insert = short(iri, known, in_rules=True) or name
            rank = 1 if iri in fits else 4
            yield Item(name, "term", start, end, insert, label, rank=rank, thing=Thing("iri", iri))


def _variables(rule: rules.Written | None) -> list[str]:
    return list(dict.fromkeys(w.text[1:] for w in rule.words if w.kind == "variable")) if rule else []


def _thing(predicate: str) -> Thing:
    return Thing("iri" if ":" in predicate else "predicate", predicate)
