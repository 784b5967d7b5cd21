"""A population, answered from start to end: data in, a folder of answers out.

What takes long is done in shares of the patients, and a share that is finished stays so: a run that was stopped goes on
where it was, if nothing has changed since.
"""

from __future__ import annotations

import datetime
import errno
import fcntl
import gc
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from citelog import disk
from citelog.diagnostics import CaseError, CitelogError
from citelog.home import VERSION
from citelog.knowledge.base import Knowledge
from citelog.population import answers, edited, inputs, opened, out, pictures, shares
from citelog.population.answers import Given
from citelog.population.data.files import check_path, first_line, plain
from citelog.population.data.tables import PATIENTS, Source
from citelog.population.derivation.state import Derivation
from citelog.population.edited import Decided, Edit, Entries
from citelog.population.engines.duck import Duck
from citelog.population.engines.engine import Engine
from citelog.population.entries import Written
from citelog.population.lonely import answer_alone
from citelog.population.opened import STORE
from citelog.population.pictures import Shape, Wordings
from citelog.population.program.compiled import LOCAL, Names, compiled
from citelog.population.program.plan import DAY, SINCE_DAYS, WHEN_DAYS, Plan, plan
from citelog.population.program.values import Values
from citelog.population.seen import knowledge_facts, look
from citelog.population.shares import Share
from citelog.population.since import Earlier, earlier, reading_key
from citelog.population.wordings import load_days, load_readings, load_said, read_frames

FORMAT = "citelog-population/1"
SCRATCH = "scratch"
_OF, _LOCK = "of.json", "lock"
"""In the scratch folder: which run it is of, and what a run holds while it lasts."""

Told = Callable[[str, int, int], None]
"""Hears what is being done, how many steps are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a population is run.

    `at` is the day of the assessment, `memory` what DuckDB may take (as `2GB`), `threads` how many processors it may
    use; a share has some `share_rows` rows. `since` is the folder of an earlier run, from which is taken what cannot
    have changed. With `is_sorted` every file has its rows in order, and the same bytes each time. With a `master`
    (`local[*]`, `spark://…`), Spark runs what DuckDB would, in one share and from the start.
    """

    at: datetime.date | None = None
    memory: str = "2GB"
    threads: int | None = None
    share_rows: int = 12_000_000
    since: Path | None = None
    is_sorted: bool = False
    master: str | None = None


@dataclass(slots=True)
class Report:
    """What a run did: counts, seconds by step, and what readers have to say about whole files."""

    counts: dict[str, int] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def run(knowledge: Knowledge, data: Path, folder: Path, options: Options, told: Told = lambda *_: None) -> Report:
    """Answer everyone in a folder of data, and write the answers into `folder`.

    Raises CaseError where the data cannot be used or the folder is not to be had, RefusedError where a rule cannot be
    run on many.
    """
    if options.since is not None and os.path.realpath(options.since) == os.path.realpath(folder):
        raise CitelogError("--since names the folder for the answers itself", "name another folder with --out")
    is_new = not folder.exists()
    if options.master:
        folder = _plain(folder)
    scratch = _prepared(folder)
    with _held(folder, scratch):
        return _answered(knowledge, data, folder, scratch, is_new, options, told)


def _answered(
    knowledge: Knowledge, data: Path, folder: Path, scratch: Path, is_new: bool, options: Options, told: Told
) -> Report:
    once = partial(_once, knowledge, data, folder, scratch, options, told)
    try:
        report = once(with_care=False) or once(with_care=True)
        assert report is not None
    except duckdb.OutOfMemoryException as trouble:
        remedy = "run it again with more, as in --memory 4GB: what is finished stays"
        raise CitelogError(f"--memory {options.memory} is too little for these data", remedy) from trouble
    except (duckdb.IOException, duckdb.FatalException, OSError) as trouble:
        if isinstance(trouble, OSError) and trouble.errno in _NO_DISK:
            raise
        what = f"the disk failed: {first_line(trouble)}"
        raise CaseError(str(folder), what, "see to the disk and run it again: what is finished stays") from trouble
    except CaseError:  # what cannot be used leaves nothing behind
        if is_new:
            shutil.rmtree(folder)
        elif (folder / "run.json").exists():
            shutil.rmtree(scratch)
        raise
    shutil.rmtree(scratch)
    return report


