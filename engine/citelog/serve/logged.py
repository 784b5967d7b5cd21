"""The log of a server: what it assesses is entered before it is answered, and the checkpoint is there for everyone.

Whoever fetches `/log/checkpoint` now and then, and keeps what comes, can tell later whether the log was changed. The
pages show the entries, and proofs of them, as somebody sees them who has the log without its salts: they say nothing
of anybody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from citelog.diagnostics import CitelogError
from citelog.ledger.entry import Record
from citelog.ledger.listed import NoEntryError, shown, stretch
from citelog.ledger.log import head
from citelog.ledger.note import Signed
from citelog.ledger.proofs import Proof
from citelog.ledger.writer import Writer
from citelog.receipt.content import engine
from citelog.serve.http.accept import chosen
from citelog.serve.http.limits import Refusal
from citelog.serve.http.operations import HTML, JSON
from citelog.serve.pages import own
from citelog.serve.pages.shell import Shell

SHOWN = 50
"""Entries on one page."""

T = TypeVar("T")


@dataclass(frozen=True)
class Logged:
    """A log, and the knowledge base that is assessed by, as documents name it."""

    writer: Writer
    knowledge: Mapping[str, str]

    async def entered(self, asked: str, receipts: Sequence[bytes]) -> None:
        """Enter assessments by their receipts, all or none; it returns once they are on the disk and may be answered.

        `asked` names the interface. Raises Refusal where they could not be entered.
        """
        entries = [Record(asked, self.knowledge, engine(), receipt) for receipt in receipts]
        await _done(partial(self.writer.append, entries))

    def routes(self, shell: Shell) -> Iterator[Route]:
        """What leads where."""
        yield Route("/log", partial(self.about, shell))
        yield Route("/log/checkpoint", self.checkpoint)
        yield Route("/log/entries/{number:int}", partial(self.entry, shell))
        yield Route("/log/entries/{number:int}/proof", self.proof)

    async def about(self, shell: Shell, request: Request) -> Response:
        """What the log says of itself, as JSON; for people, its entries too, the youngest first."""
        log = self.writer.log
        if chosen(request.headers.get("accept"), (JSON, HTML)) == HTML:
            found = await _done(partial(stretch, log.folder.path, _number(request, "before"), SHOWN))
            return HTMLResponse(await run_in_threadpool(own.log_page, shell, found), headers={"Vary": "Accept"})
        signed = await self._head()
        said = {
            "origin": signed.checkpoint.origin,
            "keep": log.keep,
            "public_key": log.key.public.text,
            "size": signed.checkpoint.size,
            "root": signed.checkpoint.root.hex(),
            "checkpoint": signed.note.decode(),
        }
        text = json.dumps(said, ensure_ascii=False, indent=2) + "\n"
        return Response(text, headers={"Vary": "Accept"}, media_type=JSON)

    async def entry(self, shell: Shell, request: Request) -> Response:
        """An entry: as JSON its very bytes; for people with its proof."""
        proof = await self._proof(request)
        if chosen(request.headers.get("accept"), (JSON, HTML)) != HTML:
            return Response(proof.entry, headers={"Vary": "Accept"}, media_type=JSON)
        return HTMLResponse(own.entry_page(shell, proof), headers={"Vary": "Accept"})

    async def proof(self, request: Request) -> Response:
        """The proof of an entry, as a file."""
        proof = await self._proof(request)
        named = {"Content-Disposition": f'inline; filename="entry-{proof.number}.tlog-proof"'}
        return Response(proof.text, headers=named, media_type="text/plain; charset=utf-8")

    async def checkpoint(self, request: Request) -> Response:
        """The signed checkpoint, byte for byte."""
        return Response((await self._head()).note, media_type="text/plain; charset=utf-8")

    async def _head(self) -> Signed:
        return await _done(lambda: head(self.writer.log.folder.path))

    async def _proof(self, request: Request) -> Proof:
        return await _done(partial(shown, self.writer.log.folder.path, request.path_params["number"]))


async def _done(work: Callable[[], T]) -> T:
    """What a thread gives, while others are answered. Raises Refusal."""
    try:
        return await run_in_threadpool(work)
    except NoEntryError as error:
        raise Refusal(404, str(error), "begin at /log", "no-such-thing") from error
    except CitelogError as error:
        remedy = error.remedy or "see what is wrong: citelog audit log verify LOG"
        raise Refusal(503, error.message, remedy, "unwritten-log") from error


def _number(request: Request, name: str) -> int | None:
    """A number among the parameters of an address; None where it is not given. Raises Refusal."""
    given = request.query_params.get(name)
    if given is None:
        return None
    if not given.isascii() or not given.isdecimal() or len(given) > 15:
        raise Refusal(404, f"there are no entries before {given[:20]!r}", "begin at /log", "no-such-thing")
    return int(given)
