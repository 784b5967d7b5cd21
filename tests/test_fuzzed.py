"""A share of the long run of tests/fuzzed.py: what strangers wrote is answered or refused in words, whatever it is."""

import json
import os
import random
import signal
import subprocess
import sys
import time
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


MANY = range(5_000)
LONG = {
    "statements that nobody knows": f"%%% @cites {' '.join(f'G{n}x' for n in range(10_000))}\na(?p) :- b(?p) .",
    "licences that nothing needs": "".join(f"%%% @assumes treat{n}\n" for n in MANY) + "treated_for(?p, ?q) :- a(?p) .",
    "a predicate that is misspelt everywhere": "treatd_for(?p, ?q) :- treatd_for(?p, ?q) .\n" * 1_000,
    "prefixes that nobody declared": "".join(f"a{n}:b(?p) :- c{n}:d(?p) .\n" for n in MANY[:1_500]),
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_text_with_a_mistake_in_each_word_is_refused_in_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was known was compared anew with each word, or what was written read anew for each: nine seconds."""
    monkeypatch.setattr(fuzzed, "MEGABYTES", 1 << 20)  # this process has run other tests
    fuzzed.names()
    fuzzed.once("rules", LONG[name].encode())


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


def test_whoever_hangs_or_dies_is_named_and_the_others_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def reader(data: bytes) -> object:
        match data:
            case b"1":
                os.kill(os.getpid(), signal.SIGSEGV)
            case b"3":
                sum(iter(int, 1))  # without end, and nothing of Python's runs in it
            case b"4":
                os._exit(0)
            case b"6":
                bytearray(1 << 50)
        return data

    monkeypatch.setattr(fuzzed, "HANGS", 1)
    monkeypatch.setattr(fuzzed, "MEGABYTES", 1 << 14)
    monkeypatch.setitem(fuzzed.TARGETS, "records", fuzzed.Target("", lambda: [b"0"], reader))
    found = {number: said for number, said, _ in fuzzed.faults("records", lambda n: str(n).encode(), range(8))}
    assert list(found) == [1, 3, 4, 6]
    assert found[1].startswith("its process ended with SIGSEGV") and "in reader" in found[1], "it is told where it was"
    assert found[3].startswith("not done in 1 seconds of the processor") and "in reader" in found[3]
    assert found[4].startswith("its process ended with 0") and "MemoryError" in found[6]


def test_who_was_slow_among_others_is_asked_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []

    def reader(data: bytes) -> object:
        read.append(data)
        until = time.process_time() + 0.02 * (len(read) > 1 or data == b"slow")
        while time.process_time() < until:
            pass
        return data

    monkeypatch.setattr(fuzzed, "SECONDS", 0.02)
    monkeypatch.setattr(fuzzed, "MEGABYTES", 1 << 14)
    monkeypatch.setattr(fuzzed, "warm", lambda name: None)
    monkeypatch.setattr(fuzzed, "drawn", lambda name, seed: b"slow" if seed == 2 else b"quick")
    monkeypatch.setitem(fuzzed.TARGETS, "records", fuzzed.Target("", lambda: [b""], reader))
    line = fuzzed.KINDS["records"].run(0, 5)
    assert line["again"] == 3 and line["compared"] == 4
    assert len(line["differences"]) == 1 and line["differences"][0].startswith("seed 2: 0.0 s of the processor")


def test_a_refusal_says_where_what_and_what_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    def reader(data: bytes) -> object:
        raise fuzzed.CitelogError(data.decode())

    monkeypatch.setattr(fuzzed, "MEGABYTES", 1 << 14)
    monkeypatch.setitem(fuzzed.TARGETS, "records", fuzzed.Target("", lambda: [b""], reader))
    fuzzed.once("records", b"labs[0].value: this is no number\n   = write one")
    for words in (b"", b"no number", b"labs[0].value: this is no number", b"no number\n   = write one"):
        with pytest.raises(AssertionError, match="without saying"):
            fuzzed.once("records", words)


def test_what_json_says_is_changed_too_and_a_receipt_is_sealed_again() -> None:
    rng = random.Random(1)
    calls = fuzzed.hooked()
    turned = [fuzzed.turned(rng.choice(calls), calls, rng) for _ in range(100)]
    assert all(json.loads(one) is not ... for one in turned) and sum(one not in calls for one in turned) > 90
    receipts = fuzzed.receipts()[:3]
    made = [fuzzed.sealed_anew(rng.choice(receipts), receipts, rng) for _ in range(30)]
    opened = [fuzzed.sealed.unseal(one, fuzzed.content.MEMBERS) for one in made]
    vouched = [one for one in opened if not any("what was sealed" in found.what for found in one.damage)]
    assert len(vouched) > 15, "what is asked is what they say, not whether it was changed"


def test_an_archive_is_packed_anew_so_that_some_are_editions_and_some_only_nearly() -> None:
    rng, archives, ends = random.Random(1), fuzzed.archives()[:1], set()
    for _ in range(20):
        try:
            ends.add(type(fuzzed.edition(fuzzed.packed_anew(archives[0], archives, rng))))
        except fuzzed.CitelogError as refused:
            ends.add(str(refused).split(": ")[1])
    assert fuzzed.archive.Archive in ends and len(ends) > 2


def test_the_inputs_of_a_seed_are_the_same_everywhere_and_mostly_differ_from_what_they_were() -> None:
    corpus = fuzzed.TARGETS["records"].corpus()
    made = [fuzzed.drawn("records", seed) for seed in range(100)]
    assert made == [fuzzed.drawn("records", seed) for seed in range(100)]
    assert sum(data not in corpus for data in made) > 80
    assert len(set(made)) > 80 and fuzzed.changed(b"", [b"x"], random.Random(1)) is not None
