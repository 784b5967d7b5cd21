"""Drawn cases that reach every row of the decision tables, and a count of what a number of draws reaches.

The same generator state gives the same case. `coverage` says how often each conclusion of the catalogue, each line of
the treat table and each cell of table 6.2 came up; `missing` names those that never did.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from decimal import Decimal
from typing import Any

from oracle import tables
from oracle.tables import Case

Entry = dict[str, Any]

# --- Material ---------------------------------------------------------------------------------------------------------

# 1.4: values at and beside the ends of the cut-offs, in pmol/L and in pg/mL.
MOLAR_EDGES = ("99.999", "100", "100.0", "299.99", "300", "300.0", "99", "301", "0")
MASS_EDGES = ("134.9", "135", "135.0", "135.4", "405.99", "406", "406.4", "134", "407", "0")
# 1.3: unit as recorded, powers of ten between the edge and the value to record, and the edges it belongs to.
USABLE_UNITS = (
    ("pmol/L", 0, MOLAR_EDGES), ("PMOL/l", 0, MOLAR_EDGES), ("pmol / L", 0, MOLAR_EDGES), ("nmol/L", -3, MOLAR_EDGES),
    ("pg/mL", 0, MASS_EDGES), ("PG/ML", 0, MASS_EDGES), ("ng/L", 0, MASS_EDGES), ("ng/dL", -1, MASS_EDGES),
    ("\u00b5g/L", -3, MASS_EDGES), ("\u03bcg/L", -3, MASS_EDGES), ("ug/L", -3, MASS_EDGES), ("mcg/L", -3, MASS_EDGES),
    ("ng/mL", -3, MASS_EDGES),
)  # fmt: skip
NO_UNITS = ("", "  ", None)
OTHER_UNITS = ("mmol/L", "\u00b5mol/L", "\u03bcmol/L", "IU/L", "pg/L", "pmol", "g/L", "%")
UNUSABLE = (
    "haemolysed", "80,5", "1,200", "80 pmol/L", True, False, None, float("inf"), float("-inf"), "1e3", "", "pending",
    "<80 pmol/L", "<", "-", "see note", "inf",
)  # fmt: skip
NEGATIVE = ("<0", "-5", -5, -0.5, Decimal("-12.5"), "<-5", ">-1", "< 0")
BOUNDS = (
    "<100", "\u2264100", "<=100", ">=300", "\u2265300", ">300", ">50", "<50", "<135", "<=135", ">=406", ">405.9",
    "<300", ">=100", "<406", "\u22640", "<=0", ">0", ">=135", "\u2264299.99", "< 100", "\u2265 300", ">100",
)  # fmt: skip
DAYS = ("2025-12-20", "2026-01-05", "2026-01-06", "2026-01-19", "2026-01-20", "2026-02-01", "2026-02-14", "2026-03-02")
PERIODS = ("2025", "2026", 2026, "2025-12", "2026-01", "2026-02", "2026-01-20T08:30:00Z", "2026-02-01T23:59:00+02:00")
UNREADABLE = ("last spring", "", "2026-13", "2026-02-30", "05/01/2026", None)
LOW_FLAGS = ("L", "low", "LL", "Low", "below range", "result below cut-off", "very low")
OTHER_FLAGS = ("H", "N", "high", "lowered", "A", "HL", "above range")
STATES = ("present", "absent", "unknown")
ODD_STATES = ("maybe", "yes", "suspected", "", None, True, 1)
GONE_STATES = ("resolved", "inactive", "in remission")
STATUSES = ("current", "stopped", "completed", "cancelled", "planned", "draft", "intended", "on hold")
ODD_STATUSES = ("perhaps", "", None, "paused by patient")
SHORT = (
    "daily", "alternate days", "on alternate days", "three times a week", "twice a week", "weekly", "every 3 days",
    "every 27 days", "fortnightly", "every 2 weeks", "every 3 to 4 days", "every 3\u20134 weeks", "every 3 weeks",
)  # fmt: skip
LONG = (
    "every 4 weeks", "every 28 days", "monthly", "every month", "every 2 months", "every 2\u20133 months",
    "every 2-3 months", "every 12 weeks", "every 2 to 3 months", "once every two months", "every 4\u20135 weeks",
)  # fmt: skip
UNCLEAR = ("as needed", "as directed", "", None)
PREFERENCES = (
    ("route", "oral"), ("route", "oral"), ("injections", "declined"), ("injections", "declined"),
    ("route", "intramuscular"), ("injections", "accepted"), ("route", "carrier pigeon"), ("colour", "blue"),
)  # fmt: skip
NOT_A_NAME = "unlisted thing zq"
ODD_KEYS = (("comment", "as told by the patient"), ("source_system", "ward 7"), ("x_priority", 2))


def chance(rng: random.Random, probability: float) -> bool:
    """True with this probability."""
    return rng.random() < probability


def respell(rng: random.Random, name: str) -> str:
    """Names are matched ignoring case (engine/CASES.md)."""
    return rng.choice([name.upper(), name.lower(), name.title()]) if chance(rng, 0.05) else name


def put_when(rng: random.Random, entry: Entry, full_days: bool, key: str = "when", often: float = 0.5) -> None:
    """A date, or none: full days, or every granularity and unreadable text."""
    if not chance(rng, often):
        return
    entry[key] = rng.choice(DAYS) if full_days or chance(rng, 0.5) else rng.choice(PERIODS + UNREADABLE)


# --- Laboratory results -----------------------------------------------------------------------------------------------


def scaled(rng: random.Random, text: str, power: int) -> int | float | str | Decimal:
    """An edge in the unit it is recorded in, exactly, as one of the types that a value may have."""
    number = Decimal(text).scaleb(power)
    written = format(number, "f")
    forms: list[int | float | str | Decimal] = [written, number, float(written)]
    if number == number.to_integral_value():
        forms.append(int(number))
    return rng.choice(forms)


def edge_lab(rng: random.Random) -> Entry:
    """1.3, 1.4: an edge in a usable unit; sometimes the edge of the other kind of unit, or not scaled."""
    unit, power, edges = rng.choice(USABLE_UNITS)
    if chance(rng, 0.15):
        edges = rng.choice((MOLAR_EDGES, MASS_EDGES))
    if chance(rng, 0.1):
        power = rng.choice((-3, -1, 0, 1))
    return {"value": scaled(rng, rng.choice(edges), power), "unit": unit}


def odd_lab(rng: random.Random) -> Entry:
    """1.2, rows 1 to 6."""
    unit: str | None = rng.choice(USABLE_UNITS)[0]
    if chance(rng, 0.2):
        unit = rng.choice(NO_UNITS + OTHER_UNITS)
    kind = rng.random()
    if kind < 0.3:
        return {"value": rng.choice(UNUSABLE), "unit": unit}
    if kind < 0.4:
        return {"value": rng.choice(NEGATIVE), "unit": unit}
    if kind < 0.65:
        return {"value": rng.choice(BOUNDS), "unit": rng.choice(("pmol/L", "pg/mL", "ng/L", "nmol/L", unit))}
    if kind < 0.95:
        return {"value": rng.choice((80, 120, 350, "90.5")), "unit": rng.choice(NO_UNITS + OTHER_UNITS)}
    return {"unit": unit} if chance(rng, 0.5) else {"value": 80}


def plain_lab(rng: random.Random) -> Entry:
    """A result as most records have it."""
    if chance(rng, 0.7):
        return {"value": rng.choice((45, 80, 92.5, 99, 130, 180, 240, 299, 320, 350, 410, 520)), "unit": "pmol/L"}
    return {"value": rng.choice((60, 110, 134, 200, 300, 405, 420, 500, 610.5)), "unit": rng.choice(("pg/mL", "ng/L"))}


def stress_lab(rng: random.Random) -> Entry:
    """A result of any analyte, value, unit, date and flag."""
    analyte = tables.SERUM_B12
    if chance(rng, 0.2):
        analyte = rng.choice((*tables.ANALYTES[1:], NOT_A_NAME))
    entry = {"analyte": respell(rng, analyte), **rng.choice((edge_lab, edge_lab, odd_lab, plain_lab))(rng)}
    put_when(rng, entry, full_days=False)
    if chance(rng, 0.2):
        entry["flag"] = rng.choice(LOW_FLAGS + OTHER_FLAGS)
    if chance(rng, 0.02):
        del entry["analyte"]
    return entry


def plausible_labs(rng: random.Random) -> list[Entry]:
    """Mostly one result; sometimes an earlier one, a flag, another analyte."""
    labs = []
    for _ in range(rng.choices((0, 1, 2), (20, 65, 15))[0]):
        entry = {"analyte": tables.SERUM_B12, **rng.choice((plain_lab, plain_lab, edge_lab))(rng)}
        put_when(rng, entry, full_days=True, often=0.7)
        if chance(rng, 0.08):
            entry["flag"] = rng.choice(LOW_FLAGS)
        labs.append(entry)
    if chance(rng, 0.08):
        labs.append({"analyte": rng.choice(tables.ANALYTES[1:]), "value": 12, "unit": "\u00b5mol/L"})
    if chance(rng, 0.06):
        labs.append({"analyte": tables.SERUM_B12, **odd_lab(rng)})
    return labs


# --- Findings and conditions ------------------------------------------------------------------------------------------


def draw_state(rng: random.Random) -> Entry:
    """A state of any kind, or none."""
    kind = rng.random()
    if kind < 0.8:
        return {"state": rng.choice(STATES)}
    if kind < 0.88:
        return {"state": rng.choice(GONE_STATES)}
    if kind < 0.91:
        return {"state": rng.choice(("entered in error", "entered-in-error"))}
    return {"state": rng.choice(ODD_STATES)} if kind < 0.97 else {}


def stress_mentions(rng: random.Random) -> list[Entry]:
    """Entries of a few names, several of them about neuro, and often two of one name that disagree."""
    found: list[Entry] = []
    for _ in range(rng.randrange(7)):
        neuro = (tables.NEURO, tables.POSSIBLE, tables.SEVERE_NEURO, tables.SYMPTOMS)
        name = rng.choice(neuro if chance(rng, 0.45) else tables.FINDINGS + tables.CONDITIONS)
        entry = {"name": respell(rng, name), **draw_state(rng)}
        put_when(rng, entry, full_days=False)
        found.append(entry)
    if chance(rng, 0.3):
        name = rng.choice(tables.FINDINGS + tables.CONDITIONS)
        found += [{"name": name, "state": "present"}, {"name": name, "state": "absent"}]
    if chance(rng, 0.08):
        found.append({"name": NOT_A_NAME, "state": "present"})
    if chance(rng, 0.02):
        found.append({"state": "present"})
    return found


def plausible_findings(rng: random.Random) -> list[Entry]:
    """Symptoms and neurological involvement as most records have them, rarely more."""
    found: list[Entry] = []
    if chance(rng, 0.75):
        state = rng.choices(STATES, (35, 55, 10))[0]
        found.append({"name": tables.SYMPTOMS, "state": state})
    if chance(rng, 0.75):
        state = rng.choices(STATES, (35, 55, 10))[0]
        found.append({"name": tables.NEURO, "state": state})
        put_when(rng, found[-1], full_days=True, often=0.3)
    for name in tables.FINDINGS[2:]:
        if chance(rng, 0.06):
            found.append({"name": name, "state": rng.choices(STATES, (70, 20, 10))[0]})
    return found


def plausible_conditions(rng: random.Random) -> list[Entry]:
    """Rarely more than one."""
    return [
        {"name": name, "state": rng.choices(STATES, (85, 10, 5))[0]} for name in tables.CONDITIONS if chance(rng, 0.09)
    ]


# --- Medicines and preferences ----------------------------------------------------------------------------------------


def plausible_course(rng: random.Random) -> Entry:
    """A current B12 medicine as section 4 reads it, with a known phase more often than not."""
    entry: Entry = {"name": rng.choice(tables.B12_MEDICINES), "status": "current", "dose": "1 mg"}
    kind = rng.choices(("loading", "maintenance", "oral", "open"), (45, 25, 15, 15))[0]
    if kind == "oral":
        return {**entry, "route": "oral", "frequency": "daily"}
    if kind == "open":
        return {**entry, "frequency": rng.choice(UNCLEAR)}
    entry["route"] = "intramuscular"
    entry["frequency"] = rng.choice(SHORT if kind == "loading" else LONG)
    if chance(rng, 0.3):
        entry["course"] = kind
    put_when(rng, entry, full_days=chance(rng, 0.6), key="since", often=0.75)
    return entry


def plausible_medicines(rng: random.Random) -> list[Entry]:
    """A B12 medicine in a third of cases; folic acid and metformin now and then."""
    found = [plausible_course(rng)] if chance(rng, 0.33) else []
    if chance(rng, 0.12):
        found.append({"name": tables.FOLIC_ACID, "dose": "5 mg", "frequency": "daily", "status": rng.choice(STATUSES)})
    if chance(rng, 0.08):
        found.append({"name": tables.METFORMIN, "status": "current"})
    return found


def stress_medicine(rng: random.Random) -> Entry:
    """Any medicine, status, route, frequency, course and start."""
    name = rng.choice((*tables.MEDICINES, *tables.B12_MEDICINES, NOT_A_NAME))
    entry: Entry = {"name": respell(rng, name)}
    if chance(rng, 0.92):
        entry["status"] = "current" if chance(rng, 0.5) else rng.choice(STATUSES + ODD_STATUSES + ("entered in error",))
    if chance(rng, 0.6):
        entry["route"] = rng.choice(("oral", "intramuscular", "intramuscular", "Oral", "deep subcutaneous", ""))
    if chance(rng, 0.75):
        entry["frequency"] = rng.choice(rng.choice((SHORT, LONG, UNCLEAR)))
    if chance(rng, 0.25):
        entry["course"] = rng.choice(("loading", "maintenance", "loading", "second"))
    put_when(rng, entry, full_days=False, key="since")
    return entry


def preference(rng: random.Random) -> Entry:
    """A preference, of use or not."""
    topic, value = rng.choice(PREFERENCES)
    return {"topic": topic, "value": value}


# --- Cases ------------------------------------------------------------------------------------------------------------


def plausible_case(rng: random.Random) -> Case:
    """Small, and much like a record."""
    return {
        "labs": plausible_labs(rng),
        "findings": plausible_findings(rng),
        "conditions": plausible_conditions(rng),
        "medications": plausible_medicines(rng),
        "preferences": [preference(rng)] if chance(rng, 0.12) else [],
    }


def course_case(rng: random.Random) -> Case:
    """Small: a B12 medicine under way, and what 6.2 and 6.3 ask about it."""
    case = plausible_case(rng)
    case["medications"] = [plausible_course(rng)]
    state = rng.choices(STATES, (45, 45, 10))[0]
    case["findings"] = [{"name": tables.NEURO, "state": state}] if chance(rng, 0.9) else []
    for name, probability in ((tables.IMPROVEMENT, 0.6), (tables.SYMPTOMS, 0.5)):
        if chance(rng, probability):
            case["findings"].append({"name": name, "state": rng.choices(STATES, (35, 55, 10))[0]})
    causes = (tables.PERNICIOUS, tables.MALABSORPTION, tables.NORMAL_ABSORPTION)
    if chance(rng, 0.5):
        case["conditions"] = [{"name": rng.choice(causes), "state": "present"}]
    return case


def stress_case(rng: random.Random) -> Case:
    """Everything that the tables speak of, in any combination."""
    mentions = stress_mentions(rng)
    listed: dict[str, list[Entry]] = {"findings": [], "conditions": []}
    for entry in mentions:
        listed[rng.choice(("findings", "conditions"))].append(entry)
    return {
        "labs": [stress_lab(rng) for _ in range(rng.choices((0, 1, 2, 3, 4), (15, 30, 30, 15, 10))[0])],
        **listed,
        "medications": [stress_medicine(rng) for _ in range(rng.choices((0, 1, 2, 3), (40, 30, 20, 10))[0])],
        "preferences": [preference(rng) for _ in range(rng.choices((0, 1, 2), (65, 25, 10))[0])],
    }


def disturb(rng: random.Random, case: Case) -> None:
    """An entry twice, an unknown key, a list left out, some context."""
    filled = [name for name in tables.LISTS if case[name]]
    if filled and chance(rng, 0.12):
        entry = copy.deepcopy(rng.choice(case[rng.choice(filled)]))
        target = next(name for name in tables.LISTS if any(entry == other for other in case[name]))
        if target in ("findings", "conditions"):  # 1.1 row List: either means the same
            target = rng.choice(("findings", "conditions"))
        case[target].insert(rng.randrange(len(case[target]) + 1), entry)
    if filled and chance(rng, 0.06):
        key, value = rng.choice(ODD_KEYS)
        rng.choice(case[rng.choice(filled)])[key] = value
    for name in tables.LISTS:
        if not case[name] and chance(rng, 0.7):
            del case[name]
    if chance(rng, 0.1):
        case["context"] = {"age_years": rng.randrange(1, 100), "sex": rng.choice(("female", "male"))}


def random_case(rng: random.Random) -> Case:
    """A case in the form of engine/CASES.md; about two thirds are small and plausible."""
    case = rng.choices((plausible_case, course_case, stress_case), (45, 20, 35))[0](rng)
    disturb(rng, case)
    case["id"] = f"random-{rng.randrange(10**9)}"
    return case


def random_at(rng: random.Random) -> str | None:
    """A date of assessment, or none; near the starts that `random_case` draws, and 13, 14 and 15 days after them."""
    if chance(rng, 0.35):
        return None
    return rng.choice((*DAYS, "2026-01-18", "2026-01-21", "2026-02-15", "2026-02-13", "2026-03-16", "2026-04-01"))


# --- What the draws reach ---------------------------------------------------------------------------------------------

# Written from the catalogue and the tables by hand, not from tables.py.
_CONTRADICTIONS = (*"R04 G01 G03 G08 F04 F05 R13 F02 G16 G04 R08 G13 R12 R13+F02".split(), "")  # noqa: SIM905
EXPECTED = frozenset(
    [f"status:{v}" for v in (*tables.CLASSES, "not_assessed", "uninterpretable", "conflicting")]
    + [f"symptomatic:{v}" for v in ("yes", "no", "unknown", "not_recorded", "conflicting")]
    + [f"neuro:{v}" for v in ("present", "absent", "possible", "unknown", "not_recorded", "conflicting")]
    + [f"treat:{v}" for v in ("immediate", "indicated", "judgement", "no_basis", "undetermined")]
    + [f"line:{n}" for n in range(1, 9)]
    + [f"also:{n}" for n in range(2, 7)]
    + [f"caution:CA-{v}" for v in ("CUTOFF-DEBATED", "BIOMARKERS", "SCD", "INDIVIDUALISE", "IM-SEVERE")]
    + ["caution:CA-FOLATE-NOT-FIRST", "caution:CA-FOLATE-WITH-IF-NEEDED"]
    + ["referral:RF-NEURO-HAEM-URGENT", "monitoring:MO-B12-REGULAR"]
    + [f"conflict:CP{n}" for n in ("01", "03", "05", "06", "07", "08", "09", "10", "11", "12", "13", "15", "16")]
    + [f"data-issue:DI-{v}" for v in ("NOT-A-NUMBER:R01", "NEGATIVE:R01", "UNIT-MISSING:R04", "UNIT-IMPOSSIBLE:R04")]
    + ["data-issue:DI-CENSORED:R04", "data-issue:DI-OTHER-ANALYTE:R04", "data-issue:DI-OTHER-ANALYTE:R04+R05"]
    + [f"data-issue:DI-CONTRADICTORY:{by}" for by in _CONTRADICTIONS]
    + [f"open-question:{tables.SERUM_B12}", "open-question:unit of the serum B12 result"]
    + [f"open-question:{tables.SYMPTOMS}", f"open-question:{tables.NEURO}", f"open-question:{tables.IMPROVEMENT}"]
    + [f"open-question:{v} of the vitamin B12 treatment" for v in ("phase", "start")]
    + ["open-question:date of the assessment"]
    # Table 6.2, cell by cell: regimen:VALUE:ROLE:STEP in each column; 6.3 gives both steps.
    + [f"regimen:HYD-NEURO-LOAD:{v}" for v in ("recommended:now:none", "recommended:now:oral")]
    + [f"regimen:HYD-NEURO-LOAD:{v}" for v in ("recommended:now:loading", "recommended:done:loading")]
    + [f"regimen:HYD-NEURO-LOAD:provisional:now:{v}" for v in ("none", "oral", "unplaced", "loading")]
    + [f"regimen:HYD-NEURO-MAINT:recommended:{v}" for v in ("next:none", "next:oral", "next:loading", "now:loading")]
    + ["regimen:HYD-NEURO-MAINT:provisional:next:unplaced", "regimen:HYD-NEURO-MAINT:recommended:now:maintenance"]
    + [f"regimen:HYD-STD-LOAD:{v}" for v in ("recommended:now:none", "recommended:now:oral")]
    + [f"regimen:HYD-STD-LOAD:{v}" for v in ("recommended:now:loading", "recommended:done:loading")]
    + [f"regimen:HYD-STD-LOAD:provisional:now:{v}" for v in ("none", "oral", "unplaced", "loading")]
    + [f"regimen:HYD-STD-MAINT:recommended:{v}" for v in ("next:none", "next:oral", "next:loading", "now:loading")]
    + ["regimen:HYD-STD-MAINT:provisional:next:unplaced", "regimen:HYD-STD-MAINT:recommended:now:maintenance"]
    + ["regimen:HYD-GEN-MAINT:provisional:now:maintenance"]
    + [f"regimen:LABEL-1:alternative:now:{v}" for v in ("none", "oral", "unplaced")]
    + [f"regimen:LABEL-{n}:alternative:next:{v}" for n in (2, 3) for v in ("none", "oral", "unplaced")]
    + [f"regimen:LABEL-4:alternative:next:{v}" for v in ("none", "oral", "unplaced", "loading")]
    + ["regimen:LABEL-4:alternative:now:maintenance"]
    + [f"regimen:LABEL-NORMABS-INIT:may-be-indicated:now:{v}" for v in ("none", "oral", "unplaced")]
    + [f"regimen:ORAL-HIGH:evidence-option:now:{v}" for v in ("none", "oral", "unplaced", "loading", "maintenance")]
    + [f"regimen:BNF-MALABS-MAINT:alternative:next:{v}" for v in ("none", "oral", "unplaced", "loading")]
    + ["regimen:BNF-MALABS-MAINT:alternative:now:maintenance"]
)


def reached(case: Case, at: str | None) -> set[str]:
    """What one case reaches, in the words of EXPECTED."""
    phase = tables.picture_of(case, at).phase or "none"
    found = {f"line:{tables.deciding_line(case, at)}"}
    for made in tables.conclusions(case, at):
        key = f"{made['kind']}:{made['value']}"
        if made["kind"] == "regimen":
            key += f":{made['role']}:{made['step']}:{phase}"
        elif made["kind"] == "data-issue":
            key += ":" + "+".join(made["statements"])
        found |= {key} | {f"also:{other['line']}" for other in made.get("also", [])}
    return found


def coverage(n: int, seed: int) -> Counter[str]:
    """How many of n drawn cases reach each thing."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    for _ in range(n):
        case = random_case(rng)
        counts.update(reached(case, random_at(rng)))
    return counts


def missing(counts: Counter[str]) -> set[str]:
    """What the tables can give and no draw reached."""
    return {key for key in EXPECTED if not counts[key]}
