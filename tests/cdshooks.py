"""CDS Hooks 2.0 as a function: what an exchange breaks of it.

The clauses are those of https://cds-hooks.hl7.org/2.0/ and, where an id begins with `cds-`, the invariants of HL7's own
logical models (HL7/cds-hooks, input/fsh/invariants), written anew from their expressions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Node = dict[str, Any]

UUID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TOKEN = re.compile(r"\{\{(?:context\.[A-Za-z]+|user(?:Practitioner|PractitionerRole|Patient|RelatedPerson)Id)\}\}")
QUERY = re.compile(r"[A-Z][A-Za-z]+(?:/[^?&/]+|\?[a-z_-]+=[^&]*(?:&[a-z_-]+=[^&]*)*)")
DOMAIN = re.compile(r"[a-z0-9-]+(\.[A-Za-z0-9_-]+)+")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass
class Exchange:
    """One call: the service as discovery shows it, the request, the answer's status and body, and the feedback."""

    service: Node
    request: Node
    status: int
    response: Node
    feedback: Node = field(default_factory=dict)

    @property
    def cards(self) -> list[Node]:
        """The cards of the answer."""
        found = self.response.get("cards")
        return found if isinstance(found, list) else []

    def each(self, *path: str) -> Iterator[Node]:
        """The members of the cards at a path of lists."""
        rows = self.cards
        for name in path:
            rows = [below for row in rows for below in row.get(name, [])]
        yield from rows


def text(value: object) -> bool:
    """Whether it is text that is not empty."""
    return isinstance(value, str) and bool(value.strip())


def absolute(value: object) -> bool:
    """Whether it is an absolute address on the web."""
    return isinstance(value, str) and urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).netloc)


def resource(value: object) -> bool:
    """Whether it is a FHIR resource."""
    return isinstance(value, dict) and text(value.get("resourceType"))


def empty(part: object, place: str = "") -> Iterator[str]:
    """The places of a JSON document that are null or empty."""
    if part is None or part in ("", [], {}):
        yield place
    rows = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, below in rows:
        yield from empty(below, f"{place}.{key}")


def _prefetch_of_the_service(one: Exchange) -> bool:
    templates = one.service.get("prefetch", {})
    return isinstance(templates, dict) and all(
        text(template) and QUERY.fullmatch(template) and "{{" not in TOKEN.sub("", template)
        for template in templates.values()
    )


def _context(one: Exchange) -> bool:
    context = one.request.get("context", {})
    orders = context.get("draftOrders", {})
    is_ordered = one.service["hook"] != "order-sign" or orders.get("resourceType") == "Bundle"
    return all(map(text, (context.get("userId"), context.get("patientId")))) and "/" in context["userId"] and is_ordered


def _fed(check: Callable[[Node], bool]) -> Callable[[Exchange], bool]:
    return lambda one: all(map(check, one.feedback.get("feedback", [])))


