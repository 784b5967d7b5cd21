"""The inputs of `tests/fuzzed.py`, led by coverage: what reaches new places of the code is kept and changed further.

    python tests/guided.py records --minutes 60 --kept build/guided          (pip install atheris)

What reaches something new stands in the folder `NAME` of the kept ones, and is where the next run begins; whatever was
neither answered nor refused in words stands in `NAME.faults`, with what was said. A fault ends nothing. What counts is
what an input does to the code as it is: each fault is asked again where nothing is counted.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
import sys
import time
import traceback
from pathlib import Path

LONGEST = 60_000
"""Bytes of an input, or as many as the longest that is kept here has: longer ones reach nothing else, and take long."""


def place_of(wrong: BaseException) -> str:
    """What was raised and where: one fault is told once, however many inputs have it."""
    frames = traceback.extract_tb(wrong.__traceback__)
    last = next((frame for frame in reversed(frames) if "/citelog/" in frame.filename), frames[-1])
    return f"{type(wrong).__name__} {Path(last.filename).name} {last.name}"


def keep(folder: Path, data: bytes, wrong: BaseException) -> None:
    """An input with what it made happen; of those of one place the shortest."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / hashlib.sha256(place_of(wrong).encode()).hexdigest()[:16]
    if not made.exists() or made.stat().st_size > len(data):
        made.write_bytes(data)
        made.with_suffix(".txt").write_text("".join(traceback.format_exception(wrong)), encoding="utf-8")


def led(name: str, seconds: int, kept: Path) -> None:
    """The run itself, in a process of its own, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["citelog"]):
        import fuzzed

        target, corpus = fuzzed.TARGETS[name], fuzzed.TARGETS[name].corpus()
        fuzzed.warm(name)

    def read(data: bytes) -> None:
        try:
            fuzzed.once(name, data)
        except Exception as wrong:  # noqa: BLE001  whatever it is, it is kept, and the others go on
            keep(kept / f"{name}.faults", data, wrong)

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.5:
            return bytes(atheris.Mutate(data, most))
        try:
            return rng.choice(target.changes)(data, corpus, rng)[:most]
        except Exception:  # noqa: BLE001  it is no JSON, no archive: nothing of that form that could be changed
            return fuzzed.changed(data, corpus, rng)[:most]

    folder = kept / name
    folder.mkdir(parents=True, exist_ok=True)
    for data in corpus:
        (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)
    longest, memory = max(LONGEST, *map(len, corpus)), 3 * fuzzed.MEGABYTES
    told = ("-timeout=60", f"-rss_limit_mb={memory}", "-print_final_stats=1")
    limits = (f"-max_total_time={seconds}", f"-max_len={longest}", *told)
    where = f"-artifact_prefix={kept / name}.faults/"
    (kept / f"{name}.faults").mkdir(exist_ok=True)
    atheris.Setup([sys.argv[0], str(folder), *limits, where], read, custom_mutator=mutated)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--kept", type=Path, default=Path("build/guided"))
    parser.add_argument("--led", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.led:
        led(given.name, given.led, given.kept)
    until = time.monotonic() + 60 * given.minutes
    while (left := round(until - time.monotonic())) > 0:  # a process that died or hung is begun again
        again = [sys.executable, __file__, given.name, "--kept", given.kept, "--led", str(left)]
        subprocess.run(again, check=False)
    import fuzzed

    told = 0
    for path in sorted((given.kept / f"{given.name}.faults").glob("*")):
        if path.suffix == ".txt":
            continue
        wrong = fuzzed.alone(given.name, path.read_bytes())
        told += bool(wrong)
        print(f"{path}: {wrong or 'is answered or refused as it should be'}")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
