"""Every single edit of the engine's own code is noticed by a near test, or can change nothing.

    python tests/engine_mutants.py checker run --minutes 30              what has no line yet, or has changed since
    python tests/engine_mutants.py checker --again --seconds 30          what was left, by more of the tests
    python tests/engine_mutants.py --source FILE --near TEST             one file, by one file of tests

The edits are mutmut's, of the body of every function, and one of ours: a condition turned round. What stands outside
of functions is not edited. The near tests are collected and run once, which tells which of them reach which line; one
that fails or takes too long is left out. Then each mutant has a process of its own, forked from this one: the code of
the edited function is replaced, and the tests that reach the edited lines run: those first that noticed others of the
function, then the quick ones, then the quickest case of each. The first that fails, or takes ten times the processor's
time that it took before, has noticed. With `--again`, what none noticed is also tried with nothing remembered: no
compiled knowledge, no cache of any function.

A tally has two lines for a function, for its decisions and for its values, with the hash of its text: what has changed
is judged anew, and runs add up. What nothing can notice stands in engine/SURVIVORS.md, each with the reason.
"""

from __future__ import annotations

import argparse
import functools
import gc
import hashlib
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, product
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import coverage
import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider, WhitespaceInclusivePositionProvider
from mutmut.mutation import mutators

ROOT = Path(__file__).parent.parent
ENGINE = ROOT / "engine" / "citelog"
EXPLAINED = ROOT / "engine" / "SURVIVORS.md"

LONGEST = 10
"""Seconds of the processor's time that a test may take to be run for mutants at all."""

COLD = 20
"""Seconds that a test may take beside ten times its own where nothing is remembered: all knowledge is compiled anew."""

QUICK = 0.03
"""Seconds of a test that is run before any that takes longer."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Files whose functions are edited, and the tests that are near them; doctests of the files count as well."""

    sources: tuple[Path, ...]
    near: tuple[Path, ...]


def part(sources: str, *near: str) -> Part:
    """A part of the engine by patterns of its files, and by names of files of tests."""
    files = sorted(path for pattern in sources.split() for path in ENGINE.glob(pattern))
    return Part(tuple(files), tuple(ROOT / "tests" / f"test_{name}.py" for name in near))


PARTS: Mapping[str, Part] = {
    "checker": part("checker/*.py", "checker", "certificates", "reviews"),
    "run": part("run/*.py", "reasoning", "programs", "checker", "language"),
    "proof": part("proof/*.py", "proofs", "checker", "certificates", "contrast", "reviews"),
    "rules": part("rules/*.py", "language", "check", "reasoning", "programs", "proofs", "reviews", "edit"),
    "evidence": part("evidence/*.py", "check", "quote", "checker"),
    "units": part("patient/numbers.py patient/dates.py patient/frequency.py", "patient_facts", "context", "units"),
}


# edits


@dataclass(frozen=True, slots=True)
class Mutant:
    """One edit of one function: the lines that it is in, the whole file with it, and what a reader sees of it."""

    file: Path
    function: str
    kind: str
    first: int
    """The first line of the function, its decorators included."""

    lines: range
    text: str
    diff: str

    @property
    def about(self) -> str:
        return f"{shown(self.file)}:{self.lines.start} {self.function}"


def shown(file: Path) -> str:
    """A file as it is called here."""
    return str(file.relative_to(ENGINE)) if file.is_relative_to(ENGINE) else file.name


VALUES = (
    mutators.operator_arg_removal,
    mutators.operator_dict_arguments,
    mutators.operator_assignment,
    mutators.operator_string,
)
"""What mutmut does to what is handed on: an argument or a value is None or left out, a text is another. The rest of its
edits change a decision or a calculation."""

KINDS = ("decision", "value")


def condition(node: cst.If | cst.While | cst.CompIf) -> cst.CSTNode:
    """A condition turned round: mutmut edits comparisons, but leaves a bare name or call as it is."""
    return cst.UnaryOperation(cst.Not(), node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]))


