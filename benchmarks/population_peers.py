"""Everyone whom `population.py` measures, and one measurement: `python population_peers.py PEER DATA SMALL SCRATCH`.

A peer is made ready (imports, knowledge, a session, a pool), answers a small population once, and then the one that is
measured. All read the same Parquet files and write the same four kinds of conclusions for everyone, with their own
means; rule engines that cannot read a record are given the facts that citelog read, which is not timed.
"""

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "engine"))

import duckdb

from citelog.knowledge.base import Knowledge
from citelog.rules.program import Absent, Present, part
from citelog.values import Atom, Iri
from citelog.vocab import cl

AT = datetime.date(2026, 3, 15)
HERE = Path(__file__).resolve().parent
ENGINE = HERE.parent / "engine"
ONE = (
    *("citelog/assess.py", "citelog/answer.py", "citelog/conclusions.py"),
    *("citelog/patient", "citelog/run", "citelog/rules", "citelog/proof"),
)
MANY = ("citelog/population", "citelog/patient", "citelog/run", "citelog/rules", "population_peers.py")
"""What decides how long one patient, and a population, takes: files of the engine, and the steps timed here."""
KINDS = ("status", "symptomatic", "neuro", "treat")
SCAN, HAND, FACTORED, WHOLE = "scan", "sql", "citelog-firings", "citelog-run"
AGAIN, ANEW = "citelog-since", "citelog-since-changed"
SPARK, SPARK_HAND = "citelog-spark", "spark-sql"
BEGUN = "begun"
"""The file that says that what is not timed has been made."""
CHUNK = 2_000
"""Patients that a process of the pool answers at a time."""


# --- what they share ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ground:
    """What peers are made ready with."""

    scratch: Path
    """For what is made once for a population, and not timed."""

    @cached_property
    def knowledge(self) -> Knowledge:
        """The whole knowledge base."""
        from citelog.knowledge.cache import open_knowledge

        return open_knowledge(None)

    @cached_property
    def few(self) -> Knowledge:
        """The knowledge base with the four kinds and the rules under them."""
        return four_kinds(self.knowledge)

    @cached_property
    def names(self) -> Mapping[str, Mapping[str, str]]:
        """What things are called in records, by their sort: the names of terms."""
        known = self.knowledge.terms.names
        return {sort: {name: term.local for name, term in some.items()} for sort, some in known.items()}

    @cached_property
    def units(self) -> Sequence[tuple[Any, ...]]:
        """What units are called, which they are, their factors and the ends of the cut-offs that they are held to."""
        said: dict[str, dict[Iri, Any]] = {}
        for atom in self.knowledge.stated:
            if len(atom.args) == 2 and isinstance(atom.args[0], Iri):
                said.setdefault(atom.predicate, {})[atom.args[0]] = atom.args[1]
        compared, factor = said[cl("comparedIn").value], said[cl("factor").value]
        lowest, highest = said[cl("lowEnd").value], said[cl("highEnd").value]
        ranges = {compared[it]: (low, highest[it]) for it, low in lowest.items()}
        analyte = Iri(self.knowledge.namespace + "serum_b12")
        found = []
        for name, unit in self.knowledge.terms.names["unit"].items():
            is_accepted = Atom(cl("acceptsUnit").value, (analyte, unit)) in self.knowledge.stated
            ends = ranges[compared[unit]] if is_accepted else (None, None)
            found.append((name, unit.local, factor.get(unit), *ends))
        return found


def four_kinds(knowledge: Knowledge) -> Knowledge:
    """The knowledge base with the kinds that are concluded by hand, and the rules under them."""
    kinds = tuple(kind for kind in knowledge.kinds if kind.name in KINDS)
    needed, open_ = set[str](), [kind.predicate for kind in kinds]
    while open_:
        current = open_.pop()
        if current not in needed:
            needed.add(current)
            for rule in knowledge.program.rules:
                if rule.predicate == current:
                    open_ += [x.predicate for x in rule.body if isinstance(x, Present | Absent)]
    program = part(knowledge.program, lambda rule: rule.predicate in needed)
    return replace(knowledge, id="four-kinds", kinds=kinds, notes=(), program=program)


