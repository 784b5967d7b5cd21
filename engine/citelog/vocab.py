"""The names: IRIs of the engine's own vocabulary, and the dictionary that matches a record's words to terms.

Which terms exist, how they are labelled and coded, and what each predicate means is said in
ontology.ttl and in each knowledge base; nothing here knows a disease.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from citelog.values import Iri

CL = "https://w3id.org/citelog#"


def cl(name: str) -> Iri:
    """A term of the engine's own vocabulary (ontology.ttl).

    >>> cl("present").value
    'https://w3id.org/citelog#present'
    """
    return Iri(CL + name)


def folded(text: str) -> str:
    """A name as it is compared: letter case and runs of blanks do not matter.

    >>> folded("  Serum  ferritin ")
    'serum ferritin'
    """
    return " ".join(text.split()).casefold()


def folded_unit(text: str) -> str:
    """A unit as it is compared: case and blanks are ignored; µ, μ, u and mc are one prefix.

    >>> folded_unit("µg / L"), folded_unit("mcg/l"), folded_unit("PMOL/L")
    ('ug/l', 'ug/l', 'pmol/l')
    """
    text = "".join(text.split()).replace("\u00b5", "u").replace("\u03bc", "u").casefold()
    text = text.replace("\u03bc", "u")
    return re.sub(r"^mc(?=[a-z])", "u", text)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a knowledge base calls things.

    `names` maps, for each kind of name, a folded label, alternative label or code
    (`loinc:2132-9`) to its term. The kinds are `analyte`, `finding` (findings and conditions are one
    namespace), `drug`, `unit`, `route`, `topic`, `choice`, `sex` and `context` (the keys of the context
    that rules read). `labels` holds the preferred label of each term,
    `written` a folded name as the knowledge base writes it, where that differs.
    """

    names: Mapping[str, Mapping[str, Iri]] = field(default_factory=dict)
    labels: Mapping[Iri, str] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)

    def match(self, kind: str, name: str) -> Iri | None:
        """The term that a record's word names, or None."""
        fold = folded_unit if kind == "unit" else folded
        return self.names.get(kind, {}).get(fold(name))

    def label(self, term: Iri) -> str:
        """The preferred label, or the local name where there is none."""
        return self.labels.get(term, term.local)
