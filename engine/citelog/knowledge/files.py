"""The files of a knowledge base as their authors see them: which there are, what is in each, drafts in their place."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from citelog.diagnostics import STEERING, Diagnostic, KnowledgeError, Span
from citelog.listing import NoFileError, leads_out, paths_in, read_whole
from citelog.values import Iri


class Drafts(dict[Path, str]):
    """Texts that stand in for files, by their paths: what an editor shows and has not saved. The rest is on disk."""

    def saved(self, path: Path) -> bytes:
        """A file of which there is no draft. Raises OSError, also for a pipe or a device."""
        return read_whole(path)

    def saved_in(self, folder: Path, pattern: str) -> Iterable[Path]:
        """The files of a folder by a pattern of their paths in it, whether or not there are drafts of them.

        Raises OSError where a folder may not be looked into.
        """
        return paths_in(folder, pattern)

    def held(self) -> Drafts:
        """The same texts, and every other file as it is read first: whoever reads it again has the same bytes."""
        return _Held(self)


class _Held(Drafts):
    def __init__(self, drafts: Drafts) -> None:
        super().__init__(drafts)
        self._read: dict[Path, bytes] = {}
        self._found: dict[tuple[Path, str], tuple[Path, ...]] = {}

    def saved(self, path: Path) -> bytes:
        if path not in self._read:
            self._read[path] = super().saved(path)
        return self._read[path]

    def saved_in(self, folder: Path, pattern: str) -> Iterable[Path]:
        if (folder, pattern) not in self._found:
            self._found[folder, pattern] = tuple(super().saved_in(folder, pattern))
        return self._found[folder, pattern]


class Whole(Drafts):
    """Drafts of every file there is: what is not among them is not there, and no disk is asked."""

    def saved(self, path: Path) -> bytes:
        """No file. Raises FileNotFoundError."""
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    def saved_in(self, folder: Path, pattern: str) -> Iterable[Path]:
        """No file."""
        return ()

    def held(self) -> Drafts:
        """The drafts themselves, which nobody changes."""
        return self


NO_DRAFTS = Drafts()

PREFIX = re.compile(r"(?m)^@prefix\s+(?P<prefix>[\w-]*):\s*<(?P<namespace>[^<>\s]*)>")
"""A prefix as our files declare it, Turtle's and those of rules."""

_NAMED = re.compile(
    r"(?m)^[ \t]*(?:[^\s#{}]+[ \t]*\{[ \t]*)?(?P<name>[^\s#{}]+)(?=\s+[^\s{])"
)  # a named graph may begin on the same line
_BLOCK_END = re.compile(r"\n(?:\s*\n|(?=[^\s#]))")


@dataclass(frozen=True)
class Text:
    """A file of the knowledge base: its name as shown to people, and what is in it."""

    name: str
    text: str

    @cached_property
    def _prefixes(self) -> dict[str, str]:
        """The prefix of each namespace, with its colon."""
        found = [(match["namespace"], f"{match['prefix']}:") for match in PREFIX.finditer(self.text)]
        return dict(reversed(found))

    @cached_property
    def _blocks(self) -> dict[str, int]:
        """Where the first line begins that starts with a name."""
        found: dict[str, int] = {}
        for match in _NAMED.finditer(self.text):
            found.setdefault(match["name"], match.start())
        return found

    def written(self, iri: str) -> str | None:
        """A name as this file writes it; None where the file has no prefix for its namespace."""
        local = Iri(iri).local
        prefix = self._prefixes.get(iri[: len(iri) - len(local)])
        return None if prefix is None else prefix + local

    def line(self, number: int) -> str:
        """A line of the file, counted from 1; empty where there is none."""
        lines = self.text.split("\n")
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def line_of(self, name: str, words: str = "") -> tuple[int, str]:
        """Where a block about a name starts, or the line in it that holds some words; (0, "") where there is none.

        >>> Text("a.ttl", "ex:iron a ex:Drug ;\\n    ex:dose 1.0 .\\n").line_of("ex:iron", "dose")
        (2, '    ex:dose 1.0 .')
        >>> Text("a.trig", "ex:S1 { ex:iron ex:dose 1.0 . }\\n").line_of("ex:iron")
        (1, 'ex:S1 { ex:iron ex:dose 1.0 . }')
        """
        start = self._blocks.get(name)
        if start is None:
            return 0, ""
        ends = _BLOCK_END.search(self.text, start)
        block = self.text[start : ends.start() if ends else len(self.text)].split("\n")
        number = self.text.count("\n", 0, start) + 1
        held = ((number + i, line) for i, line in enumerate(block) if words and words in line)
        return next(held, (number, block[0]))

    def graph_of(self, name: str) -> tuple[int, list[str]]:
        """Where the graph of a name begins, and its lines; (0, []) where there is none.

        >>> Text("a.trig", "ex:S1 a cl:Statement .\\n\\nex:S1 {\\n  ex:iron ex:dose 1.0 .\\n}\\n").graph_of("ex:S1")
        (3, ['ex:S1 {', '  ex:iron ex:dose 1.0 .'])
        """
        begins = re.search(rf"(?m)^[ \t]*{re.escape(name)}\s*\{{", self.text)
        if begins is None:
            return 0, []
        lines = self.text[begins.start() :].split("\n")
        ends = next((i for i, line in enumerate(lines) if line.rstrip().endswith("}")), len(lines))
        whole = lines[: ends + 1]
        return self.text.count("\n", 0, begins.start()) + 1, [line for line in whole if line.strip() != "}"]