class Edits(cst.CSTVisitor):
    """Every edit of the functions of a module: the function, the kind, the node, and what is put in its place."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        self.found: list[tuple[str, cst.FunctionDef, str, cst.CSTNode, cst.CSTNode]] = []
        self._names: list[str] = []
        self._within: list[cst.FunctionDef] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        # Annotations say nothing at run time; decorators and defaults are evaluated where a function is made.
        if isinstance(node, cst.Annotation | cst.Decorator | cst.Parameters):
            return isinstance(node, cst.Parameters) and not self._within
        if self._within:
            here = self._names[-1], self._within[0]
            for sort, operator in mutators.mutation_operators:
                if isinstance(node, sort):
                    kind = KINDS[operator in VALUES]
                    self.found += [(*here, kind, node, made) for made in operator(node)]
            if isinstance(node, cst.If | cst.While | cst.CompIf):
                self.found.append((*here, KINDS[0], node.test, condition(node)))
        if isinstance(node, cst.ClassDef | cst.FunctionDef) and not self._within:
            self._names.append(f"{self._names[-1]}.{node.name.value}" if self._names else node.name.value)
        if isinstance(node, cst.FunctionDef):
            self._within.append(node)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef):
            self._within.pop()
        if isinstance(original_node, cst.ClassDef | cst.FunctionDef) and not self._within:
            self._names.pop()


def mutants(file: Path, only: Collection[str] = ()) -> Iterator[Mutant]:
    """Every mutant of a file, in the order of its functions; an edit that gives no Python is still among them.

    `only` are the functions that are wanted; none means all.
    """
    source = file.read_text(encoding="utf-8")
    wrapper = MetadataWrapper(cst.parse_module(source))
    module, at, span = (
        wrapper.module,
        wrapper.resolve(PositionProvider),
        wrapper.resolve(WhitespaceInclusivePositionProvider),
    )
    edits = Edits()
    wrapper.visit(edits)
    lines = source.splitlines(keepends=True)
    starts = [0, *accumulate(map(len, lines))]
    seen: set[tuple[int, str]] = set()
    for function, within, kind, old, new in edits.found:
        if only and function not in only:
            continue
        if isinstance(old, cst.Match):  # of many lines, which only the whole module indents
            text = module.deep_replace(old, new).code
            start, end = at[old].start.line, at[old].end.line
        else:
            here = span[old]
            start, end = here.start.line, here.end.line
            left, right = starts[start - 1] + here.start.column, starts[end - 1] + here.end.column
            text = source[:left] + module.code_for_node(new) + source[right:]
        number, diff = _difference(lines, text.splitlines(keepends=True), start, end)
        first = min([at[within].start.line, *(at[one].start.line for one in within.decorators)])
        if diff and (number, diff) not in seen:
            seen.add((number, diff))
            yield Mutant(file, function, kind, first, range(at[old].start.line, at[old].end.line + 1), text, diff)


def _difference(before: Sequence[str], after: Sequence[str], start: int, end: int) -> tuple[int, str]:
    """The first line that differs of those edited, and what was in them and is now."""
    old, new = [*before[start - 1 : end]], [*after[start - 1 : end + len(after) - len(before)]]
    while old and new and old[0] == new[0]:
        del old[0], new[0]
        start += 1
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return start, "\n".join([*(f"- {line.strip()}" for line in old), *(f"+ {line.strip()}" for line in new)])


def code_of(one: Mutant) -> CodeType | None:
    """The edited function, as compiled; None where the edit is no Python."""
    try:
        waiting = [compile(one.text, str(one.file), "exec", dont_inherit=True)]
    except SyntaxError:
        return None
    while waiting:
        code = waiting.pop()
        if (code.co_qualname, code.co_firstlineno) == (one.function, one.first):
            return code
        waiting += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    raise LookupError(f"{one.about} is not there")


def hashes(file: Path) -> dict[str, str]:
    """The functions of a file, each with a hash of its text: those of one name are one."""
    source = file.read_text(encoding="utf-8")
    lines = source.splitlines()
    texts: dict[str, list[str]] = defaultdict(list)
    wrapper = MetadataWrapper(cst.parse_module(source))
    at = wrapper.resolve(PositionProvider)

    def within(body: Sequence[cst.CSTNode], above: str) -> None:
        for node in body:
            if isinstance(node, cst.FunctionDef):
                texts[above + node.name.value] += lines[at[node].start.line - 1 : at[node].end.line]
            elif isinstance(node, cst.ClassDef):
                within(node.body.body, f"{above}{node.name.value}.")

    within(wrapper.module.body, "")
    return {name: hashlib.sha256("\n".join(text).encode()).hexdigest()[:16] for name, text in texts.items()}


# what nothing can notice


def explained(page: Path = EXPLAINED) -> dict[str, set[str]]:
    """The edits that a page gives a reason for, as they are shown, by file and function."""
    found: dict[str, set[str]] = defaultdict(set)
    if not page.exists():
        return found
    for block in re.split(r"^### ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title = re.match(r"`(\S+) (\S+)`", block)
        assert title, block
        for diff in re.findall(r"^```diff\n(.*?)\n```$", block, re.MULTILINE | re.DOTALL):
            found[f"{title[1]} {title[2]}"].add(diff)
    return found


def table(lines: Sequence[Line], reasons: Mapping[str, set[str]]) -> list[str]:
    """What a tally says of each file, as engine/SURVIVORS.md has it; and of all."""
    found = ["| file | edits of | made | noticed | explained | left |", "|---|---|---:|---:|---:|---:|"]
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for line in lines:
        explained = sum(diff in reasons.get(line["function"], ()) for diff in line["survivors"])
        left = len(line["survivors"]) - explained
        count = Counter(
            made=line["mutants"], noticed=line["mutants"] - explained - left, explained=explained, left=left
        )
        counts[line["function"].split()[0], line["kind"]] += count
        counts["**all**", line["kind"]] += count
    for (file, kind), count in sorted(counts.items(), key=lambda one: (one[0][0] == "**all**", one[0])):
        numbers = " | ".join(f"{count[key]:,}" for key in ("made", "noticed", "explained", "left"))
        found.append(f"| {file} | {kind}s | {numbers} |")
    return found


# judging


@dataclass
class Asked:
    """What a run was asked for."""

    sources: Sequence[Path]
    tally: Path
    minutes: float
    seconds: float
    jobs: int
    again: bool
    function: str
    kinds: Sequence[str]


class Judge:
    """A plugin of pytest: instead of the run of the collected tests, one run of each, and then the mutants."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.failed: list[str] = []
        self.took: dict[str, float] = {}
        self.names: dict[str, dict[str, Any]] = {}
        self.reach: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.live: dict[tuple[str, str, int], list[FunctionType]] = defaultdict(list)
        self.caches: list[Any] = []
        self.good = True
        self.late = False
        self.child: int | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        """Properties draw the same each time, and a counterexample is not made smaller."""
        from hypothesis import Phase, settings  # not before pytest has its hooks in it

        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("mutants", database=None, derandomize=True, deadline=None, phases=phases)
        settings.load_profile("mutants")
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.late:
            if self.child is not None:
                os.write(self.child, f"{report.nodeid}".encode())
                os._exit(1)
            self.failed.append(report.nodeid)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        self.baseline()
        self.hold()
        self.good = self.mutants()
        return True

    def run(self, item: pytest.Item, following: pytest.Item | None) -> None:
        """Run a test. An example in a docstring loses its names with each run, so it is given them anew."""
        if isinstance(item, pytest.DoctestItem) and item.dtest:
            item.dtest.globs = dict(self.names.setdefault(item.nodeid, item.dtest.globs))
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)

    def baseline(self) -> None:
        """Each test once: which lines it reaches, and its processor time. What they all need is loaded then.

        One that fails is left out, as it says nothing of a mutant; so is one that takes too long, which is broken off.
        """
        include = [str(path) for path in self.asked.sources]
        measured = coverage.Coverage(data_file=None, config_file=False, include=include)
        items = list(self.items.values())
        signal.signal(signal.SIGPROF, self.too_late)
        for item, following in zip(items, [*items[1:], None], strict=True):
            self.late = False
            signal.setitimer(signal.ITIMER_PROF, LONGEST)
            measured.start()
            measured.switch_context(item.nodeid)
            began = time.process_time()
            self.run(item, following)
            self.took[item.nodeid] = time.process_time() - began
            measured.stop()
            signal.setitimer(signal.ITIMER_PROF, 0)
            if self.late or item.nodeid in self.failed:
                del self.items[item.nodeid]
                print(f"\n{item.nodeid} {'takes too long' if self.late else 'fails'}, and is left out", flush=True)
        self.late = False
        data = measured.get_data()
        for file in data.measured_files():
            for line, tests in data.contexts_by_lineno(file).items():
                self.reach[file, line] |= self.items.keys() & set(tests)

    def too_late(self, number: int, frame: FrameType | None) -> None:
        self.late = True
        raise TimeoutError("this test takes too long")

    def hold(self) -> None:
        """The functions and the caches of this process, as they are when all has been loaded."""
        for thing in gc.get_objects():
            if isinstance(thing, functools._lru_cache_wrapper):
                self.caches.append(thing)
            elif isinstance(thing, FunctionType):
                code = thing.__code__
                self.live[code.co_filename, code.co_qualname, code.co_firstlineno].append(thing)
        gc.collect()
        gc.freeze()  # what is never looked at again is shared with every process that is forked

    def mutants(self) -> bool:
        """The functions one after the other, each a line of the tally; whether nothing is left without a reason."""
        asked, reasons, commit = self.asked, explained(), _commit()
        known = {(line["function"], line["kind"]): line for line in there(asked.tally, asked.sources)}
        until, good = time.monotonic() + 60 * asked.minutes, True
        for kind, file in product(asked.kinds, asked.sources):
            texts = hashes(file)
            for function, group in groupby(mutants(file), lambda one: one.function):
                every = [one for one in group if one.kind == kind and code_of(one)]
                name = f"{shown(file)} {function}"
                if not every:
                    known.pop((name, kind), None)
                if not every or asked.function not in function:
                    continue
                if time.monotonic() > until:
                    return False
                line, reasoned = known.get((name, kind), {}), reasons.get(name, set())
                fresh, began = line.get("of") == texts[function], _spent()
                if fresh and not asked.again:
                    good &= set(line["survivors"]) <= reasoned
                    continue
                tried = [one for one in every if not fresh or one.diff in line["survivors"]]
                left = self.survivors([one for one in tried if one.diff not in reasoned])
                known[name, kind] = {
                    "function": name,
                    "kind": kind,
                    "of": texts[function],
                    "commit": commit,
                    "mutants": len(every),
                    "survivors": sorted({one.diff for one in (*left, *every) if one in left or one.diff in reasoned}),
                    "seconds": round(_spent() - began + (line["seconds"] if fresh else 0), 1),
                }
                write(asked.tally, known.values())
                for one in left:
                    print(f"\n{one.about}\n{one.diff}", flush=True)
                print(f"{name}: {kind}: {len(every) - len(left)} of {len(every)}", flush=True)
                good &= not left
        return good

    def survivors(self, some: Sequence[Mutant]) -> list[Mutant]:
        """The mutants that no test notices, so many at a time as there are jobs."""
        noticed: Counter[str] = Counter()
        running: dict[int, tuple[int, Mutant, bool, float]] = {}
        waiting = [(one, False) for one in reversed(some)]
        left: list[Mutant] = []
        while waiting or running:
            while waiting and len(running) < self.asked.jobs:
                one, cold = waiting.pop()
                tests = self.tests(one, noticed, cold)
                pipe, pid = self.fork(one, tests, cold)
                running[pipe] = (pid, one, cold, time.monotonic() + 60 + 20 * sum(self.took[test] for test in tests))
            ready, _, _ = select.select(list(running), [], [], 5)
            for pipe in [*running]:
                pid, one, cold, late = running[pipe]
                if pipe not in ready and time.monotonic() < late:
                    continue
                if pipe not in ready:
                    os.kill(pid, signal.SIGKILL)  # it waits for something, and takes no time of the processor
                told = os.read(pipe, 10_000).decode()
                os.close(pipe)
                ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                del running[pipe]
                if ended == 1:
                    noticed[told] += 1
                elif ended == 0 and self.asked.again and not cold:
                    waiting.append((one, True))
                elif ended == 0:
                    left.append(one)
                elif ended > 1:
                    raise RuntimeError(f"{one.about}: {told}")
        return sorted(left, key=lambda one: one.lines.start)

    def tests(self, one: Mutant, noticed: Mapping[str, int], cold: bool) -> list[str]:
        """The tests that reach the edited lines, as many as the seconds for a mutant allow.

        The lines in which a statement goes on are not measured, so where they alone are edited, the line that it
        begins on counts. With nothing remembered (`cold`), they are the tests that reach any line of the file: what
        one of them made, the others had from a cache.
        """
        lines = one.lines
        while not (reaching := {test for line in lines for test in self.reach[str(one.file), line]}):
            if lines.start == one.first:
                break
            lines = range(lines.start - 1, lines.stop)
        if cold:
            reaching = {test for (file, _), tests in self.reach.items() if file == str(one.file) for test in tests}
        order: dict[str, tuple[bool, bool, int, float]] = {}
        alike: Counter[str] = Counter()
        for test in sorted(reaching, key=lambda test: (self.took[test], test)):
            function = test.partition("[")[0]
            order[test] = (not noticed.get(test), self.took[test] > QUICK, alike[function], self.took[test])
            alike[function] += 1
        chosen, spent = [], 0.0
        for test in sorted(order, key=lambda test: order[test]):
            spent += self.took[test]
            if chosen and spent > self.asked.seconds:
                break
            chosen.append(test)
        return chosen

    def fork(self, one: Mutant, tests: Sequence[str], cold: bool) -> tuple[int, int]:
        """A process in which a mutant is tested: 0 where no test fails, 1 where one does, a signal where it hangs."""
        pipe, child = os.pipe()
        if pid := os.fork():
            os.close(child)
            return pipe, pid
        try:
            os.close(pipe)
            self.child = child
            self.config.pluginmanager.unregister(name="terminalreporter")
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            functions = self.live[str(one.file), one.function, one.first]
            assert functions, f"{one.about} is nowhere in use"
            for function in functions:
                function.__code__ = code_of(one)
            if cold:
                os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()
            for wrapper in self.caches:
                if cold or wrapper.__wrapped__ in functions:
                    wrapper.cache_clear()
            items = [self.items[test] for test in tests]
            for item, following in zip(items, [*items[1:], None], strict=False):
                signal.setitimer(signal.ITIMER_PROF, (COLD if cold else 1) + 10 * self.took[item.nodeid])
                self.run(item, following)
            os._exit(0)
        except BaseException as wrong:  # noqa: BLE001  an exception outside of a test: the runner's own fault, told there
            os.write(child, repr(wrong).encode())
            os._exit(2)


