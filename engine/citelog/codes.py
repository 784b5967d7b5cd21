"""Whether a code can be a code of its system: check digits where the system has them, the format where it has not.

Codes are copied from hand to hand, and a wrong one silently matches nothing, or another concept. A check digit catches
most slips; that a code exists and means what its label says, only the system's owner can tell. The check digit
arithmetic is python-stdnum's.
"""

from __future__ import annotations

import re

SYSTEMS = {
    "loinc": "LOINC",
    "snomed": "SNOMED CT",
    "icd10": "ICD-10",
    "icd10cm": "ICD-10-CM",
    "atc": "ATC",
    "rxnorm": "RxNorm",
}

_LOINC = re.compile(r"[0-9]{1,7}-[0-9]")
_SNOMED = re.compile(r"[1-9][0-9]{5,17}")
_ICD10 = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{1,2})?")
_ICD10CM = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?")
_ATC = re.compile(r"[A-Z](?:[0-9]{2}(?:[A-Z](?:[A-Z](?:[0-9]{2})?)?)?)?")
_RXNORM = re.compile(r"[1-9][0-9]{0,7}")


def split_code(notation: str) -> tuple[str, str]:
    """The system and the code of a notation.

    >>> split_code("loinc:2276-4")
    ('loinc', '2276-4')
    >>> split_code("2276-4")
    ('', '2276-4')
    """
    system, colon, code = notation.partition(":")
    return (system, code) if colon else ("", notation)


def code_error(notation: str) -> str:
    """What is wrong with a notation such as `loinc:2276-4`, in words; empty where nothing is.

    >>> code_error("loinc:2276-4")
    ''
    >>> code_error("loinc:2276-5")
    'the check digit of 2276-5 is wrong: LOINC 2276-4 would be right'
    >>> code_error("icd9:250.0")
    'icd9 is not one of the code systems loinc, snomed, icd10, icd10cm, atc, rxnorm'
    """
    system, code = split_code(notation)
    if system in _CHECKS:
        return _CHECKS[system](code)
    known = ", ".join(SYSTEMS)
    if not system:
        return f"{code} names no code system ({known})"
    return f"{system} is not one of the code systems {known}"


def loinc_error(code: str) -> str:
    """A LOINC code is a number, a hyphen and a mod-10 (Luhn) check digit over the number.

    >>> loinc_error("718-7")
    ''
    >>> loinc_error("7187")
    '7187 is not written like a LOINC code: up to 7 digits, a hyphen, a check digit'
    """
    if not _LOINC.fullmatch(code):
        return f"{code} is not written like a LOINC code: up to 7 digits, a hyphen, a check digit"
    from stdnum import luhn

    number, digit = code.split("-")
    right = luhn.calc_check_digit(number)
    return "" if digit == right else f"the check digit of {code} is wrong: LOINC {number}-{right} would be right"


def snomed_error(code: str) -> str:
    """A SNOMED CT concept id has 6 to 18 digits; its last is a Verhoeff check digit, the two before it say that it is
    a concept (00, or 10 in an extension).

    >>> snomed_error("22298006"), snomed_error("999000041000000102")
    ('', '')
    >>> snomed_error("22298007")
    'the check digit of 22298007 is wrong: SNOMED CT 22298006 would be right'
    >>> snomed_error("37436014")
    '37436014 is not the id of a concept: the two digits before its last are 01, not 00 or 10'
    """
    if not _SNOMED.fullmatch(code):
        return f"{code} is not written like a SNOMED CT id: 6 to 18 digits, no leading zero"
    from stdnum import verhoeff

    right = verhoeff.calc_check_digit(code[:-1])
    if code[-1] != right:
        return f"the check digit of {code} is wrong: SNOMED CT {code[:-1]}{right} would be right"
    kind = code[-3:-1]
    if kind not in ("00", "10"):
        return f"{code} is not the id of a concept: the two digits before its last are {kind}, not 00 or 10"
    return ""


def icd10_error(code: str) -> str:
    """A WHO ICD-10 category: a letter, two digits and, after a point, one or two more. It has no check digit.

    >>> icd10_error("I21"), icd10_error("I21.0")
    ('', '')
    >>> icd10_error("I210")
    'I210 is not written like an ICD-10 code, for example I21.0'
    """
    return "" if _ICD10.fullmatch(code) else f"{code} is not written like an ICD-10 code, for example I21.0"


def icd10cm_error(code: str) -> str:
    """An ICD-10-CM code: like ICD-10, with up to four characters after the point. It has no check digit.

    >>> icd10cm_error("S52.521A"), icd10cm_error("C4A.0")
    ('', '')
    >>> icd10cm_error("S52521A")
    'S52521A is not written like an ICD-10-CM code, for example S52.521A'
    """
    return "" if _ICD10CM.fullmatch(code) else f"{code} is not written like an ICD-10-CM code, for example S52.521A"


def atc_error(code: str) -> str:
    """An ATC code of any of the five levels. It has no check digit.

    >>> [atc_error(code) for code in ("A", "A10", "A10B", "A10BA", "A10BA02")]
    ['', '', '', '', '']
    >>> atc_error("A10BA2")
    'A10BA2 is not written like an ATC code, for example A10BA02'
    """
    return "" if _ATC.fullmatch(code) else f"{code} is not written like an ATC code, for example A10BA02"


def rxnorm_error(code: str) -> str:
    """An RxNorm concept identifier: digits, no leading zero. It has no check digit.

    >>> rxnorm_error("6809")
    ''
    >>> rxnorm_error("RX6809")
    'RX6809 is not written like an RxNorm concept identifier: up to 8 digits, no leading zero'
    """
    if _RXNORM.fullmatch(code):
        return ""
    return f"{code} is not written like an RxNorm concept identifier: up to 8 digits, no leading zero"


_CHECKS = {
    "loinc": loinc_error,
    "snomed": snomed_error,
    "icd10": icd10_error,
    "icd10cm": icd10cm_error,
    "atc": atc_error,
    "rxnorm": rxnorm_error,
}
