"""Which form of an answer the client wants: the Accept header against the media types on offer (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

_RANGE = re.compile(r"\s*([\w!#$%&'*+.^`|~-]+/[\w!#$%&'*+.^`|~-]+)\s*((?:;[^,]*)?)")
_QUALITY = re.compile(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)", re.I)


def chosen(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offered media type that the client likes best, None where it accepts none; at a tie, the earlier offered.

    The most specific range decides about a type, so that `;q=0` can take one out. Without a header, or with one
    that names no media type at all, the first.

    >>> offered = ["application/json", "text/csv", "text/html"]
    >>> chosen(None, offered), chosen("text/*;q=0.5, */*;q=0.1", offered), chosen("image/png", offered)
    ('application/json', 'text/csv', None)
    >>> chosen("text/html,application/xml;q=0.9,*/*;q=0.8", offered), chosen("*/*, application/json;q=0", offered)
    ('text/html', 'text/csv')
    """
    ranges = [(found[1].lower(), _quality(found[2])) for found in map(_RANGE.match, (accept or "").split(",")) if found]
    if not ranges:
        return offered[0]
    best = max(offered, key=lambda media: _liking(media, ranges))  # max keeps the first of equals
    return best if _liking(best, ranges) > 0 else None


def _quality(parameters: str) -> float:
    found = _QUALITY.search(parameters)
    return min(1.0, float(found[1])) if found else 1.0


def _liking(media: str, ranges: list[tuple[str, float]]) -> float:
    for general in (media, media.split("/")[0] + "/*", "*/*"):
        for name, quality in ranges:
            if name == general:
                return quality
    return 0.0
