"""A small dictionary for the tests of the patient layer: a few names, of no guideline in particular."""

from __future__ import annotations

from citelog.values import Iri
from citelog.vocab import Terms, cl, folded, folded_unit


def kb(name: str) -> Iri:
    """A term of the tests' own knowledge base."""
    return Iri(f"https://example.org/kb#{name}")


_NAMES: dict[str, dict[Iri, tuple[str, ...]]] = {
    "analyte": {
        kb("ferritin"): ("serum ferritin", "ferritin", "loinc:2276-4"),
        kb("crp"): ("C-reactive protein", "loinc:1988-5"),
    },
    "finding": {
        kb("neuro"): ("neurological involvement",),
        kb("fatigue"): ("fatigue", "snomed:84229001"),
        kb("coeliac"): ("coeliac disease", "snomed:396331005", "icd10:K90.0"),
        kb("bypass"): ("gastric bypass", "snomed:442338001"),
        kb("ulcer"): ("gastric ulcer",),
    },
    "drug": {
        kb("folic-acid"): ("folic acid", "rxnorm:4511", "atc:B03BB01"),
        kb("iron"): ("ferrous sulfate", "iron", "rxnorm:24947"),
    },
    "unit": {kb("ug-per-L"): ("µg/L",), kb("mg-per-L"): ("mg/L",)},
    "route": {cl("oral"): ("oral", "by mouth", "PO", "snomed:26643006"), cl("intramuscular"): ("intramuscular", "IM")},
    "topic": {kb("route"): ("route",), kb("injections"): ("injections",)},
    "choice": {kb("declined"): ("declined",)},
}

TERMS = Terms(
    names={
        kind: {
            (folded_unit if kind == "unit" else folded)(word): term for term, words in rows.items() for word in words
        }
        for kind, rows in _NAMES.items()
    },
    labels={term: words[0] for rows in _NAMES.values() for term, words in rows.items()},
)
