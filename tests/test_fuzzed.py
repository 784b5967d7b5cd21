"""A share of the long run of tests/fuzzed.py: what strangers wrote is answered or refused in words, whatever it is."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import fuzzed
import tally

SHARE = {
    "rules": 25,
    "knowledge": 10,
    "records": 120,
    "fhir": 120,
    "hooks": 120,
    "receipts": 120,
    "archives": 30,
    "proofs": 120,
    "arguments": 60,
}


@pytest.mark.slow
def test_every_input_is_answered_or_refused_in_time_and_within_its_memory(tmp_path: Path) -> None:
    """In processes of its own, as the command is run: how much this one has taken already says nothing."""
    assert fuzzed.TARGETS.keys() == SHARE.keys()
    asked = [part for name, count in SHARE.items() for part in (f"--{name}", str(count))]
    here = Path(__file__).parent
    command = [sys.executable, here / "fuzzed.py", *asked, "--tally", tmp_path / "tally.jsonl"]
    path = os.pathsep.join([str(here), str(here.parent / "engine")])
    ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {line["kind"]: line["compared"] for line in tally.read(tmp_path / "tally.jsonl")} == SHARE


def test_a_signature_that_is_one_long_word_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As any input is (`fuzzed.once`); each letter of it was taken for the beginning of a name."""
    monkeypatch.setattr(fuzzed, "MEGABYTES", 1 << 20)  # this process has run other tests
    before = next(draft for draft in fuzzed.drafts() if b'"doctor_signs(patient' in draft)
    fuzzed.once("knowledge", before.replace(b"doctor_signs(", b"x" * 100_000))


def test_what_is_neither_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def reader(data: bytes) -> object:
        return 1 // data.count(b"0")

    monkeypatch.setattr(fuzzed, "MEGABYTES", 1 << 20)  # this process has run other tests
    monkeypatch.setitem(fuzzed.TARGETS, "records", fuzzed.Target("", lambda: [b"0"], reader))
    with pytest.raises(ZeroDivisionError):
        fuzzed.once("records", b"1")
    line = fuzzed.KINDS["records"].run(0, 50)
    assert line["compared"] + len(line["differences"]) == 50 and "ZeroDivisionError" in line["differences"][0]
    monkeypatch.setattr(fuzzed, "MEGABYTES", 1)
    with pytest.raises(AssertionError, match="MB"):
        fuzzed.once("records", b"0")
    monkeypatch.setattr(fuzzed, "SECONDS", 0.0)
    with pytest.raises(AssertionError, match="of the processor"):
        fuzzed.once("records", b"0")


def test_the_inputs_of_a_seed_are_the_same_everywhere_and_mostly_differ_from_what_they_were() -> None:
    corpus = fuzzed.TARGETS["records"].corpus()
    made = [fuzzed.drawn("records", seed) for seed in range(100)]
    assert made == [fuzzed.drawn("records", seed) for seed in range(100)]
    assert sum(data not in corpus for data in made) > 80
    assert len(set(made)) > 80 and fuzzed.changed(b"", [b"x"], random.Random(1)) is not None
