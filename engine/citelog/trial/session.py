"""A knowledge base tried again after each edit: what the edit touches is run anew, and told is what became otherwise.

What was edited is found by comparing the files with what they were, not by being told: an edit that nobody reported is
found at the next look. A knowledge base with a fault is not tried; the next sound one is compared with the last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from citelog import home
from citelog.assess import Assessment
from citelog.conclusions import Conclusion
from citelog.diagnostics import Diagnostic
from citelog.explain.model import Model
from citelog.explain.what_if import paired
from citelog.knowledge.base import Knowledge
from citelog.knowledge.fingerprint import answer_files
from citelog.knowledge.load import load
from citelog.trial.expectations import Trial, case_files, golden, tried
from citelog.trial.touched import edits

EXPLAINED = 2
"""Cases that fail newly of which it is looked for what stands in the way: an answer within a second is worth more."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became otherwise in the conclusions of a case: `lost`, `gained`, and `turned`, each with what differs.

    Two cases in which the same became otherwise have the same value.
    """

    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    turned: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lost or self.gained or self.turned)


@dataclass(frozen=True, slots=True)
class News:
    """A case that was run: how it went before (None where there was none), how it goes, what is concluded otherwise."""

    before: Trial | None
    after: Trial
    moved: Moved

    @property
    def fails_newly(self) -> bool:
        """Whether it fails, and did not."""
        return bool(self.after.failures) and not (self.before and self.before.failures)

    @property
    def holds_newly(self) -> bool:
        """Whether it holds, and did not, or was not there."""
        return not self.after.failures and not (self.before and not self.before.failures)


@dataclass(frozen=True, slots=True)
class Round:
    """One look at the files that found something.

    `edited` names what was edited: files, or rules where only rules were. With `findings` the knowledge base has a
    fault, and nothing was run. `news` are the cases that were run, `gone` those whose file is no longer there, and
    `trials` how all of them stand.
    """

    edited: tuple[str, ...]
    findings: tuple[Diagnostic, ...]
    news: tuple[News, ...]
    gone: tuple[str, ...]
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A case as it was run: the hash of its files, its trial, its answer (None where there is none), its facts."""

    digest: str
    trial: Trial
    answer: Assessment | None
    model: Model | None


