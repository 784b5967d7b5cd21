"""From a folder to a knowledge base, or to everything that is wrong with it.

Loading verifies what an answer rests on: the bytes of the source, every quote and its place, every
name in every rule. What costs more and can wait (shapes, codes, segments) is in check.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from citelog.diagnostics import CitelogError, Diagnostic, KnowledgeError, Span
from citelog.evidence.sources import Source
from citelog.knowledge import kept
from citelog.knowledge.base import STATES, Knowledge, Review, Statement, rule_iri, state_of
from citelog.knowledge.faithful import check_faithful, check_functional
from citelog.knowledge.files import NO_DRAFTS, Drafts, Text, files_of, read_text
from citelog.knowledge.fingerprint import fingerprint
from citelog.knowledge.kinds import read_fields, read_kinds, read_notes
from citelog.knowledge.prefixes import CODES as PREFIX_CODES
from citelog.knowledge.prefixes import check_prefixes
from citelog.knowledge.properties import PROPERTIES, check_apart, is_of_property, read_properties
from citelog.knowledge.reviews import CODES as REVIEW_CODES
from citelog.knowledge.reviews import Digests, read_reviews
from citelog.knowledge.statements import read_caveats, read_conflicts, read_source, read_statements
from citelog.knowledge.triples import DCTERMS, PAV, TYPE, Triples, read_triples
from citelog.knowledge.vocabulary import check_declared, check_values, read_predicates, read_terms
from citelog.rules.check import check
from citelog.rules.language import Names
from citelog.rules.program import Absent, Predicate, Present, Program, part
from citelog.rules.syntax import RuleFile, parse
from citelog.values import Atom, Iri, Value
from citelog.vocab import CL, Terms

CODES: Mapping[str, str] = {
    "file-missing": "a file of the knowledge base is not there",
    "not-utf-8": "a file is not UTF-8 text",
    "hidden-character": "a character that steers a terminal, or turns the direction of writing",
    "rdf-syntax": "a Turtle or TriG file cannot be read",
    "source-changed": "the source document is not, byte for byte, the one that was encoded",
    "quote-not-found": "a quote does not stand in the source document",
    "quote-ambiguous": "a quote stands in the document more than once, and nothing says which is meant",
    "offset-wrong": "a statement's offsets or line are not where its quote stands",
    "marker-mismatch": "a statement's markers are not those printed in its sentence",
    "empty-statement": "a statement has a quote but says nothing",
    "incomplete": "something that must be said is not",
    "undefined-property": "a property or class of our own that nothing declares",
    "bad-signature": "a predicate's signature or sentence cannot be read",
    "ambiguous-name": "one name for two terms, or for two predicates",
    "value-not-in-quote": "a number or a text that a statement says, and its quote does not",
    "two-values": "two values of a property that has one",
    "wrong-value": "a value that is not of the kind that its property is declared for",
    "unknown-reference": "a name of a statement, of a field, or of a file, that does not exist",
    **REVIEW_CODES,
    **PREFIX_CODES,
    "property-apart": "a safety property and the rules that answer, which must not rest on each other, do",
}
"""Every code of this module, with its meaning."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder as read: the knowledge base (None if there are errors), findings, and what check.py goes on with.

    `program` has all rules, those of safety properties too; `files` are those in which they are written.
    """

    knowledge: Knowledge | None
    diagnostics: tuple[Diagnostic, ...]
    triples: Triples
    source: Source | None
    program: Program | None
    files: tuple[RuleFile, ...]


_ATTEMPTS = 20
"""How often files are read that do not stop changing."""


def load(folder: Path, ontology: Path, drafts: Drafts = NO_DRAFTS) -> Opened:
    """Read and verify a knowledge base; the findings say all that is wrong, in one run.

    `drafts` stand in for files of the folder, or beside them; the hash is what it would be if they were saved. Files
    that are edited while they are read are read again, so that all of it stood there at one moment, and the hash is of
    just that. Raises CitelogError where they do not stop changing.
    """
    for _ in range(_ATTEMPTS):
        held = drafts.held()
        opened, read = _read(folder, ontology, held), _standing(folder, ontology, held)
        if read == _standing(folder, ontology, drafts):
            if opened.knowledge is None or read is None:
                return opened
            return replace(opened, knowledge=replace(opened.knowledge, sha256=read))
    raise CitelogError(f"{folder}: its files change faster than they are read", "ask again when they are written")


def _standing(folder: Path, ontology: Path, drafts: Drafts) -> str | None:
    """What stands in the files now, as one number; None where one cannot be read, which the reading tells."""
    try:
        return fingerprint(folder, ontology, drafts)
    except (OSError, KnowledgeError):
        return None


def _read(folder: Path, ontology: Path, drafts: Drafts) -> Opened:
    found: list[Diagnostic] = []
    triples = read_triples(folder, ontology, found, drafts)
    source = read_source(folder, triples, found, drafts)
    statements = read_statements(triples, source, found)
    paths = [path for pattern in ("rules/*.rls", PROPERTIES) for path in files_of(folder, pattern, drafts, found)]
    read = ((path, read_text(path, folder, found, drafts)) for path in paths)
    files = [_parsed(path, text, path in drafts) for path, text in read if text]
    return assemble(folder.name, triples, source, statements, files, found)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A rule file as it was read last, and the key of what was read."""

    key: str
    file: RuleFile


