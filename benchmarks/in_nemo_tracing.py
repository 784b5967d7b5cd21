"""The exported program in Nemo, asked to trace facts: one derivation of each, without absences.

Nemo takes facts as a program's text, or from files that a program names. `trace` gives it text, and all of it is parsed
for each patient; `trace_files` has a program that was parsed once and reads each patient from files. Numbers are whole
in both, with as many decimals kept as any patient needs that it is made for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from citelog.export.datalog import Translation
from citelog.export.nemo import Nemo as Language
from citelog.rules.program import Program
from citelog.run.result import Run
from citelog.values import Atom, Iri
from in_clingo import prefixes


class Tracing:
    """A program for the patients of some runs, with files for one of them at a time in the folder `scratch`."""

    def __init__(
        self, program: Program, stated: Iterable[Atom], runs: Sequence[Run], asked: Sequence[str], scratch: Path
    ) -> None:
        import nmo_python

        model = dict.fromkeys(atom for run in runs for predicate in run.facts for atom in run.atoms(predicate))
        self._exported = exported = Translation(Language(), program, list(model), prefixes(model))
        self._asked = tuple(asked)
        known = exported.facts(atom for atom in stated if atom.predicate in exported.read)
        head = list(exported.language.declarations(exported))
        body = [*exported.rules(), *exported.language.shown(asked, exported), known]
        self.text = "\n".join([*head, *body])
        given = [p for p in program.predicates.values() if p.layer == "patient"]
        self._files = {p.name: scratch / f"{i}.tsv" for i, p in enumerate(given)}
        imports = [
            f'@import {exported.names[p.name]} :- tsv{{resource="{self._files[p.name]}", '
            f"format=({', '.join(['any'] * len(p.arguments))})}} ."
            for p in given
        ]
        self.put([])
        self._parsed = nmo_python.load_string("\n".join([*head, *imports, *body]))

    def facts(self, atoms: Iterable[Atom]) -> str:
        """Facts as text."""
        return self._exported.facts(atoms)

    def put(self, atoms: Iterable[Atom]) -> None:
        """Write a patient's facts to the files."""
        rows: dict[str, list[str]] = {name: [] for name in self._files}
        for atom in atoms:
            rows[atom.predicate].append("\t".join(self._cells(atom)) + "\n")
        for name, path in self._files.items():
            path.write_text("".join(rows[name]), encoding="utf-8")

    def goal(self, atom: Atom) -> str:
        """A fact as Nemo is asked to trace it: no prefix is known there."""
        return f"{self._exported.names[atom.predicate]}({', '.join(self._cells(atom))})"

    def trace(self, facts: str, goals: Iterable[Atom]) -> list[dict[str, Any]]:
        """Parse, reason, and trace each goal, as data."""
        return self._traces(self._parse(facts), goals)

    def trace_files(self, goals: Iterable[Atom]) -> list[dict[str, Any]]:
        """Reason over the files, and trace each goal, as data."""
        return self._traces(self._read(), goals)

    def differs(self, run: Run, facts: str) -> str:
        """What differs between our conclusions and Nemo's, from text and from files; empty where all agree."""
        ours = {name: {tuple(f"<{arg}>" for arg in atom.args) for atom in run.atoms(name)} for name in self._asked}
        for way, engine in (("text", self._parse(facts)), ("files", self._read())):
            found = {name: {tuple(map(str, row)) for row in engine.result(name)} for name in self._asked}
            for name in self._asked:
                if ours[name] != found[name]:
                    return f"{way}, {name}: {sorted(ours[name] ^ found[name])}"
        return ""

    def _parse(self, facts: str) -> Any:
        import nmo_python

        engine = nmo_python.NemoEngine(nmo_python.load_string(self.text + facts))
        engine.reason()
        return engine

    def _read(self) -> Any:
        import nmo_python

        engine = nmo_python.NemoEngine(self._parsed)
        engine.reason()
        return engine

    def _traces(self, engine: Any, goals: Iterable[Atom]) -> list[dict[str, Any]]:
        return [engine.trace(self.goal(goal)).dict() for goal in goals]

    def _cells(self, atom: Atom) -> Iterable[str]:
        for i, value in enumerate(atom.args):
            scale = self._exported.places.of(atom.predicate, i)
            yield f"<{value.value}>" if isinstance(value, Iri) else self._exported.value(value, scale)


def modest(atoms: Iterable[Atom]) -> bool:
    """Whether all numbers have at most six decimals and are below a million: 64 bits hold what rules make of them."""
    numbers = (arg for atom in atoms for arg in atom.args if isinstance(arg, Decimal))
    return all(abs(n) < 10**6 and n.scaleb(6) == n.scaleb(6).to_integral_value() for n in numbers)
