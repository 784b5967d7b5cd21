"""Spark gives what DuckDB gives, on a cluster of real processes, and whatever becomes of a worker.

One cluster serves the whole file. Tests that need it are skipped where Java or pyspark is not there.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

import b12
import clusters
import populations
import random_knowledge
import walked
from authoring import citelog
from citelog.knowledge.base import Knowledge
from citelog.population import answers, run
from citelog.population.engines import spark
from citelog.population.engines.translated import translated
from citelog.population.opened import opened
from citelog.population.program.queries import RefusedError
from citelog.population.run import Options
from oracle.random_cases import random_case
from test_population import EDGES, PAGE, RULES, ruled_by

Records = Mapping[str, populations.Record]
AT = datetime.date(2026, 3, 15)
LOST = "ExecutorLostFailure"
"""What Spark notes of a task whose executor is gone."""
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[clusters.Cluster]:
    """A master and two workers."""
    with clusters.running(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def digest(out: Path) -> str:
    """A hash of all conclusions and notes in a folder of answers, in whatever order they stand."""
    rows = [
        json.dumps([name, *row], ensure_ascii=False)
        for name, some in populations.written(out).items()
        for row in some.elements()
    ]
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def fired(out: Path) -> list[tuple[Any, ...]]:
    """Who has which firings, their values as text; which number an entry has is an engine's own affair."""
    people, *files = (
        f"read_parquet('{out / name}.parquet')" for name in ("store/people-*", "firings", "rules", "values")
    )
    query = f"""
        SELECT p.patient, r.name,
               list_transform(f.bindings, lambda b: CASE WHEN b < 0 THEN 'an entry' ELSE v.texts[b + 1] END)
        FROM {people} AS p JOIN {files[0]} AS f USING (picture) JOIN {files[1]} AS r USING (rule),
        (SELECT list(text ORDER BY value) AS texts FROM {files[2]}) AS v ORDER BY ALL"""
    return duckdb.sql(query).fetchall()


class Lost:
    """A worker that is lost with a task in its hands: halted until it has one, and then ended without a word."""

    def __init__(self, cluster: clusters.Cluster, when: str) -> None:
        self.cluster, self.when = cluster, when
        self.executor = ""
        self._thread: threading.Thread | None = None

    def told(self, what: str, done: int, total: int) -> None:
        """Hears how far the run is."""
        if what == self.when and self._thread is None:
            self._thread = threading.Thread(target=self._lose)
            self._thread.start()

    def _lose(self) -> None:
        from pyspark import SparkContext

        context = SparkContext._active_spark_context
        assert context is not None
        victim = self.cluster.workers[0]
        executor = clusters.until(victim.executor, "an executor")

        def tasks() -> int | None:
            """How many tasks it has; None where the run does not know it, yet or any more."""
            listed = context._jsc.sc().statusStore().executorList(True)
            known = {one.id(): one.activeTasks() for one in map(listed.apply, range(listed.size()))}
            return known.get(executor.id)

        clusters.until(tasks, "that the run knows it")
        os.kill(executor.process, signal.SIGSTOP)  # what it is given from here on it cannot finish
        clusters.until(lambda: tasks() or None, "that it is given a task")
        victim.kill(executor)
        clusters.until(lambda: None if tasks() else True, "that the run notices")
        self.executor = executor.id

    def join(self) -> None:
        """Wait for its end."""
        assert self._thread is not None
        self._thread.join()


