"""engine/TESTING.md says what the tally says, and every command in it names something that is there."""

import re
from itertools import pairwise
from pathlib import Path

import faults
import fuzzed
import kills
import programs
import removed
import replays
import rewritten
import tally

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "engine" / "TESTING.md").read_text(encoding="utf-8")
TALLY = tally.read(ROOT / "tests" / "tally.jsonl")


def rows() -> dict[str, list[str]]:
    """The cells of each row of the table."""
    found = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line.startswith("| G")
    ]
    return {cells[0]: cells[1:] for cells in found}


def test_the_table_has_a_row_for_each_of_the_twenty_five() -> None:
    assert list(rows()) == [f"G{n}" for n in range(1, 26)]
    assert all(len(cells) == 4 and cells[0] and cells[1] and cells[3] for cells in rows().values())


def test_what_the_table_says_of_the_tally_is_what_stands_in_it() -> None:
    said = dict(re.findall(r"`(\w+)` ([\d,]+)(?=[;,. ]|$)", "; ".join(cells[3] for cells in rows().values())))
    harnesses = (programs, fuzzed, faults, kills, removed, replays, rewritten)
    sums = {kind: 0 for harness in harnesses for kind in harness.KINDS}
    for line in TALLY:
        sums[line["kind"]] += line["count"]
    assert said == {kind: f"{count:,}" for kind, count in sums.items()}


def test_no_line_of_the_tally_has_a_difference_and_no_seed_stands_in_two() -> None:
    assert [line for line in TALLY if line["differences"]] == []
    for kind in {line["kind"] for line in TALLY}:
        ranges = sorted((line["first"], line["first"] + line["count"]) for line in TALLY if line["kind"] == kind)
        assert all(end <= start for (_, end), (start, _) in pairwise(ranges)), kind


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"\b((?:tests|benchmarks|engine)/[\w./-]+)", PAGE))
    assert named and not [name for name in named if not (ROOT / name.rstrip(".")).exists()]
    for name in re.findall(r"`(test_\w+)`", PAGE):
        assert any(f"def {name}(" in path.read_text(encoding="utf-8") for path in ROOT.glob("tests/test_*.py")), name