@dataclass(frozen=True)
class Task:
    """What is to be answered: the folder of data, the folder for answers, and what was made before and not timed."""

    data: Path
    out: Path
    given: Any = None

    @property
    def conclusions(self) -> Path:
        """The file for the conclusions."""
        return self.out / "conclusions.parquet"


Work = Callable[[Task], None]


@dataclass(frozen=True)
class Peer:
    """Someone who is measured.

    `files` are those whose contents a measurement depends on; `given` makes what is not timed, from the data.
    """

    name: str
    title: str
    gives: str
    ready: Callable[[Ground], AbstractContextManager[Work]]
    files: tuple[Path, ...]
    given: Callable[[Ground, Path], Any] = field(default=lambda ground, data: None)
    most: int = 10**9
    """The most patients that it is worth trying with."""


PEERS: dict[str, Peer] = {}


def peer(
    name: str, title: str, gives: str, *files: str, given: Callable[[Ground, Path], Any] | None = None
) -> Callable[[Callable[[Ground], Any]], Callable[[Ground], Any]]:
    """Enter a function in the list of peers: it makes someone ready, and gives or yields the work."""

    def entered(make: Callable[[Ground], Any]) -> Callable[[Ground], Any]:
        import inspect

        ready = contextmanager(make) if inspect.isgeneratorfunction(make) else lambda ground: nullcontext(make(ground))
        own = tuple(ENGINE / one if one.startswith("citelog") else HERE / one for one in files)
        PEERS[name] = Peer(name, title, gives, ready, own, given or (lambda ground, data: None))
        return make

    return entered


# --- the floor, and citelog --------------------------------------------------------------------------------------


@peer(SCAN, "the floor: DuckDB scans the files", "nothing")
def scan(ground: Ground) -> Work:
    """Every column of every table looked at."""

    def work(task: Task) -> None:
        with duckdb.connect() as database:
            for path in sorted(task.data.glob("*.parquet")):
                database.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM '{path}'").fetchall()

    return work


@peer("citelog", "citelog", "conclusions", *MANY)
def conclusions(ground: Ground) -> Work:
    """The four kinds, without firings."""
    return partial(conclude, ground.few, with_firings=False)


@peer(FACTORED, "citelog, with firings", "conclusions, firings", *MANY)
def firings(ground: Ground) -> Work:
    """The four kinds, with every firing of every rule, kept for pictures."""
    return partial(conclude, ground.few, with_firings=True)


@peer("one-join", "one join a rule, generated (DuckDB)", "conclusions", *MANY)
def one_join(ground: Ground) -> Work:
    """The same rules without pictures: each is a join over all patients."""
    return partial(conclude, ground.few, with_firings=False, with_pictures=False)


@peer("one-join-firings", "one join a rule, generated (DuckDB), with firings", "conclusions, firings", *MANY)
def one_join_firings(ground: Ground) -> Work:
    """The same, with every firing of every rule for each patient."""
    return partial(conclude, ground.few, with_firings=True, with_pictures=False)


def conclude(knowledge: Knowledge, task: Task, with_firings: bool, with_pictures: bool = True) -> None:
    """The steps of a run that conclusions and firings need, without notes and without what `why` needs."""
    from citelog.population.engines.duck import Duck
    from citelog.population.run import Options, uncollected

    settings = {"memory_limit": Options().memory, "temp_directory": str(task.out / "spilled")}
    with (
        uncollected(),
        duckdb.connect(str(task.out / "work.db"), config=settings) as connection,
        closing(Duck(connection)) as duck,
    ):
        steps(knowledge, task, duck, duck, with_firings, with_pictures)


