"""Advice about how strongly the document speaks, and how strongly its encoding does."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from citelog.advice.given import Advice, Given
from citelog.advice.reach import Reach
from citelog.diagnostics import shortened
from citelog.knowledge.base import Statement
from citelog.rules.program import Rule
from citelog.values import Iri
from citelog.vocab import CL

CODES: Mapping[str, str] = {
    "hedge-unsaid": "a quote that speaks with reserve (may, often, …), where its cl:modality does not",
    "modality-unsaid": "a cl:modality that the sentence of its statement does not say",
    "hedge-dropped": "a rule that says firmly what its statement says with reserve (may, often, …)",
}

_HEDGES = (
    "may|might|can|could|often|usually|typically|generally|commonly|frequently|sometimes|occasionally|rarely|possibly|"
    "perhaps|probably|likely|unlikely|maybe|consider|considered|considering|suggest|suggests|suggested|tend|tends|"
    "appear|appears|seem|seems"
)
PLAIN = "asserted"
"""The modality of a statement whose sentence has no word of strength."""

HEDGE = re.compile(rf"\b(?:{_HEDGES})\b", re.IGNORECASE)
"""A word with which a sentence says that something is not always, or not certainly so."""

SOFT = re.compile(
    rf"\b(?:{_HEDGES}|some|many|most|debated|unclear|uncertain|depend|depends|depending|judge?ment|option|optional|"
    r"alternative|provisional|if needed|not always|not settle|called|claim|claimed|reported)\b",
    re.IGNORECASE,
)
"""A word with which a sentence of a rule keeps a reserve, or leaves it to the document."""

_DATE = re.compile(r"\b(?:\d{1,2}(?:st|nd|rd|th)? )?May(?: \d|,)")
_COMPARED = re.compile(r"\b(?:most|more|less|least) (?:commonly|frequently|often|likely)\b", re.IGNORECASE)


def hedges(text: str) -> list[str]:
    """The words of a text that keep a reserve, in order; a month is none, nor is a comparison of how often.

    >>> hedges("It may help and is often considered; updated 3 May 2024; the most commonly used test.")
    ['may', 'often', 'considered']
    """
    bare = _COMPARED.sub(" ", _DATE.sub(" ", text))
    return list(dict.fromkeys(match[0].lower() for match in HEDGE.finditer(bare)))


def unsaid(given: Given, _: Reach) -> Iterator[Advice]:
    """Statements whose quote keeps a reserve and whose modality has none."""
    for statement in given.knowledge.statements.values():
        found = hedges(statement.quote)
        if found and statement.modality and not hedges(statement.modality):
            told = " and ".join(f"“{word}”" for word in found)
            message = f"{statement.id} says {told}, and its modality is “{statement.modality}”"
            hint = f'write the document\'s own words of strength: cl:modality "{found[0]}"'
            yield Advice("hedge-unsaid", (statement.id,), given.statement(statement.id, "cl:modality"), message, hint)


def invented(given: Given, _: Reach) -> Iterator[Advice]:
    """Statements whose modality stands neither in their quote nor in the sentence that the quote is a part of."""
    sentences: dict[str, list[str]] = defaultdict(list)
    for segment in given.triples.instances(CL + "Segment"):
        for iri in given.triples.all(segment, CL + "encodedAs"):
            sentences[str(iri)].append(given.triples.text(segment, CL + "text"))
    for statement in given.knowledge.statements.values():
        said = [statement.quote, *sentences[statement.iri.value]]
        if statement.modality == PLAIN or any(statement.modality.casefold() in one.casefold() for one in said):
            continue
        message = f"the sentence of {statement.id} does not say “{statement.modality}”, which is its modality"
        hint = f'write the document\'s own words of strength, or cl:modality "{PLAIN}" where it uses none'
        yield Advice("modality-unsaid", (statement.id,), given.statement(statement.id, "cl:modality"), message, hint)


def dropped(given: Given, reach: Reach) -> Iterator[Advice]:
    """Rules that say what to do, and say without reserve what their statement says with one."""
    for rule in given.rules:
        if rule.predicate not in given.directing or not rule.display or SOFT.search(rule.display):
            continue
        labels = " ".join(given.label(value) for value in reach.head(rule) if isinstance(value, Iri))
        if SOFT.search(labels.replace("-", " ")):
            continue
        for statement in map(given.knowledge.statements.__getitem__, rule.cites):
            found = hedges(statement.modality) or hedges(statement.quote)
            if found and not reach.falls_back(rule, statement.id):
                yield _dropped(given, rule, statement, found)


def _dropped(given: Given, rule: Rule, statement: Statement, found: list[str]) -> Advice:
    said = shortened(rule.display, 90)
    message = f"{statement.id} says “{' '.join(found)}”, and rule {rule.name} says firmly: “{said}”"
    hint = "let the sentence of the rule keep the reserve, in the document's words"
    return Advice("hedge-dropped", (rule.name, statement.id), given.sentence(rule), message, hint)
