"""Three changes that no drawn program shows: other units, patients in another order, rules that have nothing to say.

    python tests/rewritten.py --units 10000 --crowds 10000 --unrelated 10000 --jobs 2

`units` writes every result of a drawn record in another unit of the same sort, exactly; `crowds` has two of three
patients of a population answered again in another order, without the others; `unrelated` adds a rule to the shipped
knowledge that no rule reads, or takes one away: then all that does not rest on it stays, down to the firings.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import b12
import populations
import tally
from citelog import home, patient
from citelog.answer import derive
from citelog.assess import Assessment, assess
from citelog.knowledge.base import Knowledge
from citelog.knowledge.files import Drafts
from citelog.knowledge.load import load
from citelog.rules.program import Rule
from citelog.run.result import Run
from oracle import tables
from oracle.random_cases import random_at, random_case

Record = dict[str, Any]


def drawn(name: str, seed: int) -> tuple[Record, str | None, random.Random]:
    """The record of a seed, its day, and dice for what becomes of it."""
    rng = random.Random(f"{name} {seed}")
    return random_case(rng), random_at(rng), rng


def told(found: Assessment) -> Counter[str]:
    """All that is concluded and noted, but for the words of a result and what is numbered by them."""
    places = {entry.id: entry.read_from for entry in found.case.entries}
    made: Counter[str] = Counter()
    for one in found.to_dict()["conclusions"]:
        facts = sorted(places[fact] for fact in one["facts"])
        made[json.dumps(one | {"id": "", "sentence": "", "facts": facts}, sort_keys=True, default=str)] += 1
    made.update(f"a note on {note.read_from}" for note in found.notes)
    return made


def apart(one: Counter[str], other: Counter[str]) -> str:
    """Where two answers differ, in words; nothing where they do not."""
    return "\n".join([*(f"only before: {x}" for x in one - other), *(f"only after: {x}" for x in other - one)])


# --- other units (1.3 of the decision tables) -------------------------------------------------------------------------

SORTS: tuple[Mapping[str, tuple[int, tuple[str, ...]]], ...] = (
    {
        "pmol/l": (0, ("pmol/L", "PMOL/L", "pmol / L", "Pmol/l")),
        "nmol/l": (-3, ("nmol/L", "NMOL/L", "nmol / L", "Nmol/l")),
    },
    {
        "pg/ml": (0, ("pg/mL", "PG/ML", "pg / mL", "Pg/ml")),
        "ng/l": (0, ("ng/L", "NG/L", "ng / L", "Ng/l")),
        "ng/dl": (-1, ("ng/dL", "NG/DL", "ng / dL", "Ng/dl")),
        "ug/l": (-3, ("\u00b5g/L", "\u03bcg/L", "ug/L", "mcg/L")),
        "ng/ml": (-3, ("ng/mL", "NG/ML", "ng / mL", "Ng/ml")),
    },
)
"""The units that are compared with the same cut-offs: powers of ten from the one that is printed, and spellings."""


def unit_of(text: object) -> str | None:
    """Which of the units a text is, by 1.3: letter case and blanks do not count, four spellings are one prefix."""
    plain = re.sub(r"\s", "", text).lower() if isinstance(text, str) else ""
    plain = re.sub(r"^(?:\u00b5|\u03bc|mc)g/", "ug/", plain)
    return next((plain for sort in SORTS if plain in sort), None)


def value_in(value: object, powers: int) -> object:
    """A value times a power of ten, to the last digit and in the form that it has; None where it is no number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    found = re.fullmatch(r"(\s*(?:[<>]=?|\u2264|\u2265)?\s*)(-?[0-9]+(?:\.[0-9]+)?)(\s*)", str(value))
    if not found:
        return None
    number = Decimal(found[2]).scaleb(powers)
    return f"{found[1]}{number:f}{found[3]}" if isinstance(value, str) else number


def other_units(rng: random.Random, record: Record) -> Record:
    """Each unit of each sort is another one, everywhere; two texts never become one, so what differed still does."""
    new: dict[str, tuple[str, int]] = {}
    met: Counter[str] = Counter()
    for sort in SORTS:
        for one, other in zip(sort, rng.sample([*sort], len(sort)), strict=True):
            new[one] = other, sort[other][0] - sort[one][0]
    spelt: dict[str, str] = {}
    labs = []
    for entry in record.get("labs") or ():
        text = entry.get("unit")
        if (unit := unit_of(text)) and (value := value_in(entry.get("value"), new[unit][1])) is not None:
            other = new[unit][0]
            spellings = next(sort[other][1] for sort in SORTS if other in sort)
            if text not in spelt:
                spelt[text], met[other] = spellings[met[other]], met[other] + 1
            entry = entry | {"value": value, "unit": spelt[text]}
        labs.append(entry)
    return record | {"labs": labs}


def units(seed: int) -> int:
    """The answer to a record is that to the same results in other units."""
    record, at, rng = drawn("units", seed)
    other = other_units(rng, record)
    if other["labs"] == (record.get("labs") or []):
        return 0
    before, after = (told(assess(b12.knowledge(), one, at)) for one in (record, other))
    assert before == after, f"{apart(before, after)}\n{record}\n{other}"
    return 1


# --- patients in another order ----------------------------------------------------------------------------------------


