"""What drafts would change: a knowledge base as it is saved beside the same with texts that nobody has saved yet.

Everything is in memory. A `Desk` is made of all the files; drafts are texts by the same names (`rules/treat.rls`,
`cases/an-empty-record.yaml`), and only what the files say as they are saved is kept from one trial to the next.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from citelog import patient
from citelog.advice.review import review_opened
from citelog.assess import Assessment
from citelog.conclusions import Conclusion
from citelog.diagnostics import CitelogError, Diagnostic
from citelog.explain.against import against
from citelog.explain.model import Model
from citelog.explain.obstacles import Obstacle
from citelog.explain.what_if import Kept, paired
from citelog.knowledge.base import Knowledge
from citelog.knowledge.files import Whole
from citelog.knowledge.load import Opened, load
from citelog.proof.compare import difference
from citelog.run.datalog import DEADLINE, DeadlineError
from citelog.trial.expectations import Failure, Trial, judged, unanswered
from citelog.trial.touched import Edit, edits

Texts = Mapping[str, str]
"""Texts of files, by their paths within the knowledge base."""

ENDINGS = (".yaml", ".yml", ".json")
"""What the name of a case file ends in."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A conclusion that only the saved files give, and its proof beside the answer with the drafts: where it breaks."""

    conclusion: Conclusion
    against: Obstacle


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes of the conclusions of one case; `same` counts those of which nothing changes."""

    gained: tuple[Conclusion, ...] = ()
    lost: tuple[Lost, ...] = ()
    kept: tuple[Kept, ...] = ()
    same: int = 0

    def __bool__(self) -> bool:
        return bool(self.gained or self.lost or self.kept)


@dataclass(frozen=True, slots=True)
class Tried:
    """One case that was run: what came of it, or (`trouble`) why nothing could."""

    trial: Trial
    found: Assessment | None
    trouble: CitelogError | None = None


@dataclass(frozen=True, slots=True)
class OneCase:
    """A case with drafts: all findings about them; without errors among these, the case now, and what has changed.

    It is compared with the case as it is saved, or, where it is no file, with what the saved files say of its text;
    `changes` is None where that cannot be: they have errors, or the case cannot be used.
    """

    diagnostics: tuple[Diagnostic, ...]
    tried: Tried | None
    changes: Changes | None


@dataclass(frozen=True, slots=True)
class CaseChange:
    """A case of which something is different with the drafts: ids of conclusions, and what fails now.

    `file` is its name within the folder of the cases; `failed` is whether something failed before.
    """

    case: str
    file: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    changed: tuple[str, ...]
    failures: tuple[Failure, ...]
    failed: bool


@dataclass(frozen=True, slots=True)
class AllCases:
    """All cases with drafts: how many were run, and those that differ or fail; None where the drafts have errors."""

    count: int
    changes: tuple[CaseChange, ...]


@dataclass
class Desk:
    """A knowledge base in memory, as it is saved: its folder's name, its files, and the ontology.

    The folder need not exist, and nothing is read from a disk.
    """

    folder: Path
    ontology: Path
    files: Texts
    words: str
    saved: Opened = field(init=False)
    tried: dict[str, Tried] = field(init=False)
    _last: tuple[frozenset[tuple[str, str]], Opened, tuple[Diagnostic, ...]] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.saved = load(self.folder, self.ontology, self._whole({}))
        knowledge = self.saved.knowledge
        self.tried = (
            {name: self._tried(knowledge, name, self.files) for name in self.cases(self.files)} if knowledge else {}
        )

    @staticmethod
    def cases(files: Texts) -> list[str]:
        """The names of the case files among some files."""
        return sorted(n for n in files if n.startswith("cases/") and PurePosixPath(n).suffix in ENDINGS)

    def opened(self, drafts: Texts) -> Opened:
        """The knowledge base with drafts, read and verified."""
        return self._with(frozenset(self._of_knowledge(drafts).items()))[0]

    def findings(self, drafts: Texts) -> tuple[Diagnostic, ...]:
        """All that is wrong with the knowledge base with drafts, and all advice about it that is not accepted."""
        return self._with(frozenset(self._of_knowledge(drafts).items()))[1]

    def one(self, drafts: Texts, name: str, text: str, deadline: float = DEADLINE) -> OneCase:
        """A case, whose text need be no file's, with drafts."""
        knowledge, found = self.opened(drafts).knowledge, self.findings(drafts)
        if knowledge is None:
            return OneCase(found, None, None)
        tried = self._tried(knowledge, name, {**self.files, **drafts, name: text}, deadline)
        before = self.tried.get(name)
        if before is None and self.saved.knowledge is not None:  # no file: what the saved rules say of this text
            before = self._tried(self.saved.knowledge, name, {name: text}, deadline)
        if before is None or before.found is None or tried.found is None:
            return OneCase(found, tried, None)
        return OneCase(found, tried, changes(before.found, tried.found))

    def all(self, drafts: Texts, deadline: float = DEADLINE) -> AllCases | None:
        """Every case with drafts, of which there may be some of cases too, compared with the saved ones."""
        knowledge, files = self.opened(drafts).knowledge, {**self.files, **drafts}
        if knowledge is None:
            return None
        found, names = [], self.cases(files)
        changed = edits(self.saved.knowledge, knowledge) if self.saved.knowledge is not None else None
        for name in names:
            before = self.tried.get(name)
            if before and files[name] == self.files.get(name) and _untouched(before, changed):
                now = before
            else:
                now = self._tried(knowledge, name, files, deadline)
            change = _change(name, before, now)
            if change.gained or change.lost or change.changed or change.failures or change.failed:
                found.append(change)
        return AllCases(len(names), tuple(found))

    def _of_knowledge(self, drafts: Texts) -> Texts:
        """Those drafts that are not cases, and say something else than the saved files."""
        return {n: t for n, t in drafts.items() if not n.startswith("cases/") and self.files.get(n) != t}

    def _with(self, drafts: frozenset[tuple[str, str]]) -> tuple[Opened, tuple[Diagnostic, ...]]:
        """The knowledge base with drafts, and the findings; kept, because one case is asked about and then all."""
        if self._last is None or self._last[0] != drafts:
            opened = load(self.folder, self.ontology, self._whole(dict(drafts))) if drafts else self.saved
            found = tuple(d for d in review_opened(self.folder, opened) if not d.accepted)
            self._last = drafts, opened, found
        return self._last[1:]

    def _whole(self, drafts: Texts) -> Whole:
        return Whole({**self._paths, **{self.folder / name: text for name, text in drafts.items()}})

    @functools.cached_property
    def _paths(self) -> dict[Path, str]:
        return {self.ontology: self.words, **{self.folder / name: text for name, text in self.files.items()}}

    def _tried(self, knowledge: Knowledge, name: str, files: Texts, deadline: float = DEADLINE) -> Tried:
        file = self.folder / name
        try:
            case = patient.from_bytes(files[name].encode(), PurePosixPath(name).name, file.stem, knowledge.terms)
            found = Assessment.of(knowledge, case, case.expect.at if case.expect else None, deadline)
        except (CitelogError, DeadlineError) as error:
            trouble = error if isinstance(error, CitelogError) else CitelogError(str(error))
            return Tried(unanswered(file, error), None, trouble)
        return Tried(judged(found, file, self._whole({}), explained=False), found)


