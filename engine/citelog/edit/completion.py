"""What can be written at a place: names that fit there, with their arguments to be filled in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from citelog.advice.review import CODES as ADVICE
from citelog.edit import hover, rules, turtle
from citelog.edit.desk import Desk, Reading
from citelog.edit.mentions import Mention, Thing
from citelog.knowledge.triples import RDF, RDFS, SKOS, TYPE
from citelog.layout.order import ORDER
from citelog.layout.tokens import Token
from citelog.layout.tokens import iri as full
from citelog.rules.language import AGGREGATES, TAGS
from citelog.rules.program import Argument, Constant, Predicate, Present
from citelog.values import Iri
from citelog.vocab import CL

_PARTIAL = re.compile(r"[\w:?#@~-]*\Z")
_MOST_TEXTS, _MOST_PASSAGES = 30, 8


@dataclass(frozen=True, slots=True)
class Item:
    """Something to write in the stead of a stretch: what the list shows, and what is written.

    `kind` is `predicate`, `term`, `statement`, `variable`, `tag`, `text` or `skeleton`. In a `snippet`, `${1:x}` are
    places to fill in one after the other. `rank` orders the list, `thing` is what it names.
    """

    label: str
    kind: str
    start: int
    end: int
    insert: str
    detail: str = ""
    snippet: bool = False
    rank: int = 1
    thing: Thing | None = None


def completion(desk: Desk, path: Path, offset: int) -> list[Item]:
    """Everything that fits at an offset of a rule file, or of one of statements or terms."""
    text = desk.texts.get(path, "").replace("\r", "\n")  # some lines end so; offsets stay
    if path.suffix == ".rls":
        found = _in_rules(desk.reading, _sibling_prefixes(desk, path), text, offset)
    elif path.suffix in (".ttl", ".trig"):
        found = _in_turtle(desk, text, offset)
    else:
        return []
    return sorted(found, key=lambda item: (item.rank, item.label))


# --- rules ---------------------------------------------------------------------------------------------------------


def _in_rules(reading: Reading, prefixes: Mapping[str, str], text: str, offset: int) -> Iterator[Item]:
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    known = rules.namespaces(text)
    rule = next((r for r in rules.rules(text) if r.start <= offset <= r.end), None) or _before(text, offset)
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
        typed = _typed(reading, known, rule)
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


def arguments(desk: Desk, path: Path, offset: int) -> tuple[str, list[str], int] | None:
    """The predicate that is being written: with its arguments, each of them, and which of them is next."""
    text = desk.texts.get(path, "")
    if path.suffix != ".rls":
        return None
    known = rules.namespaces(text)
    rule = next((r for r in rules.rules(text) if r.start <= offset <= r.end), None) or _before(text, offset)
    atom = _around(rule, known, offset)
    predicate = desk.reading.predicates.get(atom.predicate) if atom else None
    if atom is None or predicate is None:
        return None
    parts = [f"{a.name}: {a.type}" for a in predicate.arguments]
    return f"{atom.written}({', '.join(parts)})", parts, _position(atom, text, offset)


def _predicates(
    reading: Reading, known: Mapping[str, str], rule: rules.Written | None, start: int, end: int, head: bool
) -> Iterator[Item]:
    """Predicates with their arguments; in a head, only those that rules derive."""
    typed = _typed(reading, known, rule) if rule else {}
    mine = {kind: name for name, kind in reversed(list(typed.items())) if kind in ("patient",)}
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
    fitting = _fitting(reading, predicate, place)
    for iri, label in _labelled(reading):
        name = short(iri, known, in_rules=False)
        if name is not None:  # the list shows the short name, also where the rule must have the whole
            insert = short(iri, known, in_rules=True) or name
            rank = 1 if iri in fitting else 4
            yield Item(name, "term", start, end, insert, label, rank=rank, thing=Thing("iri", iri))


def _fitting(reading: Reading, predicate: Predicate, place: Argument) -> set[str]:
    """The terms that stand in a place of a predicate: in rules, in statements, or by their class."""
    triples, position = reading.triples, predicate.arguments.index(place)
    written = [
        given
        for rule in reading.rules
        for name, given in (
            (rule.predicate, rule.args),
            *((x.predicate, x.args) for x in rule.body if isinstance(x, Present)),
        )
        if name == predicate.name
    ]
    found = {
        argument.value.value
        for given in written
        if isinstance(argument := given[position], Constant) and isinstance(argument.value, Iri)
    }
    if predicate.layer == "knowledge":
        for subject, name, value in triples.graphs:
            if (name if name != TYPE else str(value)) == predicate.name:
                found.add(subject if position == 0 else str(value))
        ends = triples.all(predicate.name, RDFS + ("domain" if position == 0 else "range"))
        for class_ in map(str, ends):
            found |= set(triples.instances(class_))
    found |= {iri for c in (place.name, place.name.rstrip("s")) for iri in triples.instances(CL + c.capitalize())}
    return found


def _labelled(reading: Reading) -> Iterator[tuple[str, str]]:
    """The terms that a rule may name, with their labels."""
    for iri, properties in reading.triples.subjects.items():
        if iri.startswith((reading.namespace, CL)) and iri not in reading.predicates and TYPE in properties:
            yield iri, reading.triples.label(iri)


def _variables(rule: rules.Written | None) -> list[str]:
    return list(dict.fromkeys(w.text[1:] for w in rule.words if w.kind == "variable")) if rule else []


def _typed(reading: Reading, known: Mapping[str, str], rule: rules.Written) -> dict[str, str]:
    """The types of the variables of a rule, as far as its predicates tell."""
    found: dict[str, str] = {}
    for atom in rules.atoms(rule, known):
        predicate = reading.predicates.get(atom.predicate)
        for argument, words in zip(predicate.arguments if predicate else (), atom.arguments, strict=False):
            if len(words) == 1 and words[0].kind == "variable":
                found.setdefault(words[0].text[1:], argument.type)
    return found


def _thing(predicate: str) -> Thing:
    return Thing("iri" if ":" in predicate else "predicate", predicate)


def short(iri: str, known: Mapping[str, str], in_rules: bool) -> str | None:
    """A name as a file with these prefixes writes it; None where a predicate or term has no prefix there.

    >>> short("https://example.org/#iron-low", {"ex": "https://example.org/#"}, in_rules=True)
    '<https://example.org/#iron-low>'
    """
    if ":" not in iri:
        return iri
    local = Iri(iri).local
    namespace = iri[: len(iri) - len(local)]
    prefix = next((p for p, n in known.items() if n == namespace), None)
    if prefix is None:
        return None
    return f"<{iri}>" if in_rules and "-" in local else f"{prefix}:{local}"


def _sibling_prefixes(desk: Desk, path: Path) -> dict[str, str]:
    """The prefixes of the other files, and of the ontology."""
    found: dict[str, str] = {}
    for other, text in desk.texts.items():
        if other != path and other.suffix == path.suffix:
            found |= rules.namespaces(text)
    return found


# --- statements and terms ------------------------------------------------------------------------------------------


def _in_turtle(desk: Desk, text: str, offset: int) -> Iterator[Item]:
    """A property, a value that fits it, or a passage of the document."""
    reading, known = desk.reading, turtle.namespaces(text)
    spaces = {name + ":": space for name, space in known.items()}
    partial = _PARTIAL.search(text, max(0, text.rfind("\n", 0, offset)), offset)
    start = offset - len(partial[0]) if partial else offset
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    if line.lstrip().startswith("#"):
        return
    if opened := re.search(r'([\w-]*:[\w-]+)\s+(?:"[^"]*"\s*,\s*)*"([^"]*)\Z', line):
        yield from _in_text(reading, full(opened[1], spaces), opened[2], offset)
        return
    before = [t for t in turtle.tokens(text[:start]) if t.part != "comment"]
    part, class_, verb = _next(before, spaces)
    if part == "verb":
        yield from _properties(reading, known, start, offset, class_)
    elif part == "object":
        yield from _objects(reading, known, verb, start, offset)
    elif part == "subject" and not line.strip(" \t").strip(partial[0] if partial else ""):
        base = next((p for p, n in known.items() if n == reading.namespace), "")
        yield _statement(reading, base, start, offset)


def _next(before: list[Token], spaces: dict[str, str]) -> tuple[str, str, str]:
    """The part of a triple that comes next, the class of the subject, and the verb."""
    class_ = verb = ""
    for i, token in enumerate(before):
        if token.part == "subject" and not token.depth:
            class_ = ""
        elif token.part == "verb":
            verb = full(token.text, spaces)
            if token.text == "a" and not token.depth and i + 1 < len(before):
                class_ = full(before[i + 1].text, spaces)
    last = before[-1] if before else None
    if last is None or last.part in (".", "{", "}", "directive"):
        return "subject", class_, verb
    following = {"subject": "verb", ";": "verb", "[": "verb", "verb": "object", ",": "object"}
    return following.get(last.part, "sign"), class_, verb


def _properties(reading: Reading, known: Mapping[str, str], start: int, end: int, class_: str) -> Iterator[Item]:
    """Properties, those that other things of the same class have first."""
    triples = reading.triples
    usual = Counter(p for s in triples.instances(class_) for p in triples.subjects[s]) if class_ else Counter[str]()
    own = {CL + name for name in ORDER} if class_ == CL + "Statement" else set()
    yield Item("a", "text", start, end, "a ", "is of the class", rank=2)
    for iri in triples.instances(RDF + "Property"):
        if name := short(iri, known, in_rules=False):
            rank = 0 if iri in usual or iri in own else 3
            yield Item(
                name, "predicate", start, end, f"{name} ", _definition(reading, iri), rank=rank, thing=Thing("iri", iri)
            )


def _definition(reading: Reading, iri: str) -> str:
    return reading.triples.text(iri, SKOS + "definition") or reading.triples.text(iri, RDFS + "comment")


def _objects(reading: Reading, known: Mapping[str, str], verb: str, start: int, end: int) -> Iterator[Item]:
    """Classes after `a`, else the things that fit a property, or the texts that it has elsewhere."""
    triples = reading.triples
    if verb in ("a", TYPE):
        for iri in triples.instances(RDFS + "Class"):
            if name := short(iri, known, in_rules=False):
                yield Item(name, "term", start, end, name, _definition(reading, iri), thing=Thing("iri", iri))
        return
    used = Counter(v for properties in triples.subjects.values() for v in properties.get(verb, ()))
    texts = [v for v, _ in used.most_common() if isinstance(v, str)]
    for rank, value in enumerate(texts[:_MOST_TEXTS]):
        if "\n" not in value and '"' not in value:
            yield Item(f'"{value}"', "text", start, end, f'"{value}"', "said elsewhere", rank=rank)
    predicate = reading.predicates.get(verb)
    if predicate and predicate.arguments[-1].type == "term":
        fitting = _fitting(reading, predicate, predicate.arguments[-1])
        for iri, label in _labelled(reading):
            if name := short(iri, known, in_rules=False):
                rank = 1 if iri in fitting else 4
                yield Item(name, "term", start, end, name, label, rank=rank, thing=Thing("iri", iri))


def _in_text(reading: Reading, verb: str, written: str, offset: int) -> Iterator[Item]:
    """Within quotation marks: a passage of the document, ids of statements, or the name of a predicate."""
    start = offset - len(written)
    if verb == CL + "quote" and reading.source is not None and written.strip():
        yield from _passages(reading.source.text, written, start, offset)
    elif verb in turtle.NAMING_STATEMENTS:
        last = offset - len(written.rpartition(" ")[2])
        for id_, iri in reading.ids.items():
            quote = reading.triples.text(iri, CL + "quote")
            yield Item(id_, "statement", last, offset, id_, quote, thing=Thing("iri", iri))
    elif verb in turtle.NAMING_PREDICATES:
        for name in reading.predicates:
            if ":" not in name:
                yield Item(name, "predicate", start, offset, name, thing=Thing("predicate", name))


def _passages(source: str, written: str, start: int, end: int) -> Iterator[Item]:
    """The passages of the document that begin as what is written, each to the end of its sentence."""
    found: dict[str, int] = {}
    for match in re.finditer(re.escape(written) + r"[^\n]*?(?=[.;](?:\s|$)|\n|$)", source):
        found.setdefault(match[0], source.count("\n", 0, match.start()) + 1)
    for passage, line in list(found.items())[:_MOST_PASSAGES]:
        if '"' not in passage:
            yield Item(passage, "text", start, end, passage, f"line {line} of the document", rank=line)


def _statement(reading: Reading, prefix: str, start: int, end: int) -> Item:
    insert = (
        f"{prefix}:${{1:S01}} a cl:Statement ;\n"
        '    cl:kind         "${2:recommendation}" ;\n    cl:quote        "${3:the words of the document}" ;\n'
        '    cl:modality     "${4:asserted}" ;\n    cl:population   "${5:not stated}" ;\n'
        f"    cl:voice        ${{6:{prefix}:voice_document}} .\n\n{prefix}:$1 {{\n    $0\n}}\n"
    )
    return Item("statement", "skeleton", start, end, insert, "a statement, and what it says", True, 0)


def begins(item: Item, written: str) -> bool:
    """Whether an item could go on from what is written: its label holds these letters in this order, ignoring case.

    >>> begins(Item("medication_route", "predicate", 0, 0, ""), "medro")
    True
    """
    label = iter(item.label.casefold())
    return item.kind == "skeleton" or all(letter in label for letter in written.casefold())


def narrowed(items: Iterable[Item], text: str, offset: int) -> list[Item]:
    """The items that go on from what is written before the offset, those that begin as it does first."""

    def near(item: Item) -> tuple[bool, bool]:
        label, written = item.label.casefold(), text[item.start : offset].casefold()
        return not label.startswith(written), written not in label

    return sorted((item for item in items if begins(item, text[item.start : offset])), key=near)


def documentation(desk: Desk, path: Path, thing: Thing) -> str:
    """What is told of a thing that the list shows."""
    return hover.about(desk, path, Mention(0, 0, thing, "uses", (0, 0)))
