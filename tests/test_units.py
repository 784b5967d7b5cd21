"""UCUM's own opinion of our units: every factor is what its converter says, and moles never become grams."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rdflib import Graph, Namespace, URIRef

ROOT = Path(__file__).parent.parent
CL = Namespace("https://w3id.org/citelog#")


@cache
def terms() -> Graph:
    return Graph().parse(ROOT / "knowledge" / "b12" / "terms.ttl", format="turtle")


@cache
def ucum() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


def units() -> list[URIRef]:
    return sorted(u for u in terms().subjects(CL.factor) if isinstance(u, URIRef))


def quantity(unit: Any) -> Any:
    return ucum().from_ucum(str(terms().value(unit, CL.ucum)))


@pytest.mark.parametrize("unit", units(), ids=lambda unit: str(unit).rsplit("#", 1)[-1])
def test_a_factor_is_what_ucum_converts_with(unit: URIRef) -> None:
    printed = terms().value(unit, CL.comparedIn)
    factor = Decimal(str(terms().value(unit, CL.factor)))
    converted = quantity(unit).to(quantity(printed).units).magnitude
    assert converted == pytest.approx(float(factor), rel=1e-12)
    assert factor.normalize().as_tuple().digits == (1,), "a power of ten"


def test_moles_and_grams_are_not_converted_into_each_other() -> None:
    from pint import DimensionalityError

    printed = sorted({u for u in terms().objects(None, CL.comparedIn) if isinstance(u, URIRef)})
    assert len(printed) == 2
    with pytest.raises(DimensionalityError):
        quantity(printed[0]).to(quantity(printed[1]).units)