@dataclass
class Session:
    """A folder that is looked at again and again; `words` choose the cases, as for `citelog test`."""

    folder: Path
    knowledge: Knowledge
    words: tuple[str, ...] = ()
    _files: dict[Path, str] = field(default_factory=dict)
    _kept: dict[Path, _Kept] = field(default_factory=dict)
    _faulty: bool = False

    def __post_init__(self) -> None:
        self._files = self._read()

    def first(self) -> Iterator[Trial]:
        """Run every case, one after the other."""
        for file in case_files(self.folder, self.words):
            self._kept[file] = kept = self._run(file)
            yield tried(self.knowledge, file)[0] if kept.trial.failures else kept.trial
        load(self.folder, home.ontology())  # so that the first edit finds the other files read

    def look(self) -> Round | None:
        """Run what was touched since the last look; None where nothing was."""
        files = self._read()
        edited = [path for path in {**self._files, **files} if self._files.get(path) != files.get(path)]
        touched: set[Path] = set()
        told: list[str] = []
        if edited or self._faulty:
            self._files = files
            opened = load(self.folder, home.ontology())
            self._faulty = opened.knowledge is None
            named = tuple(path.relative_to(self.folder.parent).as_posix() for path in edited if path != home.ontology())
            if opened.knowledge is None:
                errors = tuple(d for d in opened.diagnostics if d.severity == "error")
                return Round(named, errors, (), (), self._trials()) if edited else None
            touched, rules = self._touched(opened.knowledge)
            told += rules or named
            self.knowledge = opened.knowledge
        now = {
            file: _digest(_hash(file), file, kept.answer if (kept := self._kept.get(file)) else None)
            for file in case_files(self.folder, self.words)
        }
        written = [file for file in now if file not in self._kept or self._kept[file].digest != now[file]]
        gone = [file for file in self._kept if file not in now]
        if not (edited or written or gone):
            return None
        told += [file.relative_to(self.folder.parent).as_posix() for file in (*written, *gone)]
        for file in gone:
            del self._kept[file]
        news = []
        for file in now:
            if file in touched or file in written:
                before, self._kept[file] = self._kept.get(file), self._run(file)
                news.append(_news(before, self._kept[file]))
        failing = [i for i, one in enumerate(news) if one.fails_newly]
        for i in failing[:EXPLAINED]:
            news[i] = replace(news[i], after=tried(self.knowledge, news[i].after.file)[0])
        return Round(tuple(told), (), tuple(news), tuple(file.stem for file in gone), self._trials())

    def _touched(self, after: Knowledge) -> tuple[set[Path], list[str]]:
        """The cases that an edit of the knowledge can change, and the rules edited, where only rules were."""
        changed = edits(self.knowledge, after)
        if changed is None:
            return set(self._kept), []
        files = {
            file
            for file, kept in self._kept.items()
            if changed and (kept.model is None or any(edit.touches(kept.model) for edit in changed))
        }
        return files, [f"rule {edit.name}" for edit in changed]

    def _run(self, file: Path) -> _Kept:
        written = _hash(file)  # before it is read: what is written meanwhile is found at the next look
        trial, answer = tried(self.knowledge, file, explained=False)
        return _Kept(_digest(written, file, answer), trial, answer, Model(answer.run) if answer else None)

    def _trials(self) -> tuple[Trial, ...]:
        return tuple(self._kept[file].trial for file in sorted(self._kept))

    def _read(self) -> dict[Path, str]:
        """The hash of each file that can change an answer."""
        return {path: _hash(path) for path in answer_files(self.folder, home.ontology())}


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:  # gone since it was listed, or not readable: running it says so
        return ""


def _digest(written: str, file: Path, answer: Assessment | None) -> str:
    """The hash of a case and of the proofs that it keeps."""
    expect = answer.case.expect if answer else None
    return " ".join((written, *(_hash(golden(file, id_)) for id_ in (expect.proofs if expect else ()))))


def _news(before: _Kept | None, after: _Kept) -> News:
    both = before is not None and before.answer is not None and after.answer is not None
    moved = _moved(before.answer, after.answer) if both else Moved()  # type: ignore[union-attr, arg-type]
    return News(before.trial if before else None, after.trial, moved)


def _moved(before: Assessment, after: Assessment) -> Moved:
    pairs, lost, gained = paired(before, after)
    turned = [(new.id, told) for old, new in pairs for told in _differences(old, new, before, after)]
    return Moved(tuple(c.id for c in lost), tuple(c.id for c in gained), tuple(turned))


def _differences(old: Conclusion, new: Conclusion, before: Assessment, after: Assessment) -> Iterator[str]:
    """What a conclusion that is still drawn says otherwise."""
    for name in {**old.tags, **new.tags}:
        if old.tags.get(name) != new.tags.get(name):
            yield f"{name} {new.tags.get(name)}, was {old.tags.get(name)}"
    if old.statements != new.statements:
        yield f"cites {' '.join(new.statements) or 'nothing'}, cited {' '.join(old.statements) or 'nothing'}"
    rested, rests = (_rests(c, answer) for c, answer in ((old, before), (new, after)))
    if rested != rests:
        yield from (f"rests on {said}" for said in _less(rests, rested))
        yield from (f"no longer rests on {said}" for said in _less(rested, rests))
    if old.sentence != new.sentence:
        yield f"says “{new.sentence}”"


def _rests(conclusion: Conclusion, answer: Assessment) -> tuple[str, ...]:
    facts: Mapping[str, str] = {entry.id: entry.sentence for entry in answer.case.entries}
    absent = (f"the assumption that {text}" for text in conclusion.assumes)
    return (*(f"“{facts[fact]}”" for fact in conclusion.facts), *absent)


def _less(these: Iterable[str], those: Iterable[str]) -> list[str]:
    others = set(those)
    return [one for one in these if one not in others]
