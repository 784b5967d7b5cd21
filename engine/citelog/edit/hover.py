"""What an author is told about the thing under the cursor, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from citelog.codes import SYSTEMS, split_code
from citelog.edit import rules
from citelog.edit.desk import Desk, Reading
from citelog.edit.mentions import Mention
from citelog.knowledge.base import Statement
from citelog.knowledge.lookup import constants
from citelog.knowledge.triples import DCTERMS, RDFS, SKOS, TYPE
from citelog.rules.language import TAGS
from citelog.rules.program import Predicate
from citelog.values import Iri, show
from citelog.vocab import CL

LAYERS = {
    "patient": "recorded: read from the patient's record",
    "derived": "derived: rules conclude it",
    "knowledge": "knowledge: statements and vocabulary say it",
}
"""Where the facts of a predicate come from."""

_MOST = 8


def hover(desk: Desk, path: Path, offset: int) -> tuple[int, int, str] | None:
    """The stretch that is meant, and what is to be said about it; None where there is nothing to say."""
    mention = desk.at(path, offset)
    if mention is not None and (told := about(desk, path, mention)):
        return mention.start, mention.end, told
    if path.suffix == ".rls":
        return _tag(desk.texts[path], offset)
    return None


def about(desk: Desk, path: Path, mention: Mention) -> str:
    """What is known of a thing; empty where nothing is."""
    reading, thing = desk.reading, mention.thing
    if thing.kind == "predicate":
        return predicate(reading, thing.name)
    if thing.kind == "rule":
        return _rule(reading, thing.name)
    if thing.kind == "variable":
        return _variable(desk, path, mention)
    local = Iri(thing.name).local
    if reading.ids.get(local) == thing.name:
        return statement(reading, local)
    if thing.name in reading.triples.instances(CL + "Conflict"):
        return _conflict(reading, local)
    if thing.name in reading.predicates:
        return predicate(reading, thing.name)
    return _term(reading, thing.name)


def statement(reading: Reading, id_: str) -> str:
    """A statement: its words, where they stand, how firmly and by whom they are said, and what rests on them."""
    found = reading.statements.get(id_)
    if found is None:
        quote = reading.triples.text(reading.ids[id_], CL + "quote")
        return _joined([f"**{id_}** · its quote is not found in the document", _quoted(quote) if quote else ""])
    cited = [f"`{rule.name}`" for rule in reading.rules if id_ in rule.cites]
    cited += [f"the caveat “{reading.triples.text(caveat, CL + 'text')}”" for caveat in _caveats(reading, found.iri)]
    conflicts = [c for c in reading.conflicts.values() if any(id_ in side for side in c.sides)]
    remark = reading.triples.text(found.iri.value, CL + "remark")
    facts = [
        ("modality", found.modality),
        ("population", found.population),
        ("voice", found.voice),
        ("attributed to", _labels(reading, found.iri.value, CL + "attributedTo")),
        ("markers", ", ".join(found.markers)),
        ("review", review(reading)),
        ("cited by", _several(cited) or "no rule"),
    ]
    return _joined(
        [
            f"**{id_}** · {found.kind}" if found.kind else f"**{id_}**",
            _quoted(found.quote),
            _place(found),
            _list(facts),
            f"*{_escaped(remark)}*" if remark else "",
            *(f"⚠ conflict **{c.id}**: {c.title}" for c in conflicts),
        ]
    )


def _caveats(reading: Reading, statement: Iri) -> list[str]:
    return [
        one for one in reading.triples.instances(CL + "Caveat") if statement in reading.triples.all(one, CL + "cites")
    ]


def review(reading: Reading) -> str:
    """The review status of the document, in its own words."""
    return next(filter(None, (reading.triples.text(d, CL + "reviewStatus") for d in _documents(reading))), "")


def _documents(reading: Reading) -> list[str]:
    return reading.triples.instances(CL + "SourceDocument")


def predicate(reading: Reading, name: str) -> str:
    """A predicate: its arguments with their types, how it reads aloud, and where its facts come from."""
    found = reading.predicates.get(name)
    if found is None:
        return ""
    deriving = [rule.name for rule in reading.rules if rule.predicate == name]
    facts = [
        ("reads", f"“{found.sentence}”" if found.sentence else ""),
        ("absent", f"“{found.absence}”" if found.absence else ""),
        ("from", LAYERS[found.layer]),
        ("derived by", _several(f"`{rule}`" for rule in deriving)),
    ]
    if found.layer == "derived" and not deriving:
        facts.append(("derived by", "no rule yet"))
    definition = reading.triples.text(_resource(reading, name), SKOS + "definition")
    return _joined([f"```citelog\n{signature(reading, found)}\n```", _escaped(definition), _list(facts)])


def signature(reading: Reading, found: Predicate) -> str:
    """A predicate with its arguments, as rules write it."""
    name = reading.triples.written(found.name) if ":" in found.name else found.name
    return f"{name}({', '.join(f'{a.name}: {a.type}' for a in found.arguments)})"


def _resource(reading: Reading, name: str) -> str:
    """The resource that declares a predicate: the property or class itself, or the one with its signature."""
    if name in reading.triples.subjects:
        return name
    for class_ in ("PatientPredicate", "DerivedPredicate"):
        for iri in reading.triples.instances(CL + class_):
            if reading.triples.text(iri, CL + "signature").strip().startswith(f"{name}("):
                return iri
    return ""


def _rule(reading: Reading, name: str) -> str:
    """A rule: what it says, what it derives, and its tags with the sentences that it encodes."""
    rule = next((r for r in reading.rules if r.name == name), None)
    if rule is None:
        return ""
    facts = [
        ("derives", f"`{Iri(rule.predicate).local}`"),
        ("convention", rule.convention),
        ("rests on the absence of", _several(f"`{Iri(p).local}`" for p in rule.licences)),
        ("shown", "muted: left out and counted" if rule.muted else ""),
    ]
    cited = [
        f"**{id_}** · *{s.modality}*\n\n{_quoted(s.quote)}" for id_ in rule.cites if (s := reading.statements.get(id_))
    ]
    return _joined(
        [f"rule **{name}**", _escaped(rule.doc), f"“{rule.display}”" if rule.display else "", _list(facts), *cited]
    )


def _conflict(reading: Reading, id_: str) -> str:
    """A conflict: both its sides, in the words of the document."""
    found = reading.conflicts[id_]
    sides = []
    for letter, ids in zip("AB", found.sides, strict=True):
        quotes = [f"{i}: “{s.quote}”" for i in ids if (s := reading.statements.get(i))]
        sides.append(f"side {letter}\n\n" + "\n".join(f"- {_escaped(q)}" for q in quotes))
    return _joined([f"conflict **{id_}** · {found.type}", f"**{found.title}**", _escaped(found.note), *sides])


def _term(reading: Reading, iri: str) -> str:
    """A term: its label, its other names and codes, what it is, and which statements speak of it."""
    triples = reading.triples
    if iri not in triples.subjects:
        return ""
    codes = []
    for notation in triples.all(iri, SKOS + "notation"):
        system, code = split_code(str(notation))
        codes.append(f"{SYSTEMS.get(system, system)} {code}".strip())
    spoken = {
        Iri(g).local
        for (subject, _, value), graphs in triples.graphs.items()
        if iri in (subject, str(value))
        for g in graphs
        if Iri(g).local in reading.ids
    }
    classes = [Iri(str(c)).local for c in triples.all(iri, TYPE)]
    facts = [
        ("is", _several(f"`{c}`" for c in classes)),
        ("also", _several(map(str, triples.all(iri, SKOS + "altLabel")))),
        ("codes", _several(codes)),
        ("signature", triples.text(iri, CL + "signature")),
        ("value", _value(reading, iri)),
        ("spoken of in", _several(sorted(spoken))),
        ("named by", _several(f"`{rule.name}`" for rule in reading.rules if Iri(iri) in constants(rule))),
    ]
    said = triples.text(iri, SKOS + "definition") or triples.text(iri, RDFS + "comment")
    said = said or triples.text(iri, DCTERMS + "title")
    return _joined([f"**{_escaped(triples.label(iri))}** · `{triples.written(iri)}`", _escaped(said), _list(facts)])


def _value(reading: Reading, iri: str) -> str:
    triples = reading.triples
    parts = [show(v) for key in ("value", "low", "high") if (v := triples.one(iri, CL + key)) is not None]
    unit = triples.text(iri, CL + "unit")
    return " – ".join(parts) + (f" {triples.label(unit)}" if parts and unit else "")


def _variable(desk: Desk, path: Path, mention: Mention) -> str:
    """A variable: the type that the first place of a predicate gives it."""
    text, name = desk.texts[path], mention.thing.name.partition("?")[2]
    rule = rules.rule_at(text, mention.start)
    types = rules.types(rule, rules.namespaces(text), desk.reading.predicates) if rule else {}
    return f"`?{name}`: {types[name][0]} ({types[name][1]})" if name in types else ""


def _tag(text: str, offset: int) -> tuple[int, int, str] | None:
    """What a tag is for."""
    for word in rules.words(text):
        if word.kind == "doc" and word.start <= offset <= word.end and word.within in TAGS:
            at = word.text.find("@" + word.within)
            start = word.start + at
            if at >= 0 and start <= offset <= start + len(word.within) + 1:
                return start, start + len(word.within) + 1, f"`@{word.within}`: {TAGS[word.within]}"
    return None


# --- Markdown ------------------------------------------------------------------------------------------------------


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, parts))


def _quoted(quote: str) -> str:
    return "\n".join(f"> {line}" for line in f"“{_escaped(quote)}”".split("\n"))


def _place(found: Statement) -> str:
    section = f"*{_escaped(found.section)}*, " if found.section else ""
    return f"{section}line {found.line} of {found.source}"


def _list(facts: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts if value)


def _several(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return ", ".join(known[:_MOST]) + more


def _labels(reading: Reading, subject: str, predicate: str) -> str:
    return _several(reading.triples.label(str(v)) for v in reading.triples.all(subject, predicate))


def _escaped(text: str) -> str:
    """Words that are no Markdown of ours."""
    return "".join("\\" + c if c in "\\`*_<>[]#" else c for c in text)
