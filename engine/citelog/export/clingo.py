"""Rules and facts for clingo, the answer set solver: one stable model, which is what citelog derives.

clingo computes with whole numbers of 32 bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from citelog.export.datalog import Language, Translation


class Clingo(Language):
    """The language of clingo."""

    name, suffix, run, comment = "clingo", "lp", "clingo FILE", "%"
    whole = 2**31 - 1
    absent = "not "
    reserved = frozenset({"not"})

    def boolean(self, value: bool) -> str:
        """clingo has no truth values: two constants stand for them."""
        return "yes" if value else "no"

    def aggregate(
        self, function: str, weights: Sequence[str], rows: str, some: str, result: str
    ) -> tuple[str, Sequence[str]]:
        """`latest(P,Result) :- rows(P,_), Result = #max { V : rows(P,V) }.`"""
        return result, [some, f"{result} = #{function} {{ {','.join(weights)} : {rows} }}"]

    def shown(self, predicates: Sequence[str], translation: Translation) -> Iterator[str]:
        """Only conclusions are shown."""
        for name in predicates:
            yield f"#show {translation.names[name]}/{len(translation.program.predicates[name].arguments)}."
