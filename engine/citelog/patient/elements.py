"""The data types of FHIR in the words of a case file: values with their units, moments, coded concepts.

A value that is one number is put so that it can be read as one, and no other is: a range, a ratio or a series stays in
words that say so. What is missing for a stated reason is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from citelog import ucum
from citelog.patient.case import Recorded
from citelog.patient.reading import Plain, as_text, compact, recorded
from citelog.patient.words import state, word
from citelog.vocab import Terms

SYSTEMS = {
    "http://loinc.org": "loinc",
    "http://snomed.info/sct": "snomed",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10cm",
    "http://www.whocc.no/atc": "atc",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "urn:oid:2.16.840.1.113883.6.3": "icd10",
    "urn:oid:2.16.840.1.113883.6.90": "icd10cm",
    "urn:oid:2.16.840.1.113883.6.73": "atc",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
}
"""The code systems of a case file by the names that FHIR has for them."""

UCUM = ("http://unitsofmeasure.org", "urn:oid:2.16.840.1.113883.6.8")
UNSAID = "no reason given"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

_STATES = {
    "http://snomed.info/sct": {
        "373066001": "present", "52101004": "present", "373067005": "absent", "2667000": "absent",
        "261665006": "unknown",
    },
    "http://loinc.org": {
        "LA33-6": "present", "LA9633-4": "present", "LA32-8": "absent", "LA9634-2": "absent", "LA4489-6": "unknown",
    },
    "http://terminology.hl7.org/CodeSystem/v2-0136": {"Y": "present", "N": "absent"},
}  # fmt: skip
"""Codes that say yes or no, present or absent, and nothing besides, of the systems in which they are answers."""


# --- concepts ----------------------------------------------------------------------------------------------------


def rows(node: object) -> list[Mapping[str, Any]]:
    """The objects of a list; what is no list has none."""
    return [one for one in node if isinstance(one, dict)] if isinstance(node, list) else []


def joined(texts: Iterable[str]) -> str:
    """The different texts, in their order."""
    return "; ".join(dict.fromkeys(text for text in texts if text))


def concept_text(concept: object) -> str:
    """A coded concept in words: its text, else what its first coding displays, else that coding's code."""
    if not isinstance(concept, dict):
        return ""
    codings = rows(concept.get("coding"))
    told = [concept.get("text"), *(row.get("display") for row in codings), *(row.get("code") for row in codings)]
    return next((text for one in told if (text := as_text(one))), "")


def codes(concept: object) -> tuple[str, ...]:
    """The codes of a concept as a case file writes them, those of known systems."""
    return tuple(
        f"{SYSTEMS[system]}:{as_text(row.get('code'))}"
        for row in rows(concept.get("coding") if isinstance(concept, dict) else None)
        if (system := as_text(row.get("system"))) in SYSTEMS
    )


_CALLED = {
    "ln": ("loinc",), "sct": ("snomed",), "icd": ("icd10", "icd10cm"), "i10": ("icd10",), "i10c": ("icd10cm",),
}  # fmt: skip
"""What else the code systems are called, in HL7's version 2 and in addresses."""


def misplaced(concept: object) -> Iterator[tuple[str, str, str]]:
    """The codes of a concept whose system is none that is read and hardly another than one that is.

    Each as a case file would write it, with the system as it stands and the system as FHIR calls it.

    >>> list(misplaced({"coding": [{"system": "http://loinc.org/", "code": "2276-4"}]}))
    [('loinc:2276-4', 'http://loinc.org/', 'http://loinc.org')]
    >>> list(misplaced({"coding": [{"system": "http://lab.example.org/codes", "code": "2276-4"}]}))
    []
    """
    for row in rows(concept.get("coding") if isinstance(concept, dict) else None):
        system, code = as_text(row.get("system")), as_text(row.get("code"))
        if not code or system in SYSTEMS:
            continue
        words = set(re.findall("[a-z]+[0-9]*[a-z]*", system.casefold()))
        like = {name for one in words for name in _CALLED.get(one, (one,))} | {SYSTEMS.get(f"urn:oid:{system}", "")}
        for known, name in SYSTEMS.items():
            if known.startswith("http") and (name in like or not system):
                yield f"{name}:{code}", system, known


_ANSWERS = {"yes": "present", "no": "absent"}


