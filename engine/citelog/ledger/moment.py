"""The one place that reads the clock and draws lots: an entry is of some moment, and its salt must not be guessed."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def stamp() -> str:
    """The time in UTC, to the millisecond, as 2026-03-15T09:30:00.125Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def salt() -> bytes:
    """32 bytes that nobody can guess."""
    return secrets.token_bytes(32)
