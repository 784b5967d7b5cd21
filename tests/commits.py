"""Which of many draws are tried at each commit: a share of them; all, in the long tests.

@pytest.mark.parametrize("seed", at_each_commit(range(60), every=20))
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def at_each_commit(values: Iterable[object], every: int = 2) -> list[object]:
    """The first of so many values and each such one after it as they are; the others marked as long."""
    return [pytest.param(value, marks=pytest.mark.long) if i % every else value for i, value in enumerate(values)]
