"""UCUM's own opinion of our units: every factor is what its converter says, and moles never become grams."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rdflib import Graph, Namespace, URIRef

from citelog.diagnostics import Instead
from citelog.knowledge.check import check_folder
from citelog.knowledge.files import Drafts
from citelog.ucum import PREFIXES, slip

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


# the codes of a knowledge base's own units


def test_no_code_that_ucum_gives_as_an_example_is_taken_for_a_slip() -> None:
    """Nor any of its units, alone or with a prefix where one may stand: `citelog check` has no table of them all."""
    import ucumvert
    from ucumvert import xml_util

    table = Path(ucumvert.__file__).parent / "vendor" / "ucum_examples.tsv"
    examples = [row.split("\t")[1].strip('"') for row in table.read_text(encoding="utf-8").splitlines()[1:]]
    metric = [*xml_util.get_base_units(), *xml_util.get_metric_units()]
    alone = [*metric, *xml_util.get_non_metric_units(), *(before + unit for before in PREFIXES for unit in metric)]
    assert len(examples) > 800 and len(alone) > 2000
    assert [code for code in (*examples, *alone) if slip(code)] == []


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("mcg/L", "ug/L"), ("IU/L", "[IU]/L"), ("m[IU]/mIU", "m[IU]/m[IU]"), ("mMol/L", "mmol/L"), ("mEq/L", "meq/L"),
        ("mmHg", "mm[Hg]"), ("mg/day", "mg/d"), ("pmoll/L", "pmol/L"), ("umol/(L.hours){a}", "umol/(L.h){a}"),
        ("mg//L", ""), ("mg/L}", ""), ("(mg", ""), ("x10^9/L", ""), ("/", ""), ("m2m", ""), ("mg/0", ""),
    ],
)  # fmt: skip
def test_a_code_that_ucum_does_not_read_is_told_with_what_is_meant(written: str, right: str) -> None:
    from lark.exceptions import LarkError

    wrong = slip(written)
    assert wrong is not None and wrong[1] == right
    with pytest.raises(LarkError):
        ucum().from_ucum(written)
    if right:
        assert slip(right) is None and ucum().from_ucum(right) is not None


def test_a_misspelt_code_of_a_unit_is_an_error_of_the_knowledge_base() -> None:
    nights = ROOT / "examples" / "short-nights"
    text = (nights / "terms.ttl").read_text(encoding="utf-8")
    (found,) = check_folder(nights, Drafts({nights / "terms.ttl": text.replace('cl:ucum "h"', 'cl:ucum "hrs"')}))
    assert (found.code, found.message) == ("code-check", "hour: hrs: hrs is no unit of UCUM")
    assert found.hint == Instead("hrs", "h") and 'cl:ucum "hrs"' in found.text
