"""The state of the language server, and when a knowledge base is read again.

It is what the editor has open and, for each knowledge base that one of these texts belongs to, what it said when it was
last read. Reading takes a while and so happens in a thread of its own, a moment after the last change; questions are
answered meanwhile from the reading before, and from the texts as they are now.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from citelog import home
from citelog.diagnostics import Diagnostic, Span
from citelog.edit import folder
from citelog.edit.desk import Desk, Reading
from citelog.edit.findings import Located, extent, located
from citelog.edit.protocol import Wire, path_of
from citelog.knowledge.files import Drafts
from citelog.rules.syntax import parse

PAUSE = 0.15
"""Seconds without a change after which a knowledge base is read again."""

_log = logging.getLogger("citelog.edit")


@dataclass(slots=True)
class Base:
    """A knowledge base in the editor: what it said, what was found, which files have findings, how often it changed."""

    folder: Path
    reading: Reading | None = None
    found: dict[Path, list[Located]] = field(default_factory=dict)
    told: set[Path] = field(default_factory=set)
    changes: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Editor(LanguageServer):
    """The server with its state."""

    def __init__(self) -> None:
        # whole texts: pygls applies partial changes by Python's idea of a line, which ends at a form feed too
        super().__init__("citelog", home.VERSION, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.wire = Wire()
        self.bases: dict[Path, Base] = {}
        self.strays: set[Path] = set()
        self.unseen: set[Path] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.reading = asyncio.Lock()

    # --- texts ---

    def drafts(self) -> Drafts:
        """The texts that the editor has open, where they are not what is on disk."""
        return Drafts(
            (path, document.source)
            for uri, document in self.workspace.text_documents.items()
            if (path := path_of(uri)) is not None
            and folder.text_of(path) not in (document.source, "\ufeff" + document.source)
        )

    def base(self, path: Path) -> Base | None:
        """The knowledge base of a file; one met for the first time is read."""
        where = folder.base_of(path, self.drafts())
        if where is None:
            return None
        if where not in self.bases:
            self.bases[where] = Base(where)
            self.soon(self.bases[where], pause=0)
        return self.bases[where]

    def bases_in(self, path: Path) -> list[Path]:
        """The knowledge bases that stand in a folder; what may not be looked into is told."""
        bases, unseen = folder.bases_in(path)
        for place in sorted({*unseen, *(one for one in self.unseen if one.is_relative_to(path))}):
            self.publish(place, [Located(place, 0, 0, unseen[place])] if place in unseen else [], {})
        self.unseen = {one for one in self.unseen if not one.is_relative_to(path)} | {*unseen}
        return bases

    async def desk(self, uri: str) -> tuple[Desk, Path] | None:
        """The knowledge base of a text on its author's desk, as soon as it has been read once."""
        path = path_of(uri)
        base = self.base(path) if path is not None else None
        if base is None or path is None:
            return None
        await base.ready.wait()
        return (folder.desk(base.folder, self.drafts(), base.reading), path) if base.reading is not None else None

    async def place(self, params: Any) -> tuple[Desk, Path, int] | None:
        """The desk, the file and the offset of a question about a position."""
        at = await self.desk(params.text_document.uri)
        if at is None or at[1] not in at[0].texts:
            return None
        return *at, self.wire.offset(at[0].texts[at[1]], params.position)

    # --- findings ---

    def changed(self, path: Path) -> None:
        """A text has changed: its knowledge base is read soon."""
        base = self.base(path)
        if base is not None:
            self.soon(base)
        elif path.suffix == ".rls":
            self.stray(path)

    def soon(self, base: Base, pause: float = PAUSE) -> None:
        """Read a knowledge base after a pause, unless it changes again before."""
        base.changes += 1
        task = asyncio.get_running_loop().create_task(self._check(base, base.changes, pause))
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("a fault of citelog's own", exc_info=fault)
            message = f"citelog: a fault of its own: {fault!r}. The knowledge base is read again at the next change."
            self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Error, message))

    async def _check(self, base: Base, change: int, pause: float) -> None:
        await asyncio.sleep(pause)
        async with self.reading:
            if change != base.changes:
                return
            drafts = self.drafts()
            try:
                if not folder.is_base(base.folder, drafts):
                    self._forget(base)
                    return
                reading, found = await asyncio.to_thread(folder.read, base.folder, drafts, base.reading)
                base.reading = reading
                if change == base.changes:
                    self._tell(base, found, drafts)
            finally:
                base.ready.set()

    def _tell(self, base: Base, found: list[Diagnostic], drafts: Drafts) -> None:
        """Publish what was found, and that nothing is any more where something was."""
        assert base.reading is not None
        texts = folder.desk(base.folder, drafts, base.reading).texts
        base.found = located(found, base.folder, texts)
        opened = {path for path in self.wire.uris if path in texts}
        for path in sorted({*base.found, *base.told, *opened}):
            self.publish(path, base.found.get(path, []), texts)
        base.told = set(base.found)

    def publish(self, path: Path, found: list[Located], texts: Mapping[Path, str]) -> None:
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(
                self.wire.uri(path),
                [self.wire.diagnostic(one, texts, explained(one.finding.code)) for one in found],
                self.wire.versions.get(path),
            )
        )

    def _forget(self, base: Base) -> None:
        """A folder that is gone, or a knowledge base no more."""
        for path in sorted(base.told):
            self.publish(path, [], {})
        self.bases.pop(base.folder, None)

    def stray(self, path: Path) -> None:
        """Rules outside of any knowledge base: only whether they can be read."""
        text = self.drafts().get(path, folder.text_of(path) or "")
        hint = "a knowledge base is a folder with about.ttl, statements.trig and rules/: citelog new makes one"
        alone = "this file is in no knowledge base, so only its form is checked"
        outside = Diagnostic("no-knowledge-base", Span(path.name, 1, 1), alone, hint, "", "information")
        found = [*parse(text, path.name).diagnostics, outside]
        self.publish(path, [Located(path, *extent(text, one), one) for one in found], {path: text})
        self.strays.add(path)


@lru_cache(maxsize=1)
def _explained() -> tuple[str, dict[str, int]]:
    """The address of the language reference, and the lines on which it explains the codes of findings."""
    manual = home.manual()
    text = folder.text_of(manual) if manual is not None else None
    if manual is None or text is None:
        return "", {}
    rows = enumerate(text.split("\n"), 1)
    return manual.as_uri(), {m[1]: line for line, row in rows if (m := re.match(r"\| `([a-z0-9-]+)` \|", row))}


def explained(code: str) -> str | None:
    """The line of the language reference that explains a code."""
    uri, lines = _explained()
    return f"{uri}#L{lines[code]}" if code in lines else None
