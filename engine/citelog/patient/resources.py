"""FHIR resources: what they are called and refer to, what may change their meaning, and how one becomes an item."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from citelog.patient.case import KIND, Item, ListName, Note, Recorded
from citelog.patient.dates import period
from citelog.patient.elements import codes, concept_text, misplaced, rows
from citelog.patient.entries import match, sentence
from citelog.patient.reading import as_text
from citelog.vocab import Terms

Resource = Mapping[str, Any]

Found = Iterator[Item | Note]

Damage = Set[str | int]
"""What of a resource cannot be relied on: all of it, its own value, or its components by number."""

READ = (
    "Observation", "Condition", "Procedure", "MedicationRequest", "MedicationStatement", "MedicationAdministration",
    "MedicationDispense",
)  # fmt: skip
"""The resource types that become entries; Patient and Medication are read beside them."""

HOLDERS = ("DiagnosticReport", "Observation")
"""The types that may hold results inside themselves."""

ALL, VALUE = "all", "value"

REFERENCE = re.compile(r"(?:(.*)/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?")


def called(resource: Resource, medications: Mapping[str, Resource] | None = None) -> str:
    """What a resource is about, in words, for a note."""
    if resource.get("resourceType") == "Patient":
        return "The Patient resource"
    concept = resource.get("code")
    if str(resource.get("resourceType")).startswith("Medication") and concept is None:
        concept = medicine_of(resource, medications or {})
    name = concept_text(concept)
    return f'{resource.get("resourceType")} "{name}"' if name else f"{resource.get('resourceType')} without a name"


def medicine_of(resource: Resource, medications: Mapping[str, Resource]) -> object:
    """The concept of the medicine: written in place, contained, or a resource of its own."""
    if (concept := resource.get("medicationCodeableConcept")) is not None:
        return concept
    reference = resource.get("medicationReference")
    if not isinstance(reference, dict):
        return None
    medication = referenced(resource, medications)
    if medication is None:
        return {"text": as_text(reference.get("display")) or as_text(reference.get("reference"))}
    if (concept := medication.get("code")) is not None:
        return concept
    ingredients = rows(medication.get("ingredient"))
    return ingredients[0].get("itemCodeableConcept") if len(ingredients) == 1 else None


def referenced(resource: Resource, medications: Mapping[str, Resource]) -> Resource | None:
    """The Medication that a resource refers to, where the record holds it."""
    reference = resource.get("medicationReference")
    if resource.get("medicationCodeableConcept") is not None or not isinstance(reference, dict):
        return None
    target = as_text(reference.get("reference"))
    for one in rows(resource.get("contained")):
        if one.get("resourceType") == "Medication" and f"#{as_text(one.get('id'))}" == target:
            return one
    return medications.get(target)


def doubtful(resource: Resource) -> str:
    """What in a resource may change its meaning and is not understood; empty where nothing does."""
    if resource.get("implicitRules") is not None:
        return "implicit rules, which may change its meaning"
    url = modifier_extension(resource)
    return f"a modifier extension ({url}), which may change its meaning" if url is not None else ""


def modifier_extension(node: object, *, deep: bool = True) -> str | None:
    """The first modifier extension of an element or, where `deep`, of anything in it."""
    if isinstance(node, dict):
        if found := node.get("modifierExtension"):
            row = found[0] if isinstance(found, list) and isinstance(found[0], dict) else {}
            return as_text(row.get("url")) or "unnamed"
        node = list(node.values())
    if not deep or not isinstance(node, list):
        return None
    return next((url for one in node if (url := modifier_extension(one)) is not None), None)


def held(resource: Resource) -> Iterator[tuple[int, Resource, bool]]:
    """What could be an entry and stands inside a resource: its number, itself, and whether it is one of its results.

    A result that does not say whom it is about is about whom the whole is, and in error where the whole is.
    """
    inside = resource.get("contained")
    contained = {
        index: one
        for index, one in enumerate(inside if isinstance(inside, list) else ())
        if isinstance(one, dict) and one.get("resourceType") in READ
    }
    by_name: dict[str, list[int]] = {}
    for index, one in contained.items():
        by_name.setdefault(f"#{as_text(one.get('id'))}", []).append(index)
    reached: set[int] = set()
    waiting = _members(resource) if resource.get("resourceType") in HOLDERS else []
    while waiting:
        for index in by_name.pop(waiting.pop(), ()):
            reached.add(index)
            waiting += _members(contained[index])
    is_wrong = as_text(resource.get("status")).casefold() == "entered-in-error"
    for index, one in contained.items():
        inner = {"subject": resource["subject"], **one} if "subject" in resource else dict(one)
        yield index, inner | ({"status": "entered-in-error"} if is_wrong else {}), index in reached


def _members(resource: Resource) -> list[str]:
    return [as_text(row.get("reference")) for key in ("result", "hasMember") for row in rows(resource.get(key))]


def item_of(name: ListName, concept: object, keys: Mapping[str, Recorded], place: str) -> Item:
    kept = {key: value for key, value in keys.items() if value != ""}
    return Item(name, concept_text(concept), kept, place, codes(concept))


def named(item: Item, terms: Terms, concept: object) -> Found:
    """The item, and a word where its code and its name differ; only a note where its codes name different things.

    `concept` is what it was made of: a code that is not read for its system is told, where it could be known.
    """
    if note := ambiguous(item, terms):
        yield note
        return
    yield item
    kind = KIND[item.list]
    called_so, meant = terms.match(kind, item.name) if item.name else None, match(item, terms)
    key = "medication" if item.list == "medications" else "code"
    for text in _would_be(concept, kind, terms) if meant is None else ():
        yield Note(text, f"{item.read_from}.{key}")
    if called_so and meant and called_so != meant:
        what = f"Its code names that, its words name {terms.label(called_so)}: the code counts."
        yield Note(f"{sentence(item, meant, terms)} {what}", f"{item.read_from}.{key}")


def _would_be(concept: object, kind: str, terms: Terms) -> Iterator[str]:
    """What the codes that are not read for their systems would name."""
    told = set()
    for code, system, known in misplaced(concept):
        plain, term = code.partition(":")[2], terms.match(kind, code)
        if term and plain not in told:
            told.add(plain)
            stands = f'as one of "{system}"' if system else "without a system"
            yield f"The code {plain} stands {stands}, and is not read: of {known} it would be {terms.label(term)}."


def ambiguous(item: Item, terms: Terms) -> Note | None:
    """Which different things the codes of an item name; None where they name at most one."""
    kind = KIND[item.list]
    found = {term for code in item.codes if (term := terms.match(kind, code))}
    if len(found) < 2:
        return None
    what = " and ".join(sorted(map(terms.label, found)))
    return Note(f"{sentence(item, None, terms)} Not used: its codes name different things, {what}.", item.read_from)


def readable(when: str, *, is_damaged: bool) -> str:
    """A date; where the resource is damaged, only one that can be read."""
    return when if not is_damaged or period(when) else ""