def shown_name(path: Path, folder: Path) -> str:
    """A file of a knowledge base as findings name it: its path, from the folder of the knowledge base."""
    return path.relative_to(folder.parent).as_posix() if path.is_relative_to(folder.parent) else path.name


def files_of(
    folder: Path, pattern: str, drafts: Drafts = NO_DRAFTS, found: list[Diagnostic] | None = None
) -> list[Path]:
    """The files of a knowledge base by a pattern of their paths in it, those that are only drafts too, by name.

    Where a file cannot be one, or would be passed over in a folder that may not be looked into, that is `found`, and
    there are only drafts; without a list for it, KnowledgeError is raised.
    """
    files = {path for path in drafts if path.is_relative_to(folder) and fits(path.relative_to(folder), pattern)}
    try:
        files |= {*drafts.saved_in(folder, pattern)}
    except OSError as error:
        span = Span(shown_name(Path(error.filename), folder))
        passed_over = "let it be read: what it holds would be passed over"
        remedy = error.remedy if isinstance(error, NoFileError) else passed_over
        wrong = Diagnostic("file-missing", span, str(error.strerror), remedy)
        if found is None:
            raise KnowledgeError([wrong]) from error
        found += [wrong] if wrong not in found else []
    return sorted(files)


def fits(path: PurePath, pattern: str) -> bool:
    """Whether a path in the folder is one that a pattern means; `**` stands for any number of folders, as in a glob.

    >>> [fits(PurePath(name), "cases/**/*.yaml") for name in ("cases/a.yaml", "cases/b/c/a.yaml", "a.yaml", "cases/a")]
    [True, True, False, False]
    """
    parts = Path(pattern).parts
    if "**" in parts:
        at, folders = parts.index("**"), len(path.parts) - len(parts) + 1
        parts = (*parts[:at], *("*",) * folders, *parts[at + 1 :])
    return len(path.parts) == len(parts) and path.match("/".join(parts))


def read_bytes(path: Path, drafts: Drafts = NO_DRAFTS) -> bytes:
    """A file as bytes, or its draft. Raises OSError."""
    return drafts[path].encode("utf-8") if path in drafts else drafts.saved(path)


def read_text(path: Path, folder: Path, found: list[Diagnostic], drafts: Drafts = NO_DRAFTS) -> Text | None:
    """A file of a knowledge base as text, or its draft; None, and a finding, where it cannot be read."""
    name = shown_name(path, folder)
    if path not in drafts and leads_out(path, folder):
        message = "this is a link that leads out of the knowledge base"
        found.append(Diagnostic("unknown-reference", Span(name), message, "keep the file itself inside"))
        return None
    try:
        text = Text(name, re.sub(r"\r\n?", "\n", read_bytes(path, drafts).decode("utf-8")))
        if (hidden := _hidden(text)) is not None:
            found.append(hidden)
        return text
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        span = Span(name, before.count(b"\n") + 1, len(before.split(b"\n")[-1].decode("utf-8")) + 1)
        shown = error.object.split(b"\n")[span.line - 1].decode("utf-8", "replace")
        message = "a character is not UTF-8, in which every file of a knowledge base is kept"
        found.append(Diagnostic("not-utf-8", span, message, "save the file as UTF-8 in your editor", shown))
    except OSError as error:
        remedy = error.remedy if isinstance(error, NoFileError) else "is the file there, and readable?"
        found.append(Diagnostic("file-missing", Span(name), str(error.strerror), remedy))
    return None


_HIDDEN = re.compile(
    rf"[{STEERING}]"
    r"|\\(?:u|U0000)00(?:0[0-8bBcCeEfF]|1[0-9a-fA-F]|7[fF]|[89][0-9a-fA-F])"
)
"""Control characters, also as Turtle can write them, and what turns the direction of writing."""


def _hidden(text: Text) -> Diagnostic | None:
    """The first character that would have a reader, or a terminal, see another text than the one that stands there."""
    match = _HIDDEN.search(text.text)
    if match is None:
        return None
    line = text.text.count("\n", 0, match.start()) + 1
    span = Span(text.name, line, match.start() - text.text.rfind("\n", 0, match.start()))
    shown = _HIDDEN.sub(lambda m: m[0] if len(m[0]) > 1 else f"\\u{ord(m[0]):04x}", text.line(line))
    character = match[0] if len(match[0]) > 1 else f"\\u{ord(match[0]):04x}"
    message = f"the character {character} shows a reader another text than the one that stands here"
    return Diagnostic("hidden-character", span, message, "remove it", shown)
