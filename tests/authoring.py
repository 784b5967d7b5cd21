"""The command line as an author meets it: what a command prints, and the status it ends with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Ended:
    """A command that has run."""

    status: int
    out: str
    err: str


Command = Callable[..., Ended]
"""What runs a citelog command: arguments in, what it printed and its status out."""


def citelog(*arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] = MappingProxyType({})) -> Ended:
    """Runs a citelog command, in this environment with what is said besides."""
    command = [sys.executable, "-m", "citelog", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine"), **env}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=cwd)
    return Ended(ended.returncode, ended.stdout, ended.stderr)