def changes(before: Assessment, after: Assessment) -> Changes:
    """What becomes of the conclusions of a case; both may be of other knowledge, and of another record."""
    pairs, lost, gained = paired(before, after)
    kept = []
    for old, new in pairs:
        differs = difference(before.why(old.id), after.why(new.id))
        if differs or _said(old) != _said(new):
            kept.append(Kept(old, new, differs))
    return Changes(
        tuple(gained),
        tuple(Lost(c, against(c.atom, before, after)) for c in lost),
        tuple(kept),
        len(pairs) - len(kept),
    )


def _said(conclusion: Conclusion) -> tuple[object, ...]:
    """What a conclusion says, and by whom; where its statements stand in the files does not matter."""
    quotes = tuple(c.quote for c in conclusion.citations)
    return conclusion.sentence, conclusion.details, conclusion.statements, conclusion.facts, conclusion.assumes, quotes


def _untouched(before: Tried, changed: tuple[Edit, ...] | None) -> bool:
    """Whether a case cannot have become otherwise; one that keeps proofs might, for these tell each step."""
    found = before.found
    if changed is None or found is None:
        return False
    keeps = found.case.expect is not None and found.case.expect.proofs
    model = Model(found.run)
    return not (changed and keeps) and not any(edit.touches(model) for edit in changed)


def _change(name: str, before: Tried | None, now: Tried) -> CaseChange:
    failed = bool(before and before.trial.failures)
    failing = now.trial.failures
    named = PurePosixPath(name).stem, name.removeprefix("cases/")
    if before is None or before.found is None or now.found is None or before is now:
        return CaseChange(*named, (), (), (), failing, failed)
    pairs, lost, gained = paired(before.found, now.found)
    return CaseChange(
        *named,
        tuple(c.id for c in gained),
        tuple(c.id for c in lost),
        tuple(new.id for old, new in pairs if _said(old) != _said(new)),
        failing,
        failed,
    )
