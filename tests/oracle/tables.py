"""The decision tables of knowledge/b12/decisions.md as plain Python, section by section.

Written from the specification alone, without the engine or its rules, so that the two can be compared.
"""

# Readings: where the tables leave room, what was considered and what this module does.
#
#  R1  1.1 "equal entries". (a) literally equal content; (b) equal after matching names, units and numbers (100 =
#      100.0). Chosen (a), as the JSON text with sorted keys: 100 and 100.0, or "PG/ML" and "pg/mL", are two records.
#      It only changes how many data issues there are, and what each names.
#  R2  1.1 words. States, statuses, preferences and flags are read ignoring case and outer blanks, with "-" and "_" as
#      blanks ("on-hold"). (b) exactly as printed. Medication status "active" is "any other word": unknown.
#  R3  1.1 entered in error: `state` of a finding or condition, `status` of a medication. A result or preference in a
#      case file has no such key; `status` there is an unknown key and changes nothing.
#  R4  1.1 time. A year may be a number (YAML reads `2026` so); of a time of day with zone the written day counts. An
#      unreadable `when` needs no note of its own (the notes paragraph does not list it).
#  R5  1.2 row 1, text. "1e3", "+5", ".5" and "5." are not plain decimal numbers; "-0" is 0. Blanks around a number or
#      after a sign are allowed.
#  R6  2, low flag. Words are runs of letters, so "L*" has the first word L and "not low" contains the word low. 7
#      CA-CUTOFF-DEBATED: any flag that is not empty, whatever it says ("H" too).
#  R7  3, supersession by the same name comes first; 3.3 works on what it leaves ("what is left after that"). Then all
#      of 3.3 at once: an entry that is itself superseded by the rule of 3.3 still supersedes. (b) only what survives
#      does. Example: S present January, N absent February, P present March: (a) possible, (b) present. Chosen (a),
#      the words.
#  R8  3.3 P conflicting. (a) its present entry is still suspect, as only S is excepted; (b) "triggers nothing as
#      present". Chosen (a).
#  R9  3.1/9. N conflicting by 3.1 while 3.3 settles neuro (a later S or P outdates "N absent"): (a) no data issue, as
#      the row of section 9 says "neuro (3.3)"; (b) "conflicting always gives DI-CONTRADICTORY". Chosen (b), with G03,
#      about the entries of N.
#  R10 9 "another name ... any other: none": names that the knowledge base knows. Two contradictory entries of a name
#      that nothing matches are not compared.
#  R11 3.2 fatigue row: assumes nothing (only the third row states the absence), though symptoms are not recorded.
#      Likewise 3.3 row 6.
#  R12 11 facts of a name: every entry of it, superseded ones too, for all names and not only for symptomatic and
#      neuro. A resolved entry is "as if not recorded" and in no conclusion's facts. (b) only entries left, (c) only
#      those that say what triggers.
#  R13 5 line 3. The statements depend on neuro, and F11 on pernicious anaemia: both are premises, so neuro's facts
#      and assumes, and pernicious anaemia's facts where F11 is cited, belong to it. (b) the medicines alone.
#  R14 5 lines 2, 4, 5 and "or" anywhere: every alternative that holds gives its statements and its facts.
#  R15 5 line 6 "with the flag R02 too": only where the level is above all cut-offs, not within.
#  R16 5 line 8: R15 always, and R01 and G01 each where it applies, in that order.
#  R17 6.3, several loading medicines: done only if every one has a readable `since` that is long enough ago; the
#      start is asked for if any has none, the date if any has one. (b) the latest of those known; (c) any one
#      suffices.
#  R18 6.3/10, `since` a month or year, date given, 14 days reached from its first day but not from its last: section
#      10 read alone asks nothing, but then "unless the date shows ..." in 6.3 would be idle. Chosen: the start is
#      asked for.
#  R19 7, 8, 10 "those that trigger it": the facts of everything that the `when` column names, with "treated" standing
#      for the facts and assumes of treat. What only selects statements in `sides` (neuro in CP08, CP09, CP13;
#      pernicious anaemia in CP10) is no trigger, and a condition that something is not so ("phase neither ...")
#      brings no facts. Severe: the entries of the name, not the entries that could have superseded it.
#  R20 6.3 facts: entries of "further neurological improvement on treatment", in whatever state, are facts of the two
#      regimens whose step they decide.
#  R21 8 CP15 and 5.1 "severe ... deficiency" is the clinician's finding, not *Severe* of section 3, which has
#      symptoms.
#  R22 10 "a result without a usable unit": one whose reading failed at row 3 or 4 of 1.2. (b) any result without a
#      unit, "haemolysed" too. Row order and "unusable for another reason than its unit" speak for the first.
#  R23 9 DI-CENSORED and unusable results: also for results that a later one outdates; section 9 makes no exception.
#  R24 notes, "unit of no use": a unit of a serum B12 result that is not in 1.3, whatever its value. A missing unit is
#      no word that nothing matches; it has its data issue.
#  R25 4 row 3 "without a route": missing, null or blank. An unreadable `course` falls through to the next rows.
#  R26 11 facts of CA-CUTOFF-DEBATED: those of the status where it is within or conflicting, and the flagged results.
#      DI-CONTRADICTORY about the status: only the results that count.
#  R27 11 facts of CP06, CP07, CP10, CP11 ("shown"): those of the regimen shown; CP11 also those of severe. Where a
#      condition is "A or B" and both hold, the facts of both.
#  R28 5 line 8: "what 5.1 found" is added whether or not it is what kept line 7 from applying.

from __future__ import annotations

import calendar
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Case = dict[str, Any]
Conclusion = dict[str, Any]

# --- Names (engine/CASES.md) ------------------------------------------------------------------------------------------

SERUM_B12 = "serum vitamin B12"
HOLOTC = "holotranscobalamin (active B12)"
MMA = "serum methylmalonic acid"
HOMOCYSTEINE = "plasma homocysteine"
FOLATE = "serum folate"

SYMPTOMS = "symptoms attributed to vitamin B12 deficiency"
NEURO = "neurological involvement"
POSSIBLE = "possible neurological involvement"
SEVERE_NEURO = "severe neurological symptoms"
SEVERE = "severe deficiency (clinician-assessed)"
SIGNIFICANT = "clinically significant deficiency (clinician-assessed)"
IMPROVEMENT = "further neurological improvement on treatment"
FATIGUE = "fatigue"
PERNICIOUS = "pernicious anaemia"
MALABSORPTION = "malabsorption"
NORMAL_ABSORPTION = "normal intestinal absorption"
BARIATRIC = "bariatric surgery (past)"
LOW_INTAKE = "low dietary vitamin B12 intake (recorded cause)"
FOLATE_DEFICIENCY = "folate deficiency"
DIAGNOSIS = "vitamin B12 deficiency (clinician diagnosis)"

HYDROXOCOBALAMIN = "hydroxocobalamin"
CYANOCOBALAMIN = "cyanocobalamin"
FOLIC_ACID = "folic acid"
METFORMIN = "metformin"

