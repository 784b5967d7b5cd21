"""Rules and facts for Soufflé, the Datalog compiler.

Nobody has run this export: there is no Soufflé where the tests run, and so nothing but the walk that it shares with the
other languages speaks for it. Soufflé computes with whole numbers of 32 bits, unless it was built for 64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from citelog.export.datalog import Language, Prefixes, Translation


class Souffle(Language):
    """The language of Soufflé."""

    name, suffix, run, comment = "Soufflé", "dl", "souffle -D - FILE", "//"
    whole = 2**31 - 1
    absent = "!"
    tried = "Nobody has run this export: there is no Soufflé where the tests of citelog run."

    def predicate(self, name: str, prefixes: Prefixes) -> str:
        """With a capital, which no word of Soufflé's own has."""
        plain = super().predicate(name, prefixes)
        return plain[0].upper() + plain[1:]

    def boolean(self, value: bool) -> str:
        """Soufflé has no truth values: 1 and 0 stand for them."""
        return "1" if value else "0"

    def aggregate(
        self, function: str, weights: Sequence[str], rows: str, some: str, result: str
    ) -> tuple[str, Sequence[str]]:
        """`latest(P,Result) :- rows(P,_), Result = max V : { rows(P,V) }.`"""
        of = function if function == "count" else f"{function} {weights[0]}"
        return result, [some, f"{result} = {of} : {{ {rows} }}"]

    def declarations(self, translation: Translation) -> Iterator[str]:
        """Every relation with its types."""
        for name in translation.used:
            arguments = translation.program.predicates[name].arguments
            shown = ", ".join(f"{a.name}_: {_type(a.type)}" for a in arguments)
            yield f".decl {translation.names[name]}({shown})"
        for number, types in translation.rows():
            shown = ", ".join(f"column_{i}: {_type(t)}" for i, t in enumerate(types, 1))
            yield f".decl {translation.helpers[number]}({shown})"

    def shown(self, predicates: Sequence[str], translation: Translation) -> Iterator[str]:
        """Only conclusions are put out."""
        for name in predicates:
            yield f".output {translation.names[name]}"


def _type(declared: str) -> str:
    return "number" if declared in ("number", "integer", "date", "boolean") else "symbol"
