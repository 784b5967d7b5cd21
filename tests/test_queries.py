"""The query library: each file opens with its question and an example, and answers over the shipped knowledge."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from rdflib import Dataset
from rdflib.query import ResultRow

ROOT = Path(__file__).parent.parent
QUERIES = sorted((ROOT / "queries").glob("*.rq"))


@cache
def knowledge() -> Dataset:
    dataset = Dataset()
    for path in sorted((ROOT / "knowledge" / "b12").glob("*.t*")):
        dataset.parse(path, format="trig" if path.suffix == ".trig" else "turtle")
    return dataset


def rows(name: str) -> list[dict[str, str]]:
    text = (ROOT / "queries" / f"{name}.rq").read_text(encoding="utf-8")
    found = [row for row in knowledge().query(text) if isinstance(row, ResultRow)]
    return [{k: str(v).rsplit("#", 1)[-1] for k, v in row.asdict().items()} for row in found]


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_opens_with_its_question_its_parameters_and_an_example(path: Path) -> None:
    comment = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert comment[0].startswith("# ") and comment[0].endswith("?")
    assert any(line.startswith("# Parameters: ") for line in comment)
    assert any(line.startswith("# Example: ") for line in comment)
    assert rows(path.stem)


def test_every_dose_comes_with_its_words() -> None:
    [loading] = [row for row in rows("doses") if row["step"] == "HYD-STD-LOAD"]
    assert (loading["dose"], loading["frequency"], loading["statement"]) == ("1 mg", "three times a week", "G06")
    assert "agent" not in next(row for row in rows("doses") if row["step"] == "LABEL-2")


def test_nineteen_segments_are_out_of_scope_each_with_its_reason() -> None:
    found = rows("not-encoded")
    assert len(found) == 19 and all(row["reason"] for row in found)


def test_nineteen_conflicts_have_both_their_sides() -> None:
    found = {row["conflict"]: (row["sideA"], row["sideB"]) for row in rows("conflicts")}
    assert len(found) == 19 and found["CP06"] == ("G05", "G12")