def coded_state(concept: object) -> str:
    """The state of a finding that the codes of a concept say; empty where they say none.

    Codes and words that say different states are all given, which is no state: none of them can be preferred.

    >>> sct = "http://snomed.info/sct"
    >>> coded_state({"coding": [{"system": sct, "code": "373067005"}], "text": "Not seen in the clinic"})
    'absent'
    >>> coded_state({"coding": [{"system": sct, "code": "373067005", "display": "No"}], "text": "Present"})
    'absent and present'
    """
    if not isinstance(concept, dict):
        return ""
    codings = rows(concept.get("coding"))
    coded = [_STATES.get(as_text(row.get("system")), {}).get(as_text(row.get("code")), "") for row in codings]
    worded = [word(as_text(one)) for one in (concept.get("text"), *(row.get("display") for row in codings))]
    words = [_ANSWERS.get(text) or (text if state(text) else "") for text in worded]
    told = dict.fromkeys(filter(None, (*coded, *words)))
    return " and ".join(told) if any(coded) or len(told) > 1 else ""


# --- what is missing ---------------------------------------------------------------------------------------------


def absent(node: Mapping[str, Any], key: str) -> str:
    """Why a primitive element has no value, where an extension says so; empty where none does.

    >>> absent({"_status": {"extension": [{"url": ABSENT, "valueCode": "masked"}]}}, "status")
    'masked'
    """
    return _absent(node.get(f"_{key}"))


def _absent(element: object) -> str:
    told = rows(element.get("extension") if isinstance(element, dict) else None)
    reasons = (as_text(row.get("valueCode")) or "unknown" for row in told if row.get("url") == ABSENT)
    return next(reasons, "")


def missing(row: Mapping[str, Any]) -> str:
    """Why an observation or a component has no value, in words: by its own element, or by an extension of its value."""
    if "dataAbsentReason" in row:
        return concept_text(row["dataAbsentReason"]) or UNSAID
    for key, value in row.items():
        if key.startswith(("value", "_value")) and (reason := _absent(value)):
            return reason
        if key == "valueQuantity" and isinstance(value, dict):
            for inner in ("value", "comparator"):  # a comparator that is not told makes the number a bound
                if reason := absent(value, inner):
                    return reason
    return ""


# --- values ------------------------------------------------------------------------------------------------------


def value(row: Mapping[str, Any], terms: Terms) -> dict[str, Recorded]:
    """The keys `value` and `unit` of an observation or a component, from whichever value it has.

    >>> from citelog.vocab import Terms
    >>> value({"valueRange": {"low": {"value": 1}, "high": {"value": 5, "unit": "mg"}}}, Terms())
    {'value': 'range 1–5 mg'}
    """
    for key, found in row.items():
        if not key.startswith("value") or found is None:
            continue
        if key == "valueQuantity" and isinstance(found, dict):
            number = recorded(found.get("value"), is_number=True)
            return {"value": f"{as_text(found.get('comparator'))}{number}", "unit": unit(found, terms)}
        if key == "valueCodeableConcept":
            return {"value": concept_text(found)}
        if isinstance(found, dict) and (told := _WORDS.get(key.removeprefix("value"))):
            return {"value": told(found)}
        if what := _MOMENTS.get(key):
            return {"value": f"{what} {as_text(found)}".strip()}
        return {"value": recorded(found, is_number=isinstance(found, Plain))}
    return {}


def quantity(node: object) -> str:
    """A quantity as people write it; the empty text where it has no number."""
    if not isinstance(node, dict) or node.get("value") is None:
        return ""
    number = as_text(recorded(node["value"], is_number=True))
    return f"{as_text(node.get('comparator'))}{number} {printed(node)}".strip()


def printed(node: Mapping[str, Any]) -> str:
    """The unit of a quantity in words, else its code; both where they contradict each other."""
    code, words = as_text(node.get("code")), as_text(node.get("unit"))
    return f"{code}, printed as {words}" if twice(node) else words or code


def twice(node: Mapping[str, Any]) -> tuple[str, str] | None:
    """The UCUM code and the printed unit of a quantity where they are two, as anybody can tell who knows UCUM."""
    code, words = _ANNOTATION.sub("", as_text(node.get("code"))), as_text(node.get("unit"))
    return (code, words) if as_text(node.get("system")) in UCUM and ucum.apart(code, words) else None


def crossed(low: object, high: object) -> bool:
    """Whether of two bounds the upper is below the lower.

    >>> crossed("3", "2"), crossed("2", "3"), crossed("2", ""), crossed("few", "2")
    (True, False, False, False)
    """
    try:
        one, other = (Decimal(as_text(recorded(end, is_number=True))) for end in (low, high))
    except InvalidOperation:
        return False
    return one.is_finite() and other.is_finite() and one > other


