"""A knowledge base reviewed: what is wrong with it, what an expert would advise, and what its authors accept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from citelog import home
from citelog.advice import (
    absences,
    conflicts,
    hedges,
    measures,
    never,
    numbers,
    populations,
    reviews,
    statements,
    subsumed,
    words,
)
from citelog.advice.given import Advice, Given
from citelog.advice.reach import Reach
from citelog.diagnostics import Diagnostic, meant
from citelog.knowledge.check import check_opened, ordered
from citelog.knowledge.files import NO_DRAFTS, Drafts
from citelog.knowledge.load import Opened, load
from citelog.rules.program import Acceptance
from citelog.vocab import CL

Adviser = Callable[[Given, Reach], Iterator[Advice]]
"""Gives every piece of advice of one code."""

ADVISERS: tuple[Adviser, ...] = (
    statements.without_rule,
    statements.unread,
    statements.unnamed,
    words.unquoted,
    populations.wider,
    hedges.unsaid,
    hedges.invented,
    hedges.dropped,
    conflicts.unsided,
    numbers.differ,
    measures.disagree,
    measures.not_stated,
    measures.unasked,
    subsumed.subsumed,
    never.dead,
    absences.hidden,
    absences.too_wide,
    reviews.outdated,
    reviews.by_encoder,
)

CODES: Mapping[str, str] = {
    **statements.CODES,
    **words.CODES,
    **populations.CODES,
    **hedges.CODES,
    **conflicts.CODES,
    **numbers.CODES,
    **measures.CODES,
    **subsumed.CODES,
    **never.CODES,
    **absences.CODES,
    **reviews.CODES,
    "acceptance-unused": "an acceptance of advice that is not given",
}
"""Every code of advice, with its meaning."""


def review(folder: Path, drafts: Drafts = NO_DRAFTS) -> tuple[Diagnostic, ...]:
    """All that is wrong with a knowledge base, and all advice about it; accepted advice carries the reason.

    Advice is given only where nothing keeps the knowledge base from being used. `drafts` stand in for its files.
    """
    return review_opened(folder, load(folder, home.ontology(), drafts))


def review_opened(folder: Path, opened: Opened) -> tuple[Diagnostic, ...]:
    """The same of a folder that was loaded."""
    return ordered([*check_opened(folder, opened), *_advised(opened)])


def _advised(opened: Opened) -> Iterator[Diagnostic]:
    if opened.knowledge is None:
        return
    given = Given(opened.knowledge, opened.triples, {file.file: file for file in opened.files})
    reach = Reach(given)
    acceptances = dict(_acceptances(given))
    used: set[tuple[str, str]] = set()
    advised = [one for adviser in ADVISERS for one in adviser(given, reach)]
    silent = {one.about[0] for one in advised if one.code == "rule-never-fires"}  # of these nothing else matters
    for one in advised:
        if one.code != "rule-never-fires" and silent.intersection(one.about[:1]):
            continue
        keys = [(name, one.code) for name in one.about if (name, one.code) in acceptances]
        used.update(keys)
        span, text = one.place
        reason = acceptances[keys[0]].reason if keys else ""
        yield Diagnostic(one.code, span, one.message, one.hint, text, "advice", reason, one.about)
    yield from _unused(given, (kept for key, kept in acceptances.items() if key not in used))


def _acceptances(given: Given) -> Iterator[tuple[tuple[str, str], Acceptance]]:
    """What is accepted, by the name of the rule or statement and the code of the advice."""
    for rule in given.rules:
        for kept in rule.accepts:
            yield (rule.name, kept.code), kept
    for statement in given.knowledge.statements.values():
        for text in given.triples.all(statement.iri.value, CL + "accepts"):
            span, _ = given.statement(statement.id, str(text))
            code, _, reason = str(text).partition(":")
            yield (statement.id, code.strip()), Acceptance(code.strip(), reason.strip(), span)


def _unused(given: Given, kept: Iterable[Acceptance]) -> Iterator[Diagnostic]:
    for one in kept:
        near = meant(one.code, CODES) if one.code not in CODES else None
        message = f"no advice {one.code} is given here, so there is nothing to accept"
        file = given.files.get(one.span.file) or given.triples.files.get(one.span.file)
        line = file.line(one.span.line) if file else ""
        text = line if one.span.column else line.strip()
        yield Diagnostic("acceptance-unused", one.span, message, near or "remove it", text, "advice")
