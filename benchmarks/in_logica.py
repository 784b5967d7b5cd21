"""A checked program as Logica has it, the logic language that becomes SQL; its queries are run by DuckDB.

Every predicate is a table of its own (`@Ground`), without which Logica would write a predicate out wherever it is read.
Logica (`pip install logica`) is not among the test extras: it is installed only to be measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from citelog.export.datalog import Language, Prefixes, Translation, shortened


class Logica(Language):
    """The language of Logica."""

    name, suffix, run, comment = "Logica", "l", "logica FILE run Conclusion", "#"
    whole = 2**53
    absent = "~"
    stop = ";"
    signs = Language.signs | {"=": "=="}

    def predicate(self, name: str, prefixes: Prefixes) -> str:
        """Names begin with a capital."""
        words = re.split(r"\W+|_+", shortened(name, prefixes).rpartition("#")[2])
        return "P" + "".join(word.capitalize() for word in words)

    def variable(self, name: str, once: bool) -> str:
        """Names are in small letters."""
        return f"v{name.lower()}"

    def boolean(self, value: bool) -> str:
        """Not in the rules that are measured."""
        raise NotImplementedError

    def rule(self, head: str, body: Sequence[str]) -> str:
        """Facts are a set, which has to be said; a place that does not matter has a name like any other."""
        count = iter(range(1_000))
        goals = [re.sub(r"(?<=[(,])_(?=[,)])", lambda _: f"any{next(count)}", goal) for goal in body]
        return f"{head} distinct :- {', '.join(goals)};"

    def aggregate(
        self, function: str, weights: Sequence[str], rows: str, some: str, result: str
    ) -> tuple[str, Sequence[str]]:
        """What is collected goes through a predicate that is `rewritten` below: only a named place can be counted."""
        return result, [f"{function}@{','.join(weights)}@{rows}@{result}"]


def program(translated: Translation, kinds: Iterable[tuple[str, str]]) -> str:
    """The whole program: what it concludes is `Conclusion(patient, kind, value)`."""
    lines = ['@Engine("duckdb");']
    made: list[str] = []
    for number, text in enumerate(translated.rules()):
        rule = re.sub(r"\brows_of_\w+", lambda found: "Rows" + found[0].removeprefix("rows_of").title(), text)
        made += _counted(rule, number) if "@" in rule else [rule]
    heads = dict.fromkeys(re.match(r"\w+", rule)[0] for rule in made)  # type: ignore[index]
    lines += [f"@Ground({head});" for head in heads]
    for predicate in sorted(translated.read - translated.heads):
        name = translated.names[predicate]
        places = range(len(translated.program.predicates[predicate].arguments))
        columns = ", ".join(f"col{i}: x{i}" for i in places)
        lines.append(f"{name}({', '.join(f'x{i}' for i in places)}) :- facts_{name.lower()}({columns});")
    shown = [f'Conclusion(p, "{kind}", v) distinct :- {translated.names[name]}(p, v);' for name, kind in kinds]
    return "\n".join([*lines, *made, *shown])


def _counted(rule: str, number: int) -> list[str]:
    """A rule that counts as two: one that counts at a named place, and one that puts the count in its place."""
    head, _, body = rule.removesuffix(";").partition(" distinct :- ")
    function, weights, rows, result = body.split("@")
    kept = [word for word in re.findall(r"\w+", head)[1:] if word != result]
    of = {"max": "Max= ", "min": "Min= ", "sum": "+= ", "count": "+= "}[function]
    counted = "1" if function == "count" else weights.split(",")[0]
    named = ", ".join(f"{name}:" for name in kept)
    return [
        f"Counted{number}({named}, counted? {of}{counted}) distinct :- {rows};",
        f"{head} distinct :- Counted{number}({named}, counted: {result});",
    ]


def queries(text: str) -> str:
    """The program as a script of SQL whose last statement gives the conclusions, in three columns."""
    from logica.compiler import universe  # type: ignore[import-not-found, unused-ignore]
    from logica.parser_py import parse  # type: ignore[import-not-found, unused-ignore]

    made: str = universe.LogicaProgram(parse.ParseFile(text)["rule"]).FormattedPredicateSql("Conclusion")
    return made
