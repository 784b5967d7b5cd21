"""Resources of which no entry is made, counted by their types, each with the reason.

Whoever reads an answer must be able to see that a type was met and left alone, and why; a record has hundreds of them,
so they are told together, with all of their places.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from citelog.patient.releases import ONLY_R4
from citelog.patient.shapes import TYPES

_ASKED = "what is asked for or planned is neither found nor taken"
_BILL = "a bill is no record of what was found"
_WHY: Mapping[str, str] = {
    **dict.fromkeys(("Appointment", "CarePlan", "CommunicationRequest", "DeviceRequest", "Goal", "NutritionOrder",
                     "RequestGroup", "ServiceRequest", "Task", "VisionPrescription"), _ASKED),
    **dict.fromkeys(("Account", "ChargeItem", "Claim", "ClaimResponse", "Coverage", "ExplanationOfBenefit", "Invoice"),
                    _BILL),
    "Composition": "what it refers to is read where it stands",
    "DiagnosticReport": "its results are read where they stand, and nothing else of it",
    "FamilyMemberHistory": "it is about a relative, not about the patient",
    "List": "what it refers to is read where it stands",
    "Media": "a picture says nothing that could be matched",
    "DocumentReference": "what stands in a document is not looked for",
    "QuestionnaireResponse": "answers to a questionnaire are not matched",
}  # fmt: skip
OTHERWISE = "no entry is made of this type"
UNKNOWN = "FHIR R4 has no such type"


def not_read(kind: str, count: int) -> str:
    """That so many resources of a type are not read, and why.

    >>> not_read("Claim", 1), not_read("Encounter", 1200)
    ('1 Claim resource is not read: a bill is no record of what was found.', \
'1,200 Encounter resources are not read: no entry is made of this type.')
    """
    one, are = ("resource", "is") if count == 1 else ("resources", "are")
    why = _WHY.get(kind, OTHERWISE) if kind in TYPES or kind in ONLY_R4 else UNKNOWN
    return f"{count:,} {kind[:60]} {one} {are} not read: {why}."


_NUMBERED = re.compile(r"(.*\[)([0-9]+)(\][^\[]*)")


def places(all_: Iterable[str]) -> str:
    """Several places as one text: those that differ in their last number only are written as one, with ranges.

    >>> places(["Bundle.entry[2].resource", "Bundle.entry[0].resource", "Bundle.entry[1].resource", "Patient"])
    'Bundle.entry[0–2].resource, Patient'
    """
    found: dict[tuple[str, str], list[int]] = {}
    for place in all_:
        parts = _NUMBERED.fullmatch(place)
        before, number, after = parts.groups() if parts else (place, "-1", "")
        found.setdefault((before, after), []).append(int(number))
    return ", ".join(
        before if numbers == [-1] else f"{before}{','.join(_ranges(sorted(numbers)))}{after}"
        for (before, after), numbers in sorted(found.items())
    )


def _ranges(numbers: list[int]) -> Iterator[str]:
    first = last = numbers[0]
    for number in [*numbers[1:], -1]:
        if number == last + 1:
            last = number
            continue
        yield str(first) if first == last else f"{first}–{last}"
        first = last = number