def steps(knowledge: Knowledge, task: Task, engine: Any, near: Any, with_firings: bool, with_pictures: bool) -> None:
    """The steps, by an engine; `near` is the DuckDB that looks at files."""
    from citelog.population import answers, inputs, out, pictures, shares
    from citelog.population.program.compiled import compiled
    from citelog.population.program.plan import plan
    from citelog.population.program.values import Values
    from citelog.population.seen import knowledge_facts, look
    from citelog.population.wordings import load_days, load_readings, load_said, read_frames

    made = plan(knowledge)
    ready = compiled(knowledge, made, engine.name, engine.sql)
    local_ready = ready if engine is near else compiled(knowledge, made, near.name, near.sql)
    values = Values(ready.known)
    read = inputs.read_ahead if engine is near else inputs.read
    source = engine.brought(read(task.data, task.out, near.connection, knowledge.terms, AT))
    doubt = near.meanwhile(source.doubt) if source.doubt else None
    parts = pictures.wordings(source, [])
    load_days(engine, pictures.day_texts(source), AT)
    written = read_frames(engine, near, parts, knowledge.terms, values, AT)
    stated = knowledge_facts(knowledge)
    sets = load_readings(near, written)
    seen, local = look(sets, made, local_ready, near, values, stated, AT, lambda: None)
    load_said(near, answers.IDLE)
    engine.spread("said")
    assert doubt is None or not doubt.result()
    shape = pictures.Shape("recorded_when" in made.exact_days, "medication_since" in made.exact_days)
    share = shares.Share(0, 1, task.out)
    shares.gather(engine, share, parts, shares.everyone(source, share), shape)
    shares.bring_together(engine, [share])
    if not with_pictures:  # everyone is a picture
        near.create(
            "everyone",
            "SELECT row_number() OVER ()::INTEGER AS picture, patient, key, at_rank "
            "FROM people JOIN pictures USING (picture)",
        )
        near.create("pictures", "SELECT picture, key, at_rank FROM everyone")
        near.view("people", "SELECT patient, picture FROM everyone")
    is_near = answers.brought_near(engine, near)
    place, own = (near, local_ready) if is_near else (engine, ready)
    joint = answers.derive(place, made, own, answers.given(seen, made, values, AT), values, stated, lambda: None)
    answers.conclude(place, knowledge, joint, engine)
    if is_near:
        engine.spread("told")
        engine.spread("concluded")
    engine.expect(0)
    nobody = "SELECT patient FROM people WHERE picture < 0"
    engine.create("lonely", nobody)
    writer = out.Writer(engine, near, task.out, task.out)
    writer.conclusions()
    if with_firings:
        writer.firings(joint, local, values)
    writer.rows()


@peer(WHOLE, "citelog population, whole: all kinds, notes, what `why` needs", "everything", *MANY)
def whole(ground: Ground) -> Work:
    """All that the command does."""
    from citelog.population.run import Options, run

    def work(task: Task) -> None:
        run(ground.knowledge, task.data, task.out / "answers", Options(AT))
        shutil.move(task.out / "answers" / "conclusions.parquet", task.conclusions)

    return work


def before(ground: Ground, data: Path) -> Path:
    """The answers of an earlier run of the whole knowledge base."""
    from citelog.population.run import Options, run

    folder = Path(tempfile.mkdtemp(dir=ground.scratch)) / "before"
    run(ground.knowledge, data, folder, Options(AT))
    return folder


def edited(ground: Ground, name: str, old: str, new: str) -> Knowledge:
    """The knowledge base with one line of a rule file written otherwise."""
    from citelog import home
    from citelog.knowledge.load import load

    folder = Path(shutil.copytree(home.knowledge(), Path(tempfile.mkdtemp(dir=ground.scratch)) / "b12"))
    rules = folder / "rules" / name
    text = rules.read_text(encoding="utf-8")
    assert old in text
    rules.write_text(text.replace(old, new, 1), encoding="utf-8")
    knowledge = load(folder, home.ontology()).knowledge
    assert knowledge is not None
    return knowledge


def rerun(knowledge: Knowledge, task: Task) -> None:
    """All that the command does with `--since`."""
    from citelog.population.run import Options, run

    run(knowledge, task.data, task.out / "answers", Options(AT, since=task.given))
    shutil.move(task.out / "answers" / "conclusions.parquet", task.conclusions)


@peer(AGAIN, "citelog population, again after an edit that changes nothing", "everything", *MANY, given=before)
def again(ground: Ground) -> Work:
    """`--since`: one rule asks for one thing more, which is always there."""
    some = "some_line(?p) :- treat_line(?p, ?line, ?value) ."
    return partial(rerun, edited(ground, "40-treatment.rls", some, some.replace(":-", ":- patient(?p),")))


@peer(ANEW, "citelog population, again after an edit that changes some answers", "everything", *MANY, given=before)
def anew(ground: Ground) -> Work:
    """`--since`: a caution that 5 of 100 patients are given is given to those with a severe deficiency alone."""
    some = "b12#CA-FOLATE-WITH-IF-NEEDED>) :- folate_matters(?p) ."
    return partial(rerun, edited(ground, "60-cautions.rls", some, some.replace(" .", ", severe(?p) .")))


