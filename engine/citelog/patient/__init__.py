"""Patients: any record in, one shape of facts out, with a note for everything that is not used.

This layer knows how a record is written down: YAML and JSON case files, FHIR R4, dates and numbers as people
type them, phrases such as "every 2–3 months". It hands over entries (one per line of the record, with the place
it was read from), records (one per distinct content) and plain facts about them. It must not know what anything
means: which names exist it is told (`Terms`), and which values matter, which unit belongs to which analyte and
what a state leads to is for the rules. It reads no clock, invents no value, and takes nothing missing for absent.

    case = patient.read("patient.yaml", terms, at)     # the whole record, notes included
    patient.facts(case, at)                            # what the rules read: (atom, its record or None) pairs
"""

from __future__ import annotations

from citelog.patient.case import Case, Entry, Expectation, Note, Record
from citelog.patient.facts import facts, notes_on
from citelog.patient.intake import from_bytes, read

__all__ = ["Case", "Entry", "Expectation", "Note", "Record", "facts", "from_bytes", "notes_on", "read"]