ANALYTES = (SERUM_B12, HOLOTC, MMA, HOMOCYSTEINE, FOLATE)
SECOND_LINE = (HOLOTC, MMA, HOMOCYSTEINE)
FINDINGS = (SYMPTOMS, NEURO, POSSIBLE, SEVERE_NEURO, SEVERE, SIGNIFICANT, IMPROVEMENT, FATIGUE)
CONDITIONS = (PERNICIOUS, MALABSORPTION, NORMAL_ABSORPTION, BARIATRIC, LOW_INTAKE, FOLATE_DEFICIENCY, DIAGNOSIS)
MEDICINES = (HYDROXOCOBALAMIN, CYANOCOBALAMIN, FOLIC_ACID, METFORMIN)
B12_MEDICINES = (HYDROXOCOBALAMIN, CYANOCOBALAMIN)

SYNONYMS = {
    "vitamin b12": SERUM_B12, "holotranscobalamin": HOLOTC, "active b12": HOLOTC, "methylmalonic acid": MMA,
    "homocysteine": HOMOCYSTEINE, "pernicious anemia": PERNICIOUS,
}  # fmt: skip

LISTS = ("labs", "findings", "conditions", "medications", "preferences")
ANY_ENTRY = frozenset({"when", "flag", "route"})
KNOWN_KEYS = {
    "labs": ANY_ENTRY | {"analyte", "value", "unit"},
    "findings": ANY_ENTRY | {"name", "state"},
    "conditions": ANY_ENTRY | {"name", "state"},
    "medications": ANY_ENTRY | {"name", "dose", "frequency", "status", "since", "course"},
    "preferences": ANY_ENTRY | {"topic", "value"},
}

NO_RESULT = "no serum B12 result is on record"
NO_SYMPTOMS = "symptoms attributed to vitamin B12 deficiency are not recorded"
NO_NEURO = "neurological involvement is not recorded"
ASSUMPTIONS = (NO_RESULT, NO_SYMPTOMS, NO_NEURO)

BELOW, WITHIN, ABOVE = "below_all_cutoffs", "within_debated_cutoffs", "above_all_cutoffs"
CLASSES = (BELOW, WITHIN, ABOVE)


def plain(value: object) -> str:
    """Text for comparing words: case, outer blanks, '-' and '_' do not matter (R2). '' if it is not text."""
    return re.sub(r"[-_\s]+", " ", value).strip().casefold() if isinstance(value, str) else ""


def match(name: object, labels: Iterable[str]) -> str | None:
    """The label that a recorded name means, ignoring case, or None."""
    if not isinstance(name, str):
        return None
    wanted = name.strip().casefold()
    by_name = {label.casefold(): label for label in labels}
    by_name.update({word: label for word, label in SYNONYMS.items() if label in by_name.values()})
    return by_name.get(wanted)


def entries(case: Case, listed: str) -> list[tuple[str, dict[str, Any]]]:
    """Every entry of a list with its place."""
    return [(f"{listed}[{i}]", entry) for i, entry in enumerate(case.get(listed) or [])]


# --- 1.1 Time ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Period:
    """The days that a recorded date can mean."""

    first: date
    last: date


def read_period(value: object) -> Period | None:
    """1.1, row Time: a day, or a month or year as the whole period; None if unreadable."""
    if isinstance(value, datetime):
        return Period(value.date(), value.date())
    if isinstance(value, date):
        return Period(value, value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    found = re.fullmatch(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:[T ][0-9]{2}:[0-9]{2}.*)?)?)?", value.strip())
    return _period(found[1], found[2], found[3]) if found else None


def _period(year: str, month: str | None, day: str | None) -> Period | None:
    try:
        first = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    if day:
        return Period(first, first)
    last_month = int(month or 12)
    return Period(first, date(first.year, last_month, calendar.monthrange(first.year, last_month)[1]))


def earlier(a: Period | None, b: Period | None) -> bool:
    """A is earlier than B only if A's period ends before B's begins; never without two readable dates."""
    return a is not None and b is not None and a.last < b.first


# --- 1.2 to 1.4 One serum B12 result ----------------------------------------------------------------------------------

# 1.3: low and high end of the cut-offs as they read in each unit (moved by powers of ten, so comparisons are exact).
UNITS = {
    "pmol/l": (Decimal(100), Decimal(300)),
    "nmol/l": (Decimal("0.1"), Decimal("0.3")),
    "pg/ml": (Decimal(135), Decimal(406)),
    "ng/l": (Decimal(135), Decimal(406)),
    "ng/dl": (Decimal("13.5"), Decimal("40.6")),
    "ug/l": (Decimal("0.135"), Decimal("0.406")),
    "ng/ml": (Decimal("0.135"), Decimal("0.406")),
}
PLAIN_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"


def read_unit(unit: object) -> str | None:
    """1.3: the row of a unit, or None. Case and blanks ignored; µ, μ, u and mc are one prefix."""
    if not isinstance(unit, str):
        return None
    text = re.sub(r"\s+", "", unit).lower().replace("\u00b5", "u").replace("\u03bc", "u")
    text = re.sub(r"^mcg", "ug", text)
    return text if text in UNITS else None


