"""The audit of a knowledge base: every measure taken, in the order in which an auditor reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from citelog.audit import cases, document, encoder, findings, reviews, rules, sources, statements
from citelog.audit.measure import Measure
from citelog.audit.model import Audit
from citelog.audit.subject import Subject, Tick, subject
from citelog.knowledge.triples import DCTERMS, PAV
from citelog.vocab import CL

MEASURES: tuple[Measure, ...] = (
    *document.MEASURES,
    *statements.MEASURES,
    *sources.MEASURES,
    *encoder.MEASURES,
    *rules.MEASURES,
    *cases.MEASURES,
    *findings.MEASURES,
    *reviews.MEASURES,
)

CODES: Mapping[str, str] = {measure.code: measure.title for measure in MEASURES}
"""Every code of a figure, with what it counts."""


def audit(folder: Path, tick: Tick = lambda *_: None) -> Audit:
    """A knowledge base audited, its cases run; one with errors too, as far as it can be read."""
    return audited(subject(folder, tick=tick))


def audited(of: Subject) -> Audit:
    """The audit of what was read."""
    triples, source = of.triples, of.opened.source
    base = next(iter(triples.instances(CL + "KnowledgeBase")), "")
    return Audit(
        triples.text(base, DCTERMS + "identifier") or of.folder.name,
        triples.text(base, PAV + "version"),
        of.knowledge.sha256 if of.knowledge else "",
        triples.text(base, DCTERMS + "title"),
        source.file if source else "",
        source.sha256 if source else "",
        triples.text(triples.text(base, CL + "document"), CL + "reviewStatus"),
        tuple(measure.figure(of) for measure in MEASURES),
    )
