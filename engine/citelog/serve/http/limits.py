"""What one request may cost, and the refusal that says so: every bound of the server stands here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a pool of workers; times in seconds of the wall clock, sizes in bytes.

    Of `workers` processes at most `long` may be busy with a task for longer than `quick`: the others turn over at
    least every `quick` seconds, so that costly tasks cannot keep cheap ones waiting. A task that has `computed` for
    less than that many seconds of a processor has only waited for one, and does not count as long yet.
    """

    workers: int
    long: int
    quick: float
    seconds: float  # then the kernel ends the worker process
    memory: int  # beyond what is loaded, in each worker process
    waiting: int  # tasks that wait for a worker
    wait_seconds: float
    computed: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a server; times in seconds of the wall clock, sizes in bytes."""

    workers: int = 8
    long_queries: int = 4
    quick: float = 0.25
    computed: float = 0.0  # a query that waits for a processor is refused where others take long: most are costly
    query_seconds: float = 5.0
    memory: int = 512 << 20
    result: int = 10 << 20
    page_result: int = 1 << 20  # as a page, which this process has to build
    request: int = 100_000  # a query, with its parameters
    depth: int = 64  # brackets within brackets
    waiting: int = 64
    wait_seconds: float = 5.0
    draft_workers: int = 2
    quick_draft: float = 2.0
    draft_seconds: float = 20.0  # all cases of a knowledge base, with drafts
    draft_memory: int = 512 << 20
    draft_request: int = 2 << 20
    draft_result: int = 8 << 20
    draft_wait_seconds: float = 30.0
    consultants: int = 6
    long_consultations: int = 4
    quick_consultation: float = 2.0
    computed_consultation: float = 1.0  # an answer about a patient takes less, whatever else the machine is busy with
    consultation_seconds: float = 20.0
    derivation_seconds: float = 10.0  # of processor time, each time that the rules are run
    consultation_memory: int = 512 << 20
    consultation_request: int = 8 << 20  # a record, or some: ten times the largest of one patient that we have seen
    consultation_result: int = 32 << 20
    consultations_waiting: int = 128
    feedback_request: int = 1 << 20  # what became of cards
    consultation_wait_seconds: float = 30.0
    count_seconds: float = 600.0  # to run all cases of a knowledge base, and to count what they show
    count_memory: int = 1 << 30
    one_client: int = 96  # requests of one address, or of one user of a proxy, at a time
    settings: int = 2  # pages of the knowledge base that are searched or set at a time, by the server's own process
    kept_records: int = 1_000  # of patients whose pages are open
    kept_bytes: int = 64 << 20
    kept_seconds: float = 3_600.0  # since somebody looked at one
    session_seconds: float = 14_400.0  # since somebody who signed in asked last
    head_seconds: float = 10.0  # from the first byte of a request to the end of its headers
    body_seconds: float = 10.0
    exchange_seconds: float = 60.0  # from the headers of a request to the last byte of its answer
    under_way: int = 256  # requests at a time, of all
    connections: int = 1_024  # that are open, whether anything is asked over them or not
    closing_seconds: int = 3  # for answers under way when the server is told to stop

    @property
    def queries(self) -> Bounds:
        """The bounds of the workers that answer queries."""
        return Bounds(
            self.workers,
            self.long_queries,
            self.quick,
            self.query_seconds,
            self.memory,
            self.waiting,
            self.wait_seconds,
            self.computed,
        )

    @property
    def drafts(self) -> Bounds:
        """The bounds of the workers that try drafts; each is worth its wait, so all may take long."""
        return Bounds(
            self.draft_workers,
            self.draft_workers,
            self.quick_draft,
            self.draft_seconds,
            self.draft_memory,
            self.waiting,
            self.draft_wait_seconds,
        )

    @property
    def consultations(self) -> Bounds:
        """The bounds of the workers that answer about patients."""
        return Bounds(
            self.consultants,
            self.long_consultations,
            self.quick_consultation,
            self.consultation_seconds,
            self.consultation_memory,
            self.consultations_waiting,
            self.consultation_wait_seconds,
            self.computed_consultation,
        )

    @property
    def counts(self) -> Bounds:
        """The bounds of the process that counts: there is one, and it says all when it has loaded."""
        return Bounds(1, 1, self.count_seconds, self.count_seconds, self.count_memory, 1, self.count_seconds)


class Refusal(Exception):
    """A request that is not answered, and why: the status, what is wrong, and what to try.

    `where` is the place in the request, where there is one, and `code` a stable word (`serve.http.problems`); without
    one, the status says it.

    >>> print(Refusal(400, "no query is given", "send one as query=…"))
    no query is given
      = send one as query=…
    """

    def __init__(self, status: int, what: str, remedy: str, code: str = "", where: str = "") -> None:
        self.status, self.what, self.remedy, self.code, self.where = HTTPStatus(status), what, remedy, code, where
        super().__init__(f"{where}{': ' if where else ''}{what}\n  = {remedy}")

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After, where trying the same again may help: only a busy server is worth asking twice; and how to show
        who one is, where that is asked for.
        """
        if self.status == HTTPStatus.UNAUTHORIZED:
            return {"WWW-Authenticate": "Bearer"}
        again = self.status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
        return {"Retry-After": "1"} if again else {}


_FOLDERS = re.compile(r"(?<![\w/])/(?:[^/\n'\"]+/)+")


def without_folders(text: str) -> str:
    """A text for strangers: of each path only the name, rather too much left out than where things lie on this machine.

    >>> without_folders("[Errno 13] Permission denied: '/home/a nurse/nights/cases'; see https://w3id.org/citelog/problem/busy")
    "[Errno 13] Permission denied: 'cases'; see https://w3id.org/citelog/problem/busy"
    """
    return _FOLDERS.sub("", text)