def read_number(value: object) -> tuple[str, Decimal] | None:
    """1.2 rows 1, 5, 6, 7: the sign ('' for a plain number) and the number, or None for row 1."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value))
        return ("", number) if number.is_finite() else None
    if not isinstance(value, str):
        return None
    found = re.fullmatch(rf"(<=|>=|≤|≥|<|>)?\s*({PLAIN_NUMBER})", value.strip())
    if not found:
        return None
    return {"≤": "<=", "≥": ">="}.get(found[1] or "", found[1] or ""), Decimal(found[2])


def allowed_classes(sign: str, x: Decimal, low: Decimal, high: Decimal) -> frozenset[str]:
    """1.4 for a number, 1.2 rows 5 and 6 for a bound: every class that holds a value it allows."""
    if sign == "":
        return frozenset({BELOW if x < low else WITHIN if x < high else ABOVE})
    if sign == "<":  # 0 up to but not x
        chosen = [BELOW] + [WITHIN] * (x > low) + [ABOVE] * (x > high)
    elif sign == "<=":  # 0 to x
        chosen = [BELOW] + [WITHIN] * (x >= low) + [ABOVE] * (x >= high)
    else:  # above x, or x and above: the numbers have no gaps, so both reach the same classes
        chosen = [BELOW] * (x < low) + [WITHIN] * (x < high) + [ABOVE]
    return frozenset(chosen)


def read_result(value: object, unit: object) -> tuple[frozenset[str], str | None]:
    """1.2: the classes that a result allows (empty: unusable) and its data issue; the first row that applies."""
    read = read_number(value)
    if read is None:
        return frozenset(), "DI-NOT-A-NUMBER"  # row 1
    sign, number = read
    if number < 0 or (sign == "<" and number == 0):
        return frozenset(), "DI-NEGATIVE"  # row 2
    if unit is None or (isinstance(unit, str) and not unit.strip()):
        return frozenset(), "DI-UNIT-MISSING"  # row 3
    row = read_unit(unit)
    if row is None:
        return frozenset(), "DI-UNIT-IMPOSSIBLE"  # row 4
    classes = allowed_classes(sign, number, *UNITS[row])
    return classes, "DI-CENSORED" if len(classes) > 1 else None  # rows 5 to 7


# --- 1.1 and 4: the entries of a case ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grounds:
    """What a conclusion rests on: places of facts, and absences."""

    facts: frozenset[str] = frozenset()
    assumes: frozenset[str] = frozenset()

    def __or__(self, other: Grounds) -> Grounds:
        return Grounds(self.facts | other.facts, self.assumes | other.assumes)


@dataclass(frozen=True)
class Result:
    """A laboratory result of a known analyte."""

    place: str
    analyte: str
    content: str
    when: Period | None
    classes: frozenset[str]
    issue: str | None
    flag: str

    @property
    def low_flag(self) -> bool:
        """Section 2: a flag whose first word is L, LL or low, or that contains the word low or below."""
        words = re.findall(r"[^\W\d_]+", self.flag.lower())
        return bool(words) and (words[0] in ("l", "ll") or "low" in words or "below" in words)


@dataclass(frozen=True)
class Mention:
    """An entry of a known finding or condition that counts (not resolved, not made in error)."""

    place: str
    name: str
    state: str
    when: Period | None


@dataclass(frozen=True)
class Medicine:
    """An entry of a known medicine; `phase` (section 4) is its own, None unless it is a current B12 medicine."""

    place: str
    name: str
    status: str
    phase: str | None
    since: Period | None


def grounds(items: Iterable[Result | Mention | Medicine]) -> Grounds:
    """The places of some entries."""
    return Grounds(frozenset(item.place for item in items))


@dataclass(frozen=True)
class Record:
    """A case as section 1 reads it."""

    results: tuple[Result, ...]
    others: tuple[Result, ...]
    mentions: tuple[Mention, ...]
    medicines: tuple[Medicine, ...]
    prefers_oral: tuple[str, ...]

    def named(self, name: str) -> list[Mention]:
        """Every entry of a name, in either list."""
        return [m for m in self.mentions if m.name == name]

    def left(self, name: str) -> list[Mention]:
        """Section 3: those that no later present or absent of the same name supersedes."""
        named = self.named(name)
        return [m for m in named if not any(n.state != "unknown" and earlier(m.when, n.when) for n in named)]

    def state(self, name: str) -> str:
        """3.1 State of one name."""
        states = {m.state for m in self.left(name)}
        if not states:
            return "not_recorded"
        if {"present", "absent"} <= states:
            return "conflicting"
        return next(state for state in ("present", "unknown", "absent") if state in states)

    def is_present(self, name: str) -> bool:
        """A name that is conflicting or unknown triggers nothing as present (3.1)."""
        return self.state(name) == "present"

    def about(self, *names: str) -> Grounds:
        """Every entry of these names."""
        return grounds(m for m in self.mentions if m.name in names)

    def about_present(self, *names: str) -> Grounds | None:
        """The entries of those of these names that are present, None if there is none."""
        present = [name for name in names if self.is_present(name)]
        return self.about(*present) if present else None


def read_state(value: object) -> str:
    """1.1 rows State, Resolved, Entered in error: present, absent, unknown, resolved or error."""
    word = plain(value)
    if word in ("present", "absent"):
        return word
    if word in ("resolved", "inactive", "in remission", "remission"):
        return "resolved"
    return "error" if word == "entered in error" else "unknown"


def read_status(value: object) -> str:
    """1.1 row Medication status."""
    words = {
        "current": "current", "stopped": "stopped", "completed": "stopped", "cancelled": "stopped",
        "planned": "planned", "draft": "planned", "intended": "planned", "on hold": "on hold",
        "entered in error": "error",
    }  # fmt: skip
    return words.get(plain(value), "unknown")


def read_preference(entry: dict[str, Any]) -> str | None:
    """1.1 row Preference: 'oral', 'no change', or None for anything else."""
    pair = (plain(entry.get("topic")), plain(entry.get("value")))
    if pair in (("route", "oral"), ("injections", "declined")):
        return "oral"
    return "no change" if pair in (("route", "intramuscular"), ("injections", "accepted")) else None


DAYS = {"day": 1, "week": 7, "fortnight": 14, "month": 30, "year": 365}
NUMBER_WORDS = ("once", "twice", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
PHRASES = {
    "daily": 1.0, "alternate days": 2.0, "on alternate days": 2.0, "every other day": 2.0, "weekly": 7.0,
    "fortnightly": 14.0, "every other week": 14.0, "monthly": 30.0, "every other month": 60.0, "quarterly": 91.0,
    "yearly": 365.0, "annually": 365.0,
}  # fmt: skip


def _count(word: str) -> int | None:
    if word.isdecimal():
        return int(word)
    if word in ("one", "two"):
        return ("one", "two").index(word) + 1
    return NUMBER_WORDS.index(word) + 1 if word in NUMBER_WORDS else None


def interval_days(frequency: object) -> float | None:
    """Days between doses; a range counts by its low end; None if it cannot be read (section 4)."""
    if not isinstance(frequency, str):
        return None
    text = re.sub(r"\s+", " ", frequency.strip().lower())
    text = re.sub(r"\s*(?:[-\u2013\u2014]| to )\s*", "-", text)
    if text in PHRASES:
        return PHRASES[text]
    every = re.fullmatch(r"(?:once )?every (?:(\w+)(?:-\w+)? )?(day|week|fortnight|month|year)s?", text)
    if every:
        count = _count(every[1]) if every[1] else 1
        return float(count * DAYS[every[2]]) if count else None
    times = re.fullmatch(
        r"(once|twice|\w+(?:-\w+)? times) (?:an? |per |each )?(day|daily|week|weekly|month|year)", text
    )
    if times:
        count = _count(re.split(r"[- ]", times[1])[0])
        return DAYS[{"daily": "day", "weekly": "week"}.get(times[2], times[2])] / count if count else None
    return None


def read_phase(name: str, entry: dict[str, Any]) -> str:
    """Section 4: the phase of one current B12 medicine; the first row that applies."""
    course, route = plain(entry.get("course")), plain(entry.get("route"))
    if course in ("loading", "maintenance"):
        return course  # row 1
    if route == "oral":
        return "oral"  # row 2
    if name == CYANOCOBALAMIN and not route:
        return "unplaced"  # row 3
    days = interval_days(entry.get("frequency"))
    if days is None:
        return "unplaced"  # row 6
    return "maintenance" if days >= 28 else "loading"  # rows 4 and 5


def content_of(entry: dict[str, Any]) -> str:
    """R1: what makes two entries equal."""
    return json.dumps(entry, sort_keys=True, default=repr)


def read_lab(place: str, entry: dict[str, Any], analyte: str) -> Result:
    """1.2 for serum B12; any other analyte is never compared."""
    flag = entry.get("flag")
    classes, issue = frozenset[str](), None
    if analyte == SERUM_B12:
        classes, issue = read_result(entry.get("value"), entry.get("unit"))
    text = "" if flag is None else str(flag).strip()
    return Result(place, analyte, content_of(entry), read_period(entry.get("when")), classes, issue, text)


def read_labs(case: Case) -> list[Result]:
    """Every result of a known analyte."""
    matched = [(place, entry, match(entry.get("analyte"), ANALYTES)) for place, entry in entries(case, "labs")]
    return [read_lab(place, entry, analyte) for place, entry, analyte in matched if analyte]


def read_mentions(case: Case) -> list[Mention]:
    """Findings and conditions alike (1.1 row List) that count."""
    mentions = []
    for place, entry in entries(case, "findings") + entries(case, "conditions"):
        name, state = match(entry.get("name"), FINDINGS + CONDITIONS), read_state(entry.get("state"))
        if name and state in ("present", "absent", "unknown"):
            mentions.append(Mention(place, name, state, read_period(entry.get("when"))))
    return mentions


def read_medicines(case: Case) -> list[Medicine]:
    """Every known medicine that was not entered in error."""
    medicines = []
    for place, entry in entries(case, "medications"):
        name, status = match(entry.get("name"), MEDICINES), read_status(entry.get("status"))
        if name and status != "error":
            phase = read_phase(name, entry) if name in B12_MEDICINES and status == "current" else None
            medicines.append(Medicine(place, name, status, phase, read_period(entry.get("since"))))
    return medicines


def read_record(case: Case) -> Record:
    """Section 1."""
    labs = read_labs(case)
    return Record(
        results=tuple(r for r in labs if r.analyte == SERUM_B12),
        others=tuple(r for r in labs if r.analyte != SERUM_B12),
        mentions=tuple(read_mentions(case)),
        medicines=tuple(read_medicines(case)),
        prefers_oral=tuple(place for place, e in entries(case, "preferences") if read_preference(e) == "oral"),
    )


# --- 2 Status ---------------------------------------------------------------------------------------------------------


def counting_results(record: Record) -> list[Result]:
    """Section 2: results with a class or open, and none such later."""
    usable = [r for r in record.results if r.classes]
    return [r for r in usable if not any(earlier(r.when, other.when) for other in usable)]


def read_level(record: Record, counting: list[Result]) -> tuple[str, list[str]]:
    """Section 2: the status and its statements."""
    if not record.results:
        return "not_assessed", ["R01"]  # row 1
    if not counting:
        by_unit = any(r.issue in ("DI-UNIT-MISSING", "DI-UNIT-IMPOSSIBLE") for r in record.results)
        return "uninterpretable", ["R01", "R04"] if by_unit else ["R01"]  # row 2
    sure = {next(iter(r.classes)) for r in counting if len(r.classes) == 1}
    if not sure:
        return "uninterpretable", ["R01", "R04"]  # row 3
    if len(sure) == 1 and all(sure <= r.classes for r in counting):
        level = sure.pop()
        return level, ["R04", "R14", "R03"] if level == WITHIN else ["R04", "R14"]  # row 4
    return "conflicting", ["R04"]  # row 5


def unheeded(record: Record, counting: list[Result]) -> list[Result]:
    """Unusable results that are earlier than no result that counts (5.1, section 10)."""
    unusable = [r for r in record.results if not r.classes]
    return [r for r in unusable if not any(earlier(r.when, c.when) for c in counting)]


# --- 3 Symptomatic and neuro ------------------------------------------------------------------------------------------


def read_symptomatic(record: Record) -> tuple[str, Grounds]:
    """3.2: never from anything but the finding itself, and fatigue where it is not recorded."""
    state = record.state(SYMPTOMS)
    base = record.about(SYMPTOMS)
    if state == "not_recorded" and record.is_present(FATIGUE):
        return "unknown", base | record.about(FATIGUE)
    if state == "not_recorded":
        return state, base | Grounds(assumes=frozenset({NO_SYMPTOMS}))
    return {"present": "yes", "absent": "no"}.get(state, state), base


def neuro_sides(record: Record) -> tuple[list[Mention], list[Mention], list[Mention], list[Mention]]:
    """3.3: entries for, suspect, against and unknown, before they supersede each other."""
    n, p, s = record.left(NEURO), record.left(POSSIBLE), record.left(SEVERE_NEURO)
    severe_doubtful = record.state(SEVERE_NEURO) == "conflicting"
    s_present = [m for m in s if m.state == "present"]
    pro = [m for m in n if m.state == "present"] + ([] if severe_doubtful else s_present)
    suspect = [m for m in p if m.state == "present"] + (s_present if severe_doubtful else [])
    against = [m for m in n if m.state == "absent"]
    return pro, suspect, against, [m for m in n + p if m.state == "unknown"]


def not_before(items: list[Mention], others: list[Mention]) -> list[Mention]:
    """The items that none of the others supersedes by being later."""
    return [m for m in items if not any(earlier(m.when, other.when) for other in others)]


def neuro_left(record: Record) -> tuple[list[Mention], list[Mention], list[Mention], list[Mention]]:
    """3.3: what is left of each after later entries superseded earlier ones."""
    pro, suspect, against, unknown = neuro_sides(record)
    return (
        not_before(pro, against),
        not_before(suspect, against),
        not_before(against, pro + suspect),
        not_before(unknown, against),
    )


def read_neuro(record: Record) -> tuple[str, Grounds]:
    """3.3: the first row that applies."""
    base = record.about(NEURO, POSSIBLE, SEVERE_NEURO)
    pro, suspect, against, unknown = neuro_left(record)
    if against and (pro or suspect):
        return "conflicting", base  # row 1
    if pro:
        return "present", base  # row 2
    if suspect:
        return "possible", base  # row 3
    if unknown:
        return "unknown", base  # row 4
    if against:
        return "absent", base  # row 5
    if record.state(POSSIBLE) == "absent":
        return "unknown", base  # row 6
    return "not_recorded", base | Grounds(assumes=frozenset({NO_NEURO}))  # row 7


def read_severe(record: Record) -> Grounds | None:
    """3.3, *Severe*: the clinician's finding, or severe neurological symptoms present and not superseded."""
    found = record.about_present(SEVERE)
    pro_left = neuro_left(record)[0]
    if record.is_present(SEVERE_NEURO) and any(m.name == SEVERE_NEURO for m in pro_left):
        return (found or Grounds()) | record.about(SEVERE_NEURO)
    return found