def crowds(first: int, count: int) -> tally.Line:
    """A population, and two of three of its patients in another order: each of them is told the same."""
    records: dict[str, Record] = {}
    for seed in range(first, first + count):
        record, day, rng = drawn("crowds", seed)
        records[f"p{seed}"] = record | {"id": None}
    at = tables.date.fromisoformat(day) if day else None
    some = rng.sample([*records], 2 * count // 3)
    with tempfile.TemporaryDirectory() as place:
        whole, others = (_answered(Path(place) / name, records, group, at)
                         for name, group in (("whole", [*records]), ("others", some)))  # fmt: skip
    of_some = {name: Counter({row: n for row, n in rows.items() if row[0] in some}) for name, rows in whole.items()}
    wrong = populations.differences(of_some, others)
    said = f"seeds {first} to {first + count - 1}: "
    return {
        "compared": len(some), "idle": count - len(some), "differences": [said + line for line in wrong],
        "conclusions": others["conclusions"].total(),
    }  # fmt: skip


def _answered(
    folder: Path, records: Mapping[str, Record], names: list[str], at: tables.date | None
) -> populations.Rows:
    populations.write(folder / "data", {name: records[name] for name in names})
    return populations.together(b12.knowledge(), folder / "data", folder / "out", at)


# --- rules that have nothing to do with it ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Other:
    """The shipped knowledge with a rule more or less, and the predicates that cannot rest on that rule."""

    about: str
    knowledge: Knowledge
    untouched: frozenset[str]


def above(name: str, rules: tuple[Rule, ...]) -> set[str]:
    """A predicate and all that rests on it, by however many rules, absences too."""
    reached, open_ = {name}, [name]
    for one in open_:
        for rule in rules:
            if rule.predicate not in reached and any(getattr(part, "predicate", "") == one for part in rule.body):
                reached.add(rule.predicate)
                open_.append(rule.predicate)
    return reached


UNREAD = """
b12:predicate_unread a cl:DerivedPredicate ; cl:signature "unread(patient: patient)" ;
    cl:sentence "nothing rests on this" ; cl:absence "nothing rests on that" .
"""


@cache
def other(number: int) -> Other | None:
    """A rule more where the number is even, one less where it is odd; None where the knowledge is refused so."""
    shipped, rng = b12.knowledge().program.rules, random.Random(f"unrelated {number}")
    rule = rng.choice([one for one in shipped if "p" in one.variables])
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(b12.FOLDER.glob("rules/*.rls"))}
    [path] = [path for path, text in texts.items() if f'#[name("{rule.name}")]' in text]
    blocks = texts[path].split("\n\n")
    [place] = [n for n, block in enumerate(blocks) if f'#[name("{rule.name}")]' in block]
    drafts, derived = Drafts(), frozenset(one.predicate for one in shipped)
    if number % 2:
        about, untouched = f"without {rule.name}", derived - above(rule.predicate, shipped)
        blocks[place] = ""
    else:
        about, untouched = f"with the premises of {rule.name} once more, in a rule that nothing reads", derived
        words, _, premises = blocks[place].partition(":-")
        words = words[: words.rindex(f"{rule.predicate}(")].replace(rule.name, "unread")
        blocks.insert(rng.randrange(place, len(blocks)) + 1, f"{words}unread(?p) :-{premises}")
        predicates = b12.FOLDER / "predicates.ttl"
        drafts[predicates] = predicates.read_text(encoding="utf-8") + UNREAD
    drafts[path] = "\n\n".join(block.rstrip("\n") for block in blocks if block) + "\n"
    opened = load(b12.FOLDER, home.ontology(), drafts)
    assert opened.knowledge or number % 2, f"{about}: {[str(one) for one in opened.diagnostics]}"
    return opened.knowledge and Other(about, opened.knowledge, untouched)


def fired(run: Run, of: frozenset[str]) -> set[str]:
    """Every fact of these predicates, with every firing that gives it."""
    return {
        f"{atom} by {firing.rule.name}: {sorted(map(str, firing.rows))}"
        for predicate in of
        for atom in run.atoms(predicate)
        for firing in run.firings(atom)
    }


def unrelated(seed: int) -> int:
    """What cannot rest on a rule is the same with it and without; with a rule more, so is all that is answered.

    With a rule less there may be no answer at all: where none of the values of a kind is left, or two are.
    """
    record, at, _ = drawn("unrelated", seed)
    changed = other(seed // EACH)
    if changed is None:
        return 0
    bases = b12.knowledge(), changed.knowledge
    day = tables.date.fromisoformat(at) if at else None
    before, after = (derive(known, patient.read(record, known.terms), day) for known in bases)
    one, two = (fired(run, changed.untouched) for run in (before, after))
    assert one == two, f"{changed.about}: {sorted(one ^ two)[:5]}\n{record}"
    if "unread" in changed.knowledge.program.predicates:
        whole, more = (told(assess(known, record, at)) for known in bases)
        assert whole == more, f"{changed.about}: {apart(whole, more)}\n{record}"
    return 1


EACH = 100
"""So many records for each change of the rules."""

KINDS: Mapping[str, tally.Kind] = {
    "units": tally.Kind(partial(tally.each, units), 200, "drawn records in other units; idle where nothing is one"),
    "crowds": tally.Kind(crowds, 200, "two of three patients in another order"),
    "unrelated": tally.Kind(partial(tally.each, unrelated), EACH, "drawn records; a rule nothing reads, or one less"),
}

if __name__ == "__main__":
    sys.exit(tally.main(__doc__ or "", KINDS))
