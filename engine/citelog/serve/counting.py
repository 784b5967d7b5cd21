"""The counts of the knowledge base that is served: made once, in a process of its own, when somebody first wants them.

Whoever asks meanwhile is told that they are being counted; nobody waits for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from citelog.diagnostics import CitelogError
from citelog.serve.http.limits import Limits, without_folders
from citelog.serve.workers.pool import Craft, Pool

if TYPE_CHECKING:
    from citelog.browse.counts import Counts

log = logging.getLogger(__name__)


class Counting:
    """The counts of the knowledge base of `folder` whose hash is `sha256`: `counts`, or why there will be none."""

    def __init__(self, folder: Path, sha256: str, limits: Limits) -> None:
        self.counts: Counts | None = None
        self.trouble = ""
        self._folder, self._sha256, self._limits = folder, sha256, limits
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Count, if it has not begun yet."""
        if self._task is None:
            self._task = asyncio.create_task(self._count())

    async def close(self) -> None:
        """Stop counting."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _count(self) -> None:
        from citelog.browse.counts import counts

        message, seconds = {"folder": str(self._folder.resolve())}, self._limits.count_seconds
        craft = Craft("citelog.serve.workers.counter", message, b"", "count", "serve fewer cases")
        try:
            async with asyncio.timeout(seconds), Pool(craft, self._limits.counts) as pool:
                documents = pool.told
            found = await run_in_threadpool(counts, documents)
        except (CitelogError, OSError, TimeoutError) as error:
            late = f"counting took longer than {seconds:g} seconds"
            told = late if isinstance(error, TimeoutError) else str(error).partition("\n")[0]
            log.error("the cases cannot be counted: %s", told)
            self.trouble = without_folders(told)
            return
        if found.audit.sha256 != self._sha256:
            self.trouble = "the knowledge base was changed since the server was started"
        else:
            self.counts = found
