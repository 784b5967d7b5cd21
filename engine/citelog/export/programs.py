"""A knowledge base as a program of another system, with the facts of a case where one is named.

The program still cites: each rule carries its name, its place and the quoted sentences that it encodes, each fact of
the knowledge the statements that state it, and each fact of a record the entry that it was read from.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from citelog import patient
from citelog.export.clingo import Clingo
from citelog.export.datalog import Language, Prefixes, Translation, shortened
from citelog.export.nemo import Nemo
from citelog.export.souffle import Souffle
from citelog.export.subject import File, Subject, cited, heading
from citelog.export.swi import Swi
from citelog.knowledge.base import Knowledge
from citelog.rules.program import Absent, Rule
from citelog.run.datalog import Machine
from citelog.values import Atom
from citelog.vocab import CL

LANGUAGES: Mapping[str, Language] = {"clingo": Clingo(), "nemo": Nemo(), "souffle": Souffle(), "swi": Swi()}
"""The languages, by the names that an export is asked for with."""

SPARE = 3
"""The decimals kept for the numbers of a record where no case says how many there are."""


def program(name: str, subject: Subject) -> tuple[File, ...]:
    """The program as one file. Raises ExportError where the language cannot say something exactly."""
    language = LANGUAGES[name]
    kb = subject.knowledge
    given = patient.facts(subject.assessment.case, kb.terms, subject.at) if subject.assessment else ()
    translation = translated(language, subject)
    lines = [
        *_comment(language, heading(f"{language.name} program: what {kb.id} says, as rules and facts", subject)),
        *_comment(
            language, [f"Run it: {language.run.replace('FILE', f'{subject.stem}.{language.suffix}')}", language.tried]
        ),
        *_comment(language, _legend(translation)),
        "",
        *language.declarations(translation),
        *_rules(translation, kb),
        *_section(language, "What the knowledge base says; behind each fact the statements that state it"),
        *_stated(translation, kb),
    ]
    if subject.assessment:
        entries = {r.iri: r.entries for r in subject.assessment.case.records}
        lines += _section(language, "What the record says; behind each fact the entry that it was read from")
        for atom, record in given:
            entry = "; ".join(f"{e.id} {e.read_from}: {e.sentence}" for e in entries.get(record, ())) if record else ""
            lines.append(_beside(translation, atom, entry))
    lines += _section(language, "What is asked for")
    lines += language.shown([kind.predicate for kind in kb.kinds], translation)
    return (File(f"{subject.stem}.{language.suffix}", "\n".join(lines) + "\n"),)


def translated(language: Language, subject: Subject) -> Translation:
    """The translation, exact for everything that the knowledge and the case give and derive."""
    kb = subject.knowledge
    run = subject.assessment.run if subject.assessment else Machine(kb.program, kb.stated).run(())
    model = (atom for predicate in run.facts for atom in run.atoms(predicate))
    return Translation(language, kb.program, model, prefixes(kb), 0 if subject.assessment else SPARE)


def prefixes(knowledge: Knowledge) -> Prefixes:
    """The prefixes that terms are written with: the knowledge base's own, and the engine's."""
    return {knowledge.id: knowledge.namespace, "cl": CL}


def _legend(translation: Translation) -> Iterator[str]:
    """How names and values are written."""
    language = translation.language
    for prefix, namespace in translation.prefixes.items():
        yield f"{prefix}:name stands for {namespace}name."
    yield "A date is its day number; 0001-01-01 is day 1."
    if language.whole is None:
        yield "A number is exact: 7r20 is 0.35."
    scaled = list(translation.places.scaled())
    if scaled:
        yield "Decimals are whole numbers, so that nothing is rounded. These stand multiplied:"
    for predicate, argument, digits in scaled:
        yield f"  {translation.names[predicate]}, {argument}: by {10**digits}"
    for name, written in translation.names.items():
        short = shortened(name, translation.prefixes)
        if name in translation.used and written.strip("'").casefold() not in _plainly(short):
            yield f"{written} is {short}."


def _plainly(name: str) -> tuple[str, str]:
    """How a name is written where nothing has to be said about it."""
    return name.casefold(), name.replace(":", "_").casefold()


def _rules(translation: Translation, kb: Knowledge) -> Iterator[str]:
    file = ""
    for number, rule in enumerate(translation.program.rules):
        if rule.span.file != file:
            file = rule.span.file
            yield from _section(translation.language, file)
        yield ""
        yield from _comment(translation.language, _about(rule, kb))
        yield from translation.rule(number)


def _about(rule: Rule, kb: Knowledge) -> Iterator[str]:
    """What a rule says of itself: as in its own file, with the words of the statements that it encodes."""
    if rule.doc:
        yield rule.doc
    yield f"{rule.name} ({rule.span})"
    if rule.display:
        yield f"Sentence: {rule.display}"
    for statement in rule.cites:
        yield f"@cites {cited(kb.statements[statement])}"
    if rule.convention:
        yield f"@convention {rule.convention}"
    for literal in rule.body:
        if isinstance(literal, Absent):
            yield f"{'@assumes' if literal.assumed else '@unless'} {shortened(literal.predicate, prefixes(kb))}"


def _stated(translation: Translation, kb: Knowledge) -> Iterator[str]:
    read = [(atom, by) for atom, by in kb.stated.items() if atom.predicate in translation.read]
    for atom, by in sorted(read, key=lambda pair: pair[0].predicate):  # stable: one predicate's facts stand together
        yield _beside(translation, atom, " ".join(by) or "the encoder's own")


def _beside(translation: Translation, atom: Atom, remark: str) -> str:
    fact = translation.language.fact(translation.atom(atom))
    return f"{fact}  {translation.language.comment} {' '.join(remark.split())}" if remark else fact


def _section(language: Language, title: str) -> list[str]:
    return ["", f"{language.comment} ---- {title}", ""]


def _comment(language: Language, lines: Iterable[str]) -> Iterator[str]:
    """Comments of at most a hundred columns, or so; a longer text goes on further in."""
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        for part in textwrap.wrap(
            " ".join(line.split()), 110, initial_indent=indent, subsequent_indent=indent + "    ",
            break_long_words=False, break_on_hyphens=False,
        ):  # fmt: skip
            yield f"{language.comment} {part}"