def _parsed(path: Path, text: Text, is_draft: bool) -> RuleFile:
    """A rule file, read once for each content: an author's files mostly stay as they are from one run to the next."""
    if is_draft:
        return parse(text.text, text.name)
    key, name = kept.key(text.text, text.name), kept.key("rules of", str(path.resolve()))
    last = kept.read(name, _Parsed)
    if last is None or last.key != key:
        last = _Parsed(key, parse(text.text, text.name))
        kept.write(name, last)
    return last.file


def assemble(
    name: str,
    triples: Triples,
    source: Source | None,
    statements: Mapping[str, Statement],
    files: Iterable[RuleFile],
    found: list[Diagnostic],
) -> Opened:
    """The knowledge base that triples, statements found in their source and rules make together.

    `name` is what findings call it, `found` what is wrong already. Its hash is left to the caller, who knows where
    all this comes from.
    """
    files = tuple(files)
    known = frozenset(Iri(s).local for s in triples.instances(CL + "Statement"))  # also those with a fault
    base = _base(name, triples, found)
    predicates, terms = _vocabulary(triples, statements, source, found)
    guarded = _rules(files, Names(predicates, frozenset(Iri(s) for s in triples.subjects), known), found)
    program = part(guarded, lambda rule: not is_of_property(rule))
    conflicts = read_conflicts(triples, known, found)
    caveats = read_caveats(triples, known, found)
    kinds = read_kinds(triples, predicates, found)
    notes = read_notes(triples, predicates, found)
    properties = read_properties(triples, guarded, found)
    reviews, weakest = _reviews(base, triples, guarded, files, found)
    found += check_prefixes(
        [*((text.name, text.text) for text in triples.files.values()), *((one.file, one.text) for one in files)]
    )
    found = _told_once(found)
    if not base or source is None or any(one.severity == "error" for one in found):
        return Opened(None, tuple(found), triples, source, guarded, files)
    knowledge = Knowledge(
        id=triples.text(base, DCTERMS + "identifier"),
        version=triples.text(base, PAV + "version"),
        sha256="",
        title=triples.text(base, DCTERMS + "title"),
        review_status=triples.text(triples.text(base, CL + "document"), CL + "reviewStatus"),
        namespace=namespace_of(base),
        program=program,
        guarded=guarded,
        properties=properties,
        stated=_stated(triples, guarded, predicates, set(statements)),
        terms=_reading(terms, triples, program),
        statements=statements,
        conflicts=conflicts,
        kinds=kinds,
        fields=read_fields(triples, kinds, known),
        ranks=_ranks(triples),
        notes=notes,
        caveats=caveats,
        follows=_follows(triples),
        unresolved=_is_unresolved(triples, statements),
        source=source,
        reviews=reviews,
        indicators=_indicators(triples),
        weakest=weakest,
    )
    return Opened(knowledge, tuple(found), triples, source, guarded, files)


def _base(name: str, triples: Triples, found: list[Diagnostic]) -> str:
    """The one resource that is the knowledge base; of several the first."""
    bases = triples.instances(CL + "KnowledgeBase")
    if len(bases) != 1:
        message = f"{len(bases)} resources are a cl:KnowledgeBase"
        found.append(Diagnostic("incomplete", Span(name), message, "there is one in about.ttl"))
    return bases[0] if bases else ""


def _vocabulary(
    triples: Triples, statements: Mapping[str, Statement], source: Source | None, found: list[Diagnostic]
) -> tuple[dict[str, Predicate], Terms]:
    """The predicates and terms that are declared, by which everything that is said is checked."""
    predicates = read_predicates(triples, found)
    check_declared(triples, predicates, found)
    check_values(triples, found)
    check_functional(triples, found)
    check_faithful(triples, statements, source, found)
    return predicates, read_terms(triples, found)


