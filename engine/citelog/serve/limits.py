"""What one request may cost, and the refusal that says so: every bound of the server stands here."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a server; times in seconds of the wall clock, sizes in bytes.

    Of `workers` processes at most `long_queries` may be busy with a query for longer than `quick`: the others
    turn over at least every `quick` seconds, so that costly queries cannot keep cheap ones waiting.
    """

    workers: int = 8
    long_queries: int = 4
    quick: float = 0.25
    query_seconds: float = 5.0  # then the kernel ends the worker process
    memory: int = 512 << 20  # beyond what the dataset takes, in each worker process
    result: int = 10 << 20
    page_result: int = 1 << 20  # as a page, which this process has to build
    request: int = 100_000  # a query, with its parameters
    depth: int = 64  # brackets within brackets
    waiting: int = 64  # queries that wait for a worker
    wait_seconds: float = 5.0
    head_seconds: float = 10.0  # from the first byte of a request to the end of its headers
    body_seconds: float = 10.0
    exchange_seconds: float = 60.0  # from the headers of a request to the last byte of its answer
    connections: int = 256
    closing_seconds: int = 3  # for answers under way when the server is told to stop


class Refusal(Exception):
    """A request that is not answered, and why: the status, what is wrong, and what to try.

    >>> print(Refusal(400, "no query is given", "send one as query=…"))
    no query is given
      = send one as query=…
    """

    def __init__(self, status: int, what: str, remedy: str) -> None:
        self.status, self.what, self.remedy = HTTPStatus(status), what, remedy
        super().__init__(f"{what}\n  = {remedy}")

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After, where trying the same again may help: only a busy server is worth asking twice."""
        return {"Retry-After": "1"} if self.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