# --- by hand -----------------------------------------------------------------------------------------------------


def dictionary(database: duckdb.DuckDBPyConnection, ground: Ground) -> None:
    """The names and units of the knowledge base, as tables."""
    database.execute("CREATE TABLE names (kind VARCHAR, name VARCHAR, term VARCHAR)")
    rows = [(sort, name, term) for sort, known in ground.names.items() for name, term in known.items()]
    database.executemany("INSERT INTO names VALUES (?, ?, ?)", rows)
    database.execute(
        "CREATE TABLE units (name VARCHAR, unit VARCHAR, factor DECIMAL(9,1), low DECIMAL(9,1), high DECIMAL(9,1))"
    )
    database.executemany("INSERT INTO units VALUES (?, ?, ?, ?, ?)", ground.units)


@contextmanager
def database(ground: Ground, task: Task) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new database with the dictionary in it."""
    with duckdb.connect(config={"temp_directory": str(task.out / "spilled")}) as made:
        dictionary(made, ground)
        yield made


@peer(HAND, "SQL by hand (DuckDB)", "conclusions", "b12_by_hand.sql")
def sql(ground: Ground) -> Work:
    """`b12_by_hand.sql`."""
    query = (HERE / "b12_by_hand.sql").read_text(encoding="utf-8")

    def work(task: Task) -> None:
        with database(ground, task) as made:
            of = query.replace("{data}", str(task.data))
            made.execute(f"COPY ({of}) TO '{task.conclusions}' (FORMAT parquet, COMPRESSION zstd)")

    return work


@peer("sql-reasons", "SQL by hand (DuckDB), with a record of why", "conclusions, reasons", "b12_by_hand_reasons.sql")
def sql_reasons(ground: Ground) -> Work:
    """`b12_by_hand_reasons.sql`."""
    script = (HERE / "b12_by_hand_reasons.sql").read_text(encoding="utf-8")

    def work(task: Task) -> None:
        with database(ground, task) as made:
            made.execute(script.replace("{data}", str(task.data)).replace("{out}", str(task.out)))

    return work


@peer("polars", "Polars by hand", "conclusions", "b12_in_polars.py")
def polars(ground: Ground) -> Work:
    """`b12_in_polars.py`."""
    import b12_in_polars

    return lambda task: b12_in_polars.write(ground.names, ground.units, task.data, task.conclusions)


@peer("python", "Python by hand", "conclusions", "b12_in_python.py")
def python(ground: Ground) -> Work:
    """`b12_in_python.py`."""
    import b12_in_python

    return lambda task: b12_in_python.write(ground.names, ground.units, task.data, task.conclusions)


# --- one patient after another -----------------------------------------------------------------------------------


def ranges(data: Path) -> list[tuple[str, str]]:
    """The first and the last patient of each chunk."""
    found = duckdb.sql(
        f"SELECT min(patient), max(patient) FROM (SELECT patient, row_number() OVER (ORDER BY patient) AS n "
        f"FROM '{data}/patients.parquet') GROUP BY (n - 1) // {CHUNK} ORDER BY 1"
    ).fetchall()
    return [(first, last) for first, last in found]


def records(data: Path, first: str, last: str) -> dict[str, dict[str, Any]]:
    """The records of some patients, as a case file has them."""
    made: dict[str, dict[str, Any]] = {}
    for path in [data / "patients.parquet", *sorted(data.glob("*.parquet"))]:
        found = duckdb.sql(
            f"SELECT * FROM '{path}' WHERE patient BETWEEN '{first}' AND '{last}' ORDER BY file_row_number"
        )
        for patient, *cells in found.fetchall():
            entry = {key: str(cell) for key, cell in zip(found.columns[1:], cells, strict=True) if cell is not None}
            record = made.setdefault(patient, {})
            if path.stem == "patients":
                record["context"] = entry
            else:
                record.setdefault(path.stem, []).append(entry)
    return made


def answer(data: Path, out: Path, chunk: tuple[str, str]) -> None:
    """What `citelog assess` answers some patients, as a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from citelog.assess import assess

    rows = [
        (patient, conclusion.kind, conclusion.value)
        for patient, record in records(data, *chunk).items()
        for conclusion in assess(_shared[0].few, record, AT).conclusions
    ]
    table = dict(zip(("patient", "kind", "value"), zip(*rows, strict=True), strict=True))
    pq.write_table(pa.table(table), out / f"conclusions-{chunk[0]}.parquet", compression="zstd")