CLAUSES: Mapping[str, tuple[str, Callable[[Exchange], bool]]] = {
    "discovery-service": (
        "a service has a hook, an id and a description, and an id that can stand in an address",
        lambda one: (
            all(text(one.service.get(key)) for key in ("hook", "id", "description"))
            and re.fullmatch(r"[A-Za-z0-9_-]+", one.service["id"]) is not None
        ),
    ),
    "discovery-prefetch": (
        "a prefetch template is a read or a search, with tokens of the hook",
        _prefetch_of_the_service,
    ),
    "request-call": (
        "hook, hookInstance (a UUID) and context are there, and the hook is the service's",
        lambda one: (
            one.request.get("hook") == one.service["hook"]
            and UUID.fullmatch(str(one.request.get("hookInstance"))) is not None
            and isinstance(one.request.get("context"), dict)
        ),
    ),
    "request-context": ("patient-view has userId and patientId, order-sign draftOrders too", _context),
    "request-prefetch": (
        "what is prefetched is null or a resource",
        lambda one: all(value is None or resource(value) for value in one.request.get("prefetch", {}).values()),
    ),
    "cds-r-1": (
        "fhirAuthorization implies fhirServer",
        lambda one: "fhirAuthorization" not in one.request or absolute(one.request.get("fhirServer")),
    ),
    "cds-r-2": (
        "scopes of a patient imply that the patient is named",
        lambda one: (
            "patient/" not in str(one.request.get("fhirAuthorization", {}).get("scope", "")).lower()
            or text(one.request["fhirAuthorization"].get("patient"))
        ),
    ),
    "response-cards": (
        "an answer has an array of cards; a refusal an OperationOutcome with an issue",
        lambda one: (
            isinstance(one.response.get("cards"), list)
            if one.status == 200
            else one.response.get("resourceType") == "OperationOutcome" and bool(one.response.get("issue"))
        ),
    ),
    "response-empty": (
        "nothing is null or empty but the array of cards",
        lambda one: set(empty(one.response)) <= {".cards"},
    ),
    "card-summary": (
        "a summary of fewer than 140 characters, in one line",
        lambda one: all(
            text(c.get("summary")) and len(c["summary"]) < 140 and "\n" not in c["summary"] for c in one.cards
        ),
    ),
    "card-indicator": (
        "info, warning or critical",
        lambda one: all(card.get("indicator") in ("info", "warning", "critical") for card in one.cards),
    ),
    "card-source": (
        "a source with a label, addresses that are absolute",
        lambda one: all(
            text(card.get("source", {}).get("label"))
            and all(absolute(card["source"][key]) for key in ("url", "icon") if key in card["source"])
            for card in one.cards
        ),
    ),
    "card-detail": (
        "the detail is text",
        lambda one: all(text(card["detail"]) for card in one.cards if "detail" in card),
    ),
    "card-uuid": (
        "uuids, each of one card or suggestion",
        lambda one: (
            all(UUID.fullmatch(str(part["uuid"])) for part in (*one.cards, *one.each("suggestions")) if "uuid" in part)
            and len({card.get("uuid") for card in one.cards}) == len(one.cards)
        ),
    ),
    "card-link": (
        "a link has a label, an absolute address, and is absolute or smart",
        lambda one: all(
            text(link.get("label")) and absolute(link.get("url")) and link.get("type") in ("absolute", "smart")
            for link in one.each("links")
        ),
    ),
    "suggestion-action": (
        "a suggestion has a label; an action a type; what is created is a resource",
        lambda one: (
            all(text(suggestion.get("label")) for suggestion in one.each("suggestions"))
            and all(
                action.get("type") in ("create", "update", "delete")
                and (action["type"] == "delete" or resource(action.get("resource")))
                for action in one.each("suggestions", "actions")
            )
        ),
    ),
    "cds-resp-1": (
        "at-most-one implies that at most one suggestion is recommended",
        lambda one: all(
            card.get("selectionBehavior") != "at-most-one"
            or sum(bool(suggestion.get("isRecommended")) for suggestion in card.get("suggestions", [])) < 2
            for card in one.cards
        ),
    ),
    "cds-resp-2": (
        "delete implies a resourceId and no resource",
        lambda one: all(
            action.get("type") != "delete" or ("resourceId" in action and "resource" not in action)
            for action in one.each("suggestions", "actions")
        ),
    ),
    "cds-resp-3": (
        "appContext is for smart links",
        lambda one: all(link.get("type") == "smart" or "appContext" not in link for link in one.each("links")),
    ),
    "cds-resp-4": (
        "an override reason has a display",
        lambda one: all(text(coding.get("display")) for coding in one.each("overrideReasons")),
    ),
    "cds-resp-5": (
        "an action has a description",
        lambda one: all(text(action.get("description")) for action in one.each("suggestions", "actions")),
    ),
    "cds-resp-6": (
        "suggestions imply a selectionBehavior",
        lambda one: all(
            "suggestions" not in card or card.get("selectionBehavior") in ("at-most-one", "any") for card in one.cards
        ),
    ),
    "cds-resp-7": (
        "an actionSelectionBehavior is all, any or at-most-one",
        lambda one: all(
            suggestion.get("actionSelectionBehavior", "all") in ("all", "any", "at-most-one")
            for suggestion in one.each("suggestions")
        ),
    ),
    "extension": (
        "an extension is an object, its keys in reverse-domain style",
        lambda one: all(
            isinstance(part["extension"], dict) and all(map(DOMAIN.fullmatch, part["extension"]))
            for part in (one.response, *one.cards)
            if "extension" in part
        ),
    ),
    "cds-fb-1": (
        "an outcome is accepted or overridden, of a card, at a time in UTC",
        _fed(
            lambda row: (
                row.get("outcome") in ("accepted", "overridden")
                and UUID.fullmatch(str(row.get("card"))) is not None
                and INSTANT.fullmatch(str(row.get("outcomeTimestamp"))) is not None
            )
        ),
    ),
    "cds-fb-2": (
        "accepted implies acceptedSuggestions",
        _fed(lambda row: row.get("outcome") != "accepted" or bool(row.get("acceptedSuggestions"))),
    ),
    "cds-fb-3": (
        "an overrideReason has a reason, a comment, or both",
        _fed(lambda row: "overrideReason" not in row or bool({"reason", "userComment"} & row["overrideReason"].keys())),
    ),
}
"""Each clause by its id: what it says, and whether an exchange keeps it."""


def violations(one: Exchange) -> list[str]:
    """The ids of the clauses that an exchange breaks."""
    return [name for name, (_, kept) in CLAUSES.items() if not _keeps(kept, one)]


def _keeps(kept: Callable[[Exchange], bool], one: Exchange) -> bool:
    """A clause about something that is not of the form which it expects is broken too."""
    try:
        return kept(one)
    except (AttributeError, TypeError, KeyError):
        return False
