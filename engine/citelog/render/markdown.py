"""Text that comes from elsewhere, in Markdown as GitHub writes it: whatever stands in it, it stays text."""

from __future__ import annotations

import re

_ANYWHERE = re.compile(r"([\\`*_\[\]<>|~&$])|(:)(?=\S)|(?<=www)(\.)", re.IGNORECASE)
_AT_THE_START = re.compile(r"^([#+=-]|\d+(?=[.)]))")


def plain(text: str) -> str:
    r"""A text in which no character means anything but itself, on one line.

    >>> print(plain("a < b *and* [c](d)"), plain("1. http://example.org"))
    a \< b \*and\* \[c\](d) 1\. http\://example.org

    What holds an address that would be made a link of is code, which no reader links:

    >>> print(plain("ask `x` at a@example.org"))
    ``ask `x` at a@example.org``
    """
    line = " ".join(text.split())
    if "@" in line:
        return code(line)
    escaped = _ANYWHERE.sub(lambda found: f"\\{found[0]}", line)
    return _AT_THE_START.sub(lambda found: f"{found[0]}\\" if found[0].isdecimal() else f"\\{found[0]}", escaped)


def code(text: str) -> str:
    """A text as it stands, as code, on one line.

    >>> print(code("a``b"), code("`"))
    ```a``b``` `` ` ``
    """
    line = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"
