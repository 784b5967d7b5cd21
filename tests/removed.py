"""One item less: what is unknown of a patient becomes no answer, but where a row of the decision tables says so.

    python tests/removed.py                             the records of the library, each down to nothing; a table
    python tests/removed.py --removed 5000 --jobs 2     the same and drawn records, as a tally

An item is an entry of a record, or a key of an entry. Of a record of up to twelve items every record is assessed that
is left when some are removed, and each is compared with all that lack one item more; of larger ones a drawn share.

What an answer is, `answers` says. An absence can rightly give one: who removes half of a contradiction is left with the
other half. Each such row of the tables is in `ROWS`, and looks at the record alone, read as the tables say
(oracle/tables.py): an answer that appears and that no row explains is a difference.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import b12
import tally
from citelog.assess import Assessment, assess
from oracle import tables
from oracle.random_cases import random_at, random_case

Record = dict[str, Any]
Item = tuple[str, int] | tuple[str, int, str]
"""An entry, by its list and place, or a key of one."""

MOST = 12
"""Up to so many items everything that can be left of a record is assessed."""
SOME = 25
"""Of larger records, so many of what can be left."""

NAMES = ("analyte", "name", "topic")
"""The key that says what an entry is about: without it there is no entry."""

NEURO = (tables.NEURO, tables.POSSIBLE, tables.SEVERE_NEURO)


# --- what is left of a record -----------------------------------------------------------------------------------------


def items(record: Record) -> tuple[Item, ...]:
    """Every entry, each followed by its keys."""
    found: list[Item] = []
    for list_ in tables.LISTS:
        for place, entry in enumerate(record.get(list_) or ()):
            found.append((list_, place))
            found += [(list_, place, key) for key in entry if key not in NAMES]
    return tuple(found)


def less(of: frozenset[Item], item: Item) -> frozenset[Item]:
    """Without an item; an entry takes its keys with it."""
    return frozenset(one for one in of if one[: len(item)] != item)


def left(record: Record, of: frozenset[Item]) -> Record:
    """The record with these items only."""
    kept: Record = {key: value for key, value in record.items() if key not in tables.LISTS}
    for list_ in tables.LISTS:
        kept[list_] = [
            {key: value for key, value in entry.items() if key in NAMES or (list_, place, key) in of}
            for place, entry in enumerate(record.get(list_) or ())
            if (list_, place) in of
        ]
    return kept


def rests(record: Record, rng: random.Random) -> list[frozenset[Item]]:
    """All that can be left of a small record, the whole of it first; of a large one, some."""
    whole = frozenset(items(record))
    if len(whole) > MOST:
        found = [whole]
        for _ in range(SOME - 1):
            rest = whole
            for item in rng.sample(sorted(whole, key=str), rng.randrange(1, len(whole))):
                rest = less(rest, item)
            found.append(rest)
        return found
    met, open_ = {whole}, [whole]
    for rest in open_:
        for item in rest:
            smaller = less(rest, item)
            if smaller not in met:
                met.add(smaller)
                open_.append(smaller)
    return open_


# --- what is answered -------------------------------------------------------------------------------------------------

UNKNOWN = {
    "status": ("not_assessed", "uninterpretable", "conflicting"),
    "symptomatic": ("unknown", "not_recorded", "conflicting"),
    "neuro": ("possible", "unknown", "not_recorded", "conflicting"),
    "treat": ("undetermined",),
}
"""The values by which each of the four kinds says that it is not known; every other value is an answer."""

COURSE = (tables.IMPROVEMENT, "start of the vitamin B12 treatment", "date of the assessment")
"""The questions that stand open as long as it is not known whether a course of loading is done (6.3)."""


def answers(found: Assessment) -> dict[str, str | None]:
    """What is answered of each matter that bears on the patient, None where it is unknown.

    A regimen whose role is provisional waits for something that is not known; any other role is an answer.
    """
    said: dict[str, str | None] = {}
    done = open_ = False
    for one in found.conclusions:
        if one.kind in UNKNOWN:
            said[one.kind] = None if one.value in UNKNOWN[one.kind] else one.value
        elif one.kind == "regimen":
            role = one.details["role"]
            said[one.value] = None if role == "provisional" else f"{role}"
            done |= one.details["step"] == "done"
        elif one.kind == "open-question":
            open_ |= one.value in COURSE
    if open_ or done:
        said["loading"] = None if open_ else "done"
    return said


# --- what the tables say of an answer that appears --------------------------------------------------------------------


@dataclass(frozen=True)
class Removal:
    """An item that was removed, from what, on which day it is assessed, and an answer that appeared then."""

    record: Record
    at: str | None
    item: Item
    matter: str
    answer: str

    @property
    def entry(self) -> Record:
        found: Record = self.record[self.item[0]][self.item[1]]
        return found

    @property
    def key(self) -> str | None:
        return self.item[2] if len(self.item) == 3 else None

    @cached_property
    def before(self) -> tables.Picture:
        """The record with the item, as sections 1 to 4 read it."""
        return tables.picture_of(self.record, self.at)

    @property
    def place(self) -> str:
        return f"{self.item[0]}[{self.item[1]}]"

    @property
    def result(self) -> tables.Result | None:
        """The serum B12 result that it is, or is of."""
        return next((one for one in self.before.record.results if one.place == self.place), None)

    @property
    def mention(self) -> tables.Mention | None:
        """The finding or condition that it is, or is of."""
        return next((one for one in self.before.record.mentions if one.place == self.place), None)

    @property
    def medicine(self) -> tables.Medicine | None:
        """The B12 medicine that it is, or is of."""
        of = (one for one in self.before.record.medicines if one.name in tables.B12_MEDICINES)
        return next((one for one in of if one.place == self.place), None)

    def about(self, *matters: str) -> bool:
        """Whether the answer is about one of these: a kind, `regimen` for any of them, `loading` for its end."""
        return (self.matter if self.matter in (*UNKNOWN, "loading") else "regimen") in matters


def bears(gone: Removal) -> bool:
    """Whether what is recorded of the name that was removed is read for the matter at all (3, 5, 6)."""
    name = gone.mention.name if gone.mention else ""
    if name in NEURO:
        return gone.about("neuro", "treat", "regimen", "loading")
    if name in (tables.SYMPTOMS, tables.FATIGUE):
        return gone.about("symptomatic", "treat")
    return gone.about("loading") if name == tables.IMPROVEMENT else gone.about("treat")


def later_result(gone: Removal) -> bool:
    """A usable result superseded another; without it, or without what made it usable or later, the other counts."""
    new = gone.result
    return gone.about("status", "treat") and bool(
        new
        and new.classes
        and any(old.classes and tables.earlier(old.when, new.when) for old in gone.before.record.results)
    )


def undated_result(gone: Removal) -> bool:
    """A result that a later one superseded has no date any more, and undated results always count."""
    old = gone.result
    return gone.about("status", "treat") and bool(
        old
        and old.classes
        and gone.key == "when"
        and any(new.classes and tables.earlier(old.when, new.when) for new in gone.before.record.results)
    )


def results_disagreed(gone: Removal) -> bool:
    """Row 5: results that count disagreed, and one of them does not count any more."""
    return gone.about("status", "treat") and gone.before.status == "conflicting" and gone.result in gone.before.counting


def contradicted(gone: Removal) -> bool:
    """Row 2 of 3.1: present and absent; one of the two is gone."""
    one = gone.mention
    return bears(gone) and bool(one and gone.before.record.state(one.name) == "conflicting")


def unknown_beside_absent(gone: Removal) -> bool:
    """Row 4 of 3.1: unknown, with absent, is unknown; who removes the unknown one is left with absent."""
    one = gone.mention
    return bears(gone) and bool(one and one.state == "unknown" == gone.before.record.state(one.name))


def later_mention(gone: Removal) -> bool:
    """An entry superseded earlier ones of its name; without it, its state or its date, they count."""
    new = gone.mention
    return bears(gone) and bool(
        new
        and new.state != "unknown"
        and any(tables.earlier(old.when, new.when) for old in gone.before.record.named(new.name))
    )


def later_side(gone: Removal) -> bool:
    """3.3: an entry against superseded earlier ones for, suspect or unknown, or one of those an earlier one against."""
    one, (pro, suspect, against, unknown) = gone.mention, tables.neuro_sides(gone.before.record)
    older = pro + suspect + unknown if one in against else against if one in pro + suspect else []
    return bears(gone) and bool(one and any(tables.earlier(old.when, one.when) for old in older))


def sides_disagreed(gone: Removal) -> bool:
    """Row 1 of 3.3: against, and for or suspect; an entry of one side is gone."""
    one = gone.mention
    return bears(gone) and bool(one and one.name in NEURO and gone.before.neuro == "conflicting")


def unknown_beside_against(gone: Removal) -> bool:
    """Row 4 of 3.3: possible involvement unknown keeps row 5 from applying."""
    one = gone.mention
    return bears(gone) and bool(one and one.name == tables.POSSIBLE and one.state == "unknown" == gone.before.neuro)


def kept_from_line_7(gone: Removal) -> bool:
    """5.1: something on record kept line 7 from applying, and is gone."""
    found = tables.found_by_5_1(gone.before)
    return gone.answer == "no_basis" and found is not None and gone.place in found.facts


def oral_no_more(gone: Removal) -> bool:
    """Row 2 of 4: where the route is oral no frequency is looked at; without it the rows below decide."""
    oral = gone.key == "route" and tables.plain(gone.entry["route"]) == "oral"
    return gone.about("treat", "regimen", "loading") and bool(gone.medicine) and oral


def unplaced_no_more(gone: Removal) -> bool:
    """Column “unplaced” of 6.2: a medicine of which the phase is not known made steps provisional."""
    return gone.about("regimen") and gone.before.phase == "unplaced" and gone.medicine in gone.before.phase_medicines


def one_course_less(gone: Removal) -> bool:
    """6.3 is about each medicine of the phase: one of those whose start is not known, or not long ago, is gone."""
    return gone.about("loading") and gone.before.phase == "loading" and gone.medicine in gone.before.phase_medicines


ROWS: Mapping[str, Callable[[Removal], bool]] = {
    "2 a later result": later_result,
    "2 undated results count": undated_result,
    "2 row 5": results_disagreed,
    "3 a later entry": later_mention,
    "3.1 row 2": contradicted,
    "3.1 row 4": unknown_beside_absent,
    "3.3 a later side": later_side,
    "3.3 row 1": sides_disagreed,
    "3.3 row 4": unknown_beside_against,
    "4 row 2": oral_no_more,
    "5.1": kept_from_line_7,
    "6.2 unplaced": unplaced_no_more,
    "6.3": one_course_less,
}
"""The rows of the decision tables by which one item less may answer what was unknown."""


# --- looking ----------------------------------------------------------------------------------------------------------


@dataclass
class Found:
    """What was seen: how many records and removals, which rules fired, and which answers appeared by which row."""

    records: int = 0
    removals: int = 0
    unknown: int = 0
    """Matters that were unknown before an item was removed, over all removals."""
    appeared: Counter[str] = field(default_factory=Counter)
    rules: set[str] = field(default_factory=set)
    pairs: set[tuple[str, str]] = field(default_factory=set)
    """A rule that fires, and what sort of item was removed from the record in which it does."""
    differences: list[str] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """What another has seen, too."""
        for name in self.__dataclass_fields__:
            mine, its = getattr(self, name), getattr(other, name)
            setattr(self, name, mine | its if isinstance(mine, set) else mine + its)


def fired(found: Assessment) -> frozenset[str]:
    """The rules that fired for a patient, or for everybody."""
    held = (firing for facts in found.run.facts.values() for firings in facts.values() for firing in firings)
    return frozenset(found.run.program.rules[number].name for number, _ in held)


def sort_of(record: Record, item: Item) -> str:
    """What an item is about: the name of the entry, and the key."""
    entry = record[item[0]][item[1]]
    about = next((str(entry[key]).casefold() for key in NAMES if key in entry), "no name")
    return " ".join((about, *map(str, item[2:])))


def look(record: Record, at: str | None, rng: random.Random) -> Found:
    """Every rest of a record against those that lack one item more."""
    seen, found = Found(), dict[frozenset[Item], tuple[dict[str, str | None], frozenset[str]]]()

    def of(rest: frozenset[Item]) -> tuple[dict[str, str | None], frozenset[str]]:
        if rest not in found:
            assessed = assess(b12.knowledge(), deepcopy(left(record, rest)), at)
            found[rest] = answers(assessed), fired(assessed)
        return found[rest]

    for rest in rests(record, rng):
        before, rules = of(rest)
        unknown = [matter for matter, answer in before.items() if answer is None]
        for item in sorted(rest, key=str):
            after, _ = of(less(rest, item))
            seen.removals += 1
            seen.unknown += len(unknown)
            seen.pairs |= {(rule, sort_of(record, item)) for rule in rules}
            for matter in unknown:
                if answer := after.get(matter):
                    gone = Removal(left(record, rest), at, renumbered(item, rest), matter, answer)
                    rows = [name for name, row in ROWS.items() if row(gone)]
                    seen.appeared.update(rows)
                    if not rows:
                        told = json.dumps(gone.record, default=str)
                        seen.differences.append(f"{matter}: {answer} without {gone.item} of {told} at {at}")
        seen.rules |= rules
    seen.records = len(found)
    return seen


def renumbered(item: Item, rest: frozenset[Item]) -> Item:
    """The item by the place that its entry has among those that are left."""
    list_, place, *key = item
    before = sum((list_, other) in rest for other in range(int(place)))
    return (list_, before, str(key[0])) if key else (list_, before)


def case_of(seed: int) -> tuple[Record, str | None]:
    """The records of the library in their order, then drawn ones, and the day on which each is assessed."""
    cases = list(b12.library().values())
    if seed < len(cases):
        return cases[seed].record, cases[seed].at
    rng = random.Random(f"removed {seed}")
    return random_case(rng), random_at(rng)


def batch(first: int, count: int) -> tally.Line:
    """Some seeds, as a tally wants them: what is compared are pairs of a record and an item."""
    seen = Found()

    def one(seed: int) -> int:
        of = look(*case_of(seed), random.Random(seed))
        seen.add(of)
        assert not of.differences, "\n".join(of.differences)
        return of.removals

    made = tally.each(one, first, count)
    rows = {name: seen.appeared[name] for name in ROWS}
    return made | {"records": seen.records, "unknown": seen.unknown, **rows}


KINDS: Mapping[str, tally.Kind] = {
    "removed": tally.Kind(batch, 20, "records of the library, then drawn ones, each down to nothing")
}


def table(seen: Found) -> str:
    """The figures."""
    sorts = {sort for _, sort in seen.pairs}
    lines = [
        f"{seen.records:,} records, {seen.removals:,} removals of {len(sorts)} sorts of items, {len(seen.rules)} rules",
        f"{len(seen.pairs):,} pairs of a rule that fires and a sort of item that is removed",
        f"{seen.unknown:,} times something was unknown; answers without a row of the tables: {len(seen.differences)}",
        *(f"  {name:<24}{seen.appeared[name]:>8,}" for name in ROWS),
        *seen.differences[:20],
    ]
    return "\n".join(lines)


def library(part: slice = slice(None)) -> Found:
    """Every record of the library, down to nothing."""
    seen = Found()
    for seed in range(len(b12.library()))[part]:
        seen.add(look(*case_of(seed), random.Random(seed)))
    return seen


if __name__ == "__main__":
    if len(sys.argv) == 1:
        whole = library()
        print(table(whole))
        sys.exit(bool(whole.differences))
    sys.exit(tally.main(__doc__ or "", KINDS))
