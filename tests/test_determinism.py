"""The same bytes whatever must not count; all settings are compared by `python tests/determinism.py`."""

from itertools import islice

import pytest

import determinism


def test_every_command_is_compared_or_has_a_reason_why_not() -> None:
    assert {name for name, _ in determinism.leaves()} == determinism.ASKED.keys() | determinism.OTHERWISE.keys()
    assert not determinism.ASKED.keys() & determinism.OTHERWISE.keys()


def test_a_command_is_the_same_in_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cheapest one, in an eighth of them; the others take the long run."""
    every = determinism.settings
    monkeypatch.setattr(determinism, "settings", lambda pythons, seeds: islice(every(pythons, seeds), 0, None, 8))
    assert determinism.compare((), ["schema"]) == []
