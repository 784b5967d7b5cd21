"""What the resources share: the body of a request, bounded in size and time, and answers that nobody waits for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from citelog.serve.http.limits import Refusal
from citelog.serve.http.porter import LINGER

if TYPE_CHECKING:
    from starlette.requests import Request

Result = TypeVar("Result")


def media_of(request: Request) -> str:
    """The media type of the request's body. Raises Refusal where it is encoded in another way than as UTF-8."""
    media, *parameters = request.headers.get("content-type", "").lower().split(";")
    charsets = [p.split("=", 1)[1].strip(' "') for p in parameters if p.strip().startswith("charset=")]
    coding = request.headers.get("content-encoding", "identity").lower()
    if set(charsets) - {"utf-8", "utf8"} or coding != "identity":
        raise Refusal(415, f"the body is sent as {', '.join([*charsets, coding])}", "send it as UTF-8, not compressed")
    return media.strip()


async def body_of(request: Request, most: int, seconds: float, shorter: str) -> bytes:
    """The body. Raises Refusal where it is longer than `most` bytes (then `shorter` says what to try) or too slow."""
    told = request.headers.get("content-length", "")
    is_longer = told.isdecimal() and (len(told) > len(str(most)) + 10 or int(told) > most)
    if not is_longer:
        body = bytearray()
        try:
            async with asyncio.timeout(seconds):
                async for part in request.stream():
                    body += part
                    if len(body) > most:
                        break
                else:
                    return bytes(body)
        except TimeoutError as error:
            raise Refusal(408, f"the request was not complete after {seconds:g} seconds", "send it") from error
    if not (is_longer and request.headers.get("expect", "").lower() == "100-continue"):  # then nobody has sent it yet
        await _forgotten(request)
    raise Refusal(413, f"the request is longer than {most:,} bytes", shorter)


async def _forgotten(request: Request) -> None:
    """Take the rest of a body that is refused: a connection that ends upon what still comes would lose the refusal."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            async for _ in request.stream():
                pass


async def while_listening(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """What work comes to; a client that leaves takes it along."""
    answer = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({answer, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise Refusal(400, "the client has closed the connection", "nobody reads this")
        return answer.result()
    finally:
        answer.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
