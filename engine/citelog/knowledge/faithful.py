"""Whether what a statement says is in its words: each number and each text of its graph stands in its quote.

A dose or a cut-off that was mistyped would otherwise be shown under the true quote; a number of something else in the
same sentence, beside the true text of its own. What a sentence leaves out and takes over from another
(`cl:inheritedFrom`) is looked for in that other's quote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from citelog.diagnostics import Diagnostic
from citelog.evidence.printed import STOP, figures, other_sign
from citelog.evidence.sources import Source
from citelog.knowledge.base import Statement
from citelog.knowledge.triples import Triples
from citelog.values import Iri
from citelog.vocab import CL

FUNCTIONAL = "http://www.w3.org/2002/07/owl#FunctionalProperty"
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_OR_INHERITED = ": correct the value, or say with cl:inheritedFrom which statement it is taken from"
_NUMERALS = {word: Decimal(i) for i, word in enumerate(_WORDS)} | {"once": Decimal(1), "twice": Decimal(2)}


def numbers(quote: str, sign: str = STOP) -> set[Decimal]:
    """The numbers that a quote prints, in figures or in words; `sign` stands before decimals.

    >>> sorted(numbers("100 mcg daily for 6 or 7 days, then seven doses, once a month"))
    [Decimal('1'), Decimal('6'), Decimal('7'), Decimal('100')]
    """
    return figures(quote, sign) | {
        _NUMERALS[word] for word in re.findall(r"[a-z]+", quote.casefold()) if word in _NUMERALS
    }


def check_faithful(
    triples: Triples, statements: Mapping[str, Statement], source: Source | None, found: list[Diagnostic]
) -> None:
    """Report numbers and texts of a statement's graph that its quote does not hold, and numbers beside another text."""
    sign = source.decimal_sign if source else STOP
    by_iri = {statement.iri.value: statement for statement in statements.values()}
    printed_ones = [
        (triple, graphs)
        for triple, graphs in triples.graphs.items()
        if triple[1] == CL + "text" or (isinstance(triple[2], Decimal | int) and not isinstance(triple[2], bool))
    ]
    for (subject, property_, value), graphs in sorted(printed_ones, key=lambda item: str(item[0])):
        is_text = property_ == CL + "text"
        inherited = triples.one(subject, CL + "inheritedFrom")
        for graph in graphs:
            statement = by_iri.get(str(inherited) if isinstance(inherited, Iri) else graph)
            if graph not in by_iri or statement is None:
                continue
            quote, text = statement.quote, "" if is_text else triples.text(subject, CL + "text")
            said = f"{Iri(subject).local} says {str(value)!r}, which is not in"
            if is_text and str(value).casefold() not in quote.casefold():
                where = f"the quote of {statement.id}"
                hint = f"the quote of {statement.id} reads {quote!r}{_OR_INHERITED}"
            elif not is_text and Decimal(value) not in numbers(quote, sign):
                where = f"the quote of {statement.id}"
                printed = ", ".join(f"{n:f}" for n in sorted(numbers(quote, sign))) or "no number"
                hint = f"the quote prints {printed}{_OR_INHERITED}"
                other = other_sign(sign)
                if Decimal(value) in numbers(quote, other):
                    hint += f"; or, where “{other}” stands before the decimals of the document, say so in about.ttl: "
                    hint += f'cl:decimalSign "{other}"'
            elif text and Decimal(value) not in numbers(text, sign):
                where, hint = f"its own text {text!r}", "a value is the number of its text: correct one of the two"
            else:
                continue
            span, shown = triples.span(subject, str(value))
            found.append(Diagnostic("value-not-in-quote", span, f"{said} {where}", hint, shown, about=(statement.id,)))


def check_functional(triples: Triples, found: list[Diagnostic]) -> None:
    """Report a second value where a property has one, such as a range with two low ends."""
    for property_ in triples.instances(FUNCTIONAL):
        for subject, properties in list(triples.subjects.items()):
            if len(given := properties.get(property_, ())) > 1:
                values = sorted(map(str, given))
                name, about = Iri(property_).local, (subject, property_)
                message = f"{Iri(subject).local} has the {name} {' and '.join(values)}"
                found.append(triples.finding("two-values", about, message, "it has one: which is right?", name))
