"""A share of the long run of tests/fuzzed.py: what strangers wrote is answered or refused in words, whatever it is."""

import random

import pytest

import fuzzed

SHARE = {
    "rules": 25,
    "knowledge": 10,
    "records": 120,
    "fhir": 120,
    "hooks": 120,
    "receipts": 120,
    "archives": 30,
    "proofs": 120,
}


@pytest.mark.parametrize("name", [*SHARE, "arguments"])
def test_every_input_is_answered_or_refused(name: str) -> None:
    for seed in range(SHARE.get(name, 60)):
        fuzzed.once(name, fuzzed.drawn(name, seed))


def test_every_target_has_its_share() -> None:
    assert fuzzed.TARGETS.keys() == SHARE.keys() | {"arguments"}
    assert all(target.corpus() for target in fuzzed.TARGETS.values())


def test_what_is_neither_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def reader(data: bytes) -> object:
        return 1 // data.count(b"0")

    monkeypatch.setitem(fuzzed.TARGETS, "records", fuzzed.Target("", lambda: [b"0"], reader))
    with pytest.raises(ZeroDivisionError):
        fuzzed.once("records", b"1")
    line = fuzzed.KINDS["records"].run(0, 50)
    assert line["compared"] + len(line["differences"]) == 50 and "ZeroDivisionError" in line["differences"][0]


def test_the_inputs_of_a_seed_are_the_same_everywhere_and_mostly_differ_from_what_they_were() -> None:
    corpus = fuzzed.TARGETS["records"].corpus()
    made = [fuzzed.drawn("records", seed) for seed in range(100)]
    assert made == [fuzzed.drawn("records", seed) for seed in range(100)]
    assert sum(data not in corpus for data in made) > 80
    assert len(set(made)) > 80 and fuzzed.changed(b"", [b"x"], random.Random(1)) is not None
