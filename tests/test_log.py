"""The log: what is acknowledged is on the disk, what is changed shows, and what is shown holds without us.

The tree is checked by pymerkle, which shares nothing with ours; the disk is made to fail by `disk_faults.c`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import errno
import hashlib
import json
import os
import random
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import jsonschema
import pymerkle
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from pymerkle.proof import InvalidProof

import b12
import endpoint
import kills
import ledgers
import literate
import walked
from authoring import Command, Ended
from authoring import citelog as run
from citelog import disk, home, schemas
from citelog.cli.app import main
from citelog.diagnostics import CitelogError
from citelog.ledger import entry, folder, keys, listed, moment, tree
from citelog.ledger.log import Log, head
from citelog.ledger.note import Checkpoint, NoteError, PrivateKey, PublicKey, Signed, unusable_name
from citelog.ledger.proofs import Proof, check, compare, find, prove
from citelog.ledger.rows import DamagedLogError, Row, Rows
from citelog.ledger.verified import CODES, verify
from citelog.ledger.writer import Writer

ROOT = Path(__file__).parent.parent
PATIENT = ROOT / "examples" / "patient.yaml"


def codes(path: Path, earlier: bytes | None = None, key: PublicKey | None = None) -> list[str]:
    """The words of what is wrong with a log."""
    return [fault.code for fault in verify(path, earlier, key).faults]


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of twenty assessments, that nobody writes to."""
    return ledgers.made(tmp_path_factory.mktemp("twenty") / "log", 20).folder.path


@pytest.fixture
def copy(twenty: Path, tmp_path: Path) -> Path:
    """A copy of it that may be written to."""
    shutil.copytree(twenty, tmp_path / "log")
    shutil.copy2(f"{twenty}.key", tmp_path / "log.key")
    return tmp_path / "log"


# every way in which a door says no


def refused(work: Callable[[], object]) -> str:
    """What is said of what cannot be done, its first line."""
    with pytest.raises((CitelogError, DamagedLogError, NoteError, ValueError)) as raised:
        work()
    return str(raised.value).partition("\n")[0]


def test_a_tree_has_no_leaf_and_no_size_that_it_does_not_have(grown: Grown) -> None:
    assert refused(lambda: tree.inclusion(grown.node, 5, 5)) == "a tree of 5 leaves has no leaf 5"
    assert refused(lambda: tree.inclusion(grown.node, -1, 5)) == "a tree of 5 leaves has no leaf -1"
    assert refused(lambda: tree.consistency(grown.node, 6, 5)) == "a tree of 5 leaves never had 6"
    five, three, path = grown.roots[5], grown.roots[3], tree.consistency(grown.node, 3, 5)
    assert tree.extends(three, 3, five, 5, path) and not tree.extends(three, 3, five, 5, ())
    assert not tree.extends(five, 5, three, 3, path) and not tree.extends(three, -1, five, 5, path)


def test_a_log_is_listed_from_its_end_and_each_entry_shown_without_its_salt(twenty: Path) -> None:
    last = listed.stretch(twenty, None, 3)
    assert [one.said["number"] for one in last.entries] == [20, 19, 18]
    assert (last.keep, last.signed.checkpoint.size) == ("hashes", 21)
    assert [one.said["number"] for one in listed.stretch(twenty, 2, 9).entries] == [1, 0]
    assert listed.shown(twenty, 7) == dataclasses.replace(prove(twenty, 7), salt=None)
    assert refused(lambda: listed.stretch(twenty, 0, 3)) == "the log has the entries 0 to 20, and none before 0"
    assert refused(lambda: listed.stretch(twenty, 22, 3)) == "the log has the entries 0 to 20, and none before 22"
    assert refused(lambda: listed.shown(twenty, 21)) == "the log has the entries 0 to 20, and no 21"


def test_what_is_signed_and_is_not_so_is_told(copy: Path) -> None:
    """By somebody who has the log's own key: sizes that the table has not, roots that are none."""
    key, size = Log.open(copy).key, 21
    root = Signed.read(ledgers.checkpoint(copy)).checkpoint.root
    more, none = key.sign(Checkpoint("ward", size + 1, root)), key.sign(Checkpoint("ward", 0, tree.EMPTY))
    assert refused(lambda: prove(copy, size, more)).endswith("that checkpoint is over 22 entries, and there are 21")
    assert "is not among them" in refused(lambda: prove(copy, size))
    assert compare(copy, none, ledgers.checkpoint(copy)).wrong == () and codes(copy, none) == []
    told = compare(copy, ledgers.checkpoint(copy), more)
    assert told.wrong == ("the log is cut back: it holds 21 entries, and the new one is over 22",)
    assert told.to_dict() == {
        "format": "citelog-log-comparison/1",
        "holds": False,
        "old": {"origin": "ward", "size": 21, "root": base64.b64encode(root).decode()},
        "new": {"origin": "ward", "size": 22, "root": base64.b64encode(root).decode()},
        "path": [],
        "wrong": list(told.wrong),
    }
    strange = [key.sign(Checkpoint("ward", n, bytes(32))) for n in (5, 9)]
    [neither] = compare(copy, *strange).wrong
    assert neither == "the log is of neither: it begins with other entries than both were signed over"
    proof = prove(copy, 3)
    told = "the proof is for ward at 21 entries, the checkpoint of ward at 5"
    assert refused(lambda: check(proof, checkpoint=strange[0])) == told
    other = key.sign(Checkpoint("ward", size, bytes(32)))
    assert "the checkpoint in the proof is not the one that you hold" in check(proof, checkpoint=other)[0]
    with Rows.open(copy / "log.sqlite", write=True) as rows, rows.transaction():
        rows.append([], more)
    for work in (lambda: head(copy), lambda: listed.stretch(copy, None, 3)):
        assert refused(work).endswith("it holds 21 entries, and 22 were signed")


def test_an_append_that_nobody_acknowledged_is_said_by_the_next(copy: Path) -> None:
    before = ledgers.checkpoint(copy)
    Log.open(copy).append([ledgers.record("one"), ledgers.record("two")])
    (copy / "checkpoint").write_bytes(before)
    assert (
        "2 of its entries were written and never acknowledged" in Log.open(copy).append([ledgers.record("x")]).notices
    )
    (copy / "checkpoint").write_bytes(b"nothing\n")
    assert "the file checkpoint is damaged" in refused(lambda: Log.open(copy).append([ledgers.record("x")]))


