"""Findings about knowledge as SARIF 2.1.0, as code hosts and editors read it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from citelog.diagnostics import Diagnostic
from citelog.home import VERSION

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "advice": "warning"}


def sarif(
    found: Iterable[Diagnostic], errors: Mapping[str, str], advice: Mapping[str, str], uri: Callable[[str], str]
) -> dict[str, Any]:
    """One run: a rule for each code (`errors` and `advice` give their meanings), a result for each finding.

    Accepted advice is suppressed in the source, with its reason. `uri` gives the address of a file that findings name.
    """
    rules = [
        *(_rule(code, meaning, "error", "tests/language/bad") for code, meaning in errors.items()),
        *(_rule(code, meaning, "advice", "tests/language/advice") for code, meaning in advice.items()),
    ]
    places = {rule["id"]: number for number, rule in enumerate(rules)}
    driver = {"name": "citelog", "semanticVersion": VERSION, "version": VERSION, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, places[one.code], uri) for one in found],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, meaning: str, severity: str, examples: str) -> dict[str, Any]:
    name = "".join(word.capitalize() for word in code.split("-"))
    help_ = f"{meaning[:1].upper()}{meaning[1:]}. engine/LANGUAGE.md explains it; {examples}/{code}.md is an example."
    return {
        "id": code,
        "name": name,
        "shortDescription": {"text": f"{meaning[:1].upper()}{meaning[1:]}."},
        "help": {"text": help_, "markdown": help_.replace(f"{examples}/{code}.md", f"`{examples}/{code}.md`")},
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {"tags": [severity]},
    }


def _result(finding: Diagnostic, number: int, uri: Callable[[str], str]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri(finding.span.file)}}
    if finding.span.line:
        physical["region"] = {"startLine": finding.span.line}
        if finding.span.column:
            physical["region"]["startColumn"] = finding.span.column
        if finding.text:
            physical["region"]["snippet"] = {"text": finding.text}
    told = f"{finding.message}. Try: {finding.hint}" if finding.hint else finding.message
    same = hashlib.sha256(f"{finding.code}\n{finding.span.file}\n{finding.message}".encode()).hexdigest()
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": number,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{told[:1].upper()}{told[1:]}"},
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": {"citelog/v1": same},
    }
    if finding.severity == "advice":  # [] says that it was looked for, and that none is suppressed
        accepted = {"kind": "inSource", "status": "accepted", "justification": finding.accepted}
        result["suppressions"] = [accepted] if finding.accepted else []
    return result
