"""Check digits and formats of codes: right codes pass, and every single slip in a code with a check digit is caught."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citelog import codes

RIGHT = [
    "loinc:2132-9", "loinc:14685-2", "loinc:72160-5", "loinc:13964-2", "loinc:718-7",
    "snomed:84027009", "snomed:190634004", "snomed:368581000119106", "snomed:1217427007",
    "icd10:D51.0", "icd10:D52", "icd10cm:Z98.84", "icd10cm:S52.521A",
    "atc:B03BA03", "atc:B03", "rxnorm:11248", "rxnorm:2001499",
]  # fmt: skip
WRONG = [
    "loinc:14685-8", "loinc:2132", "loinc:21329", "loinc:", "snomed:84027008", "snomed:84072009", "snomed:084027009",
    "snomed:2667014", "icd10:D510", "icd10:51.0", "icd10cm:Z98.84567", "atc:B03BA3", "atc:03BA03", "rxnorm:011248",
    "rxnorm:B12", "2132-9", "ICD:D51.0", "", ":", "loinc:2132-9 ", "loinc:\u0662132-9",
]  # fmt: skip


@pytest.mark.parametrize("notation", RIGHT)
def test_a_right_code_passes(notation: str) -> None:
    assert codes.code_error(notation) == ""


@pytest.mark.parametrize("notation", WRONG)
def test_a_wrong_code_is_refused_in_words(notation: str) -> None:
    assert codes.code_error(notation)


def test_every_known_system_has_a_check() -> None:
    for system in codes.SYSTEMS:
        assert "not one of the code systems" not in codes.code_error(f"{system}:x")


@given(st.integers(1, 9_999_999), st.integers(0, 7), st.integers(1, 9))
def test_one_changed_digit_of_a_loinc_code_is_caught(number: int, place: int, change: int) -> None:
    right = next(f"{number}-{digit}" for digit in range(10) if not codes.loinc_error(f"{number}-{digit}"))
    digits = list(right.replace("-", ""))
    place %= len(digits)
    digits[place] = str((int(digits[place]) + change) % 10)
    assert codes.loinc_error("".join(digits[:-1]) + "-" + digits[-1])


@given(st.integers(100, 10**14), st.integers(0, 16), st.integers(1, 9))
def test_one_changed_digit_of_a_snomed_id_is_caught(item: int, place: int, change: int) -> None:
    right = next(f"{item}00{digit}" for digit in range(10) if not codes.snomed_error(f"{item}00{digit}"))
    digits = list(right)
    place %= len(digits)
    digits[place] = str((int(digits[place]) + change) % 10)
    assert codes.snomed_error("".join(digits))


@given(st.integers(100, 10**14), st.integers(0, 15))
def test_two_swapped_neighbours_in_a_snomed_id_are_caught(item: int, place: int) -> None:
    right = next(f"{item}00{digit}" for digit in range(10) if not codes.snomed_error(f"{item}00{digit}"))
    digits = list(right)
    place %= len(digits) - 1
    if digits[place] != digits[place + 1]:
        digits[place], digits[place + 1] = digits[place + 1], digits[place]
        assert codes.snomed_error("".join(digits))