def test_a_key_is_the_logs_own_or_none(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert refused(lambda: keys.public_key(path)) == f"{path}: it cannot be read: No such file or directory"
    other = Ed448PrivateKey.generate()
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    assert refused(lambda: keys.private_key(path, "ward")) == f"{path}: it is no Ed25519 key"
    names = {
        "": "it is empty",
        "a b": "it has a blank or a plus sign in it",
        "a+": "it has a blank or a plus sign in it",
    }
    for name, why in {**names, "a\u200b": "it has a character in it that does not print", "ward": ""}.items():
        assert unusable_name(name) == why


def test_a_root_is_written_in_one_way_and_has_32_bytes(twenty: Path) -> None:
    note = ledgers.checkpoint(twenty)
    root = note.splitlines()[2]
    for written, why in (
        (base64.b64encode(bytes(31)), "a root has 32 bytes, and this one 31"),
        (root[:-2] + b"/=", f"'{root[:40].decode()}' is not base64 as it is written again"),
        (b"*", "'*' is not base64"),
    ):
        assert refused(lambda written=written: Signed.read(note.replace(root, written, 1))) == why


def test_the_hashes_of_a_proof_are_base64(twenty: Path) -> None:
    lines = prove(twenty, 3).text.split("\n")
    place = next(n for n, line in enumerate(lines) if line.startswith("index ")) + 1
    written = f"{lines[place][:-2]}/="
    for hash_, told in (
        ("*", "'*' is not base64"),
        (written, f"{written[:40]!r} is not base64 as it is written again"),
    ):
        spoilt = "\n".join([*lines[:place], hash_, *lines[place + 1 :]])
        assert refused(partial(Proof.read, spoilt)) == told


def test_a_folder_that_is_none_cannot_be_locked_nor_its_table_read(tmp_path: Path) -> None:
    with pytest.raises(CitelogError, match="it cannot be opened"), folder.Folder(tmp_path / "none").lock(write=False):
        raise AssertionError("it is locked")
    assert refused(lambda: Rows.open(tmp_path / "none").__enter__()) == "it cannot be read: No such file or directory"


def test_a_file_system_that_knows_no_locks_is_told(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(CitelogError, match=r"it cannot be locked: No locks available\n   = keep it on a disk of this"):
        verify(copy)


def test_a_path_that_is_too_long_for_sqlite_is_told(copy: Path, tmp_path: Path) -> None:
    """The system has paths of 4,096 bytes, SQLite of 512."""
    deep = tmp_path.joinpath(*["a" * 200] * 3)
    deep.mkdir(parents=True)
    shutil.copytree(copy, deep / "log")
    [fault] = verify(deep / "log").faults
    assert (fault.code, fault.text) == ("unreadable", "SQLite cannot open it: unable to open database file")
    ended = run("audit", "log", "init", "made", cwd=deep)
    assert ended.status == 2 and "unable to open database file" in ended.err and "\n   = " in ended.err
    assert sorted(path.name for path in deep.iterdir()) == ["log"]


def test_a_log_that_was_made_keeps_its_key_whatever_comes_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk fails as the folder is already in its place, its key stays: nobody could sign for it else."""
    synced = disk._synced

    def failing(place: Path) -> None:
        synced(place)
        if (tmp_path / "log").exists():
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk, "_synced", failing)
    assert "Input/output error" in refused(lambda: Log.make(tmp_path / "log"))
    monkeypatch.undo()
    assert Log.open(tmp_path / "log").append([ledgers.record("first")]).numbers == range(1, 2)


# the tree

VECTORS = (  # the leaves and roots that Certificate Transparency's implementations share
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
)


class Grown:
    """A tree of ours with its nodes in a table, beside pymerkle's of the same entries."""

    def __init__(self, size: int) -> None:
        self.theirs = pymerkle.InmemoryTree(algorithm="sha256")
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.roots = [tree.EMPTY]
        self.entries = [b"entry %d" % number for number in range(size)]
        edge = tree.Edge()
        for number, text in enumerate(self.entries):
            self.theirs.append_entry(text)
            edge, done = edge.add(tree.leaf_hash(text))
            self.nodes |= {(level, number >> level): hash_ for level, hash_ in enumerate(done)}
            self.roots.append(edge.root)

    def node(self, level: int, i: int) -> bytes:
        return self.nodes[level, i]


@pytest.fixture(scope="module")
def grown() -> Grown:
    return Grown(70)


def test_the_roots_are_those_that_other_logs_publish() -> None:
    edge = tree.Edge()
    for leaf, root in VECTORS:
        edge, _ = edge.add(tree.leaf_hash(bytes.fromhex(leaf)))
        assert edge.root.hex() == root


def test_every_inclusion_proof_is_pymerkles_and_is_accepted_by_both(grown: Grown) -> None:
    for size in range(1, 71):
        assert tree.Edge.of(grown.node, size).root == grown.roots[size] == grown.theirs.get_root(size)
        for number in range(size):
            path = tree.inclusion(grown.node, number, size)
            theirs = grown.theirs.prove_inclusion(number + 1, size)
            leaf = tree.leaf_hash(grown.entries[number])
            assert [leaf, *path] == theirs.path
            theirs.path = [leaf, *path]
            pymerkle.verify_inclusion(leaf, grown.roots[size], theirs)
            assert tree.includes(grown.roots[size], size, number, leaf, path)


def mth(leaves: list[bytes]) -> bytes:
    """MTH as RFC 9162 defines it (2.1.1)."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = max(1 << i for i in range(8) if 1 << i < len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def subproof(m: int, leaves: list[bytes], known: bool) -> list[bytes]:
    """SUBPROOF as RFC 9162 defines it (2.1.4.1)."""
    n = len(leaves)
    if m == n:
        return [] if known else [mth(leaves)]
    k = max(1 << i for i in range(8) if 1 << i < n)
    if m <= k:
        return [*subproof(m, leaves[:k], known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def roots(m: int, n: int, known: bytes | None, path: Iterator[bytes]) -> tuple[bytes, bytes]:
    """The two roots that a consistency proof gives, by the recursion of 2.1.4.1 and not by the loop of 2.1.4.2."""
    if m == n:
        hash_ = known or next(path)
        return hash_, hash_
    k = max(1 << i for i in range(8) if 1 << i < n)
    if m <= k:
        old, new = roots(m, k, known, path)
        return old, hashlib.sha256(b"\x01" + new + next(path)).digest()
    old, new = roots(m - k, n - k, None, path)
    left = next(path)
    return hashlib.sha256(b"\x01" + left + old).digest(), hashlib.sha256(b"\x01" + left + new).digest()


def test_every_consistency_proof_is_that_of_the_rfc_and_pymerkle_agrees_that_there_is_one(grown: Grown) -> None:
    """pymerkle splits elsewhere than the RFC where the old size is itself a split, so its own paths are others."""
    for size in range(1, 71):
        for old in range(1, size + 1):
            path = tree.consistency(grown.node, old, size)
            assert list(path) == subproof(old, grown.entries[:size], True)
            assert roots(old, size, grown.roots[old], iter(path)) == (grown.roots[old], grown.roots[size])
            assert tree.extends(grown.roots[old], old, grown.roots[size], size, path)
            pymerkle.verify_consistency(grown.roots[old], grown.roots[size], grown.theirs.prove_consistency(old, size))


@given(st.data())
def test_a_proof_that_is_changed_anywhere_shows_nothing(grown: Grown, data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 70))
    number = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size - 1))
    leaf, root = tree.leaf_hash(grown.entries[number]), grown.roots[size]
    path, steps = tree.inclusion(grown.node, number, size), tree.consistency(grown.node, old, size)
    assert not tree.includes(root, size, number, leaf, [*path, leaf])
    assert not tree.extends(grown.roots[old], old, root, size, [*steps, leaf])
    junk = hashlib.sha256(b"junk").digest()
    other = data.draw(st.integers(0, 80).filter(lambda n: n != number))
    assert not tree.includes(root, size, other, leaf, path)
    i = data.draw(st.integers(0, len(path) - 1))
    assert not tree.includes(root, size, number, leaf, path[:i] + path[i + 1 :])
    assert not tree.includes(root, size, number, leaf, (*path[:i], junk, *path[i + 1 :]))
    j = data.draw(st.integers(0, len(steps) - 1))
    assert not tree.extends(grown.roots[old], old, root, size, steps[:j] + steps[j + 1 :])
    assert not tree.extends(grown.roots[old], old, root, size, (*steps[:j], junk, *steps[j + 1 :]))
    wrong = data.draw(st.integers(0, size).filter(lambda n: n not in (old, size)))
    assert not tree.extends(grown.roots[wrong], old, root, size, steps)


def test_what_pymerkle_refuses_we_refuse(grown: Grown) -> None:
    leaf = tree.leaf_hash(grown.entries[3])
    theirs = grown.theirs.prove_inclusion(4, 9)
    theirs.path = [leaf, *reversed(theirs.path[1:])]
    with pytest.raises(InvalidProof):
        pymerkle.verify_inclusion(leaf, grown.roots[9], theirs)
    assert not tree.includes(grown.roots[9], 9, 3, leaf, theirs.path[1:])


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 5), (5, 5)])
def test_every_tree_begins_with_nothing_and_with_itself(grown: Grown, old: int, size: int) -> None:
    assert tree.extends(grown.roots[old], old, grown.roots[size], size, tree.consistency(grown.node, old, size))
    assert not tree.extends(grown.roots[old], old, grown.roots[size], size, [grown.roots[1]])
    assert tree.Edge.of(grown.node, old).root == grown.roots[old]


# the checkpoint


def test_the_key_and_the_signature_of_the_notes_that_go_shows_are_understood() -> None:
    """The example of golang.org/x/mod/sumdb/note, where the format comes from."""
    key = PublicKey.read("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    written = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    from base64 import b64decode

    assert b64decode(written)[:4] == key.id and key.verifies(text, b64decode(written)[4:])
    assert not key.verifies(text.replace(b"answer", b"question"), b64decode(written)[4:])


def test_a_note_with_lines_of_witnesses_is_read_and_one_of_nobody_is_not_believed(twenty: Path) -> None:
    note = ledgers.checkpoint(twenty)
    key = folder.Folder(twenty).public_key()
    witness = "— witness.example " + "AAAA" * 20 + "\n"
    assert Signed.read(note + witness.encode()).by(key)
    forged = note.replace(b"\n21\n", b"\n22\n")
    assert not Signed.read(forged).by(key)
    nobody = note[: note.index("—".encode())] + witness.encode()
    assert not Signed.read(nobody).by(key)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda note: b"",
        lambda note: note[:-1],
        lambda note: note.replace(b"\n21\n", b"\n021\n"),
        lambda note: note.replace(b"\n21\n", b"\n-1\n"),
        lambda note: note.replace(b"\n21\n", b"\n\xb2\n"),
        lambda note: note.replace(b"=\n\n", b"\n\n"),
        lambda note: note.replace(b"\n\n", b"\nmore\n\n", 1),
        lambda note: note.replace("— ".encode(), b"- "),
        lambda note: b"\x00" * 1000,
        lambda note: note * 1000,
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused_with_a_reason(twenty: Path, spoilt: Callable[[bytes], bytes]) -> None:
    with pytest.raises(NoteError):
        Signed.read(spoilt(ledgers.checkpoint(twenty)))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_checkpoint_or_refused(data: bytes) -> None:
    for piece in (data, b"log\n1\n" + data, b"log\n1\nAAAA\n\n" + data):
        try:
            Signed.read(piece)
        except NoteError:
            continue


@given(st.text(max_size=300))
def test_any_text_is_a_proof_or_refused(text: str) -> None:
    for piece in (text, f"c2sp.org/tlog-proof@v1\n{text}", f"c2sp.org/tlog-proof@v1\nextra e30=\nindex 1\n\n{text}"):
        try:
            Proof.read(piece)
        except NoteError:
            continue


# what is entered


def test_an_entry_has_the_published_form_and_is_canonical(copy: Path) -> None:
    Log.open(copy).erase(3)
    form = jsonschema.Draft202012Validator(schemas.schema("log-entry"))
    kinds = []
    for row in ledgers.stored(copy):
        said = json.loads(row.entry)
        assert not list(form.iter_errors(said)) and row.entry == rfc8785.dumps(said)
        kinds.append(said["kind"])
    assert kinds == ["opening", *["assessment"] * 20, "erasure"]


def test_times_do_not_run_backwards_and_numbers_have_no_gap(twenty: Path) -> None:
    said = [json.loads(row.entry) for row in ledgers.stored(twenty)]
    assert [one["number"] for one in said] == list(range(21))
    assert [one["time"] for one in said] == sorted(one["time"] for one in said)


def test_a_clock_that_is_set_back_changes_no_order_and_damages_no_log(
    tmp_path: Path, citelog: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is the order; a time is what the machine said, and shown as it said it."""
    log = tmp_path / "log"
    times = ["2026-03-15T09:30:00.125Z", "2031-01-01T00:00:00.000Z", "1999-12-31T23:59:59.999Z"]
    monkeypatch.setattr(moment, "stamp", iter(times).__next__)
    assert citelog("audit", "log", "init", log).status == 0
    for _ in times[1:]:
        assert citelog("assess", PATIENT, "--log", log).status == 0
    assert [json.loads(row.entry)["time"] for row in ledgers.stored(log)] == times
    assert citelog("audit", "log", "verify", log).status == 0
    assert f"entry 2: assessment, {times[2]}" in citelog("audit", "log", "show", log, "2").out


def test_by_default_nothing_of_the_record_is_in_any_file_of_the_log(tmp_path: Path) -> None:
    record = tmp_path / "Agatha Mustermann.yaml"
    record.write_text(PATIENT.read_text().replace("id: example-1", "id: mustermann-agatha-1948"))
    assert run("audit", "log", "init", "log", cwd=tmp_path).status == 0
    ended = run("assess", record, "--log", "log", cwd=tmp_path)
    assert ended.status == 0 and "log: entry 1" in ended.err
    held = b"".join(path.read_bytes() for path in sorted((tmp_path / "log").iterdir()))
    for word in (b"gatha", b"ustermann", b"ydroxocobalamin", b"pmol", b"HYD-STD-LOAD", b"tmp"):
        assert word not in held
    assert b"citelog assess" in held


def test_a_record_cannot_be_guessed_from_its_entry_but_can_be_shown_with_the_salt(twenty: Path) -> None:
    """The same receipt has another hash each time, and its own hash is nowhere."""
    rows = ledgers.stored(twenty)[1:]
    receipts = [ledgers.record(number).receipt for number in range(1, 21)]
    assert not any(hashlib.sha256(receipt).hexdigest().encode() in row.entry for row in rows for receipt in receipts)
    assert len({row.salt for row in rows}) == 20 and all(row.salt and len(row.salt) == 32 for row in rows)
    assert [find(twenty, receipt) for receipt in receipts] == [[number] for number in range(1, 21)]
    assert find(twenty, b"another receipt") == []


def test_a_log_that_keeps_receipts_whole_has_them_byte_for_byte(tmp_path: Path) -> None:
    log = ledgers.made(tmp_path / "log", 5, "whole")
    assert log.keep == Log.open(tmp_path / "log").keep == "whole"
    assert [row.receipt for row in ledgers.stored(tmp_path / "log")[1:]] == [
        ledgers.record(number).receipt for number in range(1, 6)
    ]
    assert verify(tmp_path / "log").holds


@pytest.mark.parametrize("keep", ["hashes", "whole"])
def test_what_is_erased_is_gone_from_the_file_and_the_tree_still_verifies(tmp_path: Path, keep: str) -> None:
    path = tmp_path / "log"
    log = ledgers.made(path, 8, keep)
    kept, salt = ledgers.checkpoint(path), ledgers.stored(path)[5].salt
    assert salt and salt in (path / "log.sqlite").read_bytes()
    assert log.erase(5).numbers == range(9, 10)
    table = (path / "log.sqlite").read_bytes()
    assert salt not in table and ledgers.record(5).receipt not in table
    assert verify(path, kept).holds and json.loads(ledgers.stored(path)[9].entry)["of"] == 5
    assert find(path, ledgers.record(5).receipt) == [] and find(path, ledgers.record(6).receipt) == [6]
    for number in (5, 0, 9, 99):
        with pytest.raises(CitelogError, match="nothing that could be erased"):
            log.erase(number)


def test_a_salt_that_is_erased_in_silence_is_noticed_and_so_is_one_that_comes_back(copy: Path) -> None:
    salt = ledgers.stored(copy)[4].salt
    with Rows.open(copy / "log.sqlite", write=True) as rows, rows.transaction():
        rows.erase(4)
    [fault] = verify(copy).faults
    assert (fault.code, fault.number) == ("salt-missing", 4)
    with Rows.open(copy / "log.sqlite", write=True) as rows, rows.transaction():
        rows.connection.execute("UPDATE entries SET salt = ? WHERE n = 4", (salt,))
    Log.open(copy).erase(4)
    with Rows.open(copy / "log.sqlite", write=True) as rows, rows.transaction():
        rows.connection.execute("UPDATE entries SET salt = ? WHERE n = 4", (salt,))
    [fault] = verify(copy).faults
    assert (fault.code, fault.number) == ("salt-changed", 4)


@pytest.mark.parametrize("keep", ["hashes", "whole"])
def test_a_copy_without_salts_verifies_and_nobody_can_try_a_guess_on_it(tmp_path: Path, keep: str) -> None:
    path = tmp_path / "log"
    ledgers.made(path, 8, keep).erase(3)
    kept = ledgers.checkpoint(path)
    run("audit", "log", "copy", path, tmp_path / "copy", "--without-salts")
    held = b"".join(file.read_bytes() for file in (tmp_path / "copy").iterdir())
    for row in ledgers.stored(path):
        assert row.entry in held
        assert not any(part and part in held for part in (row.salt, row.receipt))
    assert find(tmp_path / "copy", ledgers.record(5).receipt) == []
    assert verify(tmp_path / "copy", kept, salts=False).holds and codes(tmp_path / "copy")[0] == "salt-missing"
    assert check(prove(tmp_path / "copy", 5), checkpoint=kept) == []
    assert codes(path, kept) == [] and not verify(path, salts=False).holds


def test_a_copy_is_the_same_log_and_is_never_written_over(copy: Path, tmp_path: Path) -> None:
    assert run("audit", "log", "copy", copy, tmp_path / "other").out == f"{tmp_path / 'other'}: 21 entries\n"
    assert ledgers.stored(tmp_path / "other") == ledgers.stored(copy) and codes(tmp_path / "other") == []
    assert run("audit", "log", "copy", copy, tmp_path / "other").status == 2


# who can write


def test_the_private_key_is_beside_the_folder_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    ledgers.made(tmp_path / "log", 1)
    key = tmp_path / "log.key"
    assert key.stat().st_mode & 0o777 == 0o600 and (tmp_path / "log").stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == ["checkpoint", "log.sqlite", "public-key"]
    key.chmod(0o640)
    with pytest.raises(CitelogError, match="others than its owner may read"):
        Log.open(tmp_path / "log")


def test_a_log_is_never_made_anew_nor_silently(tmp_path: Path) -> None:
    with pytest.raises(CitelogError, match="there is no such log\n   = check the path, or make one"):
        Log.open(tmp_path / "log")
    ledgers.made(tmp_path / "log", 1)
    with pytest.raises(CitelogError, match="it is there already"):
        Log.make(tmp_path / "log")
    with pytest.raises(CitelogError, match="it is there already"):
        Log.make(tmp_path / "other", key_file=tmp_path / "log.key")
    for name in ("log.sqlite", "checkpoint", "public-key"):
        whole = (tmp_path / "log" / name).read_bytes()
        (tmp_path / "log" / name).unlink()
        with pytest.raises(CitelogError, match=f"{name} is missing"):
            Log.open(tmp_path / "log")
        (tmp_path / "log" / name).write_bytes(whole)


def test_two_logs_are_never_called_alike_unless_they_are_told_to_be(tmp_path: Path) -> None:
    names = {Log.make(tmp_path / place / "log").key.name for place in _folders(tmp_path, "a", "b")}
    assert len(names) == 2 and all(name.startswith("log/") for name in names)
    with pytest.raises(CitelogError, match="a blank or a plus sign"):
        Log.make(tmp_path / "my log")
    assert list(tmp_path.glob(".*")) == []


def _folders(parent: Path, *names: str) -> Iterator[str]:
    for name in names:
        (parent / name).mkdir()
        yield name


def test_a_key_of_another_log_is_refused(copy: Path, tmp_path: Path) -> None:
    ledgers.made(tmp_path / "other", 0)
    with pytest.raises(CitelogError, match=r"not the key that .* is signed with"):
        Log.open(copy, tmp_path / "other.key")
    (tmp_path / "text.key").write_text("no key\n")
    (tmp_path / "text.key").chmod(0o600)
    with pytest.raises(CitelogError, match="no private key that can be read"):
        Log.open(copy, tmp_path / "text.key")


def test_two_processes_write_at_once_and_every_entry_is_there_once_in_one_order(tmp_path: Path) -> None:
    path = ledgers.made(tmp_path / "log", 0).folder.path
    told: dict[str, list[int]] = {}
    threads = [
        threading.Thread(target=lambda name=name: told.update({name: ledgers.run("appends", path, name, 40)}))
        for name in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told["a"] + told["b"]) == list(range(1, 81))
    assert all(numbers == sorted(numbers) for numbers in told.values())
    assert verify(path).holds
    for name, numbers in told.items():
        for i, number in enumerate(numbers[::13]):
            assert find(path, ledgers.record(f"{name}.{i * 13}").receipt) == [number]


def test_threads_of_a_server_share_a_writer_and_each_is_told_its_own_numbers(tmp_path: Path) -> None:
    """Some enter one at a time and some two, which stand together whoever else writes."""
    log = ledgers.made(tmp_path / "log", 0)
    writer, told = Writer(log), dict[str, int]()

    def client(name: int) -> None:
        few = 1 + name % 2
        for i in range(0, 10, few):
            names = [f"{name}.{i + more}" for more in range(few)]
            told.update(zip(names, writer.append([ledgers.record(one) for one in names]), strict=True))

    threads = [threading.Thread(target=client, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told.values()) == list(range(1, 81)) and verify(log.folder.path).holds
    rows = ledgers.stored(log.folder.path)
    assert all(ledgers.is_of(rows[number], name) for name, number in told.items())


def test_an_error_of_a_shared_commit_reaches_everyone_who_waited_for_it(copy: Path) -> None:
    writer = Writer(Log.open(copy))
    (copy / "checkpoint").unlink()
    for _ in range(2):
        with pytest.raises(CitelogError, match="checkpoint"):
            writer.append([ledgers.record("lost")])


def test_who_finds_the_log_locked_waits_and_then_says_so(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "PATIENCE", 0.05)
    log = Log.open(copy)
    with (
        folder.Folder(copy).lock(write=True),
        pytest.raises(CitelogError, match=r"another process is writing to this log.*\n   = nothing was entered"),
    ):
        log.append([ledgers.record("late")])
    assert log.append([ledgers.record("in time")]).numbers == range(21, 22)


def test_nobody_who_writes_waits_for_an_audit(copy: Path) -> None:
    """While a verification reads, an append goes through; the verification is of what was there when it began."""
    log, appended = Log.open(copy), []

    def tick(what: str, done: int, total: int) -> None:
        appended.append(log.append([ledgers.record("meanwhile")]).numbers[0])

    found = verify(copy, tick=tick)
    assert found.holds and found.read == 21 and appended == [21]
    assert verify(copy).read == 22


# tampering, by someone who can write every file and computes every hash anew


def edited(rows: list[Row]) -> list[Row]:
    said = json.loads(rows[7].entry) | {"asked": "citelog serve"}
    return [*rows[:7], Row(7, b"", entry.canonical(said), rows[7].salt), *rows[8:]]


def inserted(rows: list[Row]) -> list[Row]:
    return ledgers.numbered([*rows[:7], rows[3], *rows[7:]])


def other_story(rows: list[Row]) -> list[Row]:
    """From entry 10 on, another one, as long or longer."""
    return ledgers.numbered([*rows[:10], *rows[5:10], *rows[5:20]])


TAMPERED: dict[str, Callable[[list[Row]], list[Row]]] = {
    "an entry is edited": edited,
    "an entry is deleted": lambda rows: ledgers.numbered([*rows[:7], *rows[8:], *rows[5:7]]),
    "an entry is inserted": inserted,
    "two entries are exchanged": lambda rows: ledgers.numbered([*rows[:7], rows[8], rows[7], *rows[9:]]),
    "the log is rolled back": lambda rows: rows[:15],
    "another story is told from some entry on": other_story,
    "all of it is signed with another key": lambda rows: rows,
}


@pytest.mark.parametrize("who", ["somebody with a key of their own", "the keeper of the log's key"])
@pytest.mark.parametrize("what", TAMPERED)
def test_it_is_noticed_from_an_earlier_checkpoint_alone_that(what: str, who: str, copy: Path, tmp_path: Path) -> None:
    """The log has 21 entries when the checkpoint is kept, and more when it is tampered with."""
    kept = ledgers.checkpoint(copy)
    log = Log.open(copy)
    log.append([ledgers.record(number) for number in range(21, 24)])
    assert verify(copy, kept).holds
    key = log.key
    if who == "somebody with a key of their own" or "another key" in what:
        ledgers.made(tmp_path / "theirs", 0)
        key = PrivateKey(log.key.name, Log.open(tmp_path / "theirs").key.secret)
    ledgers.forge(copy, TAMPERED[what](ledgers.stored(copy)), key)
    found = codes(copy, kept)
    expected = {
        "the log is rolled back": "cut-back",
        "all of it is signed with another key": "other-key",
    }.get(what, "not-continued")
    assert expected in found
    if key.public == log.key.public:
        assert codes(copy) == [], "without the earlier checkpoint nobody could tell"
        assert expected in found and found == [expected]
    else:
        assert "other-key" in found


def test_a_log_that_tells_two_people_two_stories_is_caught_by_their_two_checkpoints(copy: Path) -> None:
    log, rows = Log.open(copy), ledgers.stored(copy)
    one = ledgers.checkpoint(copy)
    ledgers.forge(copy, ledgers.numbered([*rows[:20], rows[10]]), log.key)
    two = ledgers.checkpoint(copy)
    assert "split view" in compare(copy, one, two).wrong[0]
    log.append([ledgers.record("more")])
    assert "does not go through the old checkpoint" in compare(copy, one, ledgers.checkpoint(copy)).wrong[0]
    assert compare(copy, two, ledgers.checkpoint(copy)).wrong == ()


def test_the_key_that_somebody_was_given_is_believed_and_not_the_one_that_the_log_names(
    copy: Path, tmp_path: Path
) -> None:
    """A log made anew, with a key of the same name: by itself it is whole, and to who has the key a stranger."""
    given, log = folder.Folder(copy).public_key(), Log.open(copy)
    theirs = PrivateKey(log.key.name, Log.open(ledgers.made(tmp_path / "theirs", 0).folder.path).key.secret)
    note = ledgers.checkpoint(copy)
    assert codes(copy, key=given) == [] and compare(copy, note, note, given).wrong == ()
    ledgers.forge(copy, ledgers.stored(copy), theirs)
    note, key = ledgers.checkpoint(copy), tmp_path / "given"
    key.write_text(given.text)
    assert set(codes(copy)) == {"other-key"}, "the opening names the key, and was left as it was"
    rows = ledgers.stored(copy)
    opening = entry.canonical(json.loads(rows[0].entry) | {"public_key": theirs.public.text})
    ledgers.forge(copy, [Row(0, b"", opening), *rows[1:]], theirs)
    note = ledgers.checkpoint(copy)
    assert codes(copy) == [] and set(codes(copy, key=given)) == {"other-key"}
    assert compare(copy, note, note).wrong == ()
    assert compare(copy, note, note, given).wrong == tuple(
        f"the {which} checkpoint is not signed by ward+{given.id.hex()}" for which in ("old", "new")
    )
    assert check(prove(copy, 3), given) == ["the checkpoint in the proof is not signed by that key"]
    (tmp_path / "note").write_bytes(note)
    (tmp_path / "proof").write_text(prove(copy, 3).text)
    for command in (("verify", copy), ("check", tmp_path / "proof"), ("compare", *[tmp_path / "note"] * 2, copy)):
        assert run("audit", "log", *command, "--public-key", key).status == 1, command


def test_checkpoints_of_two_logs_are_not_compared(copy: Path, tmp_path: Path) -> None:
    other = Log.make(tmp_path / "other", "ward-8").folder.path
    note = ledgers.checkpoint(other)
    told = compare(copy, note, ledgers.checkpoint(copy)).wrong
    assert "they are of two logs: ward-8 and ward" in told


def test_a_log_that_went_on_in_two_places_is_not_continued_in_either(copy: Path, tmp_path: Path) -> None:
    """Both stories are signed by the log's own key: a table that is brought from a copy which was written to."""
    for path in (shutil.copytree(copy, tmp_path / "elsewhere"), copy):
        Log.open(path, tmp_path / "log.key").append([ledgers.record(path)])
    shutil.copy(tmp_path / "elsewhere" / "log.sqlite", copy)
    assert codes(copy) == ["not-continued"]
    told = "its first 22 entries are not those that its file checkpoint was signed over"
    with pytest.raises(CitelogError, match=told):
        Log.open(copy)


def test_a_log_never_signs_what_does_not_continue_its_last_checkpoint(copy: Path) -> None:
    """A forger without the key cannot have the keeper sign the forgery by the next honest append."""
    log, whole = Log.open(copy), (copy / "log.sqlite").read_bytes()
    for forge in (edited, lambda rows: rows[:15], lambda rows: [*rows, *ledgers.numbered([*rows, rows[4]])[-1:]]):
        rows = forge(ledgers.stored(copy))
        with Rows.open(copy / "log.sqlite", write=True) as table, table.transaction():
            note = table.head()
            table.connection.execute("DELETE FROM entries")
            edge, written = tree.Edge(), []
            for row in rows:
                edge, hashes = edge.add(tree.leaf_hash(row.entry))
                written.append(Row(row.number, b"".join(hashes), row.entry, row.salt))
            table.append(written, note)
        with pytest.raises(CitelogError, match=r"were signed.*\n   = see what is wrong: citelog audit log verify"):
            log.append([ledgers.record("honest")])
        assert codes(copy)
        (copy / "log.sqlite").write_bytes(whole)
    assert log.append([ledgers.record("honest")]).numbers == range(21, 22)


def test_nothing_goes_on_from_a_checkpoint_that_the_key_did_not_sign(copy: Path, tmp_path: Path) -> None:
    """The forger signs with a key of the same name, and leaves the file of the public key as it was."""
    log, kept = Log.open(copy), (copy / "public-key").read_bytes()
    theirs = Log.open(ledgers.made(tmp_path / "theirs", 0).folder.path).key
    ledgers.forge(copy, edited(ledgers.stored(copy)), theirs)
    (copy / "public-key").write_bytes(kept)
    for work in (lambda: log.append([ledgers.record("honest")]), lambda: Log.open(copy), lambda: head(copy)):
        with pytest.raises(CitelogError, match="is not signed by the log's key"):
            work()


def test_a_file_that_is_put_back_to_an_earlier_commit_is_noticed_without_any_help(copy: Path) -> None:
    before = (copy / "log.sqlite").read_bytes()
    log = Log.open(copy)
    log.append([ledgers.record("forgotten")])
    (copy / "log.sqlite").write_bytes(before)
    [fault] = verify(copy).faults
    assert (fault.code, fault.number) == ("cut-back", 21)
    with pytest.raises(CitelogError, match=r"it was cut back: it holds 21 entries, and .* signed over 22"):
        log.append([ledgers.record("next")])


CHANGED: dict[str, tuple[str, str, int | None]] = {
    "the text of an entry": (
        "UPDATE entries SET entry = replace(entry, 'assess', 'guess') WHERE n = 7", "entry-changed", 7),
    "the number in an entry": (
        "UPDATE entries SET entry = replace(entry, ':7,', ':8,') WHERE n = 7", "entry-changed", 7),
    "the hash of an entry": ("UPDATE entries SET hashes = zeroblob(32) WHERE n = 8", "entry-changed", 8),
    "a hash above": (
        "UPDATE entries SET hashes = substr(hashes, 1, 32) || zeroblob(96) WHERE n = 7", "hash-changed", 7),
    "the number of hashes": ("UPDATE entries SET hashes = substr(hashes, 1, 64) WHERE n = 7", "hash-changed", 7),
    "a salt": ("UPDATE entries SET salt = zeroblob(32) WHERE n = 7", "salt-changed", 7),
    "what is no salt": ("UPDATE entries SET salt = 5 WHERE n = 7", "unreadable", 7),
    "a receipt where none is kept": ("UPDATE entries SET receipt = x'00' WHERE n = 7", "receipt-changed", 7),
    "something beside the opening": ("UPDATE entries SET salt = zeroblob(32) WHERE n = 0", "receipt-changed", 0),
    "an entry that is gone": ("DELETE FROM entries WHERE n = 7", "entry-missing", 7),
    "an entry elsewhere": ("UPDATE entries SET n = 70 WHERE n = 7", "entry-missing", 7),
    "the last that is gone": ("DELETE FROM entries WHERE n = 20", "cut-back", 20),
    "one more than was signed": (
        "INSERT INTO entries SELECT 21, hashes, entry, salt, receipt FROM entries WHERE n = 20", "entry-changed", 21),
    "the checkpoint inside": ("UPDATE head SET note = x'00'", "checkpoint-damaged", None),
    "no checkpoint inside": ("DELETE FROM head", "checkpoint-damaged", None),
    "an entry before the first": (
        "INSERT INTO entries SELECT -5, hashes, entry, salt, receipt FROM entries WHERE n = 7", "unreadable", 0),
    "a second checkpoint inside": ("INSERT INTO head SELECT 2, note FROM head", "unreadable", 0),
    "a table more": ("CREATE TABLE more (a)", "unreadable", 0),
    "a trigger": (
        "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries WHERE n = 3; END", "unreadable", 0),
    "the mark of the file": ("PRAGMA user_version = 2", "unreadable", 0),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGED)
def test_the_first_bad_entry_is_named_when_somebody_changes(what: str, copy: Path) -> None:
    change, code, number = CHANGED[what]
    with Rows.open(copy / "log.sqlite", write=True) as rows:
        rows.connection.execute(change)
    first = verify(copy).faults[0]
    assert (first.code, first.number) == (code, number)
    assert code in CODES


def test_what_is_missing_is_told_by_who_asks_for_it(copy: Path) -> None:
    for what, number, told in (
        ("an entry that is gone", 7, "entry 7 is missing"),
        ("the number of hashes", 12, "the hashes of entry 7 are missing"),
    ):
        whole = (copy / "log.sqlite").read_bytes()
        with Rows.open(copy / "log.sqlite", write=True) as rows:
            rows.connection.execute(CHANGED[what][0])
        assert refused(lambda number=number: prove(copy, number)) == f"{copy}: {told}"
        (copy / "log.sqlite").write_bytes(whole)


def test_an_entry_that_opens_a_log_stands_at_its_beginning_only(copy: Path) -> None:
    """Said of a log that its keeper forged: each hash is right, and all is signed."""
    rows, key = ledgers.stored(copy), Log.open(copy).key
    for forged, number in (([*rows[:7], Row(7, b"", rows[0].entry), *rows[8:]], 7), (rows[3:], 0)):
        ledgers.forge(copy, ledgers.numbered(forged), key)
        fault = verify(copy).faults[0]
        assert (fault.code, fault.number) == ("entry-changed", number)
        assert fault.text.endswith("the entry that opens a log is the first, and no other")


def test_a_page_that_is_damaged_is_told_by_who_copies_the_log(copy: Path, tmp_path: Path) -> None:
    """A copy without salts is written anew, which needs every page."""
    table = copy / "log.sqlite"
    page, whole = 4096, table.read_bytes()
    for number in range(1, len(whole) // page):
        table.write_bytes(whole[: page * number] + bytes(page) + whole[page * (number + 1) :])
        assert verify(copy).faults
        ended = run("audit", "log", "copy", copy, tmp_path / "other", "--without-salts")
        assert ended.status == 2 and f"citelog audit log verify {copy}" in ended.err, number
        assert not (tmp_path / "other").exists()


def test_a_writer_that_is_ended_while_somebody_looks_has_them_look_again(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it left over, SQLite cannot read past; whoever looks begins anew, in a copy where it is undone."""
    monkeypatch.setattr("citelog.ledger.rows.CHUNK", 5)
    looks = []

    def tick(what: str, done: int, total: int) -> None:
        looks.append(done)
        if len(looks) == 1 and not os.fork():
            table = sqlite3.connect(copy / "log.sqlite", isolation_level=None)
            table.execute("PRAGMA cache_size = 1")
            table.execute("BEGIN")
            table.execute("UPDATE entries SET salt = zeroblob(9000)")
            os._exit(0)
        elif len(looks) == 1:
            os.wait()

    found = verify(copy, tick=tick)
    assert found.holds and found.read == 21 and looks == [0, 0]
    assert "log.sqlite-journal is left over" in found.notices[0]


def test_a_file_that_would_have_sqlite_write_beside_it_is_not_opened(copy: Path) -> None:
    whole = (copy / "log.sqlite").read_bytes()
    for marks in (b"\2\2", b"\2\1", b"\1\2", b"\0\0"):
        (copy / "log.sqlite").write_bytes(whole[:18] + marks + whole[20:])
        assert verify(copy).faults[0].number == 0
    (copy / "log.sqlite").write_bytes(whole)
    assert sorted(path.name for path in copy.iterdir()) == ["checkpoint", "log.sqlite", "public-key"]
    (copy / "log.sqlite-wal").write_bytes(b"")
    assert "write-ahead log" in verify(copy).faults[0].text


def test_a_journal_that_somebody_put_there_has_sqlite_delete_no_file_of_the_reader(copy: Path, tmp_path: Path) -> None:
    """SQLite deletes what a journal names as its super-journal: here a file of whoever looks at the folder."""
    precious, journal = tmp_path / "precious", copy / "log.sqlite-journal"
    precious.write_text("of the auditor")
    ended = os.fork()
    if not ended:  # a writer that is ended in the middle, so that the journal is one that SQLite undoes
        table = sqlite3.connect(copy / "log.sqlite", isolation_level=None)
        table.execute("PRAGMA cache_size = 1")
        table.execute("BEGIN")
        table.execute("UPDATE entries SET salt = zeroblob(9000)")
        os._exit(0)
    os.waitpid(ended, 0)
    left, name = journal.read_bytes(), str(precious).encode()
    page = struct.pack(">I", 0x40000000 // 4096 + 1)
    told = page + name + struct.pack(">II", len(name), sum(name)) + bytes.fromhex("d9d505f920a163d7")
    assert verify(copy).holds and journal.exists(), "as a writer leaves it, it is undone in a copy"
    journal.write_bytes(left + bytes(-len(left) % 512) + told)
    [fault] = verify(copy).faults
    assert fault.text == "beside it is a journal that names other files, which no log of citelog leaves"
    for work in (lambda: prove(copy, 3), lambda: Log.open(copy).append([ledgers.record("next")])):
        with pytest.raises(CitelogError, match="a journal that names other files"):
            work()
    assert precious.read_text() == "of the auditor"
    journal.unlink()
    journal.mkdir()
    assert verify(copy).faults[0].text == "beside it is a journal that is no file"
    journal.rmdir()
    journal.symlink_to("/proc/self/mem")  # a file, and nobody can read its end
    assert verify(copy).faults[0].text == "the journal beside it cannot be read: Invalid argument"


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_an_append_writes_through_no_link_that_somebody_put_into_the_folder(
    link: Callable[[Path, Path], None], copy: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("of the keeper")
    link(precious, copy / "checkpoint.new")
    assert Log.open(copy).append([ledgers.record("next")]).numbers == range(21, 22)
    assert precious.read_text() == "of the keeper" and codes(copy) == []


def test_what_find_finds_is_in_the_tree_that_was_signed(copy: Path) -> None:
    """An entry with a leaf hash of its own making is no entry, though its text, its hash and its salt agree."""
    receipt, salt = b"of somebody who was never here", bytes(32)
    said = entry.read(ledgers.stored(copy)[7].entry)
    said |= {"receipt": entry.salted(salt, receipt).hex(), "salt": hashlib.sha256(salt).hexdigest()}
    text = entry.canonical(said)
    with Rows.open(copy / "log.sqlite", write=True) as rows:
        rows.connection.execute(
            "UPDATE entries SET entry = ?, salt = ?, hashes = CAST(? || substr(hashes, 33) AS BLOB) WHERE n = 7",
            (text.decode(), salt, tree.leaf_hash(text)),
        )
    with pytest.raises(CitelogError, match="does not lead from this entry, as number 7, to the checkpoint"):
        find(copy, receipt)


def test_what_find_finds_was_entered_as_a_receipt(copy: Path) -> None:
    """Not where its hash stands anywhere else in an entry, though the keeper of the key signed it."""
    log, rows, receipt = Log.open(copy), ledgers.stored(copy), b"of somebody who was never here"
    assert rows[7].salt is not None
    said = json.loads(rows[7].entry) | {"asked": entry.salted(rows[7].salt, receipt).hex()}
    ledgers.forge(copy, [*rows[:7], Row(7, b"", entry.canonical(said), rows[7].salt), *rows[8:]], log.key)
    with pytest.raises(CitelogError, match="is not the one that was entered"):
        find(copy, receipt)


def test_a_salt_that_is_not_the_entrys_is_shown_to_nobody(copy: Path) -> None:
    key, proof = folder.Folder(copy).public_key(), prove(copy, 7)
    assert check(proof, key) == []
    [wrong] = check(dataclasses.replace(proof, salt=bytes(32)), key)
    assert wrong == "the salt beside the entry is not the one that it was entered with"


def test_a_receipt_that_is_kept_and_changed_is_noticed(tmp_path: Path) -> None:
    path = ledgers.made(tmp_path / "log", 5, "whole").folder.path
    for change in ("receipt = receipt || x'20'", "receipt = NULL"):
        whole = (path / "log.sqlite").read_bytes()
        with Rows.open(path / "log.sqlite", write=True) as rows:
            rows.connection.execute(f"UPDATE entries SET {change} WHERE n = 2")
        [fault] = verify(path).faults
        assert (fault.code, fault.number) == ("receipt-changed", 2)
        (path / "log.sqlite").write_bytes(whole)


# proofs, for those who do not have the log


def test_a_proof_needs_nothing_but_itself_and_what_its_reader_holds(twenty: Path) -> None:
    key, kept = folder.Folder(twenty).public_key(), ledgers.checkpoint(twenty)
    for number in range(21):
        proof = Proof.read(prove(twenty, number).text)
        assert check(proof, key) == check(proof, checkpoint=kept) == []
        if number:
            assert check(proof, key, receipt=ledgers.record(number).receipt) == []
            assert "is not the one that was entered" in check(proof, key, receipt=b"another")[0]
    assert "is no assessment" in check(prove(twenty, 0), key, receipt=b"")[0]


def test_a_proof_is_accepted_by_pymerkle_too(twenty: Path) -> None:
    proof = prove(twenty, 13)
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    for row in ledgers.stored(twenty):
        theirs.append_entry(row.entry)
    made = theirs.prove_inclusion(14, 21)
    made.path = [tree.leaf_hash(proof.entry), *proof.path]
    pymerkle.verify_inclusion(made.path[0], proof.signed.checkpoint.root, made)


def test_a_proof_to_an_earlier_checkpoint_is_of_the_log_as_it_was(copy: Path) -> None:
    kept = ledgers.checkpoint(copy)
    Log.open(copy).append([ledgers.record("more")] * 50)
    assert check(prove(copy, 5, kept), checkpoint=kept) == []
    with pytest.raises(CitelogError, match="the proof is for ward at 71 entries, the checkpoint of ward at 21"):
        check(prove(copy, 5), checkpoint=kept)
    with pytest.raises(CitelogError, match="over 21 entries, from 0 to 20, and 30 is not among them"):
        prove(copy, 30, kept)


@pytest.mark.parametrize("byte", range(0, 2000, 37))
def test_a_proof_that_is_changed_by_a_byte_does_not_hold(twenty: Path, byte: int) -> None:
    text = prove(twenty, 13).text.encode()
    byte %= len(text)
    changed = text[:byte] + bytes([text[byte] ^ 1]) + text[byte + 1 :]
    key, receipt = folder.Folder(twenty).public_key(), ledgers.record(13).receipt
    with contextlib.suppress(NoteError):
        assert check(Proof.read(changed.decode("utf-8", "replace")), key, receipt=receipt)


def test_the_salt_of_a_proof_can_be_left_out_by_whoever_erased_it(copy: Path) -> None:
    Log.open(copy).erase(13)
    key = folder.Folder(copy).public_key()
    proof = Proof.read(prove(copy, 13).text)
    assert check(proof, key) == []
    assert "nobody can tell any more" in check(proof, key, receipt=ledgers.record(13).receipt)[0]


# it survives


def test_acknowledged_means_that_everything_was_synced_and_in_which_order(copy: Path, library: Path) -> None:
    """Of one append: nothing is written after its last fsync, and the folder is synced when the journal is gone."""
    calls = ledgers.run("trace", copy, copy.with_name("trace"), library=library)
    for file in ("log.sqlite", "log.sqlite-journal", "checkpoint.new"):
        last = max(i for i, call in enumerate(calls) if call == f"write LOG/{file}")
        assert f"fsync LOG/{file}" in calls[last:]
    first, synced = calls.index("write LOG/log.sqlite"), calls.index("fsync LOG/log.sqlite-journal")
    assert synced < first, "the journal is safe before the table is touched"
    gone = calls.index("unlink LOG/log.sqlite-journal")
    assert calls.index("fsync LOG/log.sqlite") < gone and calls[gone + 1 :] == [
        "fsync LOG",
        "rename LOG/checkpoint.new",
    ]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes a disk fail."""
    made = ledgers.faults_library(tmp_path_factory.mktemp("library"))
    if made is None:
        pytest.skip("needs Linux and a C compiler")
    return made


FAULTS = {
    "the process is killed": "kill",
    "the process is killed in the middle of a write": "torn",
    "the disk fails once": f"fail {errno.EIO}",
    "the disk is full once": f"fail {errno.ENOSPC}",
    "the disk is full from then on": f"rest {errno.ENOSPC}",
    "the file system becomes read-only": f"rest {errno.EROFS}",
    "the call is interrupted": f"fail {errno.EINTR}",
    "half is written": "short",
}


@pytest.mark.parametrize("what", FAULTS)
def test_at_every_call_to_the_disk_nothing_is_lost_when(what: str, copy: Path, library: Path) -> None:
    """An append, once for each of its calls: all or nothing is entered, the log verifies, the next append succeeds."""
    found = ledgers.run("faults", copy, *FAULTS[what].split(), library=library)
    assert found["wrong"] == [] and found["faults"] >= 20
    if what.startswith("the process"):
        assert found["ended"] == {"killed": found["faults"], "acknowledged": 1}
    elif what == "the disk is full from then on":
        assert found["ended"] == {"refused": found["faults"], "acknowledged": 1}
    else:
        assert set(found["ended"]) <= {"refused", "acknowledged"}


def test_what_was_acknowledged_survives_kill_9_at_a_random_moment() -> None:
    """Thirty times; `python tests/kills.py` goes on."""
    found = kills.killed(1, 30)
    assert found["differences"] == []
    assert found["compared"] > 30, "it was killed before it ever wrote"


@pytest.mark.slow
def test_what_a_server_acknowledged_survives_its_kill_9_and_it_leaves_no_process() -> None:
    found = kills.served(2, 1)
    assert found["differences"] == [] and found["compared"] > 0


def test_a_journal_that_is_deleted_cut_or_changed_loses_nothing_in_silence(copy: Path, library: Path) -> None:
    """After a kill somebody removes or damages what was left over: the log is whole, or it is noticed."""
    found = ledgers.run("journals", copy, 1, 2, library=library)
    assert found["wrong"] == []
    assert found["outcomes"]["deleted: noticed"] and found["outcomes"]["deleted: whole"]


def test_a_left_over_journal_is_said_and_who_looks_writes_nothing(copy: Path, library: Path) -> None:
    ledgers.run("left", copy, library=library)
    journal = copy / "log.sqlite-journal"
    files = {path: path.read_bytes() for path in copy.iterdir()}
    found = verify(copy)
    assert found.holds and "log.sqlite-journal is left over" in found.notices[0]
    assert prove(copy, 5) and {path: path.read_bytes() for path in copy.iterdir()} == files
    done = Log.open(copy).append([ledgers.record("next")])
    assert "interrupted before it was acknowledged, and is undone" in done.notices[0]
    assert not journal.exists() and verify(copy).notices == ()


def test_a_disk_that_is_full_is_said_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    """By a limit on the size of a file, as a process has it."""
    path = ledgers.made(tmp_path / "log", 3).folder.path
    found = ledgers.run("full", path, (path / "log.sqlite").stat().st_size + 40_000)
    assert "it cannot be written to" in found["message"] and "the answer is held back" in found["message"]
    assert found["told"] == list(range(4, 4 + len(found["told"]))) and len(found["told"]) > 10
    assert verify(path).read == 4 + len(found["told"])
    assert Log.open(path).append([ledgers.record("after")]).numbers[0] == 4 + len(found["told"])


def test_a_table_that_may_not_grow_is_a_full_disk(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    careful = Rows._careful

    def small(rows: Rows) -> None:
        careful(rows)
        rows.connection.execute("PRAGMA max_page_count = 1")

    log = Log.open(copy)
    monkeypatch.setattr(Rows, "_careful", small)
    with pytest.raises(CitelogError, match="it cannot be written to: database or disk is full"):
        log.append([ledgers.record(i) for i in range(50)])
    monkeypatch.undo()
    assert verify(copy).read == 21 and (copy / "checkpoint.new").exists()
    assert log.append([ledgers.record("after")]).numbers == range(21, 22)


def test_a_real_file_system_that_is_full(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mounted = shutil.which("mount") and os.getuid() == 0
    if (
        not mounted
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", place], capture_output=True).returncode
    ):
        pytest.skip("needs root, and a system that lets it mount")
    try:
        path = ledgers.made(place / "log", 3).folder.path
        found = ledgers.run("full", path, 0)
        assert "it cannot be written to" in found["message"]
        assert verify(path).read == 4 + len(found["told"])
    finally:
        subprocess.run(["umount", place], check=True)


# every damage of a log at rest


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> ledgers.Whole:
    """A log of 200 entries at rest, as bytes."""
    return ledgers.Whole.of(ledgers.made(tmp_path_factory.mktemp("resting") / "log", 199).folder.path)


def test_a_flipped_bit_is_noticed_or_changes_nothing_that_is_read(resting: ledgers.Whole) -> None:
    draw = random.Random(5)
    bits = [draw.randrange(8 * len(resting.table)) for _ in range(300)]
    found = ledgers.counted(resting.outcome(table=ledgers.flipped(resting.table, bit)) for bit in bits)
    assert found.pop("missed", 0) == 0 and found["named"] > 200


def test_rubbish_anywhere_is_noticed_or_changes_nothing(resting: ledgers.Whole) -> None:
    draw = random.Random(9)
    for _ in range(100):
        start, length = draw.randrange(len(resting.table)), draw.choice((2, 16, 300, 5_000))
        rubbish = draw.choice((bytes(length), b"\xff" * length, draw.randbytes(length)))
        table = resting.table[:start] + rubbish + resting.table[start + length :]
        assert resting.outcome(table=table[: len(resting.table)]) != "missed"


def test_a_flipped_bit_of_an_entry_names_that_entry(resting: ledgers.Whole) -> None:
    draw = random.Random(6)
    for row in draw.sample(resting.rows, 40):
        for part in (row.entry, row.hashes, row.salt):
            if part is None:
                continue
            start = resting.table.index(part)
            bit = 8 * start + draw.randrange(8 * len(part))
            faults = resting.seen(table=ledgers.flipped(resting.table, bit)).faults
            assert faults[0].number == row.number, (row.number, faults)


def test_a_file_that_is_cut_short_is_noticed(resting: ledgers.Whole) -> None:
    draw = random.Random(7)
    lengths = [0, 1, 100, 4096, len(resting.table) - 1, *(draw.randrange(len(resting.table)) for _ in range(150))]
    changed = [length for length in lengths if resting.table[length:].strip(b"\0")]  # SQLite reads zeros past the end
    found = ledgers.counted(resting.outcome(table=resting.table[:length]) for length in changed)
    assert set(found) <= {"named", "noticed"} and len(changed) > len(lengths) - 3


def test_every_flip_and_every_cut_of_the_checkpoint_and_the_key_is_noticed(resting: ledgers.Whole) -> None:
    for name, data in (("beside", resting.beside), ("key", resting.key)):
        cuts = [data[:length] for length in range(len(data) - (name == "key"))]  # the end of a line may be missing
        flips = [ledgers.flipped(data, bit) for bit in range(8 * len(data))]
        found = ledgers.counted(
            resting.outcome(**{name: changed}) for changed in [*cuts, *flips[:: 3 if name == "key" else 5]]
        )
        assert set(found) <= {"named", "noticed", "unchanged"} and found.get("unchanged", 0) <= 8


def test_the_files_are_looked_at_as_the_bytes_are(resting: ledgers.Whole, tmp_path: Path) -> None:
    """What the tests above look at in memory, `verify` finds in the folder."""
    draw = random.Random(8)
    path = ledgers.made(tmp_path / "log", 1).folder.path
    for name, data in (("log.sqlite", resting.table), ("checkpoint", resting.beside), ("public-key", resting.key)):
        (path / name).write_bytes(data)
    assert verify(path).holds
    for _ in range(30):
        changed = ledgers.flipped(resting.table, draw.randrange(8 * len(resting.table)))
        (path / "log.sqlite").write_bytes(changed)
        assert verify(path).faults == resting.seen(table=changed).faults


SLICES = 8


@pytest.mark.long
@pytest.mark.parametrize("slice_", range(SLICES))
@pytest.mark.parametrize("damage", ["flips", "cuts"])
def test_every_single_bit_flip_and_every_cut_is_noticed_or_changes_nothing(
    damage: str, slice_: int, tmp_path: Path
) -> None:
    path = ledgers.made(tmp_path / "log", 199).folder.path
    found = ledgers.run(damage, path, slice_, SLICES)
    print(f"\n{damage}, slice {slice_ + 1} of {SLICES}: {json.dumps(found)}")
    assert set(found) <= ({"named", "noticed", "unchanged"} if damage == "flips" else {"named", "noticed"})


# the commands


def test_an_answer_is_printed_only_after_it_is_entered(tmp_path: Path) -> None:
    ended = run("assess", PATIENT, "--log", "log", cwd=tmp_path)
    assert (ended.status, ended.out) == (2, "") and "make one: citelog audit log init log" in ended.err
    assert run("audit", "log", "init", "log", cwd=tmp_path).status == 0
    plain = run("assess", PATIENT, "--format", "json", cwd=tmp_path)
    ended = run("assess", PATIENT, "--format", "json", "--log", "log", cwd=tmp_path)
    assert ended.status == 0 and ended.out == plain.out and ended.err == "log: entry 1\n"
    with (tmp_path / "log" / "checkpoint").open("ab") as file:
        file.write(b"x")
    ended = run("assess", PATIENT, "--log", "log", cwd=tmp_path)
    assert (ended.status, ended.out) == (2, "") and "citelog audit log verify log" in ended.err


def test_what_is_refused_after_all_was_never_entered(tmp_path: Path) -> None:
    """A page of two patients, a picture of nothing, a receipt that can go nowhere: no answer, no entry, no file."""
    run("audit", "log", "init", "log", cwd=tmp_path)
    (tmp_path / "taken").write_text("another file")
    (tmp_path / "nobody.yaml").write_text("id: nobody\n")
    for refused in (
        (PATIENT, "nobody.yaml", "--format", "html"),
        ("nobody.yaml", "--format", "svg", "--receipt", "nobody.receipt.json"),
        (PATIENT, "--receipt", "taken"),
        (PATIENT, "nobody.yaml", "--receipt", "nowhere"),
    ):
        ended = run("assess", *refused, "--log", "log", cwd=tmp_path)
        assert ended.status and ended.out == "", refused
    assert json.loads(run("audit", "log", "show", "log", "--format", "json", cwd=tmp_path).out)["size"] == 1
    assert {path.name for path in tmp_path.iterdir()} == {"log", "log.key", "taken", "nobody.yaml"}
    ended = run("assess", PATIENT, "--log", "nolog", "--receipt", "patient.receipt.json", cwd=tmp_path)
    assert ended.status == 2 and not (tmp_path / "patient.receipt.json").exists(), "a receipt holds the answer"


def test_several_cases_are_entered_in_one_commit_in_their_order(tmp_path: Path) -> None:
    run("audit", "log", "init", "log", "--keep", "whole", cwd=tmp_path)
    cases = sorted((ROOT / "knowledge" / "b12" / "cases").glob("*.yaml"))[:3]
    assert run("assess", *cases, "--log", "log", cwd=tmp_path).err == "log: entries 1 to 3\n"
    receipts = [json.loads(row.receipt or b"") for row in ledgers.stored(tmp_path / "log")[1:]]
    assert [receipt["assessment"]["case"]["id"] for receipt in receipts] == [case.stem for case in cases]


Log_ = Callable[..., Ended]


@pytest.fixture
def log(copy: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Log_:
    """Runs a command about logs, in this process, beside a log that is called `log`."""
    (copy.parent / "kept").write_bytes(ledgers.checkpoint(copy))
    (copy.parent / "receipt").write_bytes(ledgers.record(7).receipt)
    monkeypatch.chdir(copy.parent)

    def run(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(["audit", "log", *arguments])
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, captured.out.decode(), captured.err.decode())

    return run


def test_the_commands_answer_with_their_status(log: Log_, copy: Path) -> None:
    assert log("verify", "log").status == 0 and "Nothing from elsewhere" in log("verify", "log").out
    assert "agrees with the earlier checkpoint" in log("verify", "log", "--checkpoint", "kept").out
    assert log("find", "log", "receipt").out == "entry 7\n"
    ended = log("find", "log", "kept")
    assert ended.status == 1 and "it is no receipt" in ended.err
    assert log("checkpoint", "log").out.encode() == ledgers.checkpoint(copy)
    assert json.loads(log("show", "log", "7", "--format", "json").out)["number"] == 7
    assert json.loads(log("show", "log", "--format", "json").out)["size"] == 21
    assert log("prove", "log", "7", "--out", "proof").status == 0
    ended = log("check", "proof", "--checkpoint", "kept", "--receipt", "receipt")
    assert ended.status == 0 and ended.out.startswith("receipt is entry 7 of ward, among its first 21 entries")
    assert log("check", "proof", "--checkpoint", "kept", "--receipt", "kept").status == 1
    assert log("compare", "kept", "kept", "log").status == 0
    Log.open(copy).append([ledgers.record("more")])
    (copy.parent / "new").write_bytes(ledgers.checkpoint(copy))
    assert "it grew from 21 to 22 entries" in log("compare", "kept", "new", "log").out
    ended = log("compare", "new", "kept", "log")
    assert ended.status == 1 and "rolled back" in ended.out
    assert "entry 22 says so" in log("erase", "log", "7").out


def test_a_damaged_log_is_a_no_and_the_first_bad_entry_is_named(log: Log_, copy: Path) -> None:
    table = copy / "log.sqlite"
    table.write_bytes(table.read_bytes().replace(b'"number":7', b'"number":6'))
    ended = log("verify", "log")
    assert ended.status == 1 and ended.out.startswith("log: not as it was signed; the first bad entry is 7\n")
    found = json.loads(log("verify", "log", "--format", "json").out)
    assert found["holds"] is False and found["faults"][0]["entry"] == 7
    for command in (("show", "log", "7"), ("find", "log", "receipt"), ("prove", "log", "7")):
        ended = log(*command)
        assert (ended.status, ended.out) == (2, "") and "citelog audit log verify log" in ended.err
    assert log("show", "log", "8").status == 0


OPENING = '{"format":"citelog-log-entry/1","kind":"opening"}'
"""What is written as an entry is, and says neither whose log it is nor what it keeps."""


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize(
    "entry_", ["{", "[]", "\\", "0", '{"keep":1}', pytest.param("[" * 100_000, id="nested"), OPENING]
)
def test_an_opening_that_is_damaged_is_refused_by_every_command(
    log: Log_, copy: Path, entry_: str, hashed: bool
) -> None:
    """With the hash that was stored beside it, and with its own."""
    with Rows.open(copy / "log.sqlite", write=True) as rows:
        rows.connection.execute("UPDATE entries SET entry = ? WHERE n = 0", (entry_,))
        if hashed:
            rows.connection.execute("UPDATE entries SET hashes = ? WHERE n = 0", (tree.leaf_hash(entry_.encode()),))
    for command in (("show", "log"), ("show", "log", "0"), ("prove", "log", "0"), ("erase", "log", "3")):
        ended = log(*command)
        assert (ended.status, ended.out) == (2, "") and "citelog audit log verify log" in ended.err
    ended = log("verify", "log")
    assert ended.status == 1 and "the first bad entry is 0" in ended.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "none"), "there is no such log"),
        (("verify", "kept"), "it is no folder"),
        (("verify", "."), "log.sqlite and checkpoint and public-key are missing"),
        (("verify", "log", "--checkpoint", "receipt"), "the earlier checkpoint cannot be read"),
        (("verify", "log", "--public-key", "receipt"), "no public key of a log"),
        (("verify", "log", "--public-key", "ward+5f6c8790+AUma"), "name the file that holds it"),
        (("show", "log", "99"), "99 is not among them"),
        (("prove", "log", "99"), "99 is not among them"),
        (("check", "receipt", "--checkpoint", "kept"), "it is no proof"),
        (("check", "kept"), "a proof by itself shows nothing"),
        (("compare", "kept", "receipt", "log"), "the new checkpoint cannot be read"),
        (("find", "log", "none"), "it cannot be read"),
        (("init", "log"), "it is there already"),
        (("init", "no/where/log"), "the folder cannot be made"),
        (("erase", "log", "0"), "nothing that could be erased"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_way_out(log: Log_, arguments: tuple[str, ...], message: str) -> None:
    ended = log(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err and "\n   = " in ended.err


@pytest.mark.parametrize(
    "command", ["init", "verify", "show", "checkpoint", "find", "prove", "check", "compare", "copy", "erase"]
)
def test_each_command_has_help_with_an_example(log: Log_, command: str) -> None:
    ended = log(command, "--help")
    assert ended.status == 0 and f"Example: citelog audit log {command}" in re.sub(r"\s+", " ", ended.out)


# the server


def test_a_server_enters_its_cases_and_publishes_the_checkpoint(copy: Path) -> None:
    with endpoint.serving("--case", str(PATIENT), "--log", str(copy)) as server:
        assert f"{copy}: entry 21" in server.said
        said = server.client.get("/log").json()
        assert said["size"] == 22 and said["keep"] == "hashes"
        note = server.client.get("/log/checkpoint")
        assert note.headers["content-type"].startswith("text/plain") and note.content == ledgers.checkpoint(copy)
        assert said["checkpoint"].encode() == note.content
        Log.open(copy).append([ledgers.record("beside the server")])
        assert Signed.read(server.client.get("/log/checkpoint").content).checkpoint.size == 23
        assert server.client.post("/log/checkpoint").status_code == 405
        (copy / "checkpoint").rename(copy / "gone")
        refused = server.client.get("/log")
        assert refused.status_code == 503 and "checkpoint is missing" in refused.text


def test_a_server_does_not_start_on_a_log_that_is_not_whole(copy: Path) -> None:
    table = copy / "log.sqlite"
    table.write_bytes(table.read_bytes().replace(ledgers.stored(copy)[20].hashes, bytes(32)))
    ended = run("serve", "--log", copy, "--port", "0", cwd=copy.parent)
    assert (ended.status, ended.out) == (2, "") and f"citelog audit log verify {copy}" in ended.err
    assert run("serve", "--log", copy, "--dataset", "x.ttl", cwd=copy.parent).status == 2


def test_what_a_server_assesses_is_entered_before_it_is_answered(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function that each answer passes; many at once share commits."""
    from citelog.receipt.content import of
    from citelog.receipt.manifest import manifest
    from citelog.serve.http.limits import Refusal
    from citelog.serve.logged import Logged

    files = manifest(home.knowledge(), home.ontology())
    receipts = [of(b12.assessed(name), files) for name in list(b12.library())[:4]]
    logged = Logged(Writer(Log.open(copy)), b12.knowledge().identity)

    async def many() -> None:
        await asyncio.gather(*(logged.entered("POST /api/assess", [receipt]) for receipt in receipts))

    asyncio.run(many())
    assert sorted(number for receipt in receipts for number in find(copy, receipt)) == list(range(21, 25))
    asked = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda file, fsync=os.fsync: asked.append(fsync(file)))
        asyncio.run(logged.entered("POST /api/query", receipts))
    assert len(asked) == 1  # of the checkpoint: four of one answer are one commit
    assert sorted(number for receipt in receipts for number in find(copy, receipt)) == list(range(21, 29))
    (copy / "checkpoint").unlink()
    with pytest.raises(Refusal, match="checkpoint is missing") as refused:
        asyncio.run(logged.entered("POST /api/assess", receipts[:1]))
    assert refused.value.status == 503


# the page

PAGE = ROOT / "docs" / "LOG.md"
OTHER_EACH_TIME = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\b[0-9a-f]{64}\b", "HASH"),
    (r"\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}", "+KEY"),
    (r"[A-Za-z0-9+/]{40,}={0,2}", "BASE64"),
    (r"python [\d.]+", "python"),
)


def blurred(text: str) -> str:
    """A text without what is another each time.

    >>> blurred("entry 1: assessment, 2026-03-15T09:30:00.125Z")
    'entry 1: assessment, TIME'
    """
    for pattern, word in OTHER_EACH_TIME:
        text = re.sub(pattern, word, text)
    return text


@pytest.mark.slow
def test_the_page_is_followed_word_for_word(tmp_path: Path, citelog: Command) -> None:
    """With CITELOG_ACCEPT=1 the page is renewed where it leaves nothing out."""
    page, commands = PAGE.read_text(encoding="utf-8"), []
    for block in literate.blocks(page):
        word, _, name = block.name.partition(" ")
        if word == "file":
            (tmp_path / name).write_text(block.text, encoding="utf-8")
        elif block.kind == "python" and word == "run":
            subprocess.run([sys.executable, "-c", block.text], cwd=tmp_path, check=True)
        elif block.kind == "console" and word == "run":
            for piece in re.split(r"(?m)^\$ ", block.text)[1:]:
                line, _, shown = piece.partition("\n")
                commands.append(walked.Command(line, shown, walked.run(line, tmp_path, citelog)))
    if os.environ.get("CITELOG_ACCEPT"):
        PAGE.write_text(walked.renewed(page, commands), encoding="utf-8")
        return
    assert len(commands) >= 20
    for command in commands:
        told = walked.Command(command.line, blurred(command.shown), blurred(command.printed))
        assert told.agrees, f"$ {command.line}\n{command.printed}"


def test_every_word_of_verify_is_on_the_page() -> None:
    table = dict(re.findall(r"(?m)^\| `([a-z-]+)` \| ([^|]+) \|$", PAGE.read_text(encoding="utf-8")))
    assert table == CODES
