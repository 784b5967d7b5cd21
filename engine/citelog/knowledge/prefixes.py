"""Prefixes that stand for one thing in one file and for another in the next: names that look alike are others then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from citelog.diagnostics import Diagnostic, Instead, Span
from citelog.knowledge.files import PREFIX

CODES: Mapping[str, str] = {
    "prefix-differs": "a prefix that stands for one thing in most files, and for another in this one",
}
"""Every code of this module, with its meaning."""


def check_prefixes(texts: Iterable[tuple[str, str]]) -> Iterator[Diagnostic]:
    """The prefixes of files, each a name and a text, that differ from what most of them say, or else the first."""
    declared = [(name, text, match) for name, text in texts for match in PREFIX.finditer(text) if match["prefix"]]
    counted = Counter((match["prefix"], match["namespace"]) for _, _, match in declared)
    usual = {prefix: namespace for (prefix, namespace), _ in reversed(counted.most_common())}
    where = {(match["prefix"], match["namespace"]): name for name, _, match in reversed(declared)}
    for name, text, match in declared:
        prefix, namespace = match["prefix"], match["namespace"]
        if (right := usual[prefix]) != namespace:
            line = text.count("\n", 0, match.start()) + 1
            message = f"the prefix {prefix}: stands for {namespace} here, and for {right} in {where[prefix, right]}"
            hint = Instead(
                f"<{namespace}>", f"<{right}>", f"write <{right}>, or give what is meant here a prefix of its own"
            )
            yield Diagnostic("prefix-differs", Span(name, line), message, hint, match[0])
