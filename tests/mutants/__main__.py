"""`python -m mutants` in the folder `tests`: every mutant tried, a table printed, and each verdict kept if asked for.

python -m mutants                            all of them, on every core; minutes
python -m mutants --rule treat-loading       those of one rule, each with who noticed it
python -m mutants --kind "drop a literal" --survivors
python -m mutants --sample 200 --seed 7      some of them, drawn
python -m mutants --json verdicts.json       each verdict, as data; with --again verdicts.json those that are open
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parent.parent.parent
    sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests")]

from mutants import world
from mutants.catchers import CATCHERS, Verdict, alone, judged
from mutants.edits import Mutant


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the mutants that are asked for; status 1 where one survives that nothing explains."""
    parser = argparse.ArgumentParser(
        "python -m mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rule", action="append", help="only mutants of this rule (again for more)")
    parser.add_argument("--kind", action="append", help="only mutants of this kind (again for more)")
    parser.add_argument("--sample", type=int, help="only so many, drawn at random")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (1)")
    parser.add_argument("--survivors", action="store_true", help="tell only what no check, case or property notices")
    parser.add_argument(
        "--again", type=Path, metavar="FILE", help="only what a check, case or property did not notice by this file"
    )
    parser.add_argument("--json", type=Path, help="write every verdict to this file")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--verify", action="store_true", help="ask the safety properties too: some ten seconds each")
    parser.add_argument("--alone", action="store_true", help="who notices, each asked by itself; mind --sample")
    asked = parser.parse_args(arguments)
    chosen = [
        mutant
        for mutant in world.author().mutants()
        if (not asked.rule or mutant.rule in asked.rule) and (not asked.kind or mutant.kind in asked.kind)
    ]
    if asked.sample is not None and asked.sample < len(chosen):
        places = sorted(random.Random(asked.seed).sample(range(len(chosen)), asked.sample))
        chosen = [chosen[place] for place in places]
    if asked.alone:
        print(shares(chosen, asked.processes))
        return 0
    noticed = _noticed(asked.again)
    kept = [noticed[m.rule, m.what] | {"mutant": m} for m in chosen if (m.rule, m.what) in noticed]
    verdicts = [Verdict(**one) for one in kept]
    for verdict in judge([m for m in chosen if (m.rule, m.what) not in noticed], asked.processes, asked.verify):
        verdicts.append(verdict)
        is_open = verdict.by not in ("check", "test", "verify")
        if not verdict.by or (asked.survivors and is_open) or (asked.rule and not asked.survivors):
            mutant = verdict.mutant
            print(f"{verdict.by or 'SURVIVES'}: {mutant.rule}: {mutant.what}: {verdict.how}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([told(v) for v in verdicts], ensure_ascii=False, indent=1), encoding="utf-8")
    print(table(verdicts))
    return 1 if any(not verdict.by for verdict in verdicts) else 0


def _noticed(file: Path | None) -> dict[tuple[str, str], dict[str, Any]]:
    """How mutants were noticed in an earlier run, by a check, a case or a property: more cases change nothing there."""
    told = json.loads(file.read_text(encoding="utf-8")) if file is not None else []
    return {
        (one["rule"], one["what"]): {"by": one["by"], "how": one["how"]}
        for one in told
        if one["by"] in ("check", "test", "verify")
    }


def shares(mutants: Sequence[Mutant], processes: int) -> str:
    """Of all mutants, and of those that the checker lets pass: the share that cases, and that properties, notice."""
    world.cases(), world.names(), world.properties()
    gc.freeze()
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        found = list(pool.imap_unordered(alone, mutants))
    passed = [names for names in found if names != ("check",)]
    lines = [
        f"{len(found)} mutants; check refuses {len(found) - len(passed)}, and of the {len(passed)} that it lets pass"
    ]
    for told, names in {
        "test alone notices": ("test",),
        "verify alone notices": ("verify",),
        "both notice": ("test", "verify"),
        "neither notices": (),
    }.items():
        lines.append(f"  {told:21} {sum(one == names for one in passed):5}")
    return "\n".join(lines)


def judge(mutants: Sequence[Mutant], processes: int = 1, slow: bool = False) -> Iterator[Verdict]:
    """The verdicts, in the order of the mutants."""
    world.cases(), world.drawn(), world.names()  # before the processes part, so that they share it
    gc.freeze()  # and so that no process walks over it again and again
    if processes == 1:
        yield from (judged(mutant, slow) for mutant in mutants)
        return
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for number, verdict in enumerate(pool.imap(partial(judged, slow=slow), mutants, chunksize=8), 1):
            yield verdict
            if number % 100 == 0 or number == len(mutants):
                print(f"{number} of {len(mutants)}", file=sys.stderr, flush=True)


def table(verdicts: Iterable[Verdict]) -> str:
    """Kinds by who noticed first, as Markdown."""
    listed = list(verdicts)
    columns = (*CATCHERS, "")
    counts: dict[str, Counter[str]] = {}
    for verdict in listed:
        counts.setdefault(verdict.mutant.kind, Counter())[verdict.by] += 1
    names = (*CATCHERS, "survives")
    lines = [f"| edit | mutants | {' | '.join(names)} |", f"|---|---:|{'---:|' * len(names)}"]
    for kind in sorted(counts):
        row = counts[kind]
        lines.append(f"| {kind} | {row.total()} | {' | '.join(str(row[c] or '') for c in columns)} |")
    whole = sum(counts.values(), Counter())
    lines.append(f"| **all** | {whole.total()} | {' | '.join(str(whole[c]) for c in columns)} |")
    return "\n".join(lines) + "\n"


def told(verdict: Verdict) -> dict[str, str]:
    """A verdict as data."""
    mutant = verdict.mutant
    return {"rule": mutant.rule, "kind": mutant.kind, "what": mutant.what, "by": verdict.by, "how": verdict.how}


if __name__ == "__main__":
    sys.exit(main())