def _spent() -> float:
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty=+", "--abbrev=10"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def read(tally: Path) -> list[Line]:
    """The lines of a tally; none where there is no file yet."""
    return [json.loads(line) for line in tally.read_text(encoding="utf-8").splitlines()] if tally.exists() else []


def there(tally: Path, sources: Iterable[Path]) -> list[Line]:
    """The lines of a tally without those of functions that some files no longer have."""
    names = {shown(file): hashes(file) for file in sources}
    lines = [(*line["function"].split(), line) for line in read(tally)]
    return [line for file, function, line in lines if function in names.get(file, {function})]


def write(tally: Path, lines: Iterable[Line]) -> None:
    """The lines of a tally, in the order of files and functions."""
    tally.parent.mkdir(parents=True, exist_ok=True)
    new = tally.with_suffix(".new")
    ordered = sorted(lines, key=lambda line: (line["function"], line["kind"]))
    new.write_text("".join(json.dumps(line) + "\n" for line in ordered), encoding="utf-8")
    new.replace(tally)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--source", type=Path, action="append", default=[], help="a file that is no part")
    parser.add_argument("--near", type=Path, action="append", default=[], help="its tests")
    parser.add_argument("--function", default="", help="only functions whose name holds this")
    parser.add_argument("-k", default="", metavar="EXPRESSION", help="only tests that pytest chooses so")
    parser.add_argument("--kind", choices=KINDS, action="append", help="[default: both]")
    parser.add_argument("--tally", type=Path, default=Path("build/engine_mutants.jsonl"), help="[default: %(default)s]")
    parser.add_argument("--again", action="store_true", help="also what survived before")
    parser.add_argument("--seconds", type=float, default=3, help="of tests, for each mutant [default: %(default)s]")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="no function is begun after that")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    given = parser.parse_args(arguments)
    chosen = [PARTS[name] for name in given.parts] + [Part(tuple(given.source), tuple(given.near))]
    sources = list(dict.fromkeys(path.resolve() for one in chosen for path in one.sources))
    near = list(dict.fromkeys(path.resolve() for one in chosen for path in one.near))
    judge = Judge(
        Asked(
            sources=sources,
            tally=given.tally.resolve(),
            minutes=given.minutes,
            seconds=given.seconds,
            jobs=given.jobs,
            again=given.again,
            function=given.function,
            kinds=given.kind or KINDS,
        )
    )
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["TMPDIR"] = tempfile.tempdir = scratch
        options = [
            "-q",
            "--doctest-modules",
            "-m",
            "not slow and not long",
            "--basetemp",
            f"{scratch}/tests",
            "-p",
            "no:cacheprovider",
            "-k",
            given.k,
        ]
        ended = pytest.main([*options, *map(str, (*near, *sources))], plugins=[judge])
    print(*table(read(given.tally), explained()), sep="\n")
    return int(ended) or int(not judge.good)


if __name__ == "__main__":
    sys.exit(main())