# --- The picture that sections 5 to 10 read ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line of the treat table that holds."""

    line: int
    value: str
    statements: tuple[str, ...]
    grounds: Grounds


@dataclass(frozen=True)
class Picture:
    """The readings of sections 1 to 4."""

    record: Record
    at: date | None
    counting: list[Result]
    status: str
    status_statements: list[str]
    status_grounds: Grounds
    symptomatic: str
    symptomatic_grounds: Grounds
    neuro: str
    neuro_grounds: Grounds
    severe: Grounds | None
    phase: str | None
    phase_medicines: list[Medicine]

    @property
    def phase_grounds(self) -> Grounds:
        """The medicine that gives the phase."""
        return grounds(self.phase_medicines)


def read_overall_phase(record: Record) -> tuple[str | None, list[Medicine]]:
    """Section 4: over several, maintenance, then loading, then unplaced, then oral."""
    for phase in ("maintenance", "loading", "unplaced", "oral"):
        giving = [m for m in record.medicines if m.phase == phase]
        if giving:
            return phase, giving
    return None, []


def picture_of(case: Case, at: str | None = None) -> Picture:
    """Sections 1 to 4."""
    record = read_record(case)
    counting = counting_results(record)
    status, statements = read_level(record, counting)
    absence = Grounds(assumes=frozenset({NO_RESULT} if status == "not_assessed" else ()))
    phase, giving = read_overall_phase(record)
    return Picture(
        record,
        date.fromisoformat(at) if at else None,
        counting,
        status,
        statements,
        grounds(record.results) | absence,
        *read_symptomatic(record),
        *read_neuro(record),
        read_severe(record),
        phase,
        giving,
    )


