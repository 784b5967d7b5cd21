"""What is refused to a FHIR client, or at a hook: an OperationOutcome, with the codes that the API has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from citelog.serve.http import problems
from citelog.serve.http.limits import Refusal

MEDIA = "application/fhir+json"

_ISSUES: Mapping[int, str] = {
    400: "structure",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    409: "conflict",
    412: "required",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    500: "exception",
    503: "transient",
    504: "timeout",
}
"""FHIR's own word for what kind of issue it is, by the status."""


def document(refusal: Refusal) -> dict[str, Any]:
    """The OperationOutcome of a refusal.

    >>> made = document(Refusal(412, "nobody looked", "send prefetch.results", "nothing-looked-at", "prefetch"))
    >>> made["issue"][0]["code"], made["issue"][0]["details"]["coding"][0]["code"]
    ('required', 'nothing-looked-at')
    """
    word = problems.code(refusal)
    coding = {"system": problems.TYPES.rstrip("/"), "code": word, "display": problems.PROBLEMS[word].title}
    where = {"expression": [refusal.where]} if refusal.where else {}
    issue = {
        "severity": "fatal" if refusal.status >= 500 else "error",
        "code": _ISSUES[refusal.status],
        "details": {"coding": [coding], "text": problems.detail(refusal)},
        "diagnostics": f"What to try: {refusal.remedy}",
    }
    return {"resourceType": "OperationOutcome", "issue": [issue | where]}


def answer(refusal: Refusal) -> Response:
    """A refusal as an answer."""
    body = json.dumps(document(refusal), ensure_ascii=False, indent=2) + "\n"
    return Response(body, refusal.status, refusal.headers, MEDIA)