_shared: list[Any] = []
"""What the processes of a pool have from the one that started them."""


@contextmanager
def pool(*shared: Any) -> Iterator[Any]:
    """A process for each processor."""
    _shared[:] = shared
    with multiprocessing.get_context("fork").Pool() as made:
        yield made


@peer("pool", "one patient after another, in a pool (citelog assess)", "conclusions, proofs", *ONE)
def one_by_one(ground: Ground) -> Iterator[Work]:
    """The road of one patient, a process for each processor, which have the knowledge open."""
    assert ground.few.program.rules
    with pool(ground) as made:
        yield lambda task: made.map(partial(answer, task.data, task.out), ranges(task.data), chunksize=1)


# --- rule engines ------------------------------------------------------------------------------------------------

SAMPLE = 400
"""Patients whose runs show how many decimals each place needs."""


def facts(ground: Ground, data: Path, language: Any) -> tuple[Any, Path]:
    """The program in a language, and the folder with the facts of everyone; it lies beside the data."""
    import population_facts

    with pool() as made:  # DuckDB only in others: a process that has used it must not be forked
        drawn, chunks = made.apply(some_records, [data]), made.apply(ranges, [data])
    translated = population_facts.translation(language, ground.few, drawn, AT)
    folder = data.with_name(f"{data.name}.{language.name}")
    if not folder.exists():
        stated = population_facts.tables(translated, ground.few.stated)
        with pool(ground, translated) as made:
            of = made.imap_unordered(partial(some_facts, data), chunks)
            population_facts.write(folder, [stated, *of], lambda predicate: plain(translated.names[predicate]))
    return translated, folder


def plain(name: str) -> str:
    """The name of a predicate as a file can be called."""
    return re.sub(r"\W", "_", name)


def some_records(data: Path) -> dict[str, dict[str, Any]]:
    """The records of some patients of a population."""
    some = duckdb.sql(f"SELECT patient FROM '{data}/patients.parquet' ORDER BY hash(patient) LIMIT {SAMPLE}").fetchall()
    return {who: record for (one,) in some for who, record in records(data, one, one).items()}


def some_facts(data: Path, chunk: tuple[str, str]) -> dict[str, str]:
    """The facts of some patients, as text."""
    import population_facts

    ground, translated = _shared
    atoms = population_facts.of_everyone(records(data, *chunk), ground.few, AT)
    return population_facts.tables(translated, atoms)


def for_nemo(ground: Ground, data: Path) -> str:
    """The rules as a Nemo program that reads the facts of everyone from files."""
    from citelog.export.nemo import Nemo

    translated, folder = facts(ground, data, Nemo())
    read = []
    for predicate in sorted(translated.read - translated.heads):
        path = folder / f"{plain(translated.names[predicate])}.tsv"
        if path.exists():
            shape = ",".join(["any"] * len(ground.few.program.predicates[predicate].arguments))
            read.append(f'@import {translated.names[predicate]} :- tsv {{ resource="{path}", format=({shape}) }} .')
    shown = translated.language.shown([kind.predicate for kind in ground.few.kinds], translated)
    return "\n".join([*read, *translated.rules(), *shown])


@peer("nemo", "Nemo, given the facts", "conclusions", "population_facts.py", given=for_nemo)
def nemo(ground: Ground) -> Work:
    """Nemo reads the facts from files, and the rules as they are."""
    import nmo_python

    def work(task: Task) -> None:
        engine = nmo_python.NemoEngine(nmo_python.load_string(task.given))
        engine.reason()
        keep(task, ((kind.name, row) for kind in ground.few.kinds for row in engine.result(kind.predicate)))

    return work


