"""What rule engines are given that cannot read a record: the facts of a whole population, as citelog reads them.

Each patient and each record has a name of its own, so that one program with all of them gives each what they would get
alone. The files lie beside the data and are made once; how long that takes is not timed.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from citelog import patient
from citelog.export.datalog import Language, Translation
from citelog.knowledge.base import Knowledge
from citelog.patient.facts import PATIENT
from citelog.run.datalog import Machine
from citelog.values import Atom, Iri

SPARE = 1
"""Decimals that places keep for patients who are not among those whose runs were looked at."""

Records = Mapping[str, Mapping[str, Any]]


def of_everyone(records: Records, knowledge: Knowledge, at: datetime.date) -> Iterator[Atom]:
    """The facts of some patients, each with names of their own."""
    for who, record in records.items():
        case = patient.read(record, knowledge.terms)
        own: dict[Any, Iri] = {PATIENT: Iri(f"urn:p:{who}")}
        own |= {one.iri: Iri(f"urn:r:{who}.{number}") for number, one in enumerate(case.records)}
        for atom, _ in patient.facts(case, knowledge.terms, at):
            yield Atom(atom.predicate, tuple(own.get(arg, arg) for arg in atom.args))


def translation(language: Language, knowledge: Knowledge, records: Records, at: datetime.date) -> Translation:
    """The program in a language, exact for records like these."""
    known = dict.fromkeys(knowledge.stated, ())
    machine = Machine(knowledge.program, known)
    model: dict[Atom, Any] = dict(known)
    for record in records.values():
        run = machine.run(patient.facts(patient.read(record, knowledge.terms), knowledge.terms, at))
        model |= dict.fromkeys(atom for name in run.facts for atom in run.atoms(name))
    return Translation(language, knowledge.program, model, {}, SPARE)


def tables(translated: Translation, atoms: Iterable[Atom]) -> dict[str, str]:
    """Facts as text, by predicate: a line each, with tabs between the arguments."""
    lines = defaultdict[str, list[str]](list)
    for atom in atoms:
        if atom.predicate in translated.read:
            said = translated.atom(atom).removeprefix(f"{translated.names[atom.predicate]}(").removesuffix(")")
            lines[atom.predicate].append(said.replace(",", "\t"))  # no term or number has a comma
    return {predicate: "".join(f"{line}\n" for line in some) for predicate, some in lines.items()}


def write(folder: Path, some: Iterable[Mapping[str, str]], name: Callable[[str], str]) -> None:
    """Put facts into a folder, a file a predicate."""
    made = folder.with_name(f"{folder.name}.part")
    made.mkdir(parents=True)
    for one in some:
        for predicate, text in one.items():
            with (made / f"{name(predicate)}.tsv").open("a", encoding="utf-8") as file:
                file.write(text)
    made.rename(folder)
