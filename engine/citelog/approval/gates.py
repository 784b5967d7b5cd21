"""What an edition must meet to be frozen: each gate with its figures, and what to do where it is not passed.

Those that take no time come first. Where one of them is not passed, the long ones (every case, every possible patient,
the audit) are not asked: what they would find could change with the edit that is due anyway.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citelog.approval.frozen import Frozen, number
from citelog.audit import gates as audited_gates
from citelog.audit.report import audited
from citelog.audit.subject import Subject, subject
from citelog.compare.revisions import head, is_in_repository, uncommitted, unversioned
from citelog.knowledge import states
from citelog.knowledge.base import STATES, Knowledge
from citelog.receipt.manifest import names
from citelog.receipt.manifest import read as read_from
from citelog.verify.verdicts import verify

CHANGELOG = "CHANGELOG.md"

Tick = Callable[[str, int, int], None]
"""Is told what is done, how far, and of how much."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of a release: whether it is met, in words, with its figures; `remedy` is what to do where not."""

    name: str
    passed: bool
    said: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The gate as a record keeps it."""
        return {"gate": self.name, "said": self.said, "figures": dict(self.figures)}


def quick(folder: Path, knowledge: Knowledge | None, version: str, earlier: Sequence[Frozen]) -> Iterator[Gate]:
    """The gates that only read files: the version, the releases before it, the changelog, and what is committed."""
    yield _version(knowledge, version, earlier)
    yield _earlier(earlier)
    yield _changelog(folder, version)
    yield _committed(folder)


def long(of: Subject, tick: Tick) -> Iterator[Gate]:
    """The gates that look at everything: what check finds, the cases, all possible patients, the audit, the reviews."""
    yield _check(of)
    if of.knowledge is not None:
        yield _test(of)
        yield _verify(of.usable, tick)
        yield _audit(of)
        yield _reviews(of.usable)


def read(folder: Path, tick: Tick) -> Subject:
    """A folder read, checked, and its cases run, once for all gates."""
    return subject(folder, tick=tick)


# the quick ones


def _version(knowledge: Knowledge | None, version: str, earlier: Sequence[Frozen]) -> Gate:
    last = max((one.version for one in earlier), key=number, default=None)
    said = knowledge.version if knowledge else None
    if any(one.version == version for one in earlier):
        return Gate(
            "version", False, f"{version} is released already", {}, "what is released stays; take the next number"
        )
    if last is not None and number(version) <= number(last):
        return Gate(
            "version", False, f"{version} is not greater than {last}, the last release", {}, "take a greater number"
        )
    if said is not None and said != version:
        remedy = f'write pav:version "{version}" in about.ttl, and commit it'
        return Gate("version", False, f"the knowledge base says that it is {said}, not {version}", {}, remedy)
    after = f", after {last}" if last else ", the first release"
    return Gate("version", True, f"{version}{after}", {"last": last})


def _earlier(earlier: Sequence[Frozen]) -> Gate:
    damaged = {one.version: one.damage for one in earlier if one.damage}
    if damaged:
        told = "; ".join(f"{version}: {damage[0]}" for version, damage in damaged.items())
        return Gate(
            "earlier", False, f"not what was released any more: {told}", {}, "restore it from a copy, or from git"
        )
    count = len(earlier)
    said = f"{_count(count, 'release')}, as frozen" if count else "none"
    return Gate("earlier", True, said, {"releases": count})


def _changelog(folder: Path, version: str) -> Gate:
    remedy = f"say in {CHANGELOG} below “## {version}” whom it concerns and what is said differently"
    path = folder / CHANGELOG
    if not path.is_file():
        return Gate("changelog", False, f"there is no {CHANGELOG}", {}, remedy)
    entry = entry_of(path.read_text(encoding="utf-8", errors="replace"), version)
    if not entry:
        return Gate("changelog", False, f"{CHANGELOG} has no entry for {version}", {}, remedy)
    return Gate("changelog", True, f"{CHANGELOG} has an entry for {version}", {"words": len(entry.split())})


def entry_of(text: str, version: str) -> str:
    """What stands in a changelog below the heading of a version, up to the next heading of its level.

    >>> entry_of("## 1.1.0 (next)\\n\\nMore.\\n\\n### Who\\n\\nAll.\\n\\n## 1.0.0\\n\\nBegun.\\n", "1.1.0")
    'More.\\n\\n### Who\\n\\nAll.'
    >>> entry_of("## 1.1.01\\n\\nMore.\\n", "1.1.0")
    ''
    """
    heading = re.search(rf"(?m)^(#+)\s+\[?v?{re.escape(version)}(?![\w.-]).*$", text)
    if heading is None:
        return ""
    ends = re.compile(rf"(?m)^#{{1,{len(heading[1])}}}\s").search(text, heading.end())
    return text[heading.end() : ends.start() if ends else len(text)].strip()


def _committed(folder: Path) -> Gate:
    if why := unversioned(folder):
        if is_in_repository(folder):
            return Gate("committed", False, f"nobody can tell: {why}", {}, "see what `git status` says in it")
        return Gate("committed", True, f"git knows nothing of it: {why}", {"commit": None})
    files = {name: read_from(folder / name) for name in names(folder)}
    commit, open_ = head(folder), uncommitted(folder, files)
    if open_:
        few = ", ".join(open_[:3]) + (f" and {len(open_) - 3} more" if len(open_) > 3 else "")
        return Gate(
            "committed", False, f"not committed: {few}", {}, "commit it, so that the release can be found again"
        )
    return Gate("committed", True, f"all of it, in commit {(commit or '')[:10]}", {"commit": commit})


# the long ones


def _check(of: Subject) -> Gate:
    errors = [one for one in of.findings if one.severity == "error"]
    accepted = sum(bool(one.accepted) for one in of.findings)
    advice = len(of.findings) - len(errors) - accepted
    figures = {"errors": len(errors), "advice": advice, "accepted": accepted}
    if errors:
        first = f"{errors[0].code} at {errors[0].span}"
        told = f"{_count(len(errors), 'error')}, the first {first}"
        return Gate("check", False, told, figures, "citelog check says what is wrong, and where")
    return Gate("check", True, f"no error; {_count(advice, 'piece')} of advice open, {accepted} accepted", figures)


def _test(of: Subject) -> Gate:
    trials = [one.trial for one in of.ran]
    failed = [one.case for one in trials if one.failures]
    figures = {"cases": len(trials), "expectations": sum(one.expectations for one in trials), "failed": len(failed)}
    if not trials:
        return Gate("test", False, "there is no case", figures, "write one: engine/CASES.md says how")
    if failed:
        told = ", ".join(failed[:3]) + (f" and {len(failed) - 3} more" if len(failed) > 3 else "")
        return Gate(
            "test", False, f"{len(failed)} of {len(trials)} cases fail: {told}", figures, "citelog test says why"
        )
    told = f"{_count(len(trials), 'case')}, {_count(sum(one.expectations for one in trials), 'expectation')}: all hold"
    return Gate("test", True, told, figures)


def _verify(knowledge: Knowledge, tick: Tick) -> Gate:
    found = verify(knowledge, None, tick)
    broken = [one.about for one in (*found.properties, *found.kinds) if not one.holds]
    figures = {
        "properties": len(found.properties),
        "kinds": len(found.kinds),
        "undecided": [one.about for one in found.undecided],
        "broken": len(broken),
        "pictures": found.looked_at,
    }
    if broken:
        return Gate("verify", False, f"can be broken: {', '.join(broken)}", figures, "citelog verify shows the record")
    holding = _count(len(found.properties), "safety property", "safety properties")
    said = f"{holding} {'holds' if len(found.properties) == 1 else 'hold'} for every possible patient"
    if not knowledge.properties:
        said = "there are no safety properties (engine/VERIFY.md says how to write one)"
    declared = {one.id for one in knowledge.properties}
    if untold := sum(one.about in declared for one in found.undecided):
        said += f"; {untold} {'is' if untold == 1 else 'are'} decided by no machine"
    if kinds := [one.about for one in found.undecided if one.about not in declared]:
        said += f"; undecided who can have which conclusions of {_count(len(kinds), 'kind')}: {', '.join(kinds)}"
    return Gate("verify", True, said, figures)


def _audit(of: Subject) -> Gate:
    found, own = audited(of), audited_gates.kept(of)
    failed = audited_gates.failed(found, own)
    figures = {
        "figures": {one.code: None if one.uncounted else one.count for one in found.figures},
        "gates": [str(one) for one in own],
    }
    if failed:
        told = "; ".join(str(one).removeprefix("gate ") for one in failed[:3])
        return Gate("audit", False, told, figures, "citelog audit shows each thing that is counted, with its place")
    of_its_own = f"passes {_count(len(own), 'gate')} of its own" if own else "has no gates of its own"
    return Gate("audit", True, f"nothing is broken; it {of_its_own}", figures)


def _reviews(knowledge: Knowledge) -> Gate:
    """No gate of ours: a base that asks for reviews says so with a gate of the audit (cl:gate)."""
    found = states.of(knowledge)
    counts = states.counted(found)
    figures: dict[str, Any] = {kind: dict(of_kind) for kind, of_kind in counts.items()}
    figures["outdated"] = sum(one.stale for one in found)
    told = "; ".join(
        f"{_count(sum(of.values()), kind)}: {', '.join(f'{of[state]} {state}' for state in STATES if of[state])}"
        for kind, of in counts.items()
        if sum(of.values())
    )
    if stale := figures["outdated"]:
        told += f"; {stale} {'was' if stale == 1 else 'were'} changed since {'its' if stale == 1 else 'their'} review"
    drafts = all(one.last is None for one in found)
    return Gate("reviews", True, told + (": nobody has reviewed any of it" if drafts else ""), figures)


def _count(count: int, noun: str, plural: str = "") -> str:
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
