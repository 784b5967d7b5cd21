"""What is counted by running the cases: the audit, the way from sentences to conclusions, the coverage.

Counting takes seconds, so a process of its own does it (`counted`) and hands the three over as the documents that
`citelog audit` and `citelog coverage` write; here they are values again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from citelog.audit import gates
from citelog.audit.gates import Failed, Gate
from citelog.audit.model import Audit
from citelog.audit.report import audited
from citelog.audit.subject import subject
from citelog.audit.trace import Trace
from citelog.audit.tracing import trace
from citelog.diagnostics import KnowledgeError
from citelog.trial.coverage import Coverage, Point, Survey


@dataclass(frozen=True)
class Counts:
    """An audit, the gates that it does not pass, the trace behind it, and the coverage of one knowledge base."""

    audit: Audit
    failed: tuple[Failed, ...]
    trace: Trace
    coverage: Coverage

    @cached_property
    def _points(self) -> Mapping[tuple[str, str], Point]:
        return {(point.aspect, point.name): point for point in self.coverage.points}

    @cached_property
    def _of_rules(self) -> Mapping[str, list[Point]]:
        found: dict[str, list[Point]] = defaultdict(list)
        for point in self.coverage.points:
            if point.rule and point.aspect != "rule":
                found[point.rule].append(point)
        return found

    def point(self, aspect: str, name: str) -> Point | None:
        """What is counted of a rule, a statement, a conflict or a conclusion; None where nothing is."""
        return self._points.get((aspect, name))

    def of_rule(self, name: str) -> tuple[Point, ...]:
        """What is counted of the literals of a rule and of the sides of its limits."""
        return tuple(self._of_rules.get(name, ()))


def counted(folder: Path) -> dict[str, Any]:
    """Count: every case is run, twice. The documents, as data. Raises KnowledgeError for one with errors."""
    of = subject(folder)
    if of.knowledge is None:
        raise KnowledgeError(one for one in of.findings if one.severity == "error")
    found = audited(of)
    failed = gates.failed(found, gates.kept(of))
    coverage = Survey(of.knowledge, [ran.file for ran in of.ran]).coverage()
    return {
        "audit": found.to_dict(),
        "failed": [one.to_dict() for one in failed],
        "trace": trace(of).to_dict(),
        "coverage": coverage.to_dict(),
    }


def counts(documents: Mapping[str, Any]) -> Counts:
    """The documents of a count as values."""
    found = Audit.of_data(documents["audit"])
    failed = (Failed(Gate(one["code"], one["most"]), found.figure(one["code"])) for one in documents["failed"])
    return Counts(found, tuple(failed), Trace.of_data(documents["trace"]), Coverage.of_data(documents["coverage"]))
