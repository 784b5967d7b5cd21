"""The words of a record that every guideline shares: states, medication statuses, courses, a laboratory's flag.

They are few and strict. A word that is not here is no state at all, and the caller says so.
"""

from __future__ import annotations

import re
from typing import Literal

from citelog.vocab import folded

State = Literal["present", "absent", "unknown", "over", "error"]
Status = Literal["current", "stopped", "planned", "on hold", "error"]

_ERROR = "entered in error"
_STATES: dict[str, State] = {
    "present": "present", "absent": "absent", "unknown": "unknown",
    "resolved": "over", "inactive": "over", "in remission": "over", "remission": "over",
    _ERROR: "error",
}  # fmt: skip
_STATUSES: dict[str, Status] = {
    "current": "current",
    "stopped": "stopped", "completed": "stopped", "cancelled": "stopped", "canceled": "stopped",
    "planned": "planned", "draft": "planned", "intended": "planned",
    "on hold": "on hold",
    _ERROR: "error",
}  # fmt: skip
COURSES = ("loading", "maintenance")


def word(text: str) -> str:
    """A word as it is compared: case, blanks and hyphens do not matter.

    >>> word("Entered-in-Error"), word("on_hold")
    ('entered in error', 'on hold')
    """
    return folded(text.replace("-", " ").replace("_", " "))


def state(text: str) -> State | None:
    """What a finding's or condition's state says; `over` is resolved, inactive or in remission."""
    return _STATES.get(word(text))


def status(text: str) -> Status | None:
    """What a medication's status says."""
    return _STATUSES.get(word(text))


def in_error(text: str) -> bool:
    """Whether a state or status says that the entry should never have been made."""
    return word(text) == _ERROR


def is_low(flag: str) -> bool:
    """Whether a laboratory's flag says low: its first word is L, LL or low, or it has the word low or below.

    >>> [is_low(flag) for flag in ("L", "LL*", "Below reference range", "H", "slow")]
    [True, True, True, False, False]
    """
    words = re.findall(r"[^\W_]+", flag.casefold())
    return words[:1] in (["l"], ["ll"]) or "low" in words or "below" in words
