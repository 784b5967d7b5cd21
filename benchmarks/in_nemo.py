"""The rule files as Nemo programs, with a patient's facts beside them.

The rules are given as they stand, but for prefixed names with a hyphen: Nemo 0.10.1 reads `x:serum-b12` as
a subtraction, which has no value and says so nowhere, so these are written out as IRIs. In facts, terms are
IRIs, decimals are decimals, dates are day numbers.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from citelog.rules.program import Absent, Present, Program
from citelog.run.result import Run
from citelog.values import Atom, Iri, Value


class Nemo:
    """The text of a knowledge base's rules and facts, ready to be given to Nemo with a patient's facts."""

    def __init__(self, folder: Path, program: Program, stated: Iterable[Atom], asked: Sequence[str]) -> None:
        lines = [
            line for path in sorted(folder.glob("rules/*.rls")) for line in path.read_text(encoding="utf-8").split("\n")
        ]
        prefixes = dict.fromkeys(line for line in lines if line.startswith("@prefix"))
        bases = dict(re.findall(r"@prefix (\w+): <([^>]*)>", "\n".join(prefixes)))
        rules = [
            re.sub(r"\b(\w+):([\w-]*-[\w-]*)", lambda m: f"<{bases[m[1]]}{m[2]}>" if m[1] in bases else m[0], line)
            for line in lines
            if not line.startswith(("@prefix", "%", "#["))
        ]
        read = {x.predicate for rule in program.rules for x in rule.body if isinstance(x, Present | Absent)}
        self.asked = tuple(asked)
        self._text = "\n".join([*prefixes, *rules, *(f"@output {name} ." for name in asked), ""])
        self._text += self.facts(atom for atom in stated if atom.predicate in read)

    def facts(self, atoms: Iterable[Atom]) -> str:
        """Facts as text."""
        return "".join(f"{_name(a.predicate)}({', '.join(map(_value, a.args))}) .\n" for a in atoms)

    def solve(self, facts: str) -> dict[str, set[tuple[str, ...]]]:
        """Parse, reason, and read every conclusion."""
        import nmo_python

        engine = nmo_python.NemoEngine(nmo_python.load_string(self._text + facts))
        engine.reason()
        return {name: {tuple(map(_plain, row)) for row in engine.result(name)} for name in self.asked}

    def same(self, run: Run, found: dict[str, set[tuple[str, ...]]]) -> str:
        """What differs between our conclusions and Nemo's; empty where they agree."""
        ours = {name: {tuple(map(_plain, atom.args)) for atom in run.atoms(name)} for name in self.asked}
        return "; ".join(
            f"{name}: {sorted(ours[name] ^ found[name])}" for name in self.asked if ours[name] != found[name]
        )


def _plain(value: object) -> str:
    text = value.value if isinstance(value, Iri) else str(value)
    return text.removeprefix("<").removesuffix(">")


def _name(predicate: str) -> str:
    return f"<{predicate}>" if ":" in predicate else predicate


def _value(value: Value) -> str:
    if isinstance(value, Iri):
        return f"<{value.value}>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, datetime.date):
        return str(value.toordinal())
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text if "." in text else text + ".0"
    return str(value)
