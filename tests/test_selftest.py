"""What lies below is what was tested: an installation that derives or checks otherwise says so, and does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from packaging.utils import canonicalize_name

import b12
from authoring import Command
from citelog import selftest
from citelog.checker import Checker
from citelog.diagnostics import CitelogError
from citelog.run.datalog import Machine
from citelog.values import Atom
from test_supply import LOCKED


def test_the_versions_that_are_called_tested_are_those_that_are_locked() -> None:
    text = (LOCKED / "run.txt").read_text(encoding="utf-8")
    for name, versions in selftest.TESTED.items():
        lines = [line for line in text.splitlines() if line.startswith(f"{canonicalize_name(name)}==")]
        assert sorted(line.split()[0].partition("==")[2] for line in lines) == sorted(versions), name


def test_the_version_says_whether_the_libraries_are_as_tested(
    citelog: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert citelog("--version").out.splitlines()[1:] == ["libraries: as tested", "self-test: passed"]
    monkeypatch.setitem(selftest.TESTED, "rdflib", ("1.0",))  # type: ignore[index]
    monkeypatch.setitem(selftest.TESTED, "no-such-library", ("1.0",))  # type: ignore[index]
    assert "libraries: other than tested: rdflib " in (told := citelog("--version").out)
    assert "(tested with 1.0)" in told and "no-such" not in told
    assert "libraries other than those tested: rdflib " in citelog("check", "--kb", "b12").err


def test_a_whole_installation_passes_with_the_proofs_of_a_knowledge_base() -> None:
    selftest.check(b12.knowledge())


def rounded(atom: Atom) -> Atom:
    """As a reasoner has it that keeps eight digits."""
    return Atom(atom.predicate, tuple(round(arg, 8) if isinstance(arg, Decimal) else arg for arg in atom.args))


def test_a_reasoner_that_rounds_is_refused(citelog: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyDatalog 0.21 kept eight digits of a number: 6.999999999 was 7."""
    real = Machine.run

    def run(machine: Machine, given: Any, *more: Any, **named: Any) -> Any:
        return real(machine, [(rounded(atom), record) for atom, record in given], *more, **named)

    monkeypatch.setattr(Machine, "run", run)
    ended = citelog("--version")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("self-test: the reasoner derives other facts of enough than are known")
    assert "\n   = install citelog anew: by this installation nothing is answered; the libraries are of" in ended.err


def test_a_reasoner_that_loses_a_firing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from citelog.run.result import Run

    real = Run.firings
    monkeypatch.setattr(Run, "firings", lambda run, atom: real(run, atom)[:1])
    with pytest.raises(
        CitelogError, match=rf"the reasoner finds .* ways in which a rule holds, and there are {selftest.FIRINGS}"
    ):
        selftest.check()


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Checker, "check_proof", lambda checker, document: ())
    yield


@pytest.mark.usefixtures("blind")
def test_a_checker_that_accepts_anything_is_refused() -> None:
    selftest.check()
    with pytest.raises(CitelogError, match=r"the checker accepts the proof of .* with step 1 changed"):
        selftest.check(b12.knowledge())


@pytest.mark.usefixtures("blind")
def test_a_server_does_not_start_where_it_fails(citelog: Command) -> None:
    ended = citelog("serve", "--port", "0")
    assert (ended.status, ended.out) == (2, "") and "self-test: the checker accepts" in ended.err