def span(node: Mapping[str, Any]) -> str:
    """A range as people write it; one that is open says on which side, and one that cannot be says both its ends."""
    ends = [one if isinstance(one, dict) else {} for one in (node.get("low"), node.get("high"))]
    low, high = (as_text(recorded(one.get("value"), is_number=True)) for one in ends)
    what = printed(ends[1]) or printed(ends[0])
    if crossing(node) or (low and high and printed(ends[0]) not in ("", what)):
        return f"at least {quantity(ends[0])}, at most {quantity(ends[1])}"
    numbers = f"{low}–{high}" if low and high and low != high else low or high
    open_ = "" if (low and high) or not numbers else "from " if low else "up to "
    return f"{open_}{numbers} {what}".strip()


def crossing(node: Mapping[str, Any]) -> bool:
    """Whether a range ends below where it begins, both in the same unit."""
    low, high = (one if isinstance(one, dict) else {} for one in (node.get("low"), node.get("high")))
    units = {printed(low), printed(high)} - {""}
    return len(units) < 2 and crossed(low.get("value"), high.get("value"))


def _range(node: Mapping[str, Any]) -> str:
    return f"range {span(node)}".strip()


def _ratio(node: Mapping[str, Any]) -> str:
    return f"ratio {quantity(node.get('numerator')) or '?'} : {quantity(node.get('denominator')) or '?'}"


def _series(node: Mapping[str, Any]) -> str:
    return f"a series of samples, {len(as_text(node.get('data')).split())} of them"


def _period(node: Mapping[str, Any]) -> str:
    return f"period {period_text(node)}".strip()


_WORDS = {"Range": _range, "Ratio": _ratio, "SampledData": _series, "Period": _period}
_MOMENTS = {"valueDateTime": "date", "valueTime": "time"}
"""Values that are no number, though a year looks like one."""

_ANNOTATION = re.compile(r"\{[^{}]*\}")


def unit(node: Mapping[str, Any], terms: Terms) -> str:
    """The UCUM code, else the unit in words, else a code of some other system; both where they contradict.

    An annotation of UCUM, in braces, never changes a unit, so a code is also known without it.
    """
    code, words = as_text(node.get("code")), as_text(node.get("unit"))
    if as_text(node.get("system")) in UCUM:
        bare = _ANNOTATION.sub("", code)
        code = bare if not terms.match("unit", code) and terms.match("unit", bare) else code
        if contradicting(node, terms):
            return f"{code}, printed as {words}"
        return code or words
    return words or code


def contradicting(node: Mapping[str, Any], terms: Terms) -> tuple[str, str] | None:
    """The UCUM code and the printed unit where both are known units, and not the same."""
    code, words = _ANNOTATION.sub("", as_text(node.get("code"))), as_text(node.get("unit"))
    if as_text(node.get("system")) not in UCUM or not code or not words:
        return None
    one, other = terms.match("unit", code), terms.match("unit", words)
    differ = one != other if one and other else ucum.apart(code, words)
    return (code, words) if differ else None


# --- moments -----------------------------------------------------------------------------------------------------


def moment(resource: Mapping[str, Any], prefix: str) -> str:
    """When, from the choice of elements that begin with a prefix: effectiveDateTime, onsetAge, performedPeriod …

    What is no date, such as an age, is put in words; a period without an end goes on, so it is no day.
    """
    chosen = [
        (key.removeprefix(prefix), found)
        for key, found in resource.items()
        if key.startswith(prefix) and key[len(prefix) :][:1].isupper() and found is not None
    ]
    if len(chosen) != 1:  # none, or several of which none can be preferred
        return ""
    kind, found = chosen[0]
    if not isinstance(found, dict):
        return as_text(found)
    if kind == "Period":
        return period_text(found)
    if kind == "Timing":
        return _timed(found)
    return {"Age": f"at the age of {quantity(found)}", "Range": _range(found)}.get(kind, compact(dict(found)))


def period_text(node: Mapping[str, Any]) -> str:
    """A period as a case file writes it; one that is open on a side is in words, and is no span of days."""
    start, end = as_text(node.get("start")), as_text(node.get("end"))
    if start and end:
        return f"{start}/{end}"
    return f"from {start}" if start else f"until {end}" if end else ""


def _timed(timing: Mapping[str, Any]) -> str:
    """The moments of a Timing, from the first to the last; else its bounds."""
    events = timing.get("event")
    moments = sorted(as_text(one) for one in (events if isinstance(events, list) else ()) if one is not None)
    if moments:
        return "/".join(dict.fromkeys((moments[0], moments[-1])))
    repeat = timing.get("repeat")
    bounds = repeat.get("boundsPeriod") if isinstance(repeat, dict) else None
    return period_text(bounds) if isinstance(bounds, dict) else compact(dict(timing))
