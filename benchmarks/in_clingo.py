"""A checked program and its facts as clingo text, so that clingo can be timed on the very same rules.

The text is the exporter's (citelog.export), without comments and with one rule a line. Whether it is right is not
argued but checked: `same_model` compares clingo's model with ours, fact for fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from citelog.export.clingo import Clingo
from citelog.export.datalog import Prefixes
from citelog.export.datalog import Translation as Exported
from citelog.export.exact import ExportError as Untranslatable
from citelog.rules.program import Program
from citelog.run.datalog import Machine
from citelog.run.result import Run
from citelog.values import Atom, Iri


class Translation:
    """One program in clingo's language, with scales wide enough for the given facts.

    `program` and `knowledge` are texts; `facts` and `atom` write further facts the same way.
    """

    def __init__(self, program: Program, stated: Iterable[Atom], facts: Iterable[Atom]) -> None:
        known = dict.fromkeys(stated, ())
        run = Machine(program, known).run([(atom, None) for atom in facts])
        model = [atom for predicate in run.facts for atom in run.atoms(predicate)]
        self.exported = Exported(Clingo(), program, model, prefixes(model))
        self.known = [atom for atom in known if atom.predicate in self.exported.read]
        self.program = "\n".join(rule.replace("\n   ", "") for rule in self.exported.rules()) + "\n"
        self.knowledge = self.facts(self.known)

    def facts(self, atoms: Iterable[Atom]) -> str:
        """Facts as text, one a line."""
        return self.exported.facts(atoms)

    def atom(self, atom: Atom) -> str:
        """A ground fact without its full stop, spelt as clingo spells it in a model."""
        return self.exported.atom(atom)

    def helper(self, name: str) -> bool:
        """Whether a predicate, or the atom that a rule gives, is none of ours: it only collects what is counted."""
        return name.partition("(")[0] in self.exported.helpers.values()


def prefixes(model: Iterable[Atom]) -> Prefixes:
    """A letter for each namespace: long strings would cost the systems time that short ones do not."""
    terms = {arg.value for atom in model for arg in atom.args if isinstance(arg, Iri)}
    terms |= {atom.predicate for atom in model if ":" in atom.predicate}
    namespaces = sorted({term[: len(term) - len(Iri(term).local)] for term in terms} - {""})
    return {f"n{i}": namespace for i, namespace in enumerate(namespaces)}


def solve(texts: Sequence[str]) -> list[Any]:
    """Parse, ground and solve; every atom of the one stable model, as clingo's symbols."""
    import clingo

    control = clingo.Control(["--warn=none"])
    for text in texts:
        control.add("base", [], text)
    control.ground([("base", [])])
    with control.solve(yield_=True) as found:
        for model in found:
            return list(model.symbols(atoms=True))
    raise Untranslatable("no stable model")


def same_model(run: Run, translation: Translation, symbols: Iterable[Any]) -> str:
    """What differs between our model and clingo's; empty where they agree on every fact of every predicate."""
    ours = {translation.atom(atom) for name in translation.exported.used for atom in run.atoms(name)}
    theirs = {str(symbol) for symbol in symbols if not translation.helper(symbol.name)}
    return "; ".join(
        [*(f"only ours: {x}" for x in sorted(ours - theirs)), *(f"only clingo: {x}" for x in sorted(theirs - ours))]
    )
