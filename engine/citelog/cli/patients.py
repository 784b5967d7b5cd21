"""The commands about a patient: what the document says, why, why not, what if, what is missing, and contrasts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citelog.cli.console import (
    AT,
    KB,
    PATIENT,
    POPULATION,
    No,
    assess_all,
    command,
    forms,
    open_base,
    print_lines,
    width,
    write,
    write_json,
)
from citelog.cli.logs import LOG_KEY, check_key, enter
from citelog.cli.proposed import complete, completed
from citelog.cli.replaying import keep, placed, sealed
from citelog.diagnostics import CitelogError, advised, proposal

if TYPE_CHECKING:
    from citelog.assess import Assessment
    from citelog.knowledge.base import Knowledge
    from citelog.proof.graph import Proof
    from citelog.render.lines import Line


def _print(parts: Iterable[Iterable[Line]], knowledge: Knowledge, kb: str | None = None) -> None:
    """Parts one after the other, then what the document of a knowledge base says about itself."""
    print_lines(_lines(parts, 1, knowledge), kb)


def _lines(parts: Iterable[Iterable[Line]], between: int, knowledge: Knowledge | None = None) -> list[Line]:
    """Parts one after the other; with `knowledge`, then what its document says about itself."""
    from citelog.render.lines import Line, wrapped

    lines: list[Line] = []
    for i, part in enumerate(parts):
        lines += [Line("")] * (between if i else 0)
        lines += part
    for caveat in knowledge.caveats[:1] if knowledge else ():
        told = f"! {caveat.text} [{' '.join(caveat.statements)}]"
        lines += [Line(""), *wrapped(told, width(), "  ", "yellow")]
    return lines


@command("citelog assess patient.yaml --format json")
@click.argument("cases", metavar="CASE…", nargs=-1, required=True)
@KB
@forms("text", "json", "html", "svg", "prov", "jsonld", "fhir")
@click.option("--log", metavar="LOG", help="Enter each assessment in this log, and print it once it is on the disk.")
@LOG_KEY
@AT
@PATIENT
@click.option(
    "--receipt",
    metavar="FILE|DIR",
    help="Also keep the record, the answer and its proofs, sealed; of several cases in a folder, a file of each.",
)
@POPULATION
def assess(
    cases: tuple[str, ...],
    kb: str | None,
    form: str,
    log: str | None,
    log_key: Path | None,
    at: str | None,
    of: str | None,
    receipt: str | None,
    population: str | None,
) -> None:
    """Every conclusion for a patient, each with its reasons and citations.

    CASE is a case file, a FHIR R4 record in JSON, or - for standard input.
    """
    check_key(log, log_key)
    found = assess_all(open_base(kb), cases, at, population, of)
    answer = _answer(found, form, len(cases) > 1)  # ready, before anything keeps that it was given
    if log is not None or receipt is not None:
        receipts = sealed(found, kb)
        files = {} if receipt is None else placed(found, receipts, receipt)
        if log is not None:
            enter(found, receipts, log, log_key, "citelog assess")
        keep(files)
    answer()


def _answer(found: list[Assessment], form: str, several: bool) -> Callable[[], None]:
    """What prints the answer, and has nothing to do any more that could go wrong but to print it."""
    if form == "json":
        from citelog.render.documents import assessments

        return partial(write, assessments(found, several))
    if form == "text":
        from citelog.render import text

        return partial(print_lines, _lines((text.assessment(one, width()) for one in found), between=2))
    return partial(write, _pictured(found, form) if form in ("html", "svg") else _exchanged(found, form))


def _pictured(found: list[Assessment], form: str) -> str:
    """The page of one patient, or the picture of the regimen steps."""
    if len(found) > 1:
        raise CitelogError(f"--format {form}: {len(found)} cases, and a page is of one patient", "name one case a call")
    if form == "html":
        from citelog.render.page import page

        return page(found[0])
    from citelog.render.timeline import timeline

    drawn = timeline(found[0])
    if not drawn:
        raise No(f"{found[0].case.id}: no regimen is concluded, and there is nothing to draw")
    return drawn


def _exchanged(found: list[Assessment], form: str) -> str:
    """Documents for other systems: one of each case; JSON forms of several cases are an array."""
    from citelog.render import fhir, prov

    if form == "prov":
        return "\n".join(prov.turtle(one) for one in found)
    documents = [(fhir.to_json if form == "fhir" else prov.jsonld)(one).rstrip() for one in found]
    return ("[\n" + ",\n".join(documents) + "\n]" if len(found) > 1 else documents[0]) + "\n"


@command("citelog why --kb examples/short-nights record.yaml night:SHORT")
@click.argument("case", metavar="CASE")
@click.argument("conclusion", metavar="CONCLUSION")
@KB
@forms("text", "json", "mermaid", "dot", "svg", "prov", "jsonld")
@click.option("--all", "every", is_flag=True, help="Every step of every way, also those that only read the record.")
@click.option(
    "--shortest", is_flag=True, help="One way only, also to the conclusion itself: the one with fewest steps."
)
@click.option("--quotes", is_flag=True, help="Quote every statement in its place.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Open the tree no deeper than this.")
@AT
@PATIENT
@POPULATION
def why(
    case: str,
    conclusion: str,
    kb: str | None,
    form: str,
    every: bool,
    shortest: bool,
    quotes: bool,
    depth: int | None,
    at: str | None,
    of: str | None,
    population: str | None,
) -> None:
    """The proof of one conclusion: the record, the rules and the quoted sentences behind it.

    CONCLUSION is its id, as `citelog assess` shows it: kind:value.
    """
    from citelog.assess import NotConcludedError

    if shortest and form not in ("text", "mermaid", "dot", "svg"):
        whole = "a proof that leaves ways out is none that a program could check"
        raise CitelogError(f"--shortest --format {form}: {whole}", "leave --shortest out, or take a form for people")
    [assessment] = assess_all(open_base(kb), (case,), at, population, of)
    try:
        proofs = [assessment.why(id_) for id_ in assessment.ids(conclusion)]
    except NotConcludedError as error:
        again = completed(f"ask why not: {proposal('why-not', 'CASE', conclusion)}")
        raise No(advised(str(error), again)) from error
    if form == "text":
        from citelog.render import proofs as text

        told = (
            [*text.proof(one, assessment, every, depth, width(), quotes, shortest), text.reviewed(one, assessment)]
            for one in proofs
        )
        _print(told, assessment.knowledge, kb)
    elif form == "json":
        documents = [proof.to_dict() for proof in proofs]
        write_json(documents if len(documents) > 1 else documents[0])
    elif form in ("prov", "jsonld"):
        from citelog.render import prov

        write((prov.turtle if form == "prov" else prov.jsonld)(assessment, [proof.conclusion for proof in proofs]))
    elif len(proofs) > 1:
        ids = ", ".join(proof.conclusion for proof in proofs)
        raise CitelogError(f"{conclusion}: {len(proofs)} conclusions, and a picture shows one", f"name one: {ids}")
    else:
        write(_drawn(proofs[0].shortest() if shortest else proofs[0], assessment, form, every))


def _drawn(proof: Proof, assessment: Assessment, form: str, every: bool) -> str:
    """The picture of a proof."""
    from citelog.render import diagram, picture
    from citelog.render.phrases import caption

    sentence = assessment.by_id[proof.conclusion].sentence
    if form == "svg":
        return picture.svg(proof, every, sentence, caption(assessment))
    return (diagram.dot if form == "dot" else diagram.mermaid)(proof, every, sentence)


@command("citelog why-not --kb examples/short-nights record.yaml advice:BED_EARLIER", "why-not")
@click.argument("case", metavar="CASE")
@click.argument("conclusion", metavar="CONCLUSION")
@KB
@forms("text", "json")
@AT
@PATIENT
@POPULATION
def why_not(
    case: str, conclusion: str, kb: str | None, form: str, at: str | None, of: str | None, population: str | None
) -> None:
    """Why a conclusion was not reached, and the smallest changes of the record that would reach it.

    Each change that is shown was made to the record, and everything derived again.
    """
    from citelog.explain.why_not import ReachedError

    [assessment] = assess_all(open_base(kb), (case,), at, population, of)
    try:
        found = assessment.why_not(conclusion)
    except ReachedError as error:
        raise No(str(complete(error))) from error
    if form == "json":
        return write_json(found.to_dict())
    from citelog.render import explained

    _print([explained.why_not(found, assessment.knowledge, width())], assessment.knowledge)


@command("citelog what-if patient.yaml --set 'labs[0].value=120'", "what-if")
@click.argument("case", metavar="CASE")
@click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Give a key of an entry another value.")
@click.option("--drop", "drops", multiple=True, metavar="PATH", help="Leave out an entry, or a key of one.")
@click.option(
    "--add", "adds", multiple=True, metavar="YAML", help="An entry more: 'findings: {name: …, state: present}'."
)
@KB
@forms("text", "json")
@AT
@PATIENT
@POPULATION
def what_if(
    case: str,
    sets: tuple[str, ...],
    drops: tuple[str, ...],
    adds: tuple[str, ...],
    kb: str | None,
    form: str,
    at: str | None,
    of: str | None,
    population: str | None,
) -> None:
    """What changes when facts change: conclusions gained, lost, and kept for another reason.

    PATH is one that `citelog assess` shows, with a key behind it: labs[0].value. All paths are those of the
    record as it is, in whatever order the changes are given.
    """
    knowledge = open_base(kb)
    [assessment] = assess_all(knowledge, (case,), at, population, of)
    if not (sets or drops or adds):
        raise CitelogError("what-if: no change is given", "give one: --set PATH=VALUE, --drop PATH or --add YAML")
    found = assessment.what_if(set=sets, drop=drops, add=adds)
    if form == "json":
        return write_json(found.to_dict())
    from citelog.render import explained

    _print([explained.what_if(found, width())], knowledge)


@command("citelog missing patient.yaml")
@click.argument("case", metavar="CASE")
@click.option(
    "--of", "conclusion", metavar="CONCLUSION", help="Of one conclusion: what could change it, what it depends on."
)
@KB
@forms("text", "json")
@AT
@PATIENT
@POPULATION
def missing(
    case: str, conclusion: str | None, kb: str | None, form: str, at: str | None, of: str | None, population: str | None
) -> None:
    """Which unrecorded item could change the answer, and how, for each of its possible values."""
    from citelog.assess import NotConcludedError

    [assessment] = assess_all(open_base(kb), (case,), at, population, of)
    try:
        found = assessment.missing(conclusion)
    except NotConcludedError as error:
        raise No(str(error)) from error
    if form == "json":
        return write_json(found.to_dict())
    from citelog.render import explained

    _print([explained.missing(found, width())], assessment.knowledge)


@command("citelog contrast --kb examples/short-nights record.yaml advice:NAP advice:BED_EARLIER")
@click.argument("case", metavar="CASE")
@click.argument("first", metavar="A|OTHER")
@click.argument("second", metavar="[B]", required=False)
@KB
@forms("text", "json")
@AT
@PATIENT
def contrast(
    case: str, first: str, second: str | None, kb: str | None, form: str, at: str | None, of: str | None
) -> None:
    """Why this conclusion and not that one; why this patient and not that one.

    With two conclusions A and B: why the one, and why not the other. With OTHER, a second case: what differs
    between the two patients; of one conclusion only, where it is named after OTHER.
    """
    from citelog.render import explained

    knowledge = open_base(kb)
    if _is_case(first):
        if of is not None:
            what = "--patient: two records are compared, and it cannot tell whose patient it names"
            raise CitelogError(what, "give records of one patient each")
        one, other = assess_all(knowledge, (case, first), at)
        patients = one.contrast(other, second)
        if form == "json":
            return write_json(patients.to_dict())
        return _print([explained.contrast_patients(patients, width())], knowledge)
    [assessment] = assess_all(knowledge, (case,), at, of=of)
    if second is None:
        raise CitelogError(
            f"{first}: no case file, and a second conclusion is missing", "name two conclusions, or a second case"
        )
    found = assessment.contrast(first, second)
    if form == "json":
        return write_json(found.to_dict())
    return _print([explained.contrast(found, knowledge, width())], knowledge)


@command("citelog certify patient.yaml; or citelog certify patient.yaml proof.json")
@click.argument("case", metavar="CASE")
@click.argument("proofs", metavar="[PROOF.json…]", nargs=-1)
@KB
@forms("text", "json")
@AT
@PATIENT
def certify(case: str, proofs: tuple[str, ...], kb: str | None, form: str, at: str | None, of: str | None) -> None:
    """Proofs checked by a program that shares nothing with the one that made them.

    Without proofs, the whole assessment of the case: every conclusion proved, every absence real, no rule left
    unfired. With proofs, each of these documents against the case and the knowledge base.
    """
    from citelog.checker import Checker

    [assessment] = assess_all(open_base(kb), (case,), at, of=of)
    checker = Checker(assessment.knowledge, assessment.case, assessment.at)
    if proofs:
        told = {name: checker.check_proof(_document(name)) for name in proofs}
    else:
        documents = [assessment.why(id_).to_dict() for id_ in assessment.by_id]
        told = {assessment.case.id: checker.certify(assessment.to_dict(), documents)}
    faults = [(name, fault) for name, found in told.items() for fault in found]
    if form == "json":
        write_json([{"document": name, "step": fault.step, "what": fault.what} for name, fault in faults])
    else:
        from citelog.render.lines import Line
        from citelog.render.phrases import counted

        lines = [Line(f"{name}: {fault.step}: {fault.what}", "bold red") for name, fault in faults]
        proved = counted(len(assessment.conclusions), "conclusion is", "conclusions are")
        whole = f"{proved} proved, and no rule is left unfired"
        good = [
            Line(f"{name}: {'the proof holds' if proofs else whole}", "bold green")
            for name, found in told.items()
            if not found
        ]
        print_lines([*lines, *good])
    if faults:
        raise No("")


def _document(name: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key stands twice in one object")
        return found

    try:
        return json.loads(Path(name).read_text(encoding="utf-8"), object_pairs_hook=once)
    except RecursionError as error:
        raise CitelogError(f"{name}: it is nested too deeply", "give what --format json wrote") from error
    except OSError as error:
        raise CitelogError(f"{name}: it cannot be read: {error.strerror}", "check the path") from error
    except ValueError as error:
        raise CitelogError(f"{name}: this cannot be read as JSON: {error}", "give what --format json wrote") from error


def _is_case(name: str) -> bool:
    return name == "-" or Path(name).exists() or Path(name).suffix in (".yaml", ".yml", ".json")


COMMANDS = (assess, why, why_not, what_if, missing, contrast, certify)
