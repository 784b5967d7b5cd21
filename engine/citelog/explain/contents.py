"""What a knowledge base holds, in short: its document, statements, rules and names, and all that it can conclude."""

from __future__ import annotations

from typing import Any

from citelog.explain.catalogue import catalogue
from citelog.home import VERSION
from citelog.knowledge.base import Knowledge
from citelog.run.datalog import reasoner
from citelog.values import Iri

FORMAT = "citelog-knowledge/1"


def contents(knowledge: Knowledge) -> dict[str, Any]:
    """The document, format `citelog-knowledge/1`. Everything in it can be asked for by its id (`knowledge.lookup`)."""
    return {
        "format": FORMAT,
        "knowledge": knowledge.identity,
        "engine": {"citelog": VERSION, "reasoner": reasoner()},
        "title": knowledge.title,
        "review_status": knowledge.review_status,
        "source": {"file": knowledge.source.file, "sha256": knowledge.source.sha256},
        "caveats": [{"text": one.text, "statements": list(one.statements)} for one in knowledge.caveats],
        "kinds": [
            {
                "name": kind.name,
                "title": kind.title,
                "exactly_one": kind.exactly_one,
                "about_record": kind.about_record,
            }
            for kind in knowledge.kinds
        ],
        "conclusions": list(catalogue(knowledge)),
        "statements": [
            {"id": one.id, "kind": one.kind, "quote": one.quote, "line": one.line}
            for one in knowledge.statements.values()
        ],
        "conflicts": [
            {"id": one.id, "title": one.title, "sides": [list(side) for side in one.sides]}
            for one in knowledge.conflicts.values()
        ],
        "rules": [{"name": rule.name, "cites": list(rule.cites)} for rule in knowledge.program.rules],
        "predicates": sorted(Iri(name).local for name in knowledge.program.predicates),
        "terms": [{"id": term.local, "label": label} for term, label in sorted(knowledge.terms.labels.items())],
    }
