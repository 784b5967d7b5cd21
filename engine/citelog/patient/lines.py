"""One FHIR R4 resource as the line that a case file would have for it.

What FHIR says in a structure (a verification status, a reason for missing data, a comparator) is put into the words
of a case file and goes the same way from there on. Whatever could change the meaning of a resource and is not
understood keeps it from being read, with a note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from citelog.patient.case import Item, Note
from citelog.patient.conditions import condition, procedure
from citelog.patient.elements import concept_text, joined, rows
from citelog.patient.entries import match
from citelog.patient.medicines import medication
from citelog.patient.observations import observation
from citelog.patient.reading import as_text
from citelog.patient.resources import ALL, Damage, Found, Resource, called, doubtful
from citelog.vocab import Terms


def read_resource(
    resource: Resource,
    place: str,
    terms: Terms,
    medications: Mapping[str, Resource],
    damage: Damage = frozenset(),
    doubt: str = "",
) -> Found:
    """The entries that one resource stands for, or notes that say why it stands for none.

    What is damaged is on record and says nothing: a result without a value, a finding or a medicine whose state is
    unknown; of a resource that is damaged as a whole only what the knowledge base knows. `doubt` is a reason outside
    of the resource why nothing that it says can be relied on. `medications` are those that it refers to, by the text
    of the reference.
    """
    what = called(resource, medications)
    if resource.get("focus"):
        yield Note(f"{what} is about somebody or something else than the patient (focus), and is not read.", place)
        return
    reason = doubt or doubtful(resource)
    damage = {ALL} if reason else damage
    found: list[Item | Note]
    if resource["resourceType"].startswith("Medication"):
        found = list(medication(resource, place, terms, medications, damage))
    else:
        found = list(_READERS[resource["resourceType"]](resource, place, terms, damage))
    if ALL in damage:
        found = [one for one in found if isinstance(one, Note) or match(one, terms)]
    if reason:
        is_kept = any(isinstance(one, Item) for one in found)
        fate = "it counts as recorded, and what it says is not used" if is_kept else "it is not read"
        yield Note(f"{what} has {reason}: {fate}.", place)
    yield from found
    if any(isinstance(one, Item) and match(one, terms) for one in found):
        yield from (Note(f"{what} has {words}.", f"{place}.{key}") for key, words in _unread(resource))


def _unread(resource: Resource) -> Iterator[tuple[str, str]]:
    """What people wrote beside what is read, and under which key: it may say otherwise, and only a person can tell."""
    if rows(resource.get("note")):
        yield "note", "a comment, which is not read"
    for key in ("dosage", "dosageInstruction"):
        dosages = rows(resource.get(key))
        told = [concept_text(one) for dosage in dosages for one in rows(dosage.get("additionalInstruction"))]
        told += [as_text(dosage.get("patientInstruction")) for dosage in dosages]
        if said := joined(told):
            yield key, f"an instruction beside its dosage, which is not read: {said}"


_READERS: Mapping[str, Callable[[Resource, str, Terms, Damage], Found]] = {
    "Observation": observation, "Condition": condition, "Procedure": procedure,
}  # fmt: skip