def for_clingo(ground: Ground, data: Path) -> Path:
    """The rules and the facts of everyone, as one program in a file."""
    from citelog.export.clingo import Clingo

    translated, folder = facts(ground, data, Clingo())
    path = data.with_name(f"{data.name}.lp")
    if not path.exists():
        with path.open("w", encoding="utf-8") as file:
            shown = translated.language.shown([kind.predicate for kind in ground.few.kinds], translated)
            file.writelines(f"{line}\n" for line in (*translated.rules(), *shown))
            for one in sorted(folder.glob("*.tsv")):
                for line in one.read_text(encoding="utf-8").splitlines():
                    file.write(f"{one.stem}({line.replace(chr(9), ',')}).\n")
    return path


@peer("clingo", "clingo, given the facts", "conclusions", "population_facts.py", given=for_clingo)
def clingo(ground: Ground) -> Work:
    """clingo parses and grounds all of it."""
    import clingo

    def work(task: Task) -> None:
        control = clingo.Control(["--warn=none"])
        control.load(str(task.given))
        control.ground([("base", [])])
        names = {kind.predicate: kind.name for kind in ground.few.kinds}
        with control.solve(yield_=True) as solved:
            [model] = solved
            shown = model.symbols(shown=True)
            keep(task, ((names[one.name], [argument.string for argument in one.arguments]) for one in shown))

    return work


def as_parquet(path: Path, columns: str) -> None:
    """Make a file of facts one that is read faster."""
    made = path.with_suffix(".parquet")
    if not made.exists():
        of = f"read_csv('{path}', delim='\t', header=false, quote='\"', columns={{{columns}}})"
        duckdb.sql(f"COPY (FROM {of}) TO '{made}'")


def for_logica(ground: Ground, data: Path) -> tuple[str, str]:
    """The rules as the SQL that Logica makes of them, and that for the facts of everyone as tables in files."""
    import in_logica

    translated, folder = facts(ground, data, in_logica.Logica())
    views = []
    for predicate in sorted(translated.read - translated.heads):
        name, path = translated.names[predicate], folder / f"{plain(translated.names[predicate])}.tsv"
        arguments = ground.few.program.predicates[predicate].arguments
        types = ["BIGINT" if a.type in ("number", "integer", "date") else "VARCHAR" for a in arguments]
        if path.exists():
            columns = ", ".join(f"'col{i}': '{one}'" for i, one in enumerate(types))
            with pool() as made:
                made.apply(as_parquet, [path, columns])
            views.append(f"CREATE VIEW facts_{name.lower()} AS FROM '{path.with_suffix('.parquet')}';")
        else:
            nothing = ", ".join(f"NULL::{one} AS col{i}" for i, one in enumerate(types))
            views.append(f"CREATE VIEW facts_{name.lower()} AS SELECT {nothing} WHERE false;")
    kinds = [(kind.predicate, kind.name) for kind in ground.few.kinds]
    return "\n".join(views), in_logica.queries(in_logica.program(translated, kinds))


@peer("logica", "Logica (DuckDB), given the facts", "conclusions", "in_logica.py", given=for_logica)
def logica(ground: Ground) -> Work:
    """The rules as SQL of Logica's, a table a predicate; how long Logica takes to make it is not timed."""

    def work(task: Task) -> None:
        views, queries = task.given
        script, _, last = queries.strip().removesuffix(";").rpartition(";\n")
        last = "\n".join(line for line in last.splitlines() if not line.startswith("--"))
        with duckdb.connect(config={"temp_directory": str(task.out / "spilled")}) as made:
            made.execute(views)
            made.execute(script)
            made.execute(f"CREATE TABLE said AS {last}")
            who, kind, value = (f"col{i}" for i in range(3))
            shown = f"{who}[7:] AS patient, {kind} AS kind, regexp_extract({value}, '[^#/]*$') AS value"
            made.execute(f"COPY (SELECT {shown} FROM said) TO '{task.conclusions}' (FORMAT parquet, COMPRESSION zstd)")

    return work


