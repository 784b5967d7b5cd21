"""The log of a server: what it assesses is entered before it is answered, and the checkpoint is there for everyone.

Whoever fetches `/log/checkpoint` now and then, and keeps what comes, can tell later whether the log was changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from citelog.answer import Answer
from citelog.diagnostics import CitelogError
from citelog.ledger.log import head
from citelog.ledger.note import Signed
from citelog.ledger.writer import Writer
from citelog.receipt.entered import record
from citelog.receipt.manifest import Manifest
from citelog.serve.limits import Refusal

T = TypeVar("T")


@dataclass(frozen=True)
class Logged:
    """A log, and the files of the knowledge base that is assessed by."""

    writer: Writer
    files: Manifest

    async def enter(self, assessment: Answer, asked: str) -> int:
        """Enter an assessment; the number of its entry, once it is on the disk, and not before may it be answered.

        Raises Refusal where it could not be entered.
        """
        return await _done(lambda: self.writer.append(record(assessment, self.files, asked)))

    async def about(self, request: Request) -> Response:
        """What the log says of itself, as JSON."""
        log, signed = self.writer.log, await self._head()
        said = {
            "origin": signed.checkpoint.origin,
            "keep": log.keep,
            "public_key": log.key.public.text,
            "size": signed.checkpoint.size,
            "root": signed.checkpoint.root.hex(),
            "checkpoint": signed.note.decode(),
        }
        return Response(json.dumps(said, ensure_ascii=False, indent=2) + "\n", media_type="application/json")

    async def checkpoint(self, request: Request) -> Response:
        """The signed checkpoint, byte for byte."""
        return Response((await self._head()).note, media_type="text/plain; charset=utf-8")

    async def _head(self) -> Signed:
        return await _done(lambda: head(self.writer.log.folder.path))


async def _done(work: Callable[[], T]) -> T:
    """What a thread gives, while others are answered."""
    try:
        return await run_in_threadpool(work)
    except CitelogError as error:
        what, _, remedy = str(error).partition("\n   = ")
        raise Refusal(503, what, remedy or "see what is wrong: citelog audit log verify LOG") from error
