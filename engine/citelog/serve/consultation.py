"""The workers that answer about patients: how they are asked, and what their replies mean.

They start while others are answered already, so that nothing waits for them but what needs them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog.diagnostics import CitelogError
from citelog.serve.http.guard import faulty
from citelog.serve.http.limits import Limits, Refusal
from citelog.serve.http.operations import JSON, OPERATIONS
from citelog.serve.http.problems import late
from citelog.serve.workers.pool import Craft, Pool, unstarted
from citelog.serve.workers.worker import HEAD

log = logging.getLogger(__name__)

Entered = Callable[[str, Sequence[bytes]], Awaitable[None]]
"""What an answer passes before it is sent: through which interface, and the receipts of the assessments in it.

It returns when they are kept for good, and raises Refusal where the answer must not be sent.
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that may be sent: its media type, its bytes and its status."""

    media: str
    data: bytes
    status: int = 200


class Consultation:
    """Workers that hold one knowledge base, the one of `folder` whose hash is `sha256`.

    `entered` is passed by each answer, where there is a log. They also hold the answers of a `population`, if any.
    """

    def __init__(
        self,
        folder: Path,
        sha256: str,
        limits: Limits,
        entered: Entered | None = None,
        population: Path | None = None,
    ) -> None:
        self.limits, self.entered, self.population = limits, entered, population
        less = "send a shorter record, or ask for less"
        message = {"folder": str(folder.resolve()), "sha256": sha256, "deadline": limits.derivation_seconds}
        if population is not None:
            message["population"] = str(population.resolve())
        self._pool = Pool(
            Craft("citelog.serve.workers.consultant", message, b"", "request", less), limits.consultations
        )
        self._starting: asyncio.Task[Pool] | None = None

    def start(self) -> None:
        """Start the workers; nobody waits for them."""
        self._starting = asyncio.create_task(self._pool.__aenter__())
        self._starting.add_done_callback(_told)

    async def close(self) -> None:
        """End the workers."""
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError, CitelogError):
                await self._starting
        await self._pool.__aexit__(None, None, None)

    @property
    def ready(self) -> bool:
        """Whether the workers have started."""
        return self._starting is not None and self._starting.done() and self._starting.exception() is None

    async def examples(self) -> Mapping[str, Any]:
        """A request for each question, by the last part of its address."""
        examples: Mapping[str, Any] = (await self.told())["examples"]
        return examples

    async def told(self) -> Mapping[str, Any]:
        """What the workers said of their knowledge base when they had loaded it."""
        await self._started()
        return self._pool.told

    async def ask(
        self,
        task: str,
        accept: str = JSON,
        data: bytes = b"",
        id_: str = "",
        page: Mapping[str, Any] | None = None,
        interface: str = "",
        address: str = "",
    ) -> Answered:
        """The answer to a request, entered in the log where there is one. Raises Refusal where there is none.

        `page` is what the answer to the task `page` needs to know: which view, and where it stands. `interface` is
        what the log calls the way that it came, where that is neither the API nor a page, and `address` where a page
        of the patient will be, for answers that lead there.
        """
        await self._started()
        message = {
            "task": task,
            "id": id_,
            "page": page,
            "address": address,
            "accept": accept,
            "receipts": self.entered is not None,
            "most": self.limits.consultation_result,
        }
        view = task if page is None else str(page["view"])
        slow = view in OPERATIONS and OPERATIONS[view].slow
        try:
            reply, body = await self._pool.ask(message, data, slow)
        except Refusal as refusal:
            raise late(refusal) from refusal
        answered, receipts = _answer(reply, body)
        if self.entered is not None and receipts:
            named = f"POST /api/{task}" if page is None else f"page {view}".strip()
            await self.entered(interface or named, receipts)
        return answered

    async def _started(self) -> None:
        if self._starting is None:
            raise Refusal(503, "the server is starting", "try again in a moment")
        try:
            async with asyncio.timeout(self.limits.consultation_wait_seconds):
                await asyncio.shield(self._starting)
        except TimeoutError as error:
            raise Refusal(503, "the server is starting", "try again in a moment") from error
        except CitelogError as error:
            raise unstarted(error) from error


def _told(starting: asyncio.Task[Pool]) -> None:
    """A start that came to nothing is in the log, whether or not anybody asks."""
    if not starting.cancelled() and (error := starting.exception()) is not None:
        log.error("nothing can be answered about patients: %s", error)


def _answer(reply: Mapping[str, Any], body: bytes) -> tuple[Answered, list[bytes]]:
    """The answer in a reply, and the receipts of its assessments. Raises Refusal for a reply that has none."""
    match reply["kind"]:
        case "answer":
            pass
        case "refused":
            raise Refusal(**json.loads(reply["message"]))
        case "fault":
            raise faulty(reply["message"])
        case kind:
            raise AssertionError(f"a worker replied {kind}")
    length, _ = HEAD.unpack(body[: HEAD.size])
    head = json.loads(body[HEAD.size : HEAD.size + length])
    start = HEAD.size + length
    parts = []
    for size in (head["length"], *head["receipts"]):
        parts.append(body[start : start + size])
        start += size
    return Answered(head["media"], parts[0], head["status"]), parts[1:]