# --- 5 Treat ----------------------------------------------------------------------------------------------------------


def deficiency(p: Picture) -> Grounds | None:
    """Section 5: *Deficiency*; both ways, where both hold (R14)."""
    diagnosed = p.record.about_present(DIAGNOSIS)
    if p.status != BELOW:
        return diagnosed
    return p.status_grounds | (diagnosed or Grounds())


def line_1(p: Picture) -> Line | None:
    """Symptomatic, whatever the status."""
    return Line(1, "immediate", ("G01", "G10"), p.symptomatic_grounds) if p.symptomatic == "yes" else None


def line_2(p: Picture) -> Line | None:
    """Deficiency with neurological involvement present, possible or conflicting."""
    deficient = deficiency(p)
    if deficient is None or p.neuro not in ("present", "possible", "conflicting"):
        return None
    return Line(2, "immediate", ("G08",), deficient | p.neuro_grounds)


def line_3(p: Picture) -> Line | None:
    """A course under way."""
    base = p.phase_grounds | p.neuro_grounds
    if p.phase == "loading":
        by_neuro = {"present": ("G04", "G05"), "absent": ("G06", "G07")}
        return Line(3, "indicated", by_neuro.get(p.neuro, ("G12",)), base)
    if p.phase != "maintenance":
        return None
    statements = ("G05", "G12") if p.neuro == "present" else ("G07", "G12")
    pernicious = p.record.about_present(PERNICIOUS)
    if pernicious is None:
        return Line(3, "indicated", statements, base)
    return Line(3, "indicated", (*statements, "F11"), base | pernicious)


def line_4(p: Picture) -> Line | None:
    """Pernicious anaemia, severe or clinically significant deficiency."""
    grave = p.record.about_present(PERNICIOUS, SEVERE)
    significant = p.record.about_present(SIGNIFICANT)
    statements = (("F04",) if grave else ()) + (("F05",) if significant else ())
    return Line(4, "indicated", statements, (grave or Grounds()) | (significant or Grounds())) if statements else None


def line_5(p: Picture) -> Line | None:
    """Deficiency."""
    deficient = deficiency(p)
    if deficient is None:
        return None
    by_level = ("R14",) if p.status == BELOW else ()
    by_diagnosis = ("G08", "G15") if p.record.is_present(DIAGNOSIS) else ()
    return Line(5, "indicated", by_level + by_diagnosis, deficient)


def line_6(p: Picture) -> Line | None:
    """No symptoms, and a level between the cut-offs, or above them but flagged low."""
    flagged = p.status == ABOVE and any(r.low_flag for r in p.counting)
    if p.symptomatic != "no" or not (p.status == WITHIN or flagged):
        return None
    statements = ("R03", "R15", "F06", "R02") if flagged else ("R03", "R15", "F06")
    return Line(6, "judgement", statements, p.status_grounds | p.symptomatic_grounds)


def found_by_5_1(p: Picture) -> Grounds | None:
    """5.1: everything on record that keeps line 7 from applying, None if nothing does."""
    found: list[Grounds] = []
    if p.neuro in ("present", "possible", "unknown", "conflicting"):
        found.append(p.neuro_grounds)
    for name in (DIAGNOSIS, PERNICIOUS, SEVERE, SIGNIFICANT):
        if p.record.state(name) in ("present", "unknown", "conflicting"):
            found.append(p.record.about(name))
    medicines = [m for m in p.record.medicines if m.name in B12_MEDICINES]
    unusable = unheeded(p.record, p.counting)
    found += [grounds(items) for items in (medicines, unusable) if items]
    return merged(found) if found else None


def merged(items: Iterable[Grounds | None]) -> Grounds:
    """Everything in some grounds."""
    total = Grounds()
    for item in items:
        total = total | (item or Grounds())
    return total


def last_line(p: Picture) -> Line:
    """Lines 7 and 8."""
    found = found_by_5_1(p)
    base = merged([p.status_grounds, p.symptomatic_grounds, p.neuro_grounds, found])
    if p.symptomatic == "no" and p.status == ABOVE and found is None:
        return Line(7, "no_basis", ("R04", "R14"), base)
    level = () if p.status in CLASSES else ("R01",)
    symptoms = () if p.symptomatic in ("yes", "no") else ("G01",)
    return Line(8, "undetermined", ("R15", *level, *symptoms), base)


def treat_lines(p: Picture) -> list[Line]:
    """The deciding line, then each other line of 1 to 6 that holds."""
    holding = [line(p) for line in (line_1, line_2, line_3, line_4, line_5, line_6)]
    lines = [line for line in holding if line is not None]
    return lines or [last_line(p)]


# --- 6 Regimens -------------------------------------------------------------------------------------------------------

Field = dict[str, Any] | None


def stated(
    text: str, value: int | list[int] | None = None, unit: str | None = None, source: str | None = None
) -> Field:
    """A field that the document states."""
    return {"text": text, "value": value, "unit": unit, "inherited_from": source}


IM = "intramuscular"
# 6.1: value -> statements, agent, dose, route, frequency, duration
STATED: dict[str, tuple[tuple[str, ...], Field, Field, Field, Field, Field]] = {
    "HYD-NEURO-LOAD": (
        ("G04",), stated("hydroxocobalamin"), stated("1 mg", 1, "mg"), stated(IM), stated("alternate days"),
        stated("until there is no further improvement"),
    ),
    "HYD-NEURO-MAINT": (
        ("G05",), stated("hydroxocobalamin", source="G04"), stated("1 mg", 1, "mg", "G04"), stated(IM, source="G04"),
        stated("every 2 months", 2, "month"), None,
    ),
    "HYD-STD-LOAD": (
        ("G06",), stated("hydroxocobalamin"), stated("1 mg", 1, "mg"), stated(IM),
        stated("three times a week", 3, "per week"), stated("2 weeks", 2, "week"),
    ),
    "HYD-STD-MAINT": (
        ("G07",), stated("hydroxocobalamin", source="G06"), stated("1 mg", 1, "mg"), stated(IM),
        stated("every 2\u20133 months", [2, 3], "month"), stated("for life"),
    ),
    "HYD-GEN-MAINT": (
        ("G12",), None, stated("1 mg", 1, "mg"), stated(IM), stated("every 2\u20133 months", [2, 3], "month"),
        stated("for life"),
    ),
    "LABEL-1": (
        ("F01", "F08"), None, stated("100 mcg", 100, "mcg"), stated("intramuscular or deep subcutaneous"),
        stated("daily"), stated("6 or 7 days", [6, 7], "day"),
    ),
    "LABEL-2": (
        ("F09",), None, stated("100 mcg", 100, "mcg"), None, stated("alternate days"),
        stated("seven doses", 7, "dose"),
    ),
    "LABEL-3": (
        ("F10",), None, stated("100 mcg", 100, "mcg", "F09"), None, stated("every 3 to 4 days", [3, 4], "day"),
        stated("another 2 to 3 weeks", [2, 3], "week"),
    ),
    "LABEL-4": (("F11",), None, stated("100 mcg", 100, "mcg"), None, stated("monthly"), stated("for life")),
    "LABEL-NORMABS-INIT": (
        ("F02",), None, stated("similar to that for patients with pernicious anemia"), None, None, None,
    ),
    "ORAL-HIGH": (
        ("R10",), stated("vitamin B12"), stated("1 to 2 mg", [1, 2], "mg"), stated("oral"), stated("daily"), None,
    ),
    "BNF-MALABS-MAINT": (
        ("R13",), stated("hydroxocobalamin"), stated("1000 \u00b5g", 1000, "\u00b5g"), stated(IM),
        stated("once every two months", 2, "month"), None,
    ),
}  # fmt: skip