def keep(task: Task, rows: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Write conclusions that name patients and terms in full."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: tuple[list[str], ...] = ([], [], [])
    for kind, (who, value) in rows:
        said = (who.strip("<>").removeprefix("urn:p:"), kind, Iri(value.strip("<>")).local)
        for column, cell in zip(columns, said, strict=True):
            column.append(cell)
    table = dict(zip(("patient", "kind", "value"), columns, strict=True))
    pq.write_table(pa.table(table), task.conclusions, compression="zstd")


# --- Spark -------------------------------------------------------------------------------------------------------


@contextmanager
def spark_session(ground: Ground) -> Iterator[Any]:
    """A session on all processors of this machine."""
    from citelog.population.engines.spark import LOCAL, session

    with session(LOCAL, "2GB", Path(tempfile.mkdtemp(dir=ground.scratch)) / "spark.log") as made:
        yield made


@peer(SPARK_HAND, "SQL by hand (Spark)", "conclusions", "b12_by_hand_spark.sql")
def spark_sql(ground: Ground) -> Iterator[Work]:
    """`b12_by_hand_spark.sql`."""
    query = (HERE / "b12_by_hand_spark.sql").read_text(encoding="utf-8")
    shape = "name STRING, unit STRING, factor DECIMAL(9,1), low DECIMAL(9,1), high DECIMAL(9,1)"
    with spark_session(ground) as session:
        names = [(sort, name, term) for sort, known in ground.names.items() for name, term in known.items()]
        session.createDataFrame(names, "kind STRING, name STRING, term STRING").createOrReplaceTempView("names")
        session.createDataFrame(list(ground.units), shape).createOrReplaceTempView("units")

        def work(task: Task) -> None:
            session.sql(query.replace("{data}", str(task.data))).write.parquet(str(task.out / "conclusions"))

        yield work


@peer(SPARK, "citelog on Spark, with firings", "conclusions, firings", *MANY)
def spark(ground: Ground) -> Iterator[Work]:
    """The four kinds, with firings, by Spark."""
    from citelog.population.engines.duck import Duck
    from citelog.population.engines.spark import Spark

    with spark_session(ground) as session:

        def work(task: Task) -> None:
            settings = {"temp_directory": str(task.out / "spilled")}
            with duckdb.connect(config=settings) as connection, closing(Duck(connection)) as near:
                steps(ground.few, task, Spark(session, near, task.out), near, with_firings=True, with_pictures=True)

        yield work


# --- one measurement ---------------------------------------------------------------------------------------------


def processes() -> list[Path]:
    """All processes of this session: this one, and those that it started."""
    own, found = os.getsid(0), []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[3]) == own:
                found.append(stat.parent)
        except OSError:
            continue  # it has ended
    return found


def processor_seconds() -> float:
    """What all of them have used so far, with what those used that have ended."""
    ticks = 0
    for process in processes():
        ticks += sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def forget_peaks() -> None:
    """Let the most memory of all of them be what they have now."""
    for process in processes():
        (process / "clear_refs").write_text("5")


def peak() -> float:
    """The most memory that they have had since, added up, in MB."""
    found = 0
    for process in processes():
        lines = (process / "status").read_text().splitlines()
        found += next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    return found / 1024


def digest(out: Path) -> dict[str, Any]:
    """How many conclusions of the four kinds there are, and a hash of them that no order changes."""
    folder = out / "conclusions"
    files = f"{folder}/*.parquet" if folder.is_dir() else f"{out}/conclusions*.parquet"
    [(count, total)] = duckdb.sql(
        f"SELECT count(*), sum(hash(patient, kind, value)::HUGEINT) FROM '{files}' WHERE kind IN {KINDS}"
    ).fetchall()
    return {"conclusions": count, "digest": f"{int(total):x}"}


def measure(one: Peer, data: Path, small: Path, scratch: Path, began: float) -> dict[str, Any]:
    """Make a peer ready and let it answer; what that took."""
    ground = Ground(scratch)
    waited = time.time()
    given = {folder: one.given(ground, folder) for folder in (small, data)}
    waited = time.time() - waited
    (scratch / BEGUN).touch()
    with one.ready(ground) as work, tempfile.TemporaryDirectory(dir=scratch) as place:
        for folder in (small, data):
            out = Path(place) / folder.name
            out.mkdir()
            start = time.time() - began - waited
            forget_peaks()
            used, clock = processor_seconds(), time.perf_counter()
            work(Task(folder, out, given[folder]))
            wall, cpu = time.perf_counter() - clock, processor_seconds() - used
        found = {"wall": wall, "cpu": cpu, "peak_mb": peak(), "start": start, "load": os.getloadavg()[0]}
        return found if one.name == SCAN else found | digest(out)


if __name__ == "__main__":
    name, *folders, began = sys.argv[1:]
    print(json.dumps(measure(PEERS[name], *map(Path, folders), float(began))))  # type: ignore[arg-type]
