"""A checked program and its facts as a Nemo program: the exporter's (citelog.export), with a patient's facts beside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from citelog.export.datalog import Translation
from citelog.export.nemo import Nemo as Language
from citelog.rules.program import Program
from citelog.run.datalog import Machine
from citelog.run.result import Run
from citelog.values import Atom
from in_clingo import prefixes


class Nemo:
    """The text of a knowledge base's rules and facts, ready to be given to Nemo with a patient's facts."""

    def __init__(self, program: Program, stated: Iterable[Atom], facts: Iterable[Atom], asked: Sequence[str]) -> None:
        known = dict.fromkeys(stated, ())
        run = Machine(program, known).run([(atom, None) for atom in facts])
        model = [atom for predicate in run.facts for atom in run.atoms(predicate)]
        self._exported = Translation(Language(), program, model, prefixes(model))
        language, self.asked = self._exported.language, tuple(asked)
        self._text = "\n".join(
            [
                *language.declarations(self._exported),
                *self._exported.rules(),
                *language.shown(asked, self._exported),
                "",
            ]
        )
        self._text += self.facts(atom for atom in known if atom.predicate in self._exported.read)

    def facts(self, atoms: Iterable[Atom]) -> str:
        """Facts as text."""
        return self._exported.facts(atoms)

    def solve(self, facts: str) -> dict[str, set[tuple[str, ...]]]:
        """Parse, reason, and read every conclusion."""
        import nmo_python

        engine = nmo_python.NemoEngine(nmo_python.load_string(self._text + facts))
        engine.reason()
        return {name: {tuple(map(str, row)) for row in engine.result(name)} for name in self.asked}

    def same(self, run: Run, found: dict[str, set[tuple[str, ...]]]) -> str:
        """What differs between our conclusions and Nemo's; empty where they agree."""
        ours = {name: {tuple(f"<{arg}>" for arg in atom.args) for atom in run.atoms(name)} for name in self.asked}
        return "; ".join(
            f"{name}: {sorted(ours[name] ^ found[name])}" for name in self.asked if ours[name] != found[name]
        )
