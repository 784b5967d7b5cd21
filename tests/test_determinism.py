"""The same bytes whatever must not count; all settings are compared by `python tests/determinism.py`."""

import determinism


def test_every_command_is_compared_or_has_a_reason_why_not() -> None:
    assert {name for name, _ in determinism.leaves()} == determinism.ASKED.keys() | determinism.OTHERWISE.keys()
    assert not determinism.ASKED.keys() & determinism.OTHERWISE.keys()


def test_a_command_is_the_same_in_every_setting_of_this_python() -> None:
    """The cheapest one; the others take the long run."""
    assert determinism.compare((), ["schema"]) == []
