"""Two releases of pyDatalog side by side: on the probes as pyDatalog itself answers them, and under citelog.

    python benchmarks/compare_pydatalog.py PYTHON [PYTHON…]

Each PYTHON is the interpreter of an environment with one release (and lark, networkx, rdflib, PyYAML, of any version):
`python -m venv A && A/bin/pip install pyDatalog==0.20.8 lark networkx rdflib PyYAML`. What this says is why
pyproject.toml pins the release that it pins. Each probe runs in a process of its own, which is killed when it hangs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
SECONDS = 5.0

# name → (program, question, what is right); the programs of tests/language/probes, as pyDatalog has them
PROBES: dict[str, tuple[str, str, str]] = {
    "1 stratified negation": (
        "+pat('a'); +pat('b'); +pat('c'); +ac('a'); +blocked('b')\n"
        "noac(P) <= pat(P) & ~ac(P)\nelig(P) <= noac(P) & ~blocked(P)",
        "elig(X)",
        "[('c',)]",
    ),
    "2 negation first": ("+pat('a'); +pat('b'); +ac('a')\nnoac(P) <= ~ac(P) & pat(P)", "noac(X)", "[('b',)]"),
    "3 even loop": ("+n('x')\np(X) <= n(X) & ~q(X)\nq(X) <= n(X) & ~p(X)", "p(X)", "refused"),
    "3b win-move": ("+m(1,2); +m(2,1); +m(2,3)\nwin(X) <= m(X,Y) & ~win(Y)", "win(X)", "refused"),
    "3c odd loop": ("+n('x')\np(X) <= n(X) & ~p(X)", "p(X)", "refused"),
    "4b ring of three": ("+n('x')\np(X) <= q(X)\nq(X) <= s(X)\ns(X) <= p(X)\ns(X) <= n(X)", "p(X)", "[('x',)]"),
    "5 left recursion": (
        "for i in range(60): + e(i, (i+1) % 60)\nl(X,Y) <= e(X,Y)\nl(X,Y) <= l(X,Z) & e(Z,Y)",
        "l(X,Y)",
        "3600 answers",
    ),
    "5b right recursion": (
        "+e(0,1); +e(1,2); +e(2,0)\nr(X,Y) <= e(X,Y)\nr(X,Y) <= e(X,Z) & r(Z,Y)",
        "r(X,Y)",
        "9 answers",
    ),
    "5c double recursion": (
        "for i in range(20): + e(i, (i+1) % 20)\nd(X,Y) <= e(X,Y)\nd(X,Y) <= d(X,Z) & d(Z,Y)",
        "d(X,Y)",
        "400 answers",
    ),
    "5d equivalence": (
        "+a(1,2); +a(2,3)\nsame(X,Y) <= a(X,Y)\nsame(X,Y) <= same(Y,X)\nsame(X,Y) <= same(X,Z) & same(Z,Y)",
        "same(X,Y)",
        "9 answers",
    ),
    "6 comparison first": ("+age('a',70)\nold(P) <= (A>=65) & age(P,A)", "old(X)", "[('a',)] or refused"),
    "7 int, float, bool": ("+v('i',1); +v('f',1.0); +v('t',True)", "v(X,1)", "[('i',)]"),
    "7b rounding": ("+o('a',6.999999999)\nhi(P) <= o(P,V) & (V>=7.0)", "hi(X)", "None"),
    "7b 7.35": ("+o('a',7.35)", "o('a',V)", "[(7.35,)]"),
    "8 None among numbers": ("+o('a',5); +o('b',None)\nhi(P) <= o(P,V) & (V>3)", "hi(X)", "[('a',)]"),
    "10 the text True": ("+s('True')", "s(X)", "[('True',)]"),
    "11b depth": (
        "for i in range(1000): + e(i, i+1)\n+ c(0)\nc(Y) <= e(X,Y) & c(X)",
        "c(1000)",
        "[()]",
    ),
    "12b undefined in a body": ("+pat('a')\nx(P) <= pat(P) & never(P)", "x(X)", "refused"),
    "14b function compared": (
        "+r('a',1); +r('a',2)\n+pat('a')\n(n[P] == len_(R)) <= r(P,R)\ntwo(P) <= pat(P) & (n[P] >= 2)",
        "two(X)",
        "[('a',)]",
    ),
    "15 division by zero": (
        "+dose('a',10,0)\n+zero('a')\nrate(P,R) <= dose(P,D,W) & (R==D/W)\nknown(P) <= rate(P,R)",
        "known(X)",
        "None",
    ),
    "16 unsafe head": ("+a('x')\nun(X,Y) <= a(X)", "un('x','anything')", "refused"),
    "17 and for &": ("+o('a',1)\nh(P) <= o(P,V) and (V>3)", "h(X)", "None or refused"),
}

ASKED = """
import sys, json
from pyDatalog import pyDatalog
program, question = json.loads(sys.stdin.read())
text = []
for line in program.split("\\n"):
    if line.startswith("for "):  # pyDatalog's text has no loops: written out
        head, fact = line.split(": +")
        count = int(head[head.index("(") + 1 : head.index(")")])
        text += ["+ " + fact.strip().replace("(i+1) % 60", str((i + 1) % 60)).replace("(i+1) % 20", str((i + 1) % 20))
                 .replace("i+1", str(i + 1)).replace("i,", f"{i},") for i in range(count)]
    else:
        text += [part.strip().replace("+", "+ ", 1) if part.strip()[:1] == "+" else part for part in line.split(";")]
