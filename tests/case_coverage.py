"""Which case of the library shows what: `python tests/case_coverage.py` prints it, with all that no case shows.

What a case concludes is taken from its actual assessment. What a row of the tables, a safety property or a trap is
about cannot be read off a conclusion; there the case's own comment (`# Shows: …`) is the witness, and its expectations
are what holds it to that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parent.parent
    sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests")]

import b12
from citelog.assess import Conclusion
from oracle import tables
from oracle.random_cases import EXPECTED

# --- What there is to show --------------------------------------------------------------------------------------------

UNITS = {
    "pmol/L": ("100", "300"),
    "nmol/L": ("0.1", "0.3"),
    "pg/mL": ("135", "406"),
    "ng/L": ("135", "406"),
    "ng/dL": ("13.5", "40.6"),
    "µg/L": ("0.135", "0.406"),
    "ng/mL": ("0.135", "0.406"),
}
"""The ends of the cut-offs as they read in each unit of table 1.3."""

CP04_ZONE = {"135.2 pg/mL", "406.2 pg/mL"}
"""Values that a conversion into pmol/L would put into another class."""

ROWS = (
    *(f"1.1 {row}" for row in ("list", "twice", "state", "resolved", "error", "time", "medication status")),
    *(f"1.1 {row}" for row in ("preference", "context", "names")),
    *(f"1.2 row {n}" for n in range(1, 8)),
    *(f"1.3 {unit}" for unit in UNITS),
    *(f"1.4 {row}" for row in ("below", "within", "above")),
    *(f"2 row {n}" for n in range(1, 6)),
    *(f"2 {row}" for row in ("superseded", "flag")),
    "3 later",
    *(f"3.1 {state}" for state in ("not recorded", "conflicting", "present", "unknown", "absent")),
    *(f"3.2 {value}" for value in ("yes", "no", "unknown", "conflicting", "fatigue", "not recorded")),
    *(f"3.3 row {n}" for n in range(1, 8)),
    *(f"3.3 {row}" for row in ("later", "severe")),
    *(f"4 row {n}" for n in range(1, 7)),
    *(f"4 {row}" for row in ("range", "several", "other status")),
    *(f"5 line {n}" for n in range(1, 9)),
    "5 also",
    *(f"5.1 {row}" for row in ("neuro", "diagnosis", "medicine", "unusable")),
    *(f"6.3 row {n}" for n in range(1, 5)),
)
"""The rows of the decision tables; 6.2 and 7 to 10 are read off the conclusions."""

PROPERTIES = tuple(
    f"MN-{name}"
    for name in [
        "NO-TREAT",
        "STD-BY-DEFAULT",
        "NEURO-REGIMEN",
        "STD-REGIMEN",
        "LEVEL-GATES",
        "RULED-OUT",
        "BAND",
        "SINGLE-CUTOFF",
        "MISSING-AS-VALUE",
        "UNKNOWN-AS-ABSENT",
        "UNIT-COERCE",
        "SEVERE-FROM-NUMBER",
        "SEVERE-FROM-NEURO",
        "BIOMARKER-CONFIRM",
        "ANALYTE-SWAP",
        "CAUSE-INFER",
        "PROPHYLAXIS",
        "STOP-MAINT",
        "RELOAD",
        "FIXED-LOAD",
        "LOAD-FOREVER",
        "MAINT-EARLY",
        "G05-FOR-LIFE",
        "F02-FOR-LIFE",
        "FOLATE-FIRST",
        "FOLATE-STOP",
        "FOLATE-DOSE",
        "ORAL-BARRED",
        "ORAL-FIRST-SEVERE",
        "ORAL-FORM",
        "NO-REFERRAL",
        "ONE-SPECIALIST",
        "REFER",
        "REFER-BEFORE-TREAT",
        "PICK-SILENTLY",
        "FALSE-CONFLICT",
        "DUPLICATE",
        "MERGE-DOSES",
        "MONITOR-INTERVAL",
        "SYMPTOM-LIST",
        "AGE-RULE",
        "BNF-AUTO",
        "AGENT-NAMED",
        "APPROVED",
        "BIBLIOGRAPHY",
        "CITE-INVENT",
        "OUTSIDE",
        "JURISDICTION",
    ]
)
"""What must never be claimed."""

TRAPS = tuple(f"trap {n}" for n in range(1, 16))

SIDES = {
    "CP01": "G01 G10 R01 R04 R14",
    "CP03": "R02 R03 R15 R04 R14",
    "CP05": "G01 G10 G08 G15 F06 R15",
    "CP06": "G05 G12",
    "CP07": "G05 G12 G07",
    "CP08": "G07 G12 R13 F11",
    "CP09": "G04 G06 G11 F01 F08 F09 F10",
    "CP10": "G11 R10 F01",
    "CP11": "R10 R11 R12 G04",
    "CP12": "G16 G17 F12",
    "CP13": "G07 G12 F11 R08 R09 F02",
    "CP15": "G01 F04 F05 R14",
    "CP16": "R05 R07",
}
"""Both sides of each conflict of a patient: each statement bears on some patient."""

NEVER_FIRES = {"unusable-unit-of-another-quantity"}
"""Rules that no record can reach: every unit that the terms know is one of serum vitamin B12."""


_TREATED = "loading and maintenance under way are line 3 of the treat table, so the patient is treated"
_PERNICIOUS = "pernicious anaemia is line 4 of the treat table, so the patient is treated"
_READ = "what is left of the entries about involvement was read from one"
_ONE = "there is always one"

NEVER_DECIDE = {
    "unusable-unit-of-another-quantity/1": "the rule can never fire, see NEVER_FIRES",
    "level-value/4": "every unit that the terms know is one of serum vitamin B12",
    "level-bound/4": "every unit that the terms know is one of serum vitamin B12",
    "status-all-unusable/2": "a result is usable or unusable, so one that was read and none that is usable leave this",
    "status-all-open/3": "a result that counts has a class or is open, and none has a class",
    "ask-level-open/3": "a result that counts has a class or is open, and with a class the status is another",
    "status/1": _ONE,
    "status-results/1": _ONE,
    "status-unusable-results/1": _ONE,
    "status-superseded-result/1": _ONE,
    "regimen-oral-preferred/4": _ONE,
    "state-absent/2": "a name that was read is said to be present, absent or unknown: the latest entry always stands",
    "during-course/2": "a phase is that of some medicine",
    **dict.fromkeys(
        (f"neuro-{name}/1" for name in ("present", "possible", "unknown", "absent", "only-not-possible")), _READ
    ),
    **dict.fromkeys((f"neuro-conflicting-{name}/1" for name in ("for", "suspect")), _READ),
    **dict.fromkeys(
        (
            f"regimen-{name}/2"
            for name in (
                *(f"neuro-loading-{how}" for how in ("under-way", "improving", "done")),
                *(f"neuro-maintenance-{how}" for how in ("after-loading", "while-improving", "due", "under-way")),
                *(f"standard-loading-{how}" for how in ("under-way", "done")),
                *(f"standard-maintenance-{how}" for how in ("after-loading", "due", "under-way")),
                "general-maintenance",
                "malabsorption-maintenance-under-way",
            )
        ),
        _TREATED,
    ),
    **dict.fromkeys(
        (f"regimen-label-{name}/2" for name in ("1", "2", "3", "4", "4-under-way")),
        _PERNICIOUS,
    ),
    "conflict-maintenance-interval-pernicious-anaemia/1": _PERNICIOUS,
    "conflict-loading-pernicious-anaemia/1": _PERNICIOUS,
    "conflict-for-life-pernicious-anaemia/1": _PERNICIOUS,
}
"""Literals that hold wherever the rest of their rule does, beside those that `citelog coverage` sees to, and why.