# 6.2: value, trigger, role, then the step with no phase or oral, unplaced, loading, maintenance
WHO: tuple[tuple[str, str, str, str, str, str, str], ...] = (
    ("HYD-NEURO-LOAD", "neuro present", "recommended", "now", "now, provisional", "6.3", "-"),
    ("HYD-NEURO-LOAD", "neuro possible, conflicting, unknown, not_recorded", "provisional", "now", "now", "now", "-"),
    ("HYD-NEURO-MAINT", "neuro present", "recommended", "next", "next, provisional", "6.3", "now"),
    ("HYD-STD-LOAD", "neuro absent", "recommended", "now", "now, provisional", "6.3", "-"),
    ("HYD-STD-LOAD", "neuro unknown, not_recorded", "provisional", "now", "now", "now", "-"),
    ("HYD-STD-MAINT", "neuro absent", "recommended", "next", "next, provisional", "6.3", "now"),
    ("HYD-GEN-MAINT", "neuro possible, conflicting, unknown, not_recorded", "provisional", "-", "-", "-", "now"),
    ("LABEL-1", PERNICIOUS, "alternative", "now", "now", "-", "-"),
    ("LABEL-2", PERNICIOUS, "alternative", "next", "next", "-", "-"),
    ("LABEL-3", PERNICIOUS, "alternative", "next", "next", "-", "-"),
    ("LABEL-4", PERNICIOUS, "alternative", "next", "next", "next", "now"),
    ("LABEL-NORMABS-INIT", NORMAL_ABSORPTION, "may-be-indicated", "now", "now", "-", "-"),
    ("ORAL-HIGH", "oral", "evidence-option", "now", "now", "now", "now"),
    ("BNF-MALABS-MAINT", MALABSORPTION, "alternative", "next", "next", "next", "now"),
)
COLUMN = {None: 3, "oral": 3, "unplaced": 4, "loading": 5, "maintenance": 6}


def trigger_grounds(p: Picture, trigger: str) -> Grounds | None:
    """6.2, column trigger: what triggers it, None if it does not apply."""
    if trigger.startswith("neuro "):
        return p.neuro_grounds if p.neuro in trigger.removeprefix("neuro ").split(", ") else None
    if trigger == "oral":  # prefers oral, or phase oral
        oral = p.phase_grounds if p.phase == "oral" else Grounds()
        found = Grounds(frozenset(p.record.prefers_oral)) | oral
        return found if found.facts else None
    return p.record.about_present(trigger)


def loading_done(p: Picture) -> bool:
    """6.3: whether the loading under way is complete."""
    if p.neuro == "present":
        return p.record.state(IMPROVEMENT) == "absent"
    sinces = [m.since for m in p.phase_medicines]
    return p.at is not None and all(s is not None and (p.at - s.last).days >= 14 for s in sinces)


def step_6_3(p: Picture, value: str) -> str:
    """6.3: load step and maintenance step."""
    done = loading_done(p)
    if value.endswith("-LOAD"):
        return "done" if done else "now"
    return "now" if done else "next"


def regimen(p: Picture, treat: Line, row: tuple[str, str, str, str, str, str, str]) -> Conclusion | None:
    """One row of 6.2, if it applies and is shown."""
    value, trigger, role = row[0], row[1], row[2]
    triggered, cell = trigger_grounds(p, trigger), row[COLUMN[p.phase]]
    if triggered is None or cell == "-":
        return None
    base = merged([treat.grounds, p.neuro_grounds, triggered, p.phase_grounds])
    step = cell.removesuffix(", provisional")
    if cell == "6.3":
        step = step_6_3(p, value)
        base = base | (p.record.about(IMPROVEMENT) if p.neuro == "present" else Grounds())
    statements, *fields = STATED[value]
    more = dict(zip(("agent", "dose", "route", "frequency", "duration"), fields, strict=True))
    role = "provisional" if cell.endswith("provisional") else role
    return conclusion("regimen", value, statements, base, role=role, step=step, **more)


def regimens(p: Picture, treat: Line) -> list[Conclusion]:
    """Section 6: only when treated; each row that applies."""
    if not treated(treat):
        return []
    return [found for row in WHO if (found := regimen(p, treat, row)) is not None]


def treated(treat: Line) -> bool:
    """Section 5, *Treated*."""
    return treat.value in ("immediate", "indicated")


# --- 7 Cautions, referral, monitoring ---------------------------------------------------------------------------------


def folate_grounds(p: Picture) -> Grounds | None:
    """Folate deficiency present, or folic acid on record and not stopped."""
    acids = [m for m in p.record.medicines if m.name == FOLIC_ACID and m.status != "stopped"]
    total = merged([p.record.about_present(FOLATE_DEFICIENCY), grounds(acids)])
    return total if total.facts else None


def biomarker_grounds(p: Picture) -> Grounds | None:
    """A result of holotranscobalamin, methylmalonic acid or homocysteine."""
    results = [r for r in p.record.others if r.analyte in SECOND_LINE]
    return grounds(results) if results else None


def debated_grounds(p: Picture) -> Grounds | None:
    """Status within or conflicting, or a flag on a result that counts."""
    by_status = p.status_grounds if p.status in (WITHIN, "conflicting") else Grounds()
    total = by_status | grounds(r for r in p.counting if r.flag)
    return total if total.facts else None


def individual_grounds(p: Picture, treat: Line) -> Grounds | None:
    """Treated or judgement, with a recorded cause."""
    cause = p.record.about_present(LOW_INTAKE, MALABSORPTION, PERNICIOUS)
    return treat.grounds | cause if cause and (treated(treat) or treat.value == "judgement") else None


def monitoring_grounds(p: Picture, treat: Line) -> Grounds | None:
    """Treated, or a B12 medicine current."""
    current = [m for m in p.record.medicines if m.phase is not None]
    if not current and not treated(treat):
        return None
    return grounds(current) | (treat.grounds if treated(treat) else Grounds())


