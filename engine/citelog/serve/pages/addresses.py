"""Where the things of a knowledge base have their pages: by kind and id, and by IRI."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from citelog.knowledge.base import Knowledge

KNOWLEDGE = "/knowledge"

PATHS: Mapping[str, str] = {
    "statement": "statements",
    "rule": "rules",
    "conflict": "conflicts",
    "predicate": "predicates",
    "term": "terms",
}
"""Where the things of each kind stand below /knowledge."""


def address(kind: str, id_: str) -> str:
    """Where a thing has its page.

    >>> address("rule", "a/b c")
    '/knowledge/rules/a%2Fb%20c'
    """
    return f"{KNOWLEDGE}/{PATHS[kind]}/{quote(id_, safe='')}"


def pages_of(knowledge: Knowledge) -> Mapping[str, str]:
    """The address of the page of each thing that has an IRI, by that."""
    found = {term.value: address("term", term.local) for term in knowledge.terms.labels}
    found |= {knowledge.namespace + id_: address("conflict", id_) for id_ in knowledge.conflicts}
    found |= {knowledge.rule(rule.name).value: address("rule", rule.name) for rule in knowledge.guarded.rules}
    return found | {one.iri.value: address("statement", one.id) for one in knowledge.statements.values()}
