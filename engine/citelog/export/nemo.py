"""Rules and facts for Nemo, the rule engine whose syntax the rule language shares.

Nemo computes decimals as binary floating point; here they are whole numbers, of 64 bits, and so exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from citelog.export.datalog import Language, Prefixes, Translation, shortened

_PLAIN = re.compile(r"[A-Za-z]\w*:[A-Za-z]\w*", re.ASCII)


class Nemo(Language):
    """The language of Nemo."""

    name, suffix, run, comment = "Nemo", "rls", "nmo FILE", "%"
    whole = 2**63 - 1
    absent = "~"
    stop = " ."

    def predicate(self, name: str, prefixes: Prefixes) -> str:
        """As in the rule files."""
        return self.term(name, prefixes) if ":" in name else name

    def term(self, iri: str, prefixes: Prefixes) -> str:
        """As in the rule files: with its prefix, or in full where Nemo would read a hyphen as a minus."""
        short = shortened(iri, prefixes)
        return short if short != iri and _PLAIN.fullmatch(short) else f"<{iri}>"

    def text(self, text: str) -> str:
        """Nemo knows no escapes."""
        self.writable(text, {'"', "\\", *map(chr, range(32))})
        return f'"{text}"'

    def variable(self, name: str, once: bool) -> str:
        """As in the rule files."""
        return f"?{name}"

    def aggregate(
        self, function: str, weights: Sequence[str], rows: str, some: str, result: str
    ) -> tuple[str, Sequence[str]]:
        """`latest(?p,#max(?v)) :- rows(?p,?v) .`"""
        return f"#{function}({','.join(weights)})", [rows]

    def declarations(self, translation: Translation) -> Iterator[str]:
        """The prefixes."""
        for prefix, namespace in translation.prefixes.items():
            if _PLAIN.fullmatch(f"{prefix}:x"):
                yield f"@prefix {prefix}: <{namespace}> ."

    def shown(self, predicates: Sequence[str], translation: Translation) -> Iterator[str]:
        """Only conclusions are put out."""
        for name in predicates:
            yield f"@output {translation.names[name]} ."