They stand in the rules for what they say: a regimen is for the treated, a status is read off results.
"""


def _column(key: str) -> str:
    """ "No phase, oral" is one column of table 6.2."""
    return key.removesuffix(":oral") + ":none" if key.startswith("regimen:") and key.endswith(":oral") else key


@cache
def wanted() -> tuple[str, ...]:
    """Everything that some case must show."""
    edges = (
        f"edge {side}{edge} {unit}" for unit, ends in UNITS.items() for edge in ends for side in ("", "just below ")
    )
    sides = (f"conflict:{value}:{by}" for value, statements in SIDES.items() for by in statements.split())
    rules = (f"rule {rule.name}" for rule in b12.knowledge().program.rules if rule.name not in NEVER_FIRES)
    names = sorted({_column(key) for key in EXPECTED})
    return (*names, *sides, *edges, *sorted(CP04_ZONE), *ROWS, *PROPERTIES, *TRAPS, *rules)


# --- What the cases show ----------------------------------------------------------------------------------------------


def _of_conclusion(conclusion: Conclusion, phase: str) -> Iterator[str]:
    key = f"{conclusion.kind}:{conclusion.value}"
    if conclusion.kind == "regimen":
        yield _column(f"{key}:{conclusion.details['role']}:{conclusion.details['step']}:{phase}")
        return
    if conclusion.kind == "data-issue":
        yield f"{key}:{'+'.join(conclusion.statements)}"
        return
    yield key
    if conclusion.kind == "conflict":
        yield from (f"{key}:{statement}" for statement in conclusion.statements)
    yield from (f"also:{other['line']}" for other in conclusion.details.get("also", ()))


def _edges(case: b12.LibraryCase) -> Iterator[str]:
    """The results that stand at an end of the cut-offs, or less than a thousandth below one."""
    for lab in case.record.get("labs", ()):
        value, unit = lab.get("value"), lab.get("unit")
        if isinstance(value, bool) or not isinstance(value, int | float) or unit not in UNITS:
            continue
        yield f"{value} {unit}"
        for edge in UNITS[unit]:
            if Decimal(str(value)) == Decimal(edge):
                yield f"edge {edge} {unit}"
            elif Decimal("0.999") * Decimal(edge) < Decimal(str(value)) < Decimal(edge):
                yield f"edge just below {edge} {unit}"


@cache
def shown(name: str) -> frozenset[str]:
    """Everything that a case shows."""
    case, assessment = b12.library()[name], b12.assessed(name)
    rules, run = b12.knowledge().program.rules, assessment.run
    fired = {rules[number].name for held in run.facts.values() for firings in held.values() for number, _ in firings}
    phase = tables.picture_of(case.record, case.at).phase or "none"
    return frozenset(
        {key for conclusion in assessment.conclusions for key in _of_conclusion(conclusion, phase)}
        | {f"line:{tables.deciding_line(case.record, case.at)}"}
        | {f"rule {rule}" for rule in fired}
        | set(_edges(case))
        | set(case.shows)
    )


@cache
def coverage() -> dict[str, tuple[str, ...]]:
    """For everything that there is to show, the cases that show it."""
    return {entry: tuple(name for name in b12.library() if entry in shown(name)) for entry in wanted()}


def missing() -> list[str]:
    """What no case shows."""
    return [entry for entry, cases in coverage().items() if not cases]


def main() -> int:
    """Print the table: each entry with the cases that show it, the shortest list of names that says so."""
    for entry, cases in coverage().items():
        more = f" and {len(cases) - 3} more" if len(cases) > 3 else ""
        print(f"{entry}: {', '.join(cases[:3]) or '— no case —'}{more}")
    lacking = missing()
    print(f"\n{len(b12.library())} cases, {len(wanted())} entries, {len(lacking)} without a case.")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
