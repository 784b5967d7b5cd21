"""`citelog check`, beside rdflib and pySHACL with the same files and shapes; after a keystroke; and how it grows.

The peers read the files and validate the shapes, which is a part of what check does: no quote, no rule, no advice. All
are timed within this process, with everything imported and nothing kept from before, but for the keystroke: there one
character of a file differs from what was checked last, as in an editor.

Then made-up documents of 250 to 2,000 sentences, each a segment, a statement, a finding and a rule: what one sentence
costs must not grow with their number.

    python benchmarks/checking.py [--rounds 20] [--json figures.json]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pyshacl
from rdflib import Dataset, Graph

from citelog import home
from citelog.advice.review import review
from citelog.knowledge.files import Drafts
from measure import interleaved, table

BASE = home.home() / "knowledge" / "b12"
SHAPES = home.home() / "knowledge" / "shapes.ttl"
SECONDS, RATIO = 0.5, 0.35  # the bars: own time of the processor, and against the peers
GROWTH = 1.5  # what a sentence of the largest document costs, over one of the smallest
SIZES = (250, 500, 1000, 2000)


def forget() -> None:
    """Nothing is kept from before: every cache of citelog's own is emptied."""
    for name, module in list(sys.modules.items()):
        if name.startswith("citelog"):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def checked() -> int:
    """The whole of check, from nothing."""
    forget()
    return len(review(BASE))


def keystrokes() -> Iterator[Drafts]:
    """One file after another with one character more."""
    files = [BASE / "statements.trig", BASE / "rules" / "50-regimens.rls"]
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    for i in count():
        file = files[i % len(files)]
        yield Drafts({file: f"{texts[file]}{'#' if file.suffix == '.trig' else '%'}{' ' * (i % 1000)}\n"})


def parsed() -> Graph:
    """The same files, read by rdflib."""
    data = Graph()
    for path in [home.ontology(), *BASE.glob("*.ttl"), *BASE.glob("*.trig")]:
        dataset = Dataset()
        dataset.parse(path, format="trig")
        for s, p, o, _ in dataset.quads():
            data.add((s, p, o))
    return data


def validated() -> bool:
    """The same files and the same shapes, by rdflib and pySHACL."""
    conforms, _, _ = pyshacl.validate(parsed(), shacl_graph=Graph().parse(SHAPES), advanced=True)
    assert conforms
    return True


# documents of any size

ABOUT = """
ex:kb a cl:KnowledgeBase ;
    dcterms:identifier "made" ; dcterms:title "Made up" ; pav:version "1.0.0" ; cl:document ex:document .
ex:document a cl:SourceDocument ;
    dcterms:title "Made up" ; cl:file "source/a.txt" ; cl:sha256 "{sha256}" ;
    cl:reviewStatus "made up" ; cl:reviewStatusFrom ex:S0 .
ex:voice a cl:Voice ; rdfs:label "nobody" .
"""
PREDICATES = """
ex:kind_regimen a cl:ConclusionKind ;
    cl:order 1 ; skos:notation "regimen" ; cl:derivedBy "regimen" ; cl:fields "dose duration" .
ex:predicate_regimen a cl:DerivedPredicate ;
    cl:signature "regimen(patient: patient, value: term)" ;
    cl:sentence "give {value}" ; cl:absence "{value} is not given" .
"""
SEGMENT = """
ex:segment_{i} a cl:Segment ;
    cl:order {line} ; cl:line {line} ; cl:text "{sentence}." ; cl:encodedAs ex:S{i} .
"""
STATEMENT = """
ex:S{i} a cl:Statement ;
    cl:kind "regimen step" ; cl:quote "{sentence}" ; cl:line {line} ; cl:modality "asserted" ; cl:voice ex:voice .

ex:S{i} {{
    ex:STEP_{i} a cl:RegimenStep ;
        cl:forPopulation ex:sign_{i} ; cl:dose ex:dose_{i} ; cl:duration ex:duration_{i} .
    ex:dose_{i} cl:text "{dose} mg" ; cl:value {dose}.0 ; cl:unit "mg" .
    ex:duration_{i} cl:text "{days} days" ; cl:value {days}.0 ; cl:unit "day" ; cl:timeUnit cl:day .
}}
"""
RULE = """
%%% @cites S{i}
#[name("step-{i}")]
#[display(f"{{?step}}.")]
regimen(?p, ?step) :- ?step = ex:STEP_{i}, entry(?p, ?r, ex:sign_{i}, cl:present) .
"""