def compare(
    knowledge: Knowledge, records: Records, at: datetime.date | None, cluster: clusters.Cluster, folder: Path
) -> None:
    """Spark, with a worker lost in the middle, gives what DuckDB gives, and what one patient after another is given.

    It runs the rules itself, as if there were too many pictures for one machine.
    """
    populations.write(folder / "data", records)
    run.run(knowledge, folder / "data", folder / "duck", Options(at))
    lost = Lost(cluster, "bringing records together")
    options = Options(at, memory="1GB", master=cluster.master)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "NEAR", 0)
        patch.setattr(spark, "FEW", 20)  # small tables by both ways
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.2")
        report = run.run(knowledge, folder / "data", folder / "spark", options, lost.told)
        assert os.environ["SPARK_LOCAL_IP"] == "127.0.0.2", "it is the process's own again"
    lost.join()
    tasks = cluster.tasks()
    gone = {(one.stage, one.partition) for one in tasks if one.executor == lost.executor and one.ended == LOST}
    again = {(one.stage, one.partition) for one in tasks if one.executor != lost.executor and one.ended == "Success"}
    assert gone and gone <= again, "what it had in its hands was lost, and done by the other"
    assert report.counts["patients"] == len(records) and report.counts["conclusions"]
    assert digest(folder / "spark") == digest(folder / "duck")
    assert fired(folder / "spark") == fired(folder / "duck")
    one = populations.alone(knowledge, records, at)
    assert populations.differences(one, populations.written(folder / "spark")) == []
    document = json.loads((folder / "spark" / "run.json").read_text())
    assert document["engine"]["engine"].startswith("spark 4.")
    names = [sorted(path.name for path in (folder / engine).iterdir()) for engine in ("spark", "duck")]
    assert names[0] == names[1]
    who = next(iter(records))
    found = [opened(folder / engine).assessment(who, knowledge).to_json() for engine in ("spark", "duck")]
    assert found[0] == found[1]


@pytest.mark.long
def test_a_worker_killed_in_the_middle_changes_nothing(cluster: clusters.Cluster, tmp_path: Path) -> None:
    """Rules of each sort, with notes about entries, over drawn records."""
    rng = random.Random(14)
    records: dict[str, populations.Record] = {}
    for number in range(60):
        records[f"p{number}"] = record = random_knowledge.record(rng)[0]
        if "context" in record:  # columns have one spelling
            record["context"] = {key.lower(): value for key, value in record["context"].items()}
    compare(ruled_by(RULES), records, random_knowledge.DAY, cluster, tmp_path)
    noted = {text for _, text, _ in populations.written(tmp_path / "spark")["notes"]}
    assert any("No conclusion rests on it" not in text for text in noted), "some by rules"


@pytest.mark.long
@needs_java
def test_a_cluster_in_which_no_worker_has_room_is_waited_for_and_named(
    cluster: clusters.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "spark-defaults.conf").write_text("spark.executor.memory 64g\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(conf))
    monkeypatch.setattr(spark, "ROOM", 1)
    told = r"in 1 s no worker had room for an executor\n   = ask for less in spark-defaults.conf"
    with pytest.raises(spark.SparkError, match=told), spark.session(cluster.master, "1GB", tmp_path / "spark.log"):
        raise AssertionError("nobody was waited for")


@pytest.mark.long
def test_spark_answers_all_cases_of_the_library_and_hundreds_of_drawn_patients(tmp_path: Path) -> None:
    """The same over the whole shipped knowledge, on a cluster of its own."""
    rng = random.Random(7)
    records = {name: case.record for name, case in b12.library().items()} | EDGES
    records |= {f"drawn {i}": {**random_case(rng), "id": None} for i in range(300)}
    (tmp_path / "cluster").mkdir()
    with clusters.running(tmp_path / "cluster") as whole:
        compare(b12.knowledge(), records, AT, whole, tmp_path)
        options = Options(AT, memory="1GB", master=whole.master)  # few pictures: DuckDB runs the rules on them
        run.run(b12.knowledge(), tmp_path / "data", tmp_path / "near", options)
    assert digest(tmp_path / "near") == digest(tmp_path / "duck")
    assert fired(tmp_path / "near") == fired(tmp_path / "duck")


@pytest.mark.long
@needs_java
def test_the_page_shows_what_happens_on_spark(tmp_path: Path) -> None:
    """The section "On a cluster" of docs/POPULATIONS.md, over the data of the page."""
    page = PAGE.read_text(encoding="utf-8")
    list(walked.walk(page, tmp_path, citelog))
    session = page.partition("## On a cluster")[2].partition("```text\n$ citelog ")[2].partition("```")[0]
    line, _, shown = session.partition("\n")
    ended = citelog(*line.split(), cwd=tmp_path)
    assert (ended.status, ended.out, ended.err) == (0, shown, "")
    assert digest(tmp_path / "answers-spark") == digest(tmp_path / "answers")


# --- what is said where Spark is not to be had -------------------------------------------------------------------

REFUSALS = {
    "--master is for Spark": ["--master", "local[1]"],
    "--since: Spark takes nothing over": ["--engine", "spark", "--since", "before"],
    "--threads: the master says how many work": ["--engine", "spark", "--master", "local[1]", "--threads", "2"],
}


@pytest.mark.parametrize("said", REFUSALS)
def test_options_that_do_not_go_together_are_refused(said: str, tmp_path: Path) -> None:
    ended = citelog("population", tmp_path, "--out", tmp_path / "out", *REFUSALS[said])
    assert (ended.status, ended.out) == (2, "") and ended.err.startswith(said) and "\n   = " in ended.err
    assert not (tmp_path / "out").exists()


def test_without_java_or_pyspark_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nothing"))
    with pytest.raises(spark.SparkError, match=r"JAVA_HOME is .*\n   = install Java 17"):
        spark.check()
    monkeypatch.delenv("JAVA_HOME")
    ended = citelog("population", tmp_path, "--out", tmp_path / "out", "--engine", "spark")
    assert (ended.status, ended.out) == (2, "") and "needs Java, and there is none on the PATH" in ended.err
    asked = f"main(['population', {str(tmp_path)!r}, '--out', {str(tmp_path / 'out')!r}, '--engine', 'spark'])"
    without = f"import sys; sys.modules['pyspark'] = None; from citelog.cli.app import main; {asked}"
    bare = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, timeout=60)
    assert (bare.returncode, bare.stdout) == (2, "")
    assert "--engine spark needs pyspark\n   = pip install 'citelog[spark]'" in bare.stderr


