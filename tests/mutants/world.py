"""What mutants are tried in: the B12 knowledge base, its cases, drawn records, and what is derived for each."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import b12
from citelog import home, patient
from citelog.answer import derive
from citelog.explain.model import Model, Shape
from citelog.explain.model import shape as shape_of
from citelog.knowledge.base import Knowledge
from citelog.knowledge.files import files_of
from citelog.knowledge.load import Opened, load
from citelog.knowledge.triples import TYPE
from citelog.patient.case import Case
from citelog.rules.language import Names
from citelog.rules.syntax import RuleFile, RuleSyntax, parse
from citelog.values import Iri
from mutants.edits import Author
from oracle.random_cases import random_at, random_case


@cache
def opened() -> Opened:
    """The knowledge base with its triples."""
    return load(b12.FOLDER, home.ontology())


@cache
def files() -> tuple[RuleFile, ...]:
    """Its rules as syntax trees."""
    return tuple(
        parse(path.read_text(encoding="utf-8"), f"{b12.FOLDER.name}/rules/{path.name}")
        for path in files_of(b12.FOLDER, "rules/*.rls")
    )


@cache
def properties() -> RuleFile:
    """The rules of its safety properties."""
    path = b12.FOLDER / "properties.rls"
    return parse(path.read_text(encoding="utf-8"), f"{b12.FOLDER.name}/{path.name}")


@cache
def author() -> Author:
    """Who makes the mutants: with the terms, statements and predicates of the knowledge base at hand."""
    knowledge, triples = b12.knowledge(), opened().triples
    prefixes = {iri: name for file in files() for name, iri in file.prefixes.items()}

    def written(iri: str) -> str:
        local = Iri(iri).local
        prefix = prefixes.get(iri[: len(iri) - len(local)])
        return f"<{iri}>" if prefix is None or "-" in local else f"{prefix}:{local}"

    classes: dict[str, list[str]] = {}
    for subject in sorted(triples.subjects):
        for class_ in triples.all(subject, TYPE):
            classes.setdefault(str(class_), []).append(written(subject))
    own = {c: names for c, names in classes.items() if written(c).startswith(("cl:", "b12:"))}
    alike: dict[str, dict[str, None]] = {}
    for names in own.values():
        for name in names:
            alike.setdefault(name, {}).update(dict.fromkeys(names))
    declared = knowledge.program.predicates
    used = {a.name.text for f in files() for r in f.rules for a in r.body or () if hasattr(a, "name")}
    return Author(
        files=files(),
        alike={name: tuple(others) for name, others in alike.items()},
        statements=tuple(knowledge.statements),
        arguments={
            (written(name) if ":" in name else name): tuple(a.name for a in p.arguments) for name, p in declared.items()
        },
        measures=tuple(
            sorted(
                written(name)
                for name, p in declared.items()
                if p.layer == "knowledge" and written(name) in used and p.arguments[-1].type in ("number", "integer")
            )
        ),
    )


@cache
def _rules() -> dict[str, tuple[RuleFile, RuleSyntax]]:
    return {next(a.text for a in r.attributes if a.name == "name"): (file, r) for file in files() for r in file.rules}


def rule(name: str) -> tuple[RuleFile, RuleSyntax]:
    """A rule by its name, with its file."""
    return _rules()[name]


@cache
def names() -> Names:
    """What rules may speak of."""
    found = opened()
    assert found.knowledge is not None
    terms = frozenset(Iri(subject) for subject in found.triples.subjects)
    return Names(found.knowledge.program.predicates, terms, frozenset(found.knowledge.statements))


@cache
def knowledge() -> Knowledge:
    """The knowledge base as it is."""
    return b12.knowledge()


def shape() -> Shape:
    """What can be said of its program before any patient."""
    return shape_of(knowledge())


@dataclass(frozen=True, slots=True)
class Record:
    """A record: as it is written down, as it is read, and what is derived from it with the rules as they are."""

    name: str
    path: Path
    raw: dict[str, Any]
    case: Case
    at: str | None
    model: Model


@cache
def cases() -> tuple[Record, ...]:
    """The cases of the knowledge base."""
    return tuple(
        _record(name, case.path, case.record, patient.read(case.path, knowledge().terms), case.at)
        for name, case in b12.library().items()
    )


@cache
def drawn(number: int = 1500, seed: int = 20261129) -> tuple[Record, ...]:
    """Records drawn at random (oracle/random_cases.py)."""
    rng = random.Random(seed)
    found = []
    for n in range(number):
        raw, at = random_case(rng), random_at(rng)
        found.append(_record(f"drawn-{n}", Path(), raw, patient.read(raw, knowledge().terms), at))
    return tuple(found)


def _record(name: str, path: Path, raw: dict[str, Any], case: Case, at: str | None) -> Record:
    run = derive(knowledge(), case, date.fromisoformat(at) if at else None)
    return Record(name, path, raw, case, at, Model(run))
