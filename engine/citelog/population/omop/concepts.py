"""OMOP's concepts: what an id names, in the words and codes of a knowledge base.

An id is named by the vocabulary (LOINC, SNOMED CT, RxNorm, UCUM …) or by the site, which goes first. Nothing is guessed
from an id that neither names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from citelog.patient.case import KIND, Item, ListName
from citelog.patient.entries import match, match_route
from citelog.vocab import Terms

SYSTEMS: Mapping[str, str] = {
    "LOINC": "loinc", "SNOMED": "snomed", "ICD10": "icd10", "ICD10CM": "icd10cm", "ATC": "atc", "RxNorm": "rxnorm",
}  # fmt: skip
"""The vocabularies whose codes a knowledge base can have, as it writes them."""


@dataclass(frozen=True, slots=True)
class Concept:
    """What an id names: in words, and by a code such as `loinc:2132-9`, `ucum:mg/L`; `is_mapped` by the site."""

    name: str
    code: str = ""
    is_mapped: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The concepts that the events speak of, the one ingredient of each drug, and the words of the knowledge base."""

    concepts: Mapping[int, Concept]
    ingredients: Mapping[int, int]
    terms: Terms

    def shown(self, concept: int) -> str:
        """A concept in words."""
        found = self.concepts.get(concept)
        return found.name if found else f"OMOP concept {concept}" if concept else ""

    def codes(self, *concepts: int) -> tuple[str, ...]:
        """The codes of concepts that a knowledge base can have."""
        known = [self.concepts[one].code for one in concepts if one in self.concepts]
        return tuple(dict.fromkeys(code for code in known if code and not code.startswith("ucum:")))

    def unit(self, concept: int) -> str:
        """A unit as UCUM writes it, or as the site does."""
        found = self.concepts.get(concept)
        return found.code.removeprefix("ucum:") if found and found.code.startswith("ucum:") else self.shown(concept)

    def route(self, concept: int, source: str) -> str:
        """A route in the knowledge base's own words where it knows it, else in the record's."""
        words = self.shown(concept) or source
        coded = (self.terms.match("route", code) for code in self.codes(concept))
        term = next(filter(None, coded), None) or match_route(self.terms, words)
        return self.terms.label(term) if term else words

    def two_units(self, concept: int, source: str) -> str:
        """Both units where the concept and the source name known units that are not the same."""
        coded, printed = self.terms.match("unit", self.unit(concept)), self.terms.match("unit", source)
        return f"{self.unit(concept)}, printed as {source}" if coded and printed and coded != printed else ""

    def thing(self, lists: tuple[ListName, ...], concept: int, source: int, value: str) -> tuple[str, str, str, str]:
        """What an event is about: the list of its entry, its name, its codes, and a note where it cannot be told."""
        ingredient = self.ingredients.get(concept, 0)
        codes = self.codes(concept, source, *([ingredient] if "medications" in lists else []))
        if mapped := [one for one in (concept, source) if one in self.concepts and self.concepts[one].is_mapped]:
            codes = self.codes(*mapped)  # what the site says goes before what the vocabulary says
        named = [self.concepts[one].name for one in (*mapped, concept, source) if one in self.concepts]
        said = next(iter(named), "") or value or self.shown(concept) or self.shown(source)
        for list_ in lists:
            found = {term for code in codes if (term := self.terms.match(KIND[list_], code))}
            if len(found) > 1:
                what = " and ".join(sorted(map(self.terms.label, found)))
                return list_, said, " ".join(codes), f"{said} is not used: its concepts name different things, {what}."
            if match(Item(list_, said, {}, "", codes), self.terms):
                return list_, said, " ".join(codes), ""
        return lists[0], said, " ".join(codes), ""
