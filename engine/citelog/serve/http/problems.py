"""What is refused over the API, as problem details (RFC 9457): a stable type for each code, where, what, what to try.

Which status a refusal has follows the commands: where one would end with status 1 (it ran, and the answer is no) the
API says 409; where with 2 (what it was given cannot be used), another 4xx; where with 3 (a fault of ours), 500. So 404
is never an answer about a patient: a wrong address, or a proxy on the way, cannot be taken for "not concluded".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from citelog.serve.http.limits import Refusal

MEDIA = "application/problem+json"
TYPES = "https://w3id.org/citelog/problem/"
"""The type of a problem is this and its code."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of problem: the statuses it comes with, and its title."""

    statuses: tuple[int, ...]
    title: str


PROBLEMS: Mapping[str, Problem] = {
    "malformed-request": Problem((400,), "The request is not of the form that the API describes"),
    "not-authenticated": Problem((401,), "Who asks has not shown who it is"),
    "forbidden": Problem((403,), "This server does not answer such requests"),
    "no-such-address": Problem((404,), "There is nothing at this address"),
    "no-such-thing": Problem((404,), "The knowledge base has nothing of this name"),
    "no-such-method": Problem((405,), "This address does not answer this method"),
    "no-acceptable-form": Problem((406,), "The answer has no form that is accepted"),
    "request-too-slow": Problem((408,), "The request was not complete in time"),
    "not-concluded": Problem((409,), "It was asked about a conclusion that was not reached"),
    "concluded": Problem((409,), "It was asked why a conclusion was not reached that was"),
    "saved-files-differ": Problem((409,), "The saved files are not those that were started from"),
    "nothing-looked-at": Problem((412,), "Nothing can be said, because nobody looked"),
    "request-too-large": Problem((413,), "The request is larger than one may be"),
    "wrong-media-type": Problem((415,), "The request is of a kind that is not read here"),
    "unusable-record": Problem((422,), "A record cannot be used"),
    "unusable-change": Problem((422,), "A change of the record cannot be made"),
    "unusable-date": Problem((422,), "The date of the assessment is none"),
    "unknown-conclusion": Problem((422,), "The knowledge base has no such conclusion"),
    "unusable-query": Problem((422,), "The query cannot be asked"),
    "result-too-large": Problem((422,), "The answer would be larger than one may be"),
    "too-costly": Problem((422,), "The answer needs more memory, or is nested deeper, than is allowed"),
    "unusable": Problem((422,), "What is asked cannot be answered"),
    "too-many-requests": Problem((429,), "One client asks for too much at a time"),
    "fault": Problem((500,), "A fault of citelog"),
    "busy": Problem((503,), "The server is busy, or starting"),
    "unwritten-log": Problem((503,), "The log cannot be written, and so nothing is answered"),
    "too-long": Problem((504,), "The answer took longer than is allowed"),
}
"""Every code."""

_BY_STATUS: Mapping[int, str] = {
    400: "malformed-request",
    401: "not-authenticated",
    403: "forbidden",
    404: "no-such-address",
    405: "no-such-method",
    406: "no-acceptable-form",
    408: "request-too-slow",
    409: "saved-files-differ",
    412: "nothing-looked-at",
    413: "request-too-large",
    415: "wrong-media-type",
    422: "unusable",
    429: "too-many-requests",
    500: "fault",
    503: "busy",
    504: "too-long",
}


def code(refusal: Refusal) -> str:
    """The stable word for a refusal."""
    return refusal.code or _BY_STATUS[refusal.status]


def document(refusal: Refusal) -> dict[str, Any]:
    """The problem document of a refusal.

    >>> document(Refusal(422, "this is no date", "write 2026-03-15", "unusable-date", "at"))["detail"]
    'at: this is no date'
    """
    word = code(refusal)
    where = {"where": refusal.where} if refusal.where else {}
    return {
        "type": TYPES + word,
        "title": PROBLEMS[word].title,
        "status": int(refusal.status),
        "detail": detail(refusal),
        **where,
        "try": refusal.remedy,
    }


def detail(refusal: Refusal) -> str:
    """What is wrong, and where."""
    return f"{refusal.where}: {refusal.what}" if refusal.where else refusal.what


def answer(refusal: Refusal) -> Response:
    """A refusal as the API's answer."""
    body = json.dumps(document(refusal), ensure_ascii=False, indent=2) + "\n"
    return Response(body, refusal.status, refusal.headers, MEDIA)


def late(refusal: Refusal) -> Refusal:
    """The same, but that a deadline which has passed is the server's: 504. (At /sparql it is the client's: 422.)"""
    if refusal.code != "too-long":
        return refusal
    return Refusal(HTTPStatus.GATEWAY_TIMEOUT, refusal.what, refusal.remedy, refusal.code, refusal.where)
