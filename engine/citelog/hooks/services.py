"""The services that a knowledge base offers, and what each asks for: made of what its rules read, and of nothing else.

A service asks for no more than that (a hospital may send the minimum necessary): for each kind of resource that the
rules can read something of, one query, with the codes of the terms that they name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from citelog.explain.reading import read_lists, read_terms
from citelog.knowledge.base import Knowledge
from citelog.render.coding import notations

PATIENT_VIEW, ORDER_SIGN = "patient-view", "order-sign"
_OF = "?patient={{context.patientId}}"


@dataclass(frozen=True, slots=True)
class Query:
    """Something that is asked for: the type of resource, the FHIR query, and the lists of a record that it fills.

    A `read` gives the resource itself, any other query a Bundle of them.
    """

    type: str
    template: str
    lists: frozenset[str]

    @property
    def read(self) -> bool:
        """Whether one resource is asked for by its id."""
        return "?" not in self.template


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its id, the hook that calls it, its words for people, and its queries by the key of each."""

    id: str
    hook: str
    title: str
    description: str
    queries: Mapping[str, Query] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The service as discovery shows it."""
        return {
            "hook": self.hook,
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "prefetch": {key: query.template for key, query in self.queries.items()},
            "usageRequirements": USAGE,
        }


USAGE = (
    "Everything that is to be looked at comes as prefetch: fhirServer is never called. An absent key means that nobody "
    "looked, null or an empty Bundle that nothing is recorded; the cards tell the one from the other. Where nothing "
    "can be said the answer is 412."
)


def services(knowledge: Knowledge) -> tuple[Service, ...]:
    """The services of a knowledge base: one for a patient who is looked at, one for orders that are signed.

    Orders are asked about only where rules read medicines.
    """
    queries = dict(_queries(knowledge))
    status = f" ({knowledge.review_status})" if knowledge.review_status else ""
    view = Service(
        f"{knowledge.id}-review",
        PATIENT_VIEW,
        f"{knowledge.title}: what the document says about this patient",
        f"Shows what one document{status} says about the patient's record, each line with the quoted sentences and "
        "the entries behind it, what is open, and where the document disagrees with itself. It recommends no medicine.",
        queries,
    )
    orders = Service(
        f"{knowledge.id}-orders",
        ORDER_SIGN,
        f"{knowledge.title}: what the document says about these orders",
        f"Shows what one document{status} says that rests on an order about to be signed, together with the record: "
        "cautions, conflicts, and whatever else follows. It recommends no medicine.",
        queries,
    )
    return (view, orders) if any("medications" in query.lists for query in queries.values()) else (view,)


def _queries(knowledge: Knowledge) -> Iterator[tuple[str, Query]]:
    lists = read_lists(knowledge)
    # the patient is always asked for: whose record it is can then be held against the other resources
    yield "patient", Query("Patient", "Patient/{{context.patientId}}", frozenset({"context"} & lists))
    if "labs" in lists:
        codes = _codes(knowledge, "analyte")
        yield "results", _search("Observation", {"labs"}, f"&{codes or 'category=laboratory'}&_sort=-date")
    if "findings" in lists:
        entries = {"findings", "conditions"}
        if codes := _codes(knowledge, "finding", some=True):
            yield "findings", _search("Observation", entries, f"&{codes}&_sort=-date")
        yield "conditions", _search("Condition", entries)
        yield "procedures", _search("Procedure", entries)
    if "medications" in lists:
        yield "medications", _search("MedicationRequest", {"medications"})
        yield "statements", _search("MedicationStatement", {"medications"})


def _search(type_: str, lists: set[str], more: str = "") -> Query:
    return Query(type_, f"{type_}{_OF}{more}", frozenset(lists))


def _codes(knowledge: Knowledge, kind: str, some: bool = False) -> str:
    """A search for the codes of the terms that rules read; empty where one (with `some`, where each) has no code."""
    terms = sorted(read_terms(knowledge) & set(knowledge.terms.names.get(kind, {}).values()))
    found = [list(notations(term, knowledge.terms, kind)) for term in terms]
    if not terms or not (any if some else all)(found):
        return ""
    tokens: Sequence[str] = [f"{coding['system']}|{coding['code']}" for codings in found for coding in codings]
    return f"code={','.join(tokens)}"
