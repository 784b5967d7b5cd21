"""A knowledge base whose every text tries to be markup: its document, its labels, sentences, reasons and remarks.

Blanks become a tag, in the document and in all that quotes it alike; so every quote stands where it stood.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

TAGS = '"><script>alert()</script><img src=x> '
"""What stands for each blank."""
CASE = 'a"><img src=x onerror=alert()>.yaml'
"""The name of a case; that of a file can hold no slash."""

_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_KEPT = ("cl:signature", "cl:file", "cl:sha256", "cl:side", "cl:accepts", "cl:ucum", "cl:markers", "#[name")
"""Lines whose texts the engine reads by their form."""
_SENTENCES = ("#[display", "cl:sentence", "cl:absence", "cl:asks")
"""Lines whose texts have values in them: there a brace stands for one, and a number must be a value's."""
_PLAIN = str.maketrans({'"': "'", "{": "(", "}": ")", "\\": "/", **dict.fromkeys("0123456789", "n")})


def hostile(folder: Path, made: Path, text: str = TAGS) -> Path:
    """A copy of a knowledge base in which nothing that a reader sees is harmless: the text stands for each blank."""
    shutil.copytree(folder, made, ignore=shutil.ignore_patterns("proofs"))
    [source] = (made / "source").glob("*.txt")
    pinned = hashlib.sha256(source.read_bytes()).hexdigest()
    source.write_text(source.read_text(encoding="utf-8").replace(" ", text), encoding="utf-8")
    for file in (*made.glob("*.ttl"), *made.glob("*.trig"), *made.glob("rules/*.rls")):
        lines = file.read_text(encoding="utf-8").replace(pinned, hashlib.sha256(source.read_bytes()).hexdigest())
        file.write_text("".join(_line(line, text) for line in lines.splitlines(keepends=True)), encoding="utf-8")
    shutil.copy(next((made / "cases").glob("*.yaml")), made / "cases" / CASE)
    return made


def _line(line: str, text: str) -> str:
    line = re.sub(r"cl:(start|end)\s+\d+\s*;", "", line)
    if any(key in line for key in _KEPT):
        return line
    if line.startswith("%%% @convention ") or (line.startswith("%%% ") and "@" not in line):
        first, said = line.split(" ", 2 if "@" in line else 1)[:-1], line.split(" ", 2 if "@" in line else 1)[-1]
        return " ".join((*first, said.replace(" ", text)))
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    if any(key in line for key in _SENTENCES):
        quoted = text.translate(_PLAIN)
    return _LITERAL.sub(lambda match: f'"{match[1].replace(" ", quoted)}"', line)