def _once(
    knowledge: Knowledge, data: Path, folder: Path, scratch: Path, options: Options, told: Told, *, with_care: bool
) -> Report | None:
    """A run over data that are read with or without care; None where they turn out to need it."""
    settings: dict[str, Any] = {"memory_limit": options.memory, "temp_directory": plain(scratch / "spilled")}
    if options.threads:
        settings["threads"] = options.threads
    with uncollected(), ExitStack() as stack:
        connection = stack.enter_context(_connected(scratch, settings))
        duck = stack.enter_context(closing(Duck(connection, is_sorted=options.is_sorted)))
        engine: Engine = duck
        if options.master:
            from citelog.population.engines.spark import Spark, session  # nobody else pays for it

            log = scratch / "spark.log"
            engine = Spark(stack.enter_context(session(options.master, options.memory, log)), duck, scratch)
        one = _Run(knowledge, data, folder, options, duck, engine, told, with_care)
        try:
            return one.answer()
        except Exception:  # what went wrong may be of files that are others by now
            one.check_data()
            raise


_NO_DISK = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""What a process, and not the disk, has too little of."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's collector, as what a run reads is kept until it ends: it would only walk over it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _connected(scratch: Path, settings: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """The database of a run; what a run left that was stopped while it was made is begun anew."""
    database = scratch / "work.db"
    try:
        return duckdb.connect(plain(database), config=settings)
    except (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException):
        for left in (scratch / _OF, database.with_name("work.db.wal"), database):
            left.unlink(missing_ok=True)
    return duckdb.connect(plain(database), config=settings)


def _plain(folder: Path) -> Path:
    """A folder by a path that Spark takes as it is, wherever it is read."""
    whole = folder.absolute()
    if bad := next((sign for sign in str(whole) if sign in "*?[]{}\\^,:%`" or sign < " "), None):
        raise CaseError(str(folder), f"Spark reads {bad!r} in a path as something else", "name another folder")
    return whole


def _prepared(folder: Path) -> Path:
    """The folder for answers, made ready: new, empty, or that of a run before; its scratch folder."""
    own = ("run.json", STORE, SCRATCH)
    check_path(folder, has_database=True)
    try:
        if folder.exists() and not folder.is_dir():
            raise CaseError(str(folder), "this is a file", "name a folder for the answers")
        if folder.is_dir() and any(folder.iterdir()) and not any((folder / name).exists() for name in own):
            raise CaseError(str(folder), "this folder holds other things", "name a new folder for the answers")
        (folder / SCRATCH).mkdir(parents=True, exist_ok=True)
        (folder / STORE).mkdir(exist_ok=True)
        (folder / SCRATCH / _LOCK).touch()
    except OSError as trouble:
        raise CaseError(str(folder), f"it cannot be written to: {trouble.strerror}", "name another folder") from None
    return folder / SCRATCH


@contextmanager
def _held(folder: Path, scratch: Path) -> Iterator[None]:
    """The folder for answers, which no other run writes into as long; raises CaseError where one does."""
    with (scratch / _LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            remedy = "wait for its end, or name another folder"
            raise CaseError(str(folder), "another run is writing its answers here", remedy) from None
        except OSError as trouble:
            what = f"it cannot be locked: {trouble.strerror}"
            raise CaseError(str(folder), what, "name a folder on a disk of this machine") from trouble
        yield


@dataclass(slots=True)
class _Run:
    """One run, step by step."""

    knowledge: Knowledge
    data: Path
    folder: Path
    options: Options
    duck: Duck
    """What looks at files, and runs what is small."""
    engine: Engine
    """What runs everything else: DuckDB itself, if nothing else is wanted."""
    told: Told
    with_care: bool
    """Whether the data turned out to need a closer look."""
    report: Report = field(default_factory=Report)
    files: dict[str, str] = field(default_factory=dict)
    frames: Callable[[], Sequence[Written]] = tuple
    """Gives all frames of the data; those of an earlier run are read again when somebody asks."""
    recall: Callable[[], None] = lambda: None
    """Makes the tables of what wordings say, where that was taken over and nobody has asked so far."""
    reading: str = ""
    stamps: dict[str, list[int]] = field(default_factory=dict)
    """By which it is noticed that a file of the data is another than when the run began."""

    @property
    def scratch(self) -> Path:
        """What is there only while the run lasts."""
        return self.folder / SCRATCH

    def answer(self) -> Report | None:
        """All of it; None, before anything is written, if the data turn out to need care."""
        knowledge, engine, at = self.knowledge, self.engine, self.options.at
        self.stamps = self.stamped()
        self.told("looking at the data", 0, 1)
        with self.step("reading"):
            before = self.before()
            first = before.values(self.duck) if before else ()
        made = plan(knowledge, has_day=at is not None)
        with self.step("compiling"):
            ready = compiled(knowledge, made, engine.name, engine.sql, first)
            local_ready = ready if engine is self.duck else compiled(knowledge, made, self.duck.name, self.duck.sql)
        values = Values(ready.known)
        with self.step("reading"):
            source, parts, doubt = self.read(before, values)
        with self.step("entries"):
            stated = knowledge_facts(knowledge)
            of_entries = edited.of_entries(made, stated)
            if before and before.saw_by(of_entries):
                local = Derivation(self.duck, Names.of(made.program), local_ready, values, LOCAL)
                seen, is_same = before.look(self.duck, of_entries, local), True
                self.recall = cache(partial(self.say, before))
            else:
                sets = load_readings(self.duck, self.frames())
                seen, local = look(sets, made, local_ready, self.duck, values, stated, at, lambda: None)
                load_said(self.duck, answers.IDLE)
                same = before.same_sight(self.duck, seen) if before else None
                seen, is_same = same or seen, same is not None
                engine.spread("said")
                engine.spread("spoken_of")
        with self.step("reading"):
            if doubt and doubt.result():
                return None
        shape = self.shape(made)
        with self.step("pictures"):
            self.report.counts["rows"] = before.rows if before else self.rows(source)
            some = before.shares(self.folder / STORE) if before else self.some_shares()
            if before and is_same and before.document["shape"] == shape.document:
                before.give_people(engine, some)
            else:
                before = None
                self.recall()
                for share in some:
                    self.told("bringing records together", share.number, len(some))
                    shares.keep_rows(engine, share, parts)
                    shares.gather(engine, share, parts, shares.everyone(source, share), shape)
            shares.bring_together(engine, some)
        with self.step("rules"):
            self.told("running the rules", 0, 1)
            near = answers.brought_near(engine, self.duck)
            place, own = (self.duck, local_ready) if near else (engine, ready)
            facts = answers.given(seen, made, values, at)
            decided = edited.decided(knowledge, made, facts, stated)
            everyone = partial(answers.begun, place, made, own, values, stated, lambda: None)
            edit = self.edit(before, decided, everyone, facts) if before else None
            joint = answers.derive(
                place, made, own, facts, values, stated, lambda: None, edited.ANEW if edit else "pictures"
            )
        with self.step("conclusions"):
            answers.conclude(place, knowledge, joint, engine, before.told(self.duck) if before and edit else ())
            answers.used(place, made, knowledge, joint)
            hard = answers.remark(place, knowledge, joint)
            if before and edit:
                hard |= before.hard(self.duck)
                before.answer_others(place)
            if near:
                answers.spread(engine)
            engine.expect(0)
            self.report.counts["alone"] = answer_alone(
                engine, self.duck, knowledge, self.frames, shares.all_rows(some), hard, at
            )
        with self.step("writing"):
            self.write(before, edit, source, some, shape, joint, local, seen.table(made, values), of_entries, decided)
        return self.report

    # steps

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Note how long a step takes."""
        began = time.perf_counter()
        yield
        self.report.times[name] = self.report.times.get(name, 0.0) + time.perf_counter() - began

    def before(self) -> Earlier | None:
        """The earlier run, if it has read the same data in the same way."""
        before = earlier(self.options.since) if self.options.since else None
        if before and self.options.is_sorted and not before.document.get("sorted"):
            return None  # its files are in no order
        if before and self.hash_files(list(before.document["data"]["files"])) and before.has_read(self.reading):
            return before
        return None

    def read(self, before: Earlier | None, values: Values) -> tuple[Source, list[Wordings], Future[bool] | None]:
        """The data, all wordings in them, and what is still being looked at; by an earlier run, if it has read them."""
        engine, knowledge, at = self.engine, self.knowledge, self.options.at
        if before:
            self.begin()
            before.give_days(engine)
            self.frames = cache(partial(before.written, self.duck, knowledge.terms, values, at))
            return before.source([self.data / name for name in self.files]), [], None
        heard = partial(self.told, "reading the export")
        read = partial(inputs.read_ahead, with_care=self.with_care) if engine is self.duck else inputs.read
        source = engine.brought(read(self.data, self.scratch, self.duck.connection, knowledge.terms, at, heard))
        doubt = self.duck.meanwhile(source.doubt) if source.doubt else None
        self.report.remarks = source.remarks
        self.hash_files([path.relative_to(self.data).as_posix() for path in source.files])
        self.begin()
        parts = pictures.wordings(source, self.known_context(source))
        load_days(engine, pictures.day_texts(source), at)
        written = read_frames(engine, self.duck, parts, knowledge.terms, values, at)
        self.frames = lambda: written
        return source, parts, doubt

    def say(self, before: Earlier) -> None:
        """Make the tables of what wordings say, of which an earlier run saw what is seen now."""
        load_readings(self.duck, self.frames())
        before.load_said(self.duck)

    def hash_files(self, names: list[str]) -> bool:
        """Note what the data are and how they are read; whether all files are there."""
        if not all((self.data / name).is_file() for name in names):
            return False
        self.files = {name: _sha256(self.data / name) for name in names}
        there = sorted(path.relative_to(self.data).as_posix() for path in self.data.rglob("*"))
        whole = {"files": self.files, "there": there}
        self.reading = reading_key(self.knowledge.terms, self.options.at, self.engine.name, whole)
        return True

    def stamped(self) -> dict[str, list[int]]:
        """Of each file of the data, what changes with it."""
        own = Path(os.path.relpath(self.folder, self.data))  # the answers may lie among the data
        found = {}
        for path in self.data.rglob("*"):
            name = path.relative_to(self.data)
            if not name.is_relative_to(own) and not name.name.startswith("."):
                with suppress(OSError):  # gone by now
                    now = path.stat()
                    found[name.as_posix()] = [now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns]
        return found

    def check_data(self) -> None:
        """Raise CaseError where a file is gone, or another, since the run began: each is read several times."""
        now = self.stamped()
        gone = [name for name in self.stamps if name not in now]
        for name in (*gone, *(self.files or self.stamps)):
            if now.get(name) != self.stamps.get(name):
                what = "it was changed while it was being read"
                raise CaseError(str(self.data / name), what, "run it again when nobody writes to it")

    def begin(self) -> None:
        """The data can be used: from here on the answers of a run before are none.

        What a run before left unfinished is forgotten, unless it was this very one.
        """
        (self.folder / "run.json").unlink(missing_ok=True)
        options = self.options
        read = {name: self.stamps.get(name) for name in self.files}
        fingerprint = [
            self.reading, self.knowledge.sha256, options.share_rows, str(options.since), options.is_sorted, read
        ]  # fmt: skip
        path = self.scratch / _OF
        if not path.exists() or json.loads(path.read_text(encoding="utf-8")) != fingerprint:
            self.engine.forget()
            for left in (*self.scratch.glob("notes-*"), *(self.folder / STORE).iterdir()):
                left.unlink()
            disk.put(path, json.dumps(fingerprint).encode())

    def known_context(self, source: Source) -> list[str]:
        """The columns of the patients' table that some rule reads."""
        people = source.relations.get(PATIENTS)
        return [c for c in people.columns if self.knowledge.terms.match("context", c)] if people else []

    def shape(self, made: Plan) -> Shape:
        """How days stand in pictures."""
        is_ranked = DAY not in made.exact_days
        at = self.options.at.toordinal() if self.options.at and is_ranked else 0
        return Shape(WHEN_DAYS in made.exact_days, SINCE_DAYS in made.exact_days, at)

    def edit(
        self, before: Earlier, decided: Decided, everyone: Callable[[], Derivation], facts: Sequence[Given]
    ) -> Edit | None:
        """What has been edited since an earlier run; None where all pictures are to be answered anew.

        `everyone` begins a derivation about all pictures.
        """
        then = before.decided(self.duck)
        if then.telling != decided.telling:
            return None
        edit = edited.between(then.rules, decided.rules)
        is_few = edited.concerned(edit, before.folder / opened.FIRINGS, everyone(), facts)
        return edit if is_few else None

    def rows(self, source: Source) -> int:
        """How many rows there are."""
        queries = (relation.query for relation in source.relations.values())
        return sum(self.engine.rows(f"SELECT count(*) FROM ({query})")[0][0] for query in queries)

    def some_shares(self) -> list[Share]:
        """The shares that everyone falls into."""
        rows = self.report.counts["rows"]
        count = 1 if self.options.master else max(1, -(-rows // self.options.share_rows))
        return [Share(number, count, self.folder / STORE) for number in range(count)]

    def write(
        self,
        before: Earlier | None,
        edit: Edit | None,
        source: Source,
        some: list[Share],
        shape: Shape,
        joint: Derivation,
        local: Derivation,
        codes: pa.Table,
        of_entries: Entries,
        decided: Decided,
    ) -> None:
        """The files that others read, and at the very end the one that says that all of them are there."""
        engine, counts = self.engine, self.report.counts
        self.told("writing", 0, 1)
        writer = out.Writer(engine, self.duck, self.folder, self.scratch, before, edit, of_entries, self.recall)
        writer.conclusions()
        writer.firings(joint, local, joint.values)
        writer.notes(source, some, shape, lambda done: self.told("writing notes", done, len(some)))
        writer.rejected(source)
        writer.store(source, some, self.frames, codes, decided.rules)
        rows = writer.rows()
        for name in ("conclusions", "firings", "notes", "rejected"):
            counts[name] = rows[f"{name}.parquet"]
        [(counts["patients"], counts["pictures"])] = engine.rows(
            "SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM pictures)"
        )
        document: dict[str, Any] = {
            "format": FORMAT,
            "engine": {"citelog": VERSION, "engine": engine.name},
            "knowledge": self.knowledge.identity,
            "data": {"form": source.form, "files": self.files, "reading": self.reading},
            "shape": shape.document,
            "entries": asdict(of_entries),
            "telling": decided.telling,
            "at": self.options.at.isoformat() if self.options.at else None,
            "shares": len(some),
            "counts": counts,
        }  # fmt: skip
        if self.options.is_sorted:
            document["sorted"] = True
        else:  # seconds are others each time
            document["seconds"] = {name: round(took, 3) for name, took in self.report.times.items()}
        self.check_data()
        disk.put(self.folder / "run.json", f"{json.dumps(document, indent=2)}\n".encode())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = ["FORMAT", "Options", "Report", "run", "uncollected"]
