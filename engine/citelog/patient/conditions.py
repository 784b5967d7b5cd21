"""A Condition or a Procedure as the line that a case file would have for it."""

from __future__ import annotations

from citelog.patient.case import Note, Recorded
from citelog.patient.elements import concept_text, moment
from citelog.patient.reading import as_text
from citelog.patient.resources import Damage, Found, Resource, called, item_of, named, readable
from citelog.patient.words import word
from citelog.vocab import Terms

_VERIFICATION = ("unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error")

_CLINICAL = ("active", "recurrence", "relapse", "inactive", "remission", "resolved")

_OVER = {"inactive": "inactive", "resolved": "resolved", "remission": "in remission"}

_FAMILIES = (
    frozenset({"active", "recurrence", "relapse"}), frozenset(_OVER),
    frozenset({"unconfirmed", "provisional", "differential"}),
)  # fmt: skip


def condition(resource: Resource, place: str, terms: Terms, damage: Damage) -> Found:
    when = as_text(resource.get("recordedDate")) or moment(resource, "onset")
    state = _condition_state(resource)
    if damage and state != "entered in error":
        state = "unknown"
    keys: dict[str, Recorded] = {"state": state, "when": readable(when, is_damaged=bool(damage))}
    yield from named(item_of("conditions", resource.get("code"), keys, place), terms, resource.get("code"))


def _condition_state(resource: Resource) -> str:
    verification = _code(resource.get("verificationStatus"), "condition-ver-status", _VERIFICATION)
    clinical = _code(resource.get("clinicalStatus"), "condition-clinical", _CLINICAL)
    if "entered-in-error" in (verification, clinical):
        return "entered in error"
    if verification == "refuted":
        return "absent"
    if clinical in _OVER:
        return _OVER[clinical]
    if verification in ("unconfirmed", "provisional", "differential"):
        return "unknown"
    has_ended = any(key.startswith("abatement") and value is not None for key, value in resource.items())
    if not clinical and has_ended:
        return "resolved"
    if verification not in ("", "confirmed"):
        return verification
    if clinical in ("active", "recurrence", "relapse"):
        return f"{clinical}, and ended" if has_ended else "present"
    return clinical


def procedure(resource: Resource, place: str, terms: Terms, damage: Damage) -> Found:
    status = as_text(resource.get("status")).casefold()
    if status == "not-done":
        yield Note(f"{called(resource)} was not done, and is not read: that says nothing about another time.", place)
        return
    state = {"completed": "present", "entered-in-error": "entered in error"}.get(status, status)
    if damage and state != "entered in error":
        state = "unknown"
    keys: dict[str, Recorded] = {
        "state": state,
        "when": readable(moment(resource, "performed"), is_damaged=bool(damage)),
    }
    yield from named(item_of("conditions", resource.get("code"), keys, place), terms, resource.get("code"))


def _code(concept: object, system: str, known: tuple[str, ...]) -> str:
    """The code of a status: of the system that FHIR binds it to, else a code that is one of its own, else in words.

    Codes of one standing that contradict each other, or the words, are all given: none of them is a status.
    """
    rows = concept.get("coding") if isinstance(concept, dict) else None
    codings = [
        (as_text(row.get("system")).rpartition("/")[2], as_text(row.get("code")).casefold())
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and as_text(row.get("code"))
    ]
    words = as_text(concept.get("text")) if isinstance(concept, dict) else ""
    text = word(words).replace(" ", "-")
    told = [code for where, code in codings if where == system] or [code for _, code in codings if code in known]
    if "entered-in-error" in (text, *(code for _, code in codings)):
        return "entered-in-error"
    if told:
        told += [text] if text in known else []
        agree = len(set(told)) == 1 or any(family.issuperset(told) for family in _FAMILIES)
        return told[0] if agree else " and ".join(dict.fromkeys(told))
    if text in known:
        return text
    return (words or next((code for _, code in codings), "") or concept_text(concept)).casefold()
