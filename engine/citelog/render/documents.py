"""The documents of `--format json` as text: a command prints these bytes, and the API sends the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from citelog.answer import Answer


def assessments(found: Sequence[Answer], several: bool = False) -> str:
    """The assessment document; where `several` were asked for, an array of them."""
    documents = [one.to_json() for one in found]
    return ("[\n" + ",\n".join(documents) + "\n]" if several else documents[0]) + "\n"


def written(documents: Sequence[Any], several: bool = False) -> str:
    """Any other document; where there are `several`, an array of them.

    >>> written([{"format": "x"}])
    '{\\n  "format": "x"\\n}\\n'
    """
    return json.dumps(documents if several else documents[0], ensure_ascii=False, indent=2) + "\n"