try:
    pyDatalog.load("\\n".join(text))
    found = pyDatalog.ask(question)
    answers = None if found is None else sorted(found.answers, key=repr)
    print(answers if answers is None or len(answers) < 9 else f"{len(answers)} answers")
except BaseException as error:
    print(f"{type(error).__name__}: {str(error).splitlines()[0][:60] if str(error) else ''}")
"""

UNDER_CITELOG = """
import sys, time, random
sys.path[:0] = [{root!r} + "/engine", {root!r} + "/tests"]
from pathlib import Path
import literate, naive
from random_programs import drawn
from citelog.run.datalog import Machine, reasoner
began, right, wrong = time.perf_counter(), 0, []
for path in sorted(Path({root!r}, "tests/language/probes").glob("*.md")):
    text = path.read_text(encoding="utf-8")
    expected = next(b.text for b in literate.blocks(text) if b.kind == "answer")
    if literate.answer(text) == expected:
        right += 1
    else:
        wrong.append(path.stem)
print(f"{{reasoner()}} under citelog: {{right}} of {{right + len(wrong)}} probes right"
      f" in {{time.perf_counter() - began:.1f}} s {{wrong or ''}}")
agreed, spent = 0, 0.0
for seed in range(500):
    case = drawn(random.Random(seed))
    stated = {{a: () for a in case.facts if case.program.predicates[a.predicate].layer == "knowledge"}}
    began = time.perf_counter()
    run = Machine(case.program, stated).run([(a, None) for a in case.facts if a not in stated])
    spent += time.perf_counter() - began
    agreed += {{p: {{naive.fact(a) for a in run.atoms(p)}} for p in case.program.predicates}} == naive.model(
        case.program, case.facts)
print(f"{{reasoner()}} under citelog: {{agreed}} of 500 drawn programs as the naive evaluator, {{spent:.1f}} s")
from citelog import patient
from citelog.knowledge.load import load
opened = load(Path({root!r}, "knowledge/b12"), Path({root!r}, "ontology.ttl"))
if opened.knowledge:
    base = opened.knowledge
    case = {{"labs": [{{"analyte": "serum vitamin B12", "value": 80, "unit": "pmol/L"}}],
            "findings": [{{"name": "neurological involvement", "state": "absent"}}]}}
    given = patient.facts(patient.read(case, base.terms), base.terms)
    machine, times = Machine(base.program, base.stated), []
    for _ in range(50):
        began = time.perf_counter()
        machine.run(given)
        times.append(time.perf_counter() - began)
    print(f"{{reasoner()}} under citelog: one patient, warm, median {{sorted(times)[25] * 1000:.1f}} ms")
"""


def asked(python: str, program: str, question: str) -> tuple[str, float]:
    """pyDatalog's own answer, or that it hangs."""
    began = time.perf_counter()
    try:
        done = subprocess.run(
            [python, "-W", "ignore", "-c", ASKED],
            input=json.dumps([program, question]),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "hangs", SECONDS
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1], time.perf_counter() - began


def main(pythons: list[str]) -> None:
    """Print both tables."""
    for name, (program, question, right) in PROBES.items():
        print(f"{name:26} right: {right:22}", *(f"{asked(p, program, question)[0]:44}" for p in pythons))
    for python in pythons:
        code = UNDER_CITELOG.format(root=str(ROOT))
        print(subprocess.run([python, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main(sys.argv[1:] or [sys.executable])
