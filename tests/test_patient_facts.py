"""What a record says, as the facts that rules read, and what is noted because it says nothing that can be read."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citelog import patient
from citelog.diagnostics import CaseError
from citelog.patient.dates import day, period, shown
from citelog.patient.facts import PATIENT
from citelog.patient.frequency import Frequency, frequency
from citelog.patient.numbers import Reading, Sign, reading, written_out
from citelog.values import Iri, Value
from citelog.vocab import cl
from patient_terms import TERMS, kb

R1 = Iri("urn:citelog:record:r1")


def facts_of(**lists: Any) -> dict[str, tuple[Value, ...]]:
    """The facts about a record, by predicate, without the patient and the record."""
    case = patient.read(lists, TERMS)
    found = [atom for atom, record in patient.facts(case, TERMS) if record is not None]
    assert len({atom.predicate for atom in found}) == len(found), "one fact each: use a case with one entry"
    return {atom.predicate: atom.args[2:] for atom in found}


def notes_of(**lists: Any) -> list[str]:
    return [note.text for note in patient.read(lists, TERMS).notes]


def result(**keys: Any) -> list[dict[str, Any]]:
    return [{"analyte": "serum ferritin", **keys}]


def medicine(**keys: Any) -> list[dict[str, Any]]:
    return [{"name": "folic acid", "status": "current", **keys}]


# --- everyone ----------------------------------------------------------------------------------------------------


def test_an_empty_record_says_that_there_is_a_patient_and_no_more() -> None:
    case = patient.read({}, TERMS)
    assert [(str(atom), record) for atom, record in patient.facts(case, TERMS)] == [(f"patient({PATIENT.local})", None)]
    assert case.entries == case.notes == ()


def test_the_day_is_a_fact_only_where_it_is_given() -> None:
    case = patient.read({}, TERMS)
    day = datetime.date(2026, 3, 2)
    atoms = [atom for atom, _ in patient.facts(case, TERMS, day)]
    assert (atoms[1].predicate, atoms[1].args) == ("evaluation_day", (PATIENT, day))


def test_each_fact_carries_the_record_that_says_it() -> None:
    case = patient.read({"findings": [{"name": "fatigue", "state": "present"}]}, TERMS)
    atom, record = patient.facts(case, TERMS)[1]
    assert (atom.predicate, atom.args, record) == ("entry", (PATIENT, R1, kb("fatigue"), cl("present")), R1)


def test_context_decides_nothing_and_is_noted() -> None:
    assert notes_of(context={"age_years": 71, "sex": "female", "pregnant": False}) == [
        "Context, age years: 71. Recorded, and read by no rule.",
        "Context, pregnant: false. Recorded, and read by no rule.",
        "Context, sex: female. Recorded, and read by no rule.",
    ]
    assert facts_of(context={"age_years": 71}) == {}


# --- findings and conditions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["findings", "conditions"])
@pytest.mark.parametrize("word", ["present", "absent", "unknown", "PRESENT"])
def test_a_state_is_what_it_says(name: str, word: str) -> None:
    assert facts_of(**{name: [{"name": "fatigue", "state": word}]}) == {"entry": (kb("fatigue"), cl(word.lower()))}
    assert notes_of(**{name: [{"name": "fatigue", "state": word}]}) == []


@pytest.mark.parametrize(
    ("state", "note"),
    [
        (None, "Fatigue: state not recorded. It counts as unknown."),
        ("", "Fatigue: state not recorded. It counts as unknown."),
        ("perhaps", 'Fatigue: perhaps. The state "perhaps" counts as unknown: write present, absent or unknown.'),
        (True, 'Fatigue: true. The state "true" counts as unknown: write present, absent or unknown.'),
        (
            ["present"],
            'Fatigue: ["present"]. The state "["present"]" counts as unknown: write present, absent or unknown.',
        ),
    ],
)
def test_a_missing_or_odd_state_is_unknown_and_never_present(state: Any, note: str) -> None:
    findings = [{"name": "fatigue", "state": state}]
    assert facts_of(findings=findings) == {"entry": (kb("fatigue"), cl("unknown"))}
    assert notes_of(findings=findings) == [note]


@pytest.mark.parametrize("word", ["resolved", "inactive", "in remission", "Remission"])
def test_what_is_over_counts_as_neither_and_stays_a_fact_of_the_record(word: str) -> None:
    conditions = [{"name": "coeliac disease", "state": word, "when": "2020"}]
    assert facts_of(conditions=conditions) == {}
    assert notes_of(conditions=conditions) == [
        f"Coeliac disease: {word.lower()} (2020). It counts as neither present nor absent."
    ]
    assert len(patient.read({"conditions": conditions}, TERMS).entries) == 1


@pytest.mark.parametrize(
    "lists",
    [
        {"findings": [{"name": "fatigue", "state": "entered in error"}]},
        {"conditions": [{"name": "unheard of", "state": "Entered-In-Error"}]},
        {"medications": [{"name": "folic acid", "status": "entered in error"}]},
        {"labs": [{"analyte": "ferritin", "value": 80, "status": "entered-in-error"}]},
    ],
)
def test_what_was_entered_in_error_has_a_note_and_is_no_fact(lists: dict[str, Any]) -> None:
    case = patient.read(lists, TERMS)
    assert case.entries == () and len(case.notes) == 1
    assert case.notes[0].text.endswith("Left out: it was entered in error.")


# --- results -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (80, {"result_value": (Decimal(80),)}),
        ("80", {"result_value": (Decimal(80),)}),
        (0, {"result_value": (Decimal(0),)}),
        (-5, {"result_value": (Decimal(-5),)}),
        (99.99, {"result_value": (Decimal("99.99"),)}),
        ("<50", {"result_bound": (cl("less_than"), Decimal(50))}),
        ("<= 50", {"result_bound": (cl("at_most"), Decimal(50))}),
        ("≤50", {"result_bound": (cl("at_most"), Decimal(50))}),
        (">1500", {"result_bound": (cl("greater_than"), Decimal(1500))}),
        (">=1500", {"result_bound": (cl("at_least"), Decimal(1500))}),
        ("≥ 1500", {"result_bound": (cl("at_least"), Decimal(1500))}),
        ("<0", {"result_bound": (cl("less_than"), Decimal(0))}),
        *(
            (value, {"result_unreadable": ()})
            for value in (
                *(None, "", "haemolysed", True, False, float("inf"), float("nan"), "inf", "1,5", "1,500", "80 µg/L"),
                *("80µg/L", "<50 µg/L", "~50", "50-60", "1e3", "+80", "٨٠", "80.", ".8", "0x50", "<", "< <5"),
                *("9" * 499, [80]),
            )
        ),
    ],
)
def test_a_value_is_a_number_a_bound_or_unreadable(value: Any, said: dict[str, tuple[Value, ...]]) -> None:
    found = facts_of(labs=result(value=value, unit="µg/L"))
    assert found == {"result": (kb("ferritin"),), **said, "result_unit": (kb("ug-per-L"),)}


@pytest.mark.parametrize("unit", ["µg/L", "μg/L", "ug/L", "mcg/L", "UG / l"])
def test_a_unit_is_matched_whatever_its_case_blanks_and_micro_sign(unit: str) -> None:
    assert facts_of(labs=result(value=80, unit=unit))["result_unit"] == (kb("ug-per-L"),)


@pytest.mark.parametrize("unit", [None, "", "  "])
def test_a_missing_unit_is_said(unit: str | None) -> None:
    assert "result_unit_missing" in facts_of(labs=result(value=80, unit=unit))


def test_an_unknown_unit_is_said_and_noted() -> None:
    assert "result_unit_unknown" in facts_of(labs=result(value=80, unit="furlong"))
    assert notes_of(labs=result(value=80, unit="furlong")) == [
        'Serum ferritin: 80 furlong. The unit "furlong" is not known.'
    ]


@pytest.mark.parametrize(
    ("flag", "meant"),
    [
        *((flag, "low") for flag in ("L", "LL", "low", "L*", "Below range", "very low")),
        *((flag, "other") for flag in ("H", "N", "slow", "LU", "H, L", "*")),
    ],
)
def test_a_flag_is_low_or_another_one(flag: str, meant: str) -> None:
    assert facts_of(labs=result(value=80, flag=flag))["result_flag"] == (cl(f"{meant}_flag"),)


# --- dates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "first", "last"),
    [
        ("2026-03-02", (2026, 3, 2), (2026, 3, 2)),
        ("2024-02", (2024, 2, 1), (2024, 2, 29)),
        ("2026", (2026, 1, 1), (2026, 12, 31)),
        (2026, (2026, 1, 1), (2026, 12, 31)),
        ("2026-03-02T23:59:00-11:00", (2026, 3, 2), (2026, 3, 2)),
        ("2026-03-02 08:30", (2026, 3, 2), (2026, 3, 2)),
        (datetime.datetime(2026, 3, 2, 8, 30), (2026, 3, 2), (2026, 3, 2)),
        ("2026-03-02T08:30:00Z/2026-03-05", (2026, 3, 2), (2026, 3, 5)),
    ],
)
def test_a_date_is_the_span_of_days_that_it_can_mean(when: Any, first: Any, last: Any) -> None:
    found = facts_of(labs=result(value=80, when=when))
    assert found["recorded_when"] == (datetime.date(*first), datetime.date(*last))


@pytest.mark.parametrize("when", ["02/03/2026", "2026-13", "2026-02-30", "0000", "20260302", "last spring", "2026-3-2"])
def test_a_date_that_cannot_be_read_is_noted_and_nothing_is_guessed(when: str) -> None:
    assert "recorded_when" not in facts_of(labs=result(value=80, unit="µg/L", when=when))
    assert notes_of(labs=result(value=80, unit="µg/L", when=when)) == [
        f'Serum ferritin: 80 µg/L ({when}). The date "{when}" cannot be read.'
    ]
    assert notes_of(medications=medicine(since=when))[-1].endswith(f'The start date "{when}" cannot be read.')


# --- medications -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("current", "current"),
        ("Stopped", "stopped"),
        ("completed", "stopped"),
        ("cancelled", "stopped"),
        ("planned", "planned"),
        ("draft", "planned"),
        ("intended", "planned"),
        ("on hold", "on_hold"),
        ("on-hold", "on_hold"),
    ],
)
def test_a_status_is_what_it_says(status: str, meant: str) -> None:
    medications = [{"name": "folic acid", "status": status}]
    assert facts_of(medications=medications)["medication_status"] == (cl(meant),)
    assert notes_of(medications=medications) == []


@pytest.mark.parametrize("status", [None, "active", "unknown", "taking"])
def test_a_missing_or_odd_status_is_unknown_with_a_note(status: str | None) -> None:
    medications = [{"name": "folic acid", "status": status}]
    assert facts_of(medications=medications)["medication_status"] == (cl("status_unknown"),)
    assert ["counts as unknown" in note for note in notes_of(medications=medications)] == [True]


def test_route_course_and_start_are_read() -> None:
    found = facts_of(medications=medicine(route="Oral route", course="Loading", since="2026-01"))
    assert found["medication_route"] == (cl("oral"),)
    assert found["medication_course"] == (cl("loading"),)
    assert found["medication_since"] == (datetime.date(2026, 1, 1), datetime.date(2026, 1, 31))


@pytest.mark.parametrize(
    ("written", "route"),
    [
        ("i.m.", "intramuscular"),
        ("I.M. use", "intramuscular"),
        ("p.o.", "oral"),
        ("Oral use", "oral"),
        ("oral.", "oral"),
    ],
)
def test_a_route_may_be_written_with_full_stops_and_with_what_kind_of_word_it_is(written: str, route: str) -> None:
    assert facts_of(medications=medicine(route=written))["medication_route"] == (cl(route),)


def test_a_route_course_or_frequency_that_cannot_be_read_is_noted() -> None:
    said = "Folic acid: nose, now and then, first, current."
    assert notes_of(medications=medicine(route="nose", course="first", frequency="now and then")) == [
        f'{said} The course "first" is neither loading nor maintenance.',
        f'{said} The frequency "now and then" cannot be read.',
        f'{said} The route "nose" is not known.',
    ]


FREQUENCIES = {
    (1, 1, "day"): ["daily", "Daily", "once daily", "once a day", "every day", "each day", "od", "o.d.", "qd",
                    "every 1 day", "1x daily", "once per day", "every 24 hours", "at night", "daily for 7 days",
                    "daily for 6 or 7 days"],
    (2, 1, "day"): ["twice daily", "bd", "b.i.d.", "bid", "2 times a day", "every 12 hours", "q12h", "2x/day"],
    (3, 1, "day"): ["tds", "tid", "three times daily", "3 times per day", "q8h", "thrice daily"],
    (4, 1, "day"): ["qid", "qds", "four times a day", "every 6 hours"],
    (1, 2, "day"): ["alternate days", "on alternate days", "every other day", "every second day", "qod",
                    "every 2 days", "every two days", "once every 2 days",
                    "alternate days until there is no further improvement"],
    (1, 3, "day"): ["every 3 to 4 days", "every 3-4 days", "every 3–4 days", "every three to four days",
                    "every third day", "q3d"],
    (1, 1, "week"): ["weekly", "once weekly", "once a week", "every week", "1 per week", "Once Weekly"],
    (2, 1, "week"): ["twice weekly", "twice a week", "2 times per week", "2–3 times a week"],
    (3, 1, "week"): ["three times a week", "3 times a week", "3x/week", "3x a week", "three times weekly", "3x weekly",
                     "three times per week", "3 per week", "three times a week for 2 weeks"],
    (1, 2, "week"): ["fortnightly", "every fortnight", "once a fortnight", "every 2 weeks", "every other week", "q2w",
                     "alternate weeks", "2-weekly"],
    (1, 12, "week"): ["every 12 weeks", "every twelve weeks", "12-weekly"],
    (1, 1, "month"): ["monthly", "once a month", "every month", "Monthly, for life", "once monthly"],
    (1, 2, "month"): ["every 2 months", "every two months", "once every two months", "every 2–3 months",
                      "every 2-3 months", "every 2 to 3 months", "every two or three months",
                      "every 2–3 months for life", "every 2 months, lifelong", "every other month", "q2mo",
                      "q2-3 months", "once in 2 months", "2–3-monthly"],
    (1, 3, "month"): ["quarterly", "every 3 months", "q3mo", "3-monthly", "every quarter", "every three months"],
    (1, 1, "year"): ["yearly", "annually", "once a year", "every year", "once per annum"],
    (24, 5, "day"): ["every 5 hours"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("phrase", "meant"), [(phrase, meant) for meant, phrases in FREQUENCIES.items() for phrase in phrases]
)
def test_how_often_is_read_from_the_phrases_that_people_write(phrase: str, meant: tuple[int, int, str]) -> None:
    times, count, unit = meant
    found = facts_of(medications=medicine(frequency=phrase))["medication_frequency"]
    assert found == (Decimal(times), Decimal(count), cl(unit))


@pytest.mark.parametrize(
    "phrase",
    [
        *("as needed", "biweekly", "bimonthly", "3 weekly", "2 daily", "once", "stat", "every 0 days", "0 times a day"),
        *("daily then weekly", "weekly for 4 weeks then monthly", "daily; monthly", "seven doses", "for life", "often"),
        *("every few weeks", "daily for 1 week every month", "every -2 days", "every 99999 days"),
        "monthly after loading",
    ],
)
def test_what_could_mean_two_things_is_not_read_as_one(phrase: str) -> None:
    assert "medication_frequency" not in facts_of(medications=medicine(frequency=phrase))
    assert notes_of(medications=medicine(frequency=phrase))[0].endswith(f'The frequency "{phrase}" cannot be read.')


# --- preferences -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "value", "choice"), [("route", "oral", cl("oral")), ("Injections", "Declined", kb("declined"))]
)
def test_a_preference_is_a_topic_and_a_choice(topic: str, value: str, choice: Iri) -> None:
    assert facts_of(preferences=[{"topic": topic, "value": value}])["preference"] == (kb(topic.lower()), choice)


def test_a_preference_for_what_nobody_knows_is_noted() -> None:
    assert notes_of(preferences=[{"topic": "route", "value": "nasal"}, {"topic": "tea", "value": "green"}]) == [
        'Route preference: nasal. The choice "nasal" is not known.',
        'Tea preference: green. Not used: no preference is known as "tea".',
    ]


# --- names and keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lists", "note"),
    [
        (
            {"labs": [{"analyte": "serum ferritine", "value": 80}]},
            'Serum ferritine: 80, no unit. Not used: no analyte is known as "serum ferritine"; '
            "did you mean serum ferritin?",
        ),
        ({"labs": [{"value": 80, "unit": "mg/L"}]}, "Unnamed result: 80 mg/L. Not used: it has no name."),
        (
            {"conditions": [{"name": "gastric", "state": "present"}]},
            'Gastric: present. Not used: no finding or condition is known as "gastric"; '
            "did you mean gastric bypass or gastric ulcer?",
        ),
        (
            {"findings": [{"name": "involvement", "state": "present"}]},
            'Involvement: present. Not used: no finding or condition is known as "involvement"; '
            "did you mean neurological involvement?",
        ),
        (
            {"labs": [{"analyte": "fatigue", "value": 80}]},
            'Fatigue: 80, no unit. Not used: no analyte is known as "fatigue".',
        ),
        (
            {"conditions": [{"name": "icd10:Z99", "state": "present"}]},
            'Icd10:Z99: present. Not used: no finding or condition is known as "icd10:Z99".',
        ),
        (
            {"medications": [{"name": "tea"}]},
            'Tea: on record. Not used: no medicine is known as "tea".',
        ),
    ],
)
def test_a_name_that_nothing_matches_is_kept_and_noted(lists: dict[str, Any], note: str) -> None:
    case = patient.read(lists, TERMS)
    assert len(case.entries) == 1 and [one.text for one in case.notes] == [note]
    assert [atom.predicate for atom, _ in patient.facts(case, TERMS)] == ["patient"]


def test_an_unknown_key_is_kept_and_noted() -> None:
    case = patient.read({"findings": [{"name": "fatigue", "state": "present", "stat": "new", "colour": None}]}, TERMS)
    assert case.entries[0].keys["stat"] == "new"
    assert [note.text for note in case.notes] == [
        'Fatigue: present. The key "colour" is not read.',
        'Fatigue: present. The key "stat" (new) is not read; did you mean state?',
    ]


def test_a_date_under_another_key_dates_nothing_and_the_key_that_is_meant_is_named() -> None:
    case = patient.read({"labs": [{"analyte": "ferritin", "value": 80, "unit": "µg/L", "Date": "2026-03-02"}]}, TERMS)
    assert [note.text for note in case.notes] == [
        'Serum ferritin: 80 µg/L. The key "Date" (2026-03-02) is not read; did you mean when?'
    ]


def test_notes_come_by_text_and_then_by_place() -> None:
    rows = [{"name": "fatigue"}] * 12
    notes = patient.read({"findings": rows}, TERMS).notes
    assert [note.read_from for note in notes] == sorted(f"findings[{index}]" for index in range(12))


# --- at the ends -------------------------------------------------------------------------------------------------


def test_what_is_longer_than_any_measurement_is_not_read() -> None:
    longest = "1" * 400
    assert reading(longest) == Reading(Decimal(longest)) and reading(f" {longest} ") == Reading(Decimal(longest))
    assert reading(longest + "1") is None
    assert written_out("." + "1" * 399) == "0." + "1" * 399 and written_out("." + "1" * 400) == "." + "1" * 400
    assert written_out("1e400") == "1" + "0" * 400 and written_out("1e401") == "1e401"
    assert written_out("1e-400") == "0." + "0" * 399 + "1" and written_out("1e-401") == "1e-401"
    assert frequency("daily".ljust(200)) == Frequency(Decimal(1), Decimal(1), "day")
    assert frequency("daily".ljust(201)) is None


def test_nought_has_no_sign_and_a_bound_has_one() -> None:
    assert [str(found.number) for text in ("-0", "-0.0", "-1") if (found := reading(text))] == ["0", "0.0", "-1"]
    signs = {"<": "less_than", "<=": "at_most", "≤": "at_most", ">": "greater_than", ">=": "at_least", "≥": "at_least"}
    for sign, meant in signs.items():
        assert reading(f"{sign} -0") == Reading(Decimal(0), Sign(meant)), sign
    assert written_out("+5.") == "5" and written_out("+5") == "5"


DAYS = {
    "2026": ("2026-01-01", "2026-12-31"),
    "2024-02": ("2024-02-01", "2024-02-29"),
    "2026-12": ("2026-12-01", "2026-12-31"),
    "0001": ("0001-01-01", "0001-12-31"),
    "9999-12": ("9999-12-01", "9999-12-31"),
    " 2026-03-02 ": ("2026-03-02", "2026-03-02"),
    "2026-03-02/2026-03-02": ("2026-03-02", "2026-03-02"),
    "2026-03-01 / 2026-03": ("2026-03-01", "2026-03-31"),
    "2025/2026-02": ("2025-01-01", "2026-02-28"),
    "2026-03-02T23:30:00-05:00": ("2026-03-02", "2026-03-02"),
    "2026-03-02 08:30Z": ("2026-03-02", "2026-03-02"),
}
NO_DAYS = (
    "0000", "0000-01", "0000-01-01", "2026-00", "2026-13", "2026-00-01", "2026-01-00", "2026-02-29", "2026-03/",
    "/2026", "2026-03-02/2026-03-01", "2026/2025", "2026-03-02T", "2026-03-02T24:00", "2026-03-02Tnoon",
    "2026-03T08:30", "", "2026-03-01/2026-03-02/2026-03-03",
)  # fmt: skip


@pytest.mark.parametrize("text", DAYS)
def test_a_date_is_the_days_that_it_can_mean(text: str) -> None:
    found = period(text)
    assert found and (str(found.first), str(found.last)) == DAYS[text]


@pytest.mark.parametrize("text", NO_DAYS)
def test_what_is_no_date_is_not_read(text: str) -> None:
    assert period(text) is None and shown(text) == text


def test_a_date_is_shown_by_its_days() -> None:
    assert shown("2026-03-02T08:30Z/2026-03-03T09:00Z") == "2026-03-02/2026-03-03"
    assert shown("2026-03 / 2026-04") == "2026-03/2026-04"


def test_a_day_that_is_named_is_one() -> None:
    assert day("2026-03-15", "--at") == datetime.date(2026, 3, 15)
    for text in ("2026", "soon", "2026-03-01/2026-03-02"):
        with pytest.raises(CaseError) as refused:
            day(text, "--at")
        assert str(refused.value) == f"--at: {text!r} is not a day\n   = write it as in 2026-03-15"


OFTEN = {
    "twice in 3 weeks": (2, 3, "week"),
    "twice in every 3 weeks": (2, 3, "week"),
    "2 times every 3 months": (2, 3, "month"),
    "1.5 times a day": ("1.5", 1, "day"),
    "4–3 times a week": (3, 1, "week"),
    "2 hourly": None,
    "2-hourly": (12, 1, "day"),
    "twice every 5 hours": (48, 5, "day"),
    "twelve times a year": (12, 1, "year"),
    "every sixth month": (1, 6, "month"),
    "every 2 fortnights": (1, 4, "week"),
    "every other quarter": (1, 6, "month"),
    "3 per fortnight": (3, 2, "week"),
    "fortnightly, until well": (1, 2, "week"),
    "twice in 0 weeks": None,
}


@pytest.mark.parametrize("phrase", OFTEN)
def test_how_often_is_counted_exactly(phrase: str) -> None:
    meant = OFTEN[phrase]
    assert frequency(phrase) == (meant and Frequency(Decimal(meant[0]), Decimal(meant[1]), meant[2]))


# --- anything at all ---------------------------------------------------------------------------------------------


@given(st.text() | st.from_regex(r"[<>=≤≥ ]{0,3}[+-]?[0-9.,eE]{0,30}"))
def test_any_text_is_a_number_or_is_not_and_never_a_surprise(text: str) -> None:
    found = reading(text)
    assert found is None or found.number.is_finite()


@given(st.text() | st.from_regex(r"\A[0-9]{4}(-[0-9]{2}){0,2}(T[0-9:]{2,8})?(/.*)?\Z"))
def test_any_text_is_a_date_or_is_not(text: str) -> None:
    found = period(text)
    assert found is None or found.first <= found.last


_WORDS = """every each once twice 2 3 0 -3 12 – to or day days week months a per / x times q h mo weekly monthly for
life until one other second"""


@given(st.lists(st.sampled_from(_WORDS.split()), max_size=6).map(" ".join) | st.text())
def test_any_phrase_is_a_frequency_or_is_not(text: str) -> None:
    found = frequency(text)
    assert found is None or (found.times > 0 and found.period > 0)
