"""The log of a server: what it assesses is entered before it is answered, and the checkpoint is there for everyone.

Whoever fetches `/log/checkpoint` now and then, and keeps what comes, can tell later whether the log was changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from citelog.diagnostics import CitelogError
from citelog.ledger.entry import Record
from citelog.ledger.log import head
from citelog.ledger.note import Signed
from citelog.ledger.writer import Writer
from citelog.receipt.content import engine
from citelog.serve.limits import Refusal

T = TypeVar("T")


@dataclass(frozen=True)
class Logged:
    """A log, and the knowledge base that is assessed by, as documents name it."""

    writer: Writer
    knowledge: Mapping[str, str]

    async def entered(self, asked: str, receipts: Sequence[bytes]) -> None:
        """Enter assessments by their receipts; once they are on the disk it returns, and they may be answered.

        `asked` names the interface. Raises Refusal where they could not be entered.
        """
        for entry in [Record(asked, self.knowledge, engine(), receipt) for receipt in receipts]:
            await _done(partial(self.writer.append, entry))

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
        raise Refusal(
            503, what, remedy or "see what is wrong: citelog audit log verify LOG", "unwritten-log"
        ) from error
