"""What the entries of a record give to rules: each predicate, and which key of which list's entries says it.

`facts` reads entries forwards by this table, `wanted` backwards; whoever asks what a record could say reads it here.
What each predicate means is in the ontology (`cl:PatientPredicate`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from citelog.patient.case import ListName


@dataclass(frozen=True, slots=True)
class PatientPredicate:
    """A predicate whose facts entries give.

    `list` is where these entries stand (None for any of the lists), `key` what of an entry says the fact (empty where
    its name is all that does). `terms` gives for an argument that is a term the classes that it can be of.
    """

    list: ListName | None
    key: str = ""
    terms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


PREDICATES: Mapping[str, PatientPredicate] = {
    "entry": PatientPredicate("findings", "state", {"name": ("Finding", "Condition"), "state": ("State",)}),
    "result": PatientPredicate("labs", "", {"analyte": ("Analyte",)}),
    "result_value": PatientPredicate("labs", "value"),
    "result_bound": PatientPredicate("labs", "value", {"sign": ("Sign",)}),
    "result_unreadable": PatientPredicate("labs", "value"),
    "result_unit": PatientPredicate("labs", "unit", {"unit": ("Unit",)}),
    "result_unit_missing": PatientPredicate("labs", "unit"),
    "result_unit_unknown": PatientPredicate("labs", "unit"),
    "result_flag": PatientPredicate("labs", "flag", {"flag": ("Flag",)}),
    "medication": PatientPredicate("medications", "", {"drug": ("Drug",)}),
    "medication_status": PatientPredicate("medications", "status", {"status": ("MedicationStatus",)}),
    "medication_route": PatientPredicate("medications", "route", {"route": ("Route",)}),
    "medication_course": PatientPredicate("medications", "course", {"course": ("Course",)}),
    "medication_frequency": PatientPredicate("medications", "frequency", {"unit": ("TimeUnit",)}),
    "medication_since": PatientPredicate("medications", "since"),
    "preference": PatientPredicate("preferences", "value", {"topic": ("Topic",), "choice": ("Choice", "Route")}),
    "age_years": PatientPredicate("context", "value"),
    "sex": PatientPredicate("context", "value", {"sex": ("Sex",)}),
    "recorded_when": PatientPredicate(None, "when"),
}
"""All of them, but for the patient and the day of the assessment, which no entry says. Conditions are findings."""

NAMING = ("entry", "result", "medication", "preference")
"""Those that say what an entry of a list is about."""

WHEN, SINCE = "recorded_when", "medication_since"
DATED = (WHEN, SINCE)
"""Those that end with the first and the last day that a date can mean."""


def list_of(predicate: str) -> ListName | None:
    """The list whose entries give facts of a predicate; None for what any list or none gives."""
    known = PREDICATES.get(predicate)
    return known.list if known else None


def key_of(predicate: str) -> str:
    """The key that says facts of a predicate; empty for what no key says."""
    known = PREDICATES.get(predicate)
    return known.key if known else ""


def keys_of(list_: ListName) -> tuple[str, ...]:
    """The keys by which entries of a list say something, each once.

    >>> keys_of("labs"), keys_of("context")
    (('value', 'unit', 'flag', 'when'), ('value',))
    """
    lists = (list_,) if list_ == "context" else (list_, None)
    return tuple(dict.fromkeys(one.key for one in PREDICATES.values() if one.key and one.list in lists))