@pytest.mark.parametrize(("java", "patience"), [("exit 0", 180), ("exec sleep 600", 0)])
def test_a_java_that_ends_or_hangs_before_it_can_be_reached_is_told(
    java: str, patience: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PySpark itself waits for ever for the one that ends with status 0, and for the one that only hangs."""
    (tmp_path / "bin").mkdir()
    script = f"#!/bin/sh\ncase $* in *launcher.Main*) printf '\\0\\n%s\\0' \"$0\"; exit 0;; esac\n{java}\n"
    (tmp_path / "bin" / "java").write_text(script)
    (tmp_path / "bin" / "java").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr(spark, "START", patience)
    told = (
        r"--engine spark, --master local\[1\]: .*Java gateway process exited.*\n   = .*spark.log has all that it said"
    )
    with pytest.raises(spark.SparkError, match=told), spark.session("local[1]", "1GB", tmp_path / "spark.log"):
        pass


def test_a_master_at_which_nobody_answers_is_named_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as master:
        address = f"127.0.0.1:{master.getsockname()[1]}"
        spark.knock(f"spark://{address}")
        spark.knock(f"spark://head,{address}")  # one of several is enough
    asked = "population", tmp_path, "--out", tmp_path / "out", "--engine", "spark", "--master", f"spark://{address}"
    if shutil.which("java"):
        ended = citelog(*asked)
        assert (ended.status, ended.out, (tmp_path / "out").exists()) == (2, "", False)
        assert f"nobody answers at {address}: Connection refused\n   = see whether the master runs" in ended.err
    with pytest.raises(spark.SparkError, match=f"head: this is no host:port, {address}: Connection refused"):
        spark.knock(f"spark://head,{address}")


@pytest.mark.long
@needs_java
def test_a_cluster_that_is_not_there_is_named(tmp_path: Path) -> None:
    populations.write(tmp_path / "data", {"one": {}})
    ended = citelog("population", tmp_path / "data", "--out", tmp_path / "out", "--engine", "spark", "--master", "yarm")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("--engine spark, --master yarm: ") and "spark.log has all that it said" in ended.err
    assert "Master must either be yarn or" in (tmp_path / "out" / "scratch" / "spark.log").read_text()


WRONG = {
    "a function": "SELECT log(a) FROM t",
    "a type": "SELECT a::DOUBLE FROM t",
    "a table function": "SELECT * FROM read_csv('a.csv')",
    "an operator": "SELECT a << b FROM t WHERE a SIMILAR TO 'b'",
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_known_to_mean_the_same_to_spark_is_refused(what: str) -> None:
    with pytest.raises((RefusedError, ValueError), match=r"not known to have the same|invalid literal"):
        translated(WRONG[what])