def cautions(p: Picture, treat: Line) -> list[Conclusion]:
    """Section 7, each row."""
    suspected = p.neuro_grounds if p.neuro in ("present", "possible", "conflicting") else None
    folate = folate_grounds(p)
    rows: list[tuple[str, str, Grounds | None, tuple[str, ...]]] = [
        ("caution", "CA-CUTOFF-DEBATED", debated_grounds(p), ("R02", "R03", "R15")),
        ("caution", "CA-BIOMARKERS", biomarker_grounds(p), ("R05",)),
        ("caution", "CA-SCD", suspected, ("G08", "G09")),
        ("caution", "CA-INDIVIDUALISE", individual_grounds(p, treat), ("R08", "R09")),
        ("caution", "CA-IM-SEVERE", p.severe, ("R11", "R12")),
        ("caution", "CA-FOLATE-NOT-FIRST", folate, ("G16", "G17")),
        ("caution", "CA-FOLATE-WITH-IF-NEEDED", folate, ("F12",)),
        ("referral", "RF-NEURO-HAEM-URGENT", suspected, ("G13",)),
        ("monitoring", "MO-B12-REGULAR", monitoring_grounds(p, treat), ("G14",)),
    ]
    return [conclusion(kind, value, by, base) for kind, value, base, by in rows if base is not None]


# --- 8 Conflicts ------------------------------------------------------------------------------------------------------


def conflict(value: str, base: Grounds, side_a: Iterable[str], side_b: Iterable[str]) -> Conclusion:
    """A conflict with its two sides."""
    a, b = list(side_a), list(side_b)
    return conclusion("conflict", value, a + b, base, sides=[a, b])


def level_conflicts(p: Picture) -> list[Conclusion]:
    """CP01, CP03, CP05, CP15: about the level."""
    found = []
    deficient = deficiency(p)
    triggers = p.record.about_present(PERNICIOUS, SEVERE, SIGNIFICANT)
    if p.symptomatic == "yes" and p.status == ABOVE:
        base = p.symptomatic_grounds | p.status_grounds
        found.append(conflict("CP01", base, ["G01", "G10"], ["R01", "R04", "R14"]))
    if p.status == WITHIN:
        found.append(conflict("CP03", p.status_grounds, ["R02", "R03", "R15"], ["R04", "R14"]))
    if deficient is not None and p.symptomatic != "yes":
        base = deficient | p.symptomatic_grounds
        found.append(conflict("CP05", base, ["G01", "G10"], ["G08", "G15", "F06", "R15"]))
    if p.status == ABOVE and triggers is not None:
        grave = ["F04"] * (p.record.is_present(PERNICIOUS) or p.record.is_present(SEVERE))
        significant = ["F05"] * p.record.is_present(SIGNIFICANT)
        found.append(conflict("CP15", p.status_grounds | triggers, ["G01"], [*grave, *significant, "R14"]))
    return found


def treatment_conflicts(p: Picture, treat: Line) -> list[Conclusion]:
    """CP08, CP09, CP13: when treated, and a cause or an absorption is on record."""
    if not treated(treat):
        return []
    found, record = [], p.record
    pernicious, malabsorbed = record.is_present(PERNICIOUS), record.is_present(MALABSORPTION)
    normal = record.is_present(NORMAL_ABSORPTION)
    maintenance = ["G07", "G12"] if p.neuro == "absent" else ["G12"]
    if cause := record.about_present(MALABSORPTION, PERNICIOUS):
        found.append(conflict("CP08", treat.grounds | cause, maintenance, ["R13"] * malabsorbed + ["F11"] * pernicious))
    label = record.about_present(PERNICIOUS, NORMAL_ABSORPTION)
    if label and p.phase not in ("loading", "maintenance"):
        loading = {"present": ["G04"], "absent": ["G06"]}.get(p.neuro, [])
        side_b = ["F01", "F08"] + ["F09", "F10"] * pernicious
        found.append(conflict("CP09", treat.grounds | label, [*loading, "G11"], side_b))
    if ends := record.about_present(LOW_INTAKE, NORMAL_ABSORPTION):
        for_life = maintenance + ["F11"] * pernicious
        found.append(conflict("CP13", treat.grounds | ends, for_life, ["R08", "R09"] + ["F02"] * normal))
    return found


def grounds_of(made: Conclusion) -> Grounds:
    """The grounds of a conclusion that another one rests on."""
    return Grounds(frozenset(made["facts"]), frozenset(made["assumes"]))


def regimen_conflicts(p: Picture, shown: dict[str, Conclusion]) -> list[Conclusion]:
    """CP06, CP07, CP10, CP11: where a regimen is shown."""
    found = []
    if "HYD-NEURO-MAINT" in shown:
        base = grounds_of(shown["HYD-NEURO-MAINT"])
        found += [conflict("CP06", base, ["G05"], ["G12"]), conflict("CP07", base, ["G05"], ["G12", "G07"])]
    if "ORAL-HIGH" in shown:
        base = grounds_of(shown["ORAL-HIGH"])
        found.append(conflict("CP10", base, ["G11"], ["R10"] + ["F01"] * p.record.is_present(PERNICIOUS)))
        if p.severe is not None:
            side_b = ["R11", "R12"] + ["G04"] * (p.neuro == "present")
            found.append(conflict("CP11", base | p.severe, ["R10"], side_b))
    return found


def conflicts(p: Picture, treat: Line, made: list[Conclusion]) -> list[Conclusion]:
    """Section 8, each row."""
    found = level_conflicts(p) + treatment_conflicts(p, treat)
    found += regimen_conflicts(p, {c["value"]: c for c in made})
    if folate := folate_grounds(p):
        found.append(conflict("CP12", folate, ["G16", "G17"], ["F12"]))
    if biomarkers := biomarker_grounds(p):
        found.append(conflict("CP16", biomarkers, ["R05"], ["R07"]))
    return found


# --- 9 Data issues ----------------------------------------------------------------------------------------------------

ISSUE_STATEMENT = {
    "DI-NOT-A-NUMBER": "R01", "DI-NEGATIVE": "R01", "DI-UNIT-MISSING": "R04", "DI-UNIT-IMPOSSIBLE": "R04",
    "DI-CENSORED": "R04",
}  # fmt: skip
CONTRADICTED = {
    DIAGNOSIS: ["G08"], PERNICIOUS: ["F04"], SEVERE: ["F04"], SIGNIFICANT: ["F05"], MALABSORPTION: ["R13"],
    NORMAL_ABSORPTION: ["F02"], FOLATE_DEFICIENCY: ["G16"], IMPROVEMENT: ["G04"], LOW_INTAKE: ["R08"],
    POSSIBLE: ["G13"], SEVERE_NEURO: ["R12"],
}  # fmt: skip


def issue(value: str, severity: str, statements: Iterable[str], base: Grounds) -> Conclusion:
    """A data issue."""
    return conclusion("data-issue", value, statements, base, severity=severity)


