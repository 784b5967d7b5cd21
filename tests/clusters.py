"""A Spark cluster of real processes on this machine: a master and two workers, each with its executor."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

DEFAULTS = """\
spark.eventLog.enabled true
spark.eventLog.compress false
spark.eventLog.dir {events}
spark.executor.memory 512m
spark.executor.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
"""
PATIENCE = 240
"""Seconds: the machine may be busy."""


T = TypeVar("T")


def until(found: Callable[[], T | None], what: str) -> T:
    """Wait for something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (one := found()) is not None:
            return one
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen in {PATIENCE} s")


@dataclass(frozen=True, slots=True)
class Executor:
    """A process that runs tasks, and what Spark calls it."""

    process: int
    id: str


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker's process."""

    process: subprocess.Popen[bytes]

    def executor(self) -> Executor | None:
        """What runs its tasks, once there is one."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == self.process.pid:
                    words = (stat.parent / "cmdline").read_text().split("\0")
                    if "--executor-id" in words:
                        return Executor(int(stat.parent.name), words[words.index("--executor-id") + 1])
        return None

    def kill(self, executor: Executor) -> None:
        """End it and its executor as a power cut would."""
        for pid in (self.process.pid, executor.process):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True, slots=True)
class Task:
    """A task that has ended: of which stage and part, on which executor, and how (`Success`, or what went wrong)."""

    stage: int
    partition: int
    executor: str
    ended: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """A master's address, its workers, and the folder in which Spark notes what happens."""

    master: str
    workers: tuple[Worker, ...]
    events: Path

    def tasks(self) -> list[Task]:
        """Every task that has ended, whichever way, in the order in which they did."""
        found = []
        for path in sorted(self.events.rglob("*")):
            for line in path.read_text().splitlines() if path.is_file() else ():
                if '"SparkListenerTaskEnd"' in line:
                    event = json.loads(line)
                    info, why = event["Task Info"], event["Task End Reason"]["Reason"]
                    found.append(Task(event["Stage ID"], info["Index"], info["Executor ID"], why))
        return found


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A cluster that listens to this machine alone; skipped where Java or pyspark is not there."""
    pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed")
    from citelog.population.engines.spark import SparkError, check

    try:
        check()
    except SparkError as missing:
        pytest.skip(str(missing).splitlines()[0])
    (folder / "conf").mkdir()
    events = folder / "events"
    events.mkdir()
    (folder / "conf" / "spark-defaults.conf").write_text(DEFAULTS.format(events=events.as_uri()))
    environment = os.environ | {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONF_DIR": str(folder / "conf"),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dspark.master.rest.enabled=false",
    }
    home = Path(pyspark.__file__).parent

    def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        kind = name.rstrip("0123456789")
        whole = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{kind}.{kind.title()}"]
        options = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        with (folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen([*whole, *options, *arguments], env=environment, stdout=log, stderr=log)

    def told(name: str, pattern: str) -> str | None:
        found = re.search(pattern, (folder / f"{name}.log").read_text(errors="replace"))
        return found[0] if found else None

    processes = [start("master")]
    try:
        master = until(lambda: told("master", r"spark://127\.0\.0\.1:[0-9]+"), "the master")
        for number in (1, 2):
            work = ["--cores", "1", "--memory", "600m", "--work-dir", str(folder / f"work{number}"), master]
            processes.append(start(f"worker{number}", *work))
        for number in (1, 2):
            until(lambda: told(f"worker{number}", "Successfully registered with master"), f"worker {number}")  # noqa: B023
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SPARK_CONF_DIR", environment["SPARK_CONF_DIR"])
            yield Cluster(master, tuple(map(Worker, processes[1:])), events)
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()