def written(folder: Path, sentences: int) -> Path:
    """A knowledge base about a made-up document: for each sentence a segment, a statement, a finding and a rule."""
    prefixes = "".join(
        f"@prefix {prefix}: <{iri}> .\n"
        for prefix, iri in {
            "cl": "https://w3id.org/citelog#",
            "ex": "https://example.org/made#",
            "dcterms": "http://purl.org/dc/terms/",
            "pav": "http://purl.org/pav/",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
            "skos": "http://www.w3.org/2004/02/skos/core#",
        }.items()
    )
    said = [f"If sign number {i} is present, give {i % 90 + 2} mg for {i % 7 + 2} days" for i in range(sentences)]
    document = "".join(f"{sentence}.\n" for sentence in said)
    about = ABOUT.format(sha256=hashlib.sha256(document.encode()).hexdigest())
    segments, statements, terms, rules = [prefixes], [prefixes], [prefixes], [prefixes]
    for i, sentence in enumerate(said):
        values = {"i": i, "line": i + 1, "sentence": sentence, "dose": i % 90 + 2, "days": i % 7 + 2}
        segments.append(SEGMENT.format(**values))
        statements.append(STATEMENT.format(**values))
        terms.append(f'\nex:sign_{i} a cl:Finding ; skos:prefLabel "sign number {i}" .\n')
        rules.append(RULE.format(**values))
    (folder / "source").mkdir(parents=True)
    (folder / "rules").mkdir()
    (folder / "source" / "a.txt").write_text(document, encoding="utf-8")
    for name, parts in {
        "about.ttl": [prefixes, about],
        "predicates.ttl": [prefixes, PREDICATES],
        "segments.ttl": segments,
        "statements.trig": statements,
        "terms.ttl": terms,
        "rules/10-steps.rls": rules,
    }.items():
        (folder / name).write_text("".join(parts), encoding="utf-8")
    return folder


def processor(task: Callable[[], object]) -> float:
    """Seconds of the processor that a task takes, the best of three: what others do on the machine is not in it."""
    times = []
    for _ in range(3):
        started = time.process_time()
        task()
        times.append(time.process_time() - started)
    return min(times)


def sound(folder: Path) -> None:
    """The whole of check, from nothing, about a folder with which nothing is wrong."""
    forget()
    assert review(folder) == ()


def grown() -> dict[int, float]:
    """Seconds of the processor for documents of each size."""
    taken = {}
    with tempfile.TemporaryDirectory() as kept:
        for size in SIZES:
            folder = written(Path(kept) / str(size), size)
            taken[size] = processor(lambda folder=folder: sound(folder))  # type: ignore[misc]
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    args = parser.parse_args()
    typed = keystrokes()
    tasks = {
        "check, from nothing": checked,
        "check, after a keystroke": lambda: len(review(BASE, next(typed))),
        "rdflib reads the files": parsed,
        "rdflib and pySHACL": validated,
    }
    times = interleaved(tasks, args.rounds)
    own, peer = times["check, from nothing"], times["rdflib and pySHACL"]
    rows = [(name, f"{t.median * 1e3:.0f}", f"{t.ratio(peer):.3f}") for name, t in times.items()]
    print(table("B12", ("", "ms", "against rdflib and pySHACL"), rows))
    alone = processor(checked)
    print(f"check, from nothing: {alone:.2f} s of the processor\n")
    growth = grown()
    each = {size: seconds / size for size, seconds in growth.items()}
    rows = [(str(size), f"{seconds:.2f}", f"{each[size] * 1e3:.2f}") for size, seconds in growth.items()]
    print(table("Made-up documents", ("sentences", "s of processor", "ms for each"), rows))
    steeper = each[SIZES[-1]] / each[SIZES[0]]
    bars = {
        f"B12 under {SECONDS} s of the processor ({alone:.2f})": alone < SECONDS,
        f"under {RATIO} of the peers' time ({own.ratio(peer):.3f})": own.ratio(peer) < RATIO,
        f"a sentence of {SIZES[-1]} costs less than {GROWTH} times one of {SIZES[0]} ({steeper:.2f})": steeper < GROWTH,
    }
    for bar, reached in bars.items():
        print(f"{'reached' if reached else 'MISSED'}: {bar}")
    if args.json:
        figures = {name: t.to_dict() for name, t in times.items()} | {"own_s": alone, "growth_s": growth}
        args.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if all(bars.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