def equal_groups(results: Iterable[Result]) -> list[list[Result]]:
    """1.1 Same entry twice: equal entries are one."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.content, []).append(result)
    return list(groups.values())


def result_issues(p: Picture) -> list[Conclusion]:
    """Rows 1 to 4: one for each record."""
    found = []
    for group in equal_groups(p.record.results):
        if name := group[0].issue:
            found.append(issue(name, "error", [ISSUE_STATEMENT[name]], grounds(group)))
    for group in equal_groups(p.record.others):
        statements = ["R04", "R05"] if group[0].analyte in SECOND_LINE else ["R04"]
        found.append(issue("DI-OTHER-ANALYTE", "info", statements, grounds(group)))
    return found


def contradictions(p: Picture) -> list[Conclusion]:
    """The rows DI-CONTRADICTORY: one for each name."""
    found: list[tuple[list[str], Grounds]] = []
    if p.status == "conflicting":
        found.append((["R04"], grounds(p.counting)))
    if p.symptomatic == "conflicting":
        found.append((["G01"], p.symptomatic_grounds))
    if p.neuro == "conflicting":
        found.append((["G03"], p.neuro_grounds))
    elif p.record.state(NEURO) == "conflicting":  # R9
        found.append((["G03"], p.record.about(NEURO)))
    for name in FINDINGS + CONDITIONS:
        if name not in (SYMPTOMS, NEURO) and p.record.state(name) == "conflicting":
            found.append((CONTRADICTED.get(name, []), p.record.about(name)))
    if p.record.is_present(MALABSORPTION) and p.record.is_present(NORMAL_ABSORPTION):
        found.append((["R13", "F02"], p.record.about(MALABSORPTION, NORMAL_ABSORPTION)))
    return [issue("DI-CONTRADICTORY", "error", statements, base) for statements, base in found]


# --- 10 Open questions ------------------------------------------------------------------------------------------------

Q_LEVEL = SERUM_B12
Q_UNIT = "unit of the serum B12 result"
Q_PHASE = "phase of the vitamin B12 treatment"
Q_START = "start of the vitamin B12 treatment"
Q_DATE = "date of the assessment"


def question(value: str, statements: Iterable[str], base: Grounds) -> Conclusion:
    """An open question."""
    return conclusion("open-question", value, statements, base)


def level_questions(p: Picture) -> list[Conclusion]:
    """Rows 1 and 2: the level and its unit."""
    pending = unheeded(p.record, p.counting)
    by_unit = [r for r in pending if r.issue in ("DI-UNIT-MISSING", "DI-UNIT-IMPOSSIBLE")]
    other = [r for r in pending if r not in by_unit]
    unclear = p.status in ("not_assessed", "conflicting") or (p.status == "uninterpretable" and bool(p.counting))
    found = []
    if unclear or other:
        base = grounds(other) | (p.status_grounds if unclear else Grounds())
        found.append(question(Q_LEVEL, ["R01", "R06"], base))
    if by_unit:
        found.append(question(Q_UNIT, ["R04"], grounds(by_unit)))
    return found


def loading_questions(p: Picture) -> list[Conclusion]:
    """Rows 5, 7 and 8: what 6.3 asks."""
    if p.phase != "loading":
        return []
    base = p.phase_grounds | p.neuro_grounds
    if p.neuro == "present" and p.record.state(IMPROVEMENT) not in ("present", "absent"):
        return [question(IMPROVEMENT, ["G04"], base | p.record.about(IMPROVEMENT))]
    if p.neuro != "absent":
        return []
    sinces = [m.since for m in p.phase_medicines]
    readable = [s for s in sinces if s is not None]
    vague = p.at is not None and any((p.at - s.first).days >= 14 > (p.at - s.last).days for s in readable)  # R18
    found = []
    if len(readable) < len(sinces) or vague:
        found.append(question(Q_START, ["G06"], base))
    if readable and p.at is None:
        found.append(question(Q_DATE, ["G06"], base))
    return found


def open_questions(p: Picture, treat: Line) -> list[Conclusion]:
    """Section 10, each row."""
    found = level_questions(p) + loading_questions(p)
    if p.symptomatic not in ("yes", "no"):
        found.append(question(SYMPTOMS, ["G01", "R15"], p.symptomatic_grounds))
    if treated(treat) and p.neuro not in ("present", "absent"):
        found.append(question(NEURO, ["G03"], treat.grounds | p.neuro_grounds))
    if p.phase == "unplaced":
        found.append(question(Q_PHASE, ["G05", "G07"], p.phase_grounds))
    return found


# --- 11 Conclusions and notes -----------------------------------------------------------------------------------------


def conclusion(kind: str, value: str, statements: Iterable[str], base: Grounds, **more: Any) -> Conclusion:
    """A conclusion in the form the tests compare."""
    assumes = [text for text in ASSUMPTIONS if text in base.assumes]
    made = {"kind": kind, "value": value, "statements": list(statements), "facts": sorted(base.facts)}
    return {**made, "assumes": assumes, **more}


def treat_conclusion(lines: list[Line]) -> Conclusion:
    """Section 5 with `also`."""
    first, *rest = lines
    also = [{"line": line.line, "value": line.value, "statements": list(line.statements)} for line in rest]
    return conclusion("treat", first.value, first.statements, first.grounds, also=also)


def conclusions(case: Case, at: str | None = None) -> list[Conclusion]:
    """Every conclusion that the tables give for a case."""
    p = picture_of(case, at)
    lines = treat_lines(p)
    made = regimens(p, lines[0])
    return [
        conclusion("status", p.status, p.status_statements, p.status_grounds),
        conclusion("symptomatic", p.symptomatic, ["G01", "R15"], p.symptomatic_grounds),
        conclusion("neuro", p.neuro, ["G03"], p.neuro_grounds),
        treat_conclusion(lines),
        *made,
        *cautions(p, lines[0]),
        *conflicts(p, lines[0], made),
        *open_questions(p, lines[0]),
        *result_issues(p),
        *contradictions(p),
    ]


def deciding_line(case: Case, at: str | None = None) -> int:
    """The line of the treat table that decides (not part of a conclusion; for counting what a test reaches)."""
    return treat_lines(picture_of(case, at))[0].line


def unmatched(listed: str, entry: dict[str, Any]) -> bool:
    """Notes: a name, unit, topic, status or state that nothing matches."""
    if listed == "labs":
        analyte, unit = match(entry.get("analyte"), ANALYTES), entry.get("unit")
        blank = unit is None or (isinstance(unit, str) and not unit.strip())
        return analyte is None or (analyte == SERUM_B12 and not blank and read_unit(unit) is None)  # R24
    if listed == "medications":
        return match(entry.get("name"), MEDICINES) is None or read_status(entry.get("status")) in ("unknown", "error")
    if listed == "preferences":
        return read_preference(entry) is None
    state = read_state(entry.get("state"))
    odd = state == "unknown" and plain(entry.get("state")) != "unknown"
    return match(entry.get("name"), FINDINGS + CONDITIONS) is None or odd or state in ("resolved", "error")


def superseded(record: Record) -> set[str]:
    """Notes: a superseded result (section 2) or entry (section 3, 3.3)."""
    results = {r.place for r in record.results if r.classes} - {r.place for r in counting_results(record)}
    named = {m.place for m in record.mentions if m not in record.left(m.name)}
    before = {m.place for side in neuro_sides(record) for m in side}
    after = {m.place for side in neuro_left(record) for m in side}
    return results | named | (before - after)


def noted(case: Case, at: str | None = None) -> set[str]:
    """The places that must carry at least one note."""
    everything = {(listed, place): entry for listed in LISTS for place, entry in entries(case, listed)}
    odd = {place for (listed, place), entry in everything.items() if unmatched(listed, entry)}
    keys = {place for (listed, place), entry in everything.items() if set(entry) - KNOWN_KEYS[listed]}
    used = {place for made in conclusions(case, at) for place in made["facts"]}
    idle = {place for _, place in everything} - used
    return odd | keys | superseded(read_record(case)) | idle
