"""The clingo translation with every rule traced by its name, so that xclingo can be timed on the very same rules.

xclingo (2.0b24) answers with one explanation: a tree of rules, each with one way to each fact under it. Absences are
not in it. It asks for clingo 5.8.0 exactly, which the other benchmarks do not; it runs on 5.8.3 as well
(`pip install --no-deps xclingo`).
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from citelog.rules.program import Program
from citelog.values import Atom
from in_clingo import Translation

INSTALLED = find_spec("xclingo") is not None
NOT_INSTALLED = "xclingo is not installed (pip install --no-deps xclingo)"


class Xclingo:
    """One program for xclingo: as text with annotations, and as xclingo's own translation of that, made once."""

    def __init__(self, translation: Translation, program: Program) -> None:
        from xclingo.preprocessor import DefaultExplainingPipeline

        self._translation = translation
        self.text = _traced(translation, program) + translation.knowledge
        self._pipeline = DefaultExplainingPipeline()
        self.ready = self._pipeline.translate("base", self.text)

    def explain(self, facts: str, goals: Sequence[Atom]) -> list[str]:
        """One explanation of each goal as text, the rules translated before."""
        from clingo import Control
        from xclingo import XclingoControl

        control = XclingoControl(["--warn=none"], n_explanations="1")
        Control.add(control, "base", [], self.text)
        control.explainer.add("base", [], self.ready)
        control.pre_explaining_pipeline = copy.deepcopy(self._pipeline)  # it goes on counting the rules
        return self._trees(control, facts, goals)

    def explain_as_written(self, facts: str, goals: Sequence[Atom]) -> list[str]:
        """The same from the annotated text."""
        from xclingo import XclingoControl

        control = XclingoControl(["--warn=none"], n_explanations="1")
        control.add("base", [], self.text)
        return self._trees(control, facts, goals)

    def _trees(self, control: Any, facts: str, goals: Sequence[Atom]) -> list[str]:
        from clingo import parse_term

        control.add("base", [], facts)
        asked = [parse_term(self._translation.atom(goal)) for goal in goals]
        for symbol in asked:
            control.add_show_trace(symbol)
        control.ground([("base", [])])
        for model in control.solve():
            for graph in model.explain_model():
                found = graph.index
                return [found[symbol].ascii_tree() for symbol in asked]
        raise SystemExit("xclingo found no explanation")


def rules_of(tree: str) -> set[str]:
    """The rules that a tree names.

    >>> sorted(rules_of('  *\\n  |__"status-low"\\n  |  |__"level-read"'))
    ['level-read', 'status-low']
    """
    return set(re.findall(r'__"([^"]+)"', tree))


def _traced(translation: Translation, program: Program) -> str:
    names = iter(program.rules)
    lines = []
    for line in translation.program.splitlines():
        if not translation.helper(line.partition(" ")[0]):
            lines.append(f'%!trace_rule {{"{next(names).name}"}}.')
        lines.append(_named(line))
    return "\n".join(lines) + "\n"


def _named(line: str) -> str:
    """A rule without `_` in positive premises: xclingo asks for the value of every variable there.

    >>> _named('latest(P,N) :- rows(P,_), not late(P,_), N = #max { V : rows(P,V) }.')
    'latest(P,N) :- rows(P,Any1), not late(P,_), N = #max { V : rows(P,V) }.'
    """
    count = itertools.count(1)

    def literal(found: re.Match[str]) -> str:
        if found[0].startswith("not "):
            return found[0]
        return re.sub(r"(?<=[(,])_(?=[,)])", lambda _: f"Any{next(count)}", found[0])

    return re.sub(r"(?:not )?\b\w+\([^()]*\)", literal, line)
