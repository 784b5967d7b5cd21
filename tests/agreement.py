"""What the engine concludes compared with what an independent reading of the decision tables does (oracle/tables.py).

The two were written by different hands from the same specification. Where they may differ is said here, and why; all
else that a conclusion says, but its words and rules, must be the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import b12
from citelog.assess import assess
from citelog.knowledge.base import Knowledge
from oracle import tables

Case = dict[str, Any]
Said = Mapping[str, Any]

MORE = ("role", "step", "severity", "agent", "dose", "route", "frequency", "duration", "also", "sides")
"""What a conclusion of some kind says beside its value."""

SELECTING = {
    "CP08": {tables.NEURO, tables.POSSIBLE, tables.SEVERE_NEURO},
    "CP09": {tables.NEURO, tables.POSSIBLE, tables.SEVERE_NEURO, *tables.B12_MEDICINES},
    "CP10": {tables.PERNICIOUS},
    "CP13": {tables.NEURO, tables.POSSIBLE, tables.SEVERE_NEURO, tables.PERNICIOUS},
}
"""Reading R19: the oracle names the facts that trigger a conflict; the engine also those that select its sides."""


def by_place(answer: Said) -> list[Case]:
    """The conclusions of an assessment with the places of their facts, as the oracle gives them."""
    places = {fact["id"]: fact["read_from"] for fact in answer["facts"]}
    return [{**made, "facts": sorted(places[fact] for fact in made["facts"])} for made in answer["conclusions"]]


def name_at(case: Case, place: str) -> str | None:
    """The name of the entry at a place, as the knowledge base spells it."""
    listed, _, index = place.rstrip("]").partition("[")
    entry = case[listed][int(index)]
    return tables.match(entry.get("name"), tables.FINDINGS + tables.CONDITIONS + tables.MEDICINES)


def brought_together(case: Case, issues: Iterable[Case]) -> list[Case]:
    """Reading R1: entries whose names differ in letter case only are equal to the engine, not to the oracle."""

    def content(places: list[str]) -> str:
        listed, _, index = places[0].rstrip("]").partition("[")
        entry = case[listed][int(index)]
        return json.dumps({**entry, "analyte": str(entry.get("analyte")).casefold()}, sort_keys=True, default=repr)

    groups: dict[str, Case] = {}
    rest = []
    for issue in issues:
        if issue["value"] == "DI-CONTRADICTORY":
            rest.append(issue)
            continue
        group = groups.setdefault(f"{issue['value']} {content(issue['facts'])}", {**issue, "facts": []})
        group["facts"] = sorted([*group["facts"], *issue["facts"]])
    return [*rest, *groups.values()]


def named(made: Said) -> str:
    """What tells the conclusions of one case apart: data issues are about something."""
    about = f" about {made['facts']}" if made["kind"] == "data-issue" else ""
    return f"{made['kind']}:{made['value']}{about}"


def differences(case: Case, at: str | None, knowledge: Knowledge | None = None) -> list[str]:
    """Where the engine and the oracle differ about a case, in words; `knowledge` may be a damaged one."""
    answer = assess(knowledge or b12.knowledge(), case, at).to_dict()
    wanted = tables.conclusions(case, at)
    issues = [made for made in wanted if made["kind"] == "data-issue"]
    wanted = [made for made in wanted if made["kind"] != "data-issue"] + brought_together(case, issues)
    want, got = ({named(made): made for made in side} for side in (wanted, by_place(answer)))
    found = [f"{key}: only in the tables" for key in want.keys() - got.keys()]
    found += [f"{key}: only in the engine" for key in got.keys() - want.keys()]
    found += [] if len(answer["conclusions"]) == len(wanted) else ["one of the two says something twice"]
    for key in want.keys() & got.keys():
        for part in (*MORE, "statements", "assumes"):
            if want[key].get(part) != got[key].get(part):
                found.append(f"{key}, {part}: {want[key].get(part)} in the tables, {got[key].get(part)} in the engine")
        lacking, more = (set(a["facts"]) - set(b["facts"]) for a, b in ((want[key], got[key]), (got[key], want[key])))
        allowed = SELECTING.get(got[key]["value"], set()) if got[key]["kind"] == "conflict" else set()
        more = {place for place in more if name_at(case, place) not in allowed}
        found += [f"{key}, facts: {sorted(lacking)} only in the tables"] if lacking else []
        found += [f"{key}, facts: {sorted(more)} only in the engine"] if more else []
    silent = tables.noted(case, at) - {note["read_from"].partition(".")[0] for note in answer["notes"]}
    return found + [f"{place}: read, not used, and without a note" for place in sorted(silent)]