def _rules(files: Iterable[RuleFile], names: Names, found: list[Diagnostic]) -> Program:
    """All rules, those of safety properties too, which do not rest on the others nor they on them."""
    program, wrong = check(files, names)
    found += wrong
    check_apart(program, found)
    return program


def _reviews(
    base: str, triples: Triples, program: Program, files: Iterable[RuleFile], found: list[Diagnostic]
) -> tuple[dict[Iri, tuple[Review, ...]], str]:
    """The reviews of each statement and rule, and the weakest state that any of these is in."""
    namespace = namespace_of(base)
    things = [Iri(s) for s in triples.instances(CL + "Statement")]
    things += [rule_iri(namespace, rule.name) for rule in program.rules]
    reviews = read_reviews(triples, Digests(triples, namespace, files), things, found)
    return reviews, min((state_of(reviews.get(one, ())) for one in things), key=STATES.index, default=STATES[0])


def namespace_of(base: str) -> str:
    """The namespace of a knowledge base: its IRI, without its own name."""
    return base[: len(base) - len(Iri(base).local)]


FOLLOWS = frozenset(
    [
        "undefined-predicate",
        "undefined-term",
        "undefined-property",
        "unknown-statement",
        "unknown-reference",
        "incomplete",
    ]
)
"""Findings that a file which cannot be read, or a declaration, brings with it."""


def _told_once(found: list[Diagnostic]) -> list[Diagnostic]:
    """The findings without those that only follow from another, which would hide it."""
    unread = any(d.code in ("rdf-syntax", "not-utf-8") and not d.span.file.endswith(".rls") for d in found)
    if unread or any(d.code == "prefix-differs" for d in found):
        return [d for d in found if d.code not in FOLLOWS]
    unsigned = {d.about[-1] for d in found if d.code == "bad-signature"}
    return [d for d in found if not (d.code == "undefined-predicate" and d.about[-1] in unsigned)]


# what the rules read


def _reading(terms: Terms, triples: Triples, program: Program) -> Terms:
    """The terms with those keys of the context whose facts some rule reads: a record's others decide nothing."""
    read = {x.predicate for rule in program.rules for x in rule.body if isinstance(x, Present | Absent)}
    known = terms.names.get("context", {})
    kept = {name: term for name, term in known.items() if triples.text(term.value, CL + "readAs") in read}
    return replace(terms, names={**terms.names, "context": kept})


def _stated(
    triples: Triples, program: Program, predicates: Mapping[str, Predicate], statements: set[str]
) -> dict[Atom, tuple[str, ...]]:
    read = {x.predicate for rule in program.rules for x in rule.body if isinstance(x, Present | Absent)}
    stated: dict[Atom, tuple[str, ...]] = {}
    for (subject, predicate, value), graphs in sorted(triples.graphs.items(), key=lambda item: str(item[0])):
        name = str(value) if predicate == TYPE else predicate
        declared = predicates.get(name)
        if name not in read or declared is None or declared.layer != "knowledge":
            continue
        args: tuple[Value, ...] = (Iri(subject),) if predicate == TYPE else (Iri(subject), _typed(value, declared))
        by = tuple(sorted({Iri(g).local for g in graphs} & statements))
        stated[Atom(name, args)] = by
    return stated


def _typed(value: Value, predicate: Predicate) -> Value:
    if predicate.arguments[1].type == "number" and isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value


# what conclusions are made of


def _ranks(triples: Triples) -> dict[Iri, int]:
    return {Iri(s): triples.whole(s, CL + "rank") for s in triples.subjects if triples.one(s, CL + "rank") is not None}


def _follows(triples: Triples) -> dict[Iri, Iri]:
    return {
        Iri(s): after
        for s in triples.subjects
        if isinstance(after := triples.one(s, CL + "follows"), Iri) and triples.one(str(after), CL + "follows") != s
    }


def _indicators(triples: Triples) -> dict[Iri, str]:
    return {Iri(s): shown for s in triples.subjects if (shown := triples.text(s, CL + "indicator"))}


def _is_unresolved(triples: Triples, statements: Mapping[str, Statement]) -> bool:
    """Whether the document's own markers lead nowhere: statements have some, and no reference is resolved."""
    references = triples.instances(CL + "Reference")
    return any(statement.markers or statement.inherited for statement in statements.values()) and all(
        triples.one(reference, CL + "resolution") == Iri(CL + "unresolved") for reference in references
    )
