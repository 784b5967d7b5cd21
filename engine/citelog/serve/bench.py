"""The knowledge base that the playground works on: its files as they are saved, the workers that try drafts of them,
and, where the author allows it, the saving.

The workers hold the files of one state of the folder, its version. A page says which version it started from: what it
asks about another is refused, and what it saves is saved only if the files are still those.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog import home
from citelog.diagnostics import CitelogError, KnowledgeError
from citelog.knowledge.fingerprint import answer_files
from citelog.layout.files import Laid, write
from citelog.listing import leads_out, paths_in
from citelog.serve.http.limits import Limits, Refusal
from citelog.serve.workers.pool import Craft, Pool, unstarted

log = logging.getLogger(__name__)

EDITABLE = ("*.ttl", "*.trig", "rules/*.rls", "properties.rls", "cases/**/*.yaml", "cases/**/*.yml", "cases/**/*.json")
"""The files that a page may have drafts of."""
_KEPT = ("cases/proofs/**/*.txt",)
"""What else the workers need, beside the document."""

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class State:
    """The files as they are saved: those that can be edited, the others, and the version that they make together."""

    texts: Texts
    kept: Texts
    version: str


class Bench:
    """The folder of a knowledge base, and workers to try drafts of it with; closed when no longer needed.

    `edit` says whether drafts may be saved. The workers start when somebody first wants them.
    """

    def __init__(self, folder: Path, limits: Limits, edit: bool = False) -> None:
        self.folder, self.limits, self.edit = folder.resolve(), limits, edit
        self._read: dict[Path, tuple[tuple[int, int], str]] = {}
        self._sound = self.state()  # what is served has been opened
        self._changing = asyncio.Lock()
        self._pool: Pool | None = None
        self._version = ""

    def state(self) -> State:
        """The files as they are on the disk now. Raises Refusal where one cannot be read."""
        texts, kept = self._texts(EDITABLE), {**self._texts(_KEPT), **self._documents()}
        digest = hashlib.sha256()
        for name, text in sorted({**texts, **kept}.items()):
            digest.update(f"{name} {hashlib.sha256(text.encode()).hexdigest()}\n".encode())
        return State(texts, kept, digest.hexdigest())

    async def ask(self, task: str, version: str, asked: Mapping[str, Any]) -> bytes:
        """What comes of a task, as JSON. Raises Refusal where nothing does, or the files have another version."""
        state = self.state()
        if state.version != version:
            raise changed()
        for name in asked["drafts"]:
            if name not in state.texts:
                raise Refusal(400, f"{name[:100]} is no file of this knowledge base", "edit one that is there")
        pool = await self._holding(state)
        message = {"task": task, "most": self.limits.draft_result, "seconds": self.limits.draft_seconds}
        reply, body = await pool.ask(message, json.dumps(asked).encode())
        if reply["kind"] == "sealed":
            what = (
                "this needs a part of the program that is not loaded where drafts are tried (a rare type of FHIR, say)"
            )
            raise Refusal(422, what, "try it with citelog assess, or without that part")
        return body

    async def prepare(self) -> None:
        """Start the workers, if there are none that hold the files as they are."""
        await self._holding(self.state())

    def save(self, drafts: Texts, started: Texts) -> None:
        """Write drafts, all or none; Refusal where a file has another text than it had when its draft was `started`."""
        state = self.state()
        laid = []
        for name, text in drafts.items():
            if name not in state.texts:
                raise Refusal(400, f"{name[:100]} is no file of this knowledge base", "edit one that is there")
            before = (self.folder / name).read_bytes().decode()
            if before.replace("\r\n", "\n") != started.get(name):
                what = f"{name} has been changed since this page was opened, and nothing is saved"
                remedy = "take your drafts along as a patch, go back to the saved files, apply it there"
                raise Refusal(409, what, remedy)
            ends = "\r\n" if "\r\n" in before else "\n"
            laid.append(Laid(self.folder / name, name, before, text.replace("\n", ends)))
        try:
            write(laid)
        except CitelogError as error:
            raise Refusal(409, f"nothing is saved: {error.message}", error.remedy) from error

    async def close(self) -> None:
        """End the workers."""
        async with self._changing:
            if self._pool is not None:
                await self._pool.__aexit__(None, None, None)
                self._pool = None

    async def _holding(self, state: State) -> Pool:
        """Workers that hold the files of a state; others end."""
        async with self._changing:
            if self._pool is None or self._version != state.version:
                if self._pool is not None:
                    await self._pool.__aexit__(None, None, None)
                    self._pool = None
                pool = Pool(self._craft(state), self.limits.drafts)
                try:
                    await pool.__aenter__()
                except CitelogError as error:
                    log.error("no draft can be tried: %s", error)
                    raise unstarted(error) from error
                self._pool, self._version = pool, state.version
            return self._pool

    def _craft(self, state: State) -> Craft:
        texts = {
            "files": {**state.texts, **state.kept},
            "sound": {**self._sound.texts, **self._sound.kept},
            "ontology": home.ontology().read_text(encoding="utf-8"),
        }
        less = "write less, or simpler rules, or leave out what cannot end"
        return Craft(
            "citelog.serve.workers.drafter", {"folder": self.folder.name}, json.dumps(texts).encode(), "draft", less
        )

    def _documents(self) -> dict[str, str]:
        """The texts of which one is the document, byte for byte: it is pinned. What is no text is none of them."""
        try:
            found = answer_files(self.folder, home.ontology())
        except KnowledgeError as error:
            raise Refusal(500, str(error), "see what citelog check says") from error
        beside = (path for path in found if path.is_relative_to(self.folder / "source"))
        return {self._name(path): text for path in beside if (text := self._text(path, exact=True)) is not None}

    def _texts(self, patterns: tuple[str, ...]) -> dict[str, str]:
        """The texts of files, by their names."""
        found: dict[str, str] = {}
        for path in sorted({path for pattern in patterns for path in paths_in(self.folder, pattern)}):
            if (text := self._text(path)) is None:
                raise Refusal(500, f"{self._name(path)} is not UTF-8 text", "see what citelog check says")
            found[self._name(path)] = text
        return found

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _text(self, path: Path, exact: bool = False) -> str | None:
        """The text of a file, None where it is none; one that has not changed is not read again. Its line ends are
        made alike, unless it is wanted `exact`.
        """
        if leads_out(path, self.folder):
            what = f"{self._name(path)} is a link that leads out of the knowledge base"
            raise Refusal(500, what, "keep the file itself inside")
        try:
            about = path.stat()
            mark = about.st_mtime_ns, about.st_size
            if path not in self._read or self._read[path][0] != mark:
                text = path.read_bytes().decode("utf-8")
                self._read[path] = mark, text if exact else text.replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None
        except OSError as error:
            raise Refusal(500, f"{self._name(path)} cannot be read: {error}", "see what citelog check says") from error
        return self._read[path][1]


def changed() -> Refusal:
    """The files are not those that a page started from."""
    what = "the saved files have changed since this page was opened"
    return Refusal(409, what, "reload the page; your drafts stay")
