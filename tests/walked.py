"""Documents that are walked through: files written, files edited, commands run, in the order of the page.

A page is Markdown. Beside its prose it has

`LANGUAGE file PATH`  a file, whole
`diff PATH`           a change to a file: `- ` lines give way to `+ ` lines; lines that begin with two blanks say where,
                      and stay; a line `…` begins another place of the same file; `+ ` lines alone go to the end
`console run`         commands, each after `$ `, with what they print; a line `…` stands for any number of lines, and
                      `…` in a line for any characters. Beside citelog only `mv`, `cp -r`, `git` and
                      `sed … > FILE` are known.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import authoring
import literate

AUTHOR = os.environ | {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "An author"), ("EMAIL", "author@example.org"), ("DATE", "2026-03-01T12:00:00Z"))
}
"""Who commits, and when, where a page does."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page, what the page shows that it prints, and what it printed."""

    line: str
    shown: str
    printed: str

    @property
    def agrees(self) -> bool:
        """Whether the page shows what was printed; `…` stands for any number of lines, or of characters in one."""
        lines = self.shown.rstrip("\n").split("\n") if self.shown.strip() else []
        pattern = "".join(
            r"(?:.*\n)*" if line.strip() == "…" else re.escape(line).replace("…", ".*") + "\n" for line in lines
        )
        return re.fullmatch(pattern, self.printed) is not None


def walk(page: str, folder: Path, citelog: authoring.Command) -> Iterator[Command]:
    """Everything that the page asks for, done in a folder, citelog's commands by `citelog`; each as it is run."""
    for block in literate.blocks(page):
        word, _, rest = block.name.partition(" ")
        if word == "file":
            (folder / rest).parent.mkdir(parents=True, exist_ok=True)
            (folder / rest).write_text(block.text, encoding="utf-8")
        elif block.kind == "diff":
            path = folder / block.name
            path.write_text(edited(path.read_text(encoding="utf-8"), block.text), encoding="utf-8")
        elif block.kind == "console" and block.name == "run":
            for piece in re.split(r"(?m)^\$ ", block.text)[1:]:
                line, _, shown = piece.partition("\n")
                yield Command(line, shown, run(line, folder, citelog))


def edited(text: str, change: str) -> str:
    """A text with a change made.

    >>> edited("a\\nb\\nc\\n", "  a\\n- b\\n+ d\\n")
    'a\\nd\\nc\\n'
    """
    for place in re.split(r"(?m)^…\n", change):
        lines = place.splitlines()
        assert all(line[:2] in ("- ", "+ ", "  ") for line in lines), f"neither old, new nor between: {place}"
        old = "".join(f"{line[2:]}\n" for line in lines if line[:2] != "+ ")
        new = "".join(f"{line[2:]}\n" for line in lines if line[:2] != "- ")
        assert not old or f"\n{text}".count(f"\n{old}") == 1, f"this fits {text.count(old)} places:\n{place}"
        text = f"\n{text}".replace(f"\n{old}", f"\n{new}")[1:] if old else text + new
    return text


def run(line: str, folder: Path, citelog: authoring.Command) -> str:
    """Everything that a command prints."""
    program, *arguments = shlex.split(line)
    if program == "mv":
        (folder / arguments[0]).rename(folder / arguments[1])
        return ""
    if program == "cp":
        shutil.copytree(folder / arguments[1], folder / arguments[2])
        return ""
    if program == "git":
        return subprocess.run(
            [program, *arguments], cwd=folder, env=AUTHOR, check=True, stdout=subprocess.PIPE, text=True
        ).stdout
    if program == "sed":
        *given, arrow, target = arguments
        assert arrow == ">", f"sed writes to a file: {line}"
        done = subprocess.run([program, *given], cwd=folder, capture_output=True, check=True)
        (folder / target).write_bytes(done.stdout)
        return ""
    assert program == "citelog", f"only citelog's own commands are run, mv, cp -r, git and sed: {line}"
    ended = citelog(*arguments, cwd=folder)
    printed = (ended.out + ended.err).rstrip()
    return f"{printed}\n" if printed else ""


def renewed(page: str, commands: list[Command]) -> str:
    """The page with what was printed in place of what it shows, where that leaves nothing out."""
    place = 0
    for command in commands:
        before = f"$ {command.line}\n{command.shown}"
        place = page.index(before, place)
        if not command.agrees and not re.search(r"(?m)^\s*…$", command.shown):
            page = page[:place] + f"$ {command.line}\n{command.printed}" + page[place + len(before) :]
        place += len(f"$ {command.line}\n")
    return page
