"""Who put a statement or a rule into the knowledge base, as the knowledge base itself says."""

from __future__ import annotations

from citelog.knowledge.triples import PROV, RDFS, Triples
from citelog.values import Iri
from citelog.vocab import CL

BY = PROV + "wasAttributedTo"


def encoders(triples: Triples, thing: Iri) -> tuple[Iri, ...]:
    """The agents that a statement is attributed to, or else the whole knowledge base; none, where nothing says it."""
    bases = triples.instances(CL + "KnowledgeBase")
    said = next((found for subject in (thing.value, *bases) if (found := triples.all(subject, BY))), [])
    return tuple(agent for agent in said if isinstance(agent, Iri))


def name(triples: Triples, agent: Iri) -> str:
    """What an agent is called."""
    return triples.text(agent.value, RDFS + "label") or agent.local
