"""The commands about a knowledge base and about what citelog writes: what is wrong with it, which form it has."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from citelog import disk, home
from citelog.cli.console import (
    KB,
    No,
    address,
    command,
    forms,
    meant_as_kb,
    open_base,
    print_lines,
    progress,
    say,
    tested_below,
    width,
    write,
    write_json,
)
from citelog.diagnostics import CitelogError

if TYPE_CHECKING:
    from citelog.knowledge.base import Knowledge


@command("citelog new my-guideline --document guideline.txt")
@click.argument("dir_", metavar="DIR")
@click.option("--document", metavar="FILE", help="The document, as plain text in UTF-8; a short sample without it.")
@click.option("--kb", metavar="NAME_OR_DIR", help="Take the document of this knowledge base, to encode it anew.")
@click.option("--id", "id_", metavar="NAME", help="The id of the knowledge base; without it the folder's name.")
@click.option("--title", metavar="TEXT", help="What the document is about; without it the document's first line.")
def new(dir_: str, document: str | None, kb: str | None, id_: str | None, title: str | None) -> None:
    """A knowledge base made from a document, in a new folder, ready to be checked, tested and worked on.

    The text is pinned and cut into segments; a statement, a rule and a case stand as examples to be replaced.
    """
    from citelog.author.new import new as make
    from citelog.render.phrases import counted

    if kb is not None:
        if document is not None:
            raise CitelogError("--document and --kb: there are two documents", "name one of the two")
        document = str(home.knowledge(kb) / "source" / open_base(kb).source.file)
    named = shlex.quote(f"./{dir_}" if dir_ in home.shipped() else dir_)
    made = make(Path(dir_), Path(document) if document is not None else None, id_, title)
    write(
        f"{dir_}: a knowledge base of “{made.title}”\n"
        f"  source/{made.file}, pinned byte for byte\n"
        f"  {counted(made.segments, 'segment')}: 1 encoded as the example, {made.segments - 1} not yet read\n"
        f"  {counted(made.sections, 'line')} taken for headings\n"
        f"next: citelog check --kb {named}\n"
        f"      citelog test --kb {named}\n"
        f'      citelog quote --kb {named} "some words of the document"\n'
    )


@command('citelog quote "Repeat the test after 3 months" --kb my-guideline/')
@click.argument("text", metavar="TEXT")
@KB
@forms("text", "json")
def quote(text: str, kb: str | None, form: str) -> None:
    """A passage of the document: its place, what quotes it already, and a statement about it to be completed.

    Where the words are not there letter for letter, the passage most like them, what differs, and exit status 1.
    """
    from citelog.author.passages import search

    found = search(home.knowledge(kb).resolve(), text)
    if form == "json":
        write_json(found.to_dict())
    else:
        from citelog.reports.passages import passages

        print_lines(passages(found, width()), kb)
    if not found.exact:
        raise No("")


@command("citelog check --kb my-guideline/ --strict")
@KB
@forms("text", "json", "sarif")
@click.option("--strict", is_flag=True, help="End with status 1 where there is advice that nobody accepts.")
@click.option("--accepted", "--acknowledged", is_flag=True, help="Show accepted advice too, with the reasons.")
def check(kb: str | None, form: str, strict: bool, accepted: bool) -> None:
    """Everything wrong with a knowledge base, and what an expert would advise, in one run.

    Advice is accepted where it is given, with a reason: `%%% @accept CODE: reason` above a rule, `cl:accepts
    "CODE: reason"` in a statement.
    """
    from citelog.advice.review import review

    tested_below()
    folder = home.knowledge(kb).resolve()
    found = review(folder)
    if form == "json":
        write_json([d.to_dict() for d in found])
    elif form == "sarif":
        from citelog.advice.review import CODES as ADVICE
        from citelog.knowledge.check import CODES as ERRORS
        from citelog.reports.sarif import sarif

        document = sarif(found, ERRORS, ADVICE, lambda file: address(folder.parent / file))
        write_json(document)
    else:
        from citelog.render import text

        shown = [d for d in found if accepted or not d.accepted]
        print_lines([*text.findings(shown), text.findings_counted(folder.name, found)], kb)
    errors = any(d.severity == "error" for d in found)
    if errors or (strict and any(not d.accepted for d in found)):
        raise No("")


@command("citelog fmt --kb my-guideline/ --check")
@click.argument("files", metavar="[FILE…]", nargs=-1)
@KB
@click.option("--check", "dry", is_flag=True, help="Write nothing: show what would change, and end with status 1.")
def fmt(files: tuple[str, ...], kb: str | None, dry: bool) -> None:
    """The files of a knowledge base laid out, and the places of quotes filled in and kept current.

    Indentation, blanks and columns change, and the order of what is said about a statement; what the files mean does
    not, and every comment stays. FILE chooses among the statements (*.trig), the words (*.ttl) and the rules (*.rls).
    """
    from citelog.layout.files import choose, lay_out
    from citelog.layout.files import write as put
    from citelog.render.phrases import counted

    folder = home.knowledge(kb).resolve() if kb is not None or not files else None
    laid = [one for base, chosen in choose(files, folder) for one in lay_out(base, chosen)]
    changed = [one for one in laid if one.changed]
    if dry:
        write("".join(one.diff() for one in changed))
        if changed:
            raise No(f"{len(changed)} of {counted(len(laid), 'file')} would change")
        return
    put(changed)
    for one in changed:
        places = f", with {counted(len(one.places), 'place')}: {', '.join(one.places)}" if one.places else ""
        write(f"{one.name}: laid out{places}\n")
    if not changed:
        write(f"{counted(len(laid), 'file')}: nothing to change\n")


@command("citelog test --kb my-guideline/ symptoms")
@click.argument("words", metavar="[WORD…]", nargs=-1)
@KB
@forms("text", "json")
@click.option("--junit", metavar="FILE", help="Write the outcome as JUnit XML too.")
@click.option("--accept", is_flag=True, help="Renew the proofs that cases keep as text, and show what changed.")
@click.option("--watch", is_flag=True, help="Stay, and run again what each edit touches; Ctrl-C ends it.")
def test(words: tuple[str, ...], kb: str | None, form: str, junit: str | None, accept: bool, watch: bool) -> None:
    """A knowledge base tried on its own cases: what is expected, and whether it is so.

    WORD chooses the cases whose name holds it.
    """
    from citelog.trial import expectations

    if watch:
        if form != "text" or junit is not None or accept:
            raise CitelogError("--watch is for people", "leave --format, --junit and --accept to a run without it")
        from citelog.cli.watching import watch as stay

        stay(kb, words)
        return
    knowledge, folder = open_base(kb), home.knowledge(kb)
    files = expectations.case_files(folder, words)
    if not files:
        meant = next(filter(None, (meant_as_kb(word, "test") for word in words)), None)
        raise expectations.no_case(folder, words, meant)
    found: list[expectations.Trial] = []
    renewed: list[expectations.Renewed] = []
    for file in progress(files, "cases run"):
        trial, assessment = expectations.tried(knowledge, file)
        expect = assessment.case.expect if assessment is not None else None
        if accept and assessment is not None and expect is not None:
            renewed += expectations.accept(assessment, expect, file)
            trial, _ = expectations.tried(knowledge, file)
        found.append(trial)
    if junit is not None:
        from citelog.trial.junit import xml

        disk.put(Path(junit), xml(found, knowledge.id).encode())
    if form == "json":
        for one in renewed:
            say(f"renewed {one.path}")
        write_json([trial.to_dict() for trial in found])
    else:
        from citelog.reports.trials import accepted as told
        from citelog.reports.trials import trials

        print_lines([*told(renewed, folder), *trials(found, knowledge, width())], kb)
    if any(trial.failures for trial in found):
        raise No("")


@command("citelog coverage --kb my-guideline/ --fail-under 90")
@KB
@forms("text", "json")
@click.option("--rule", metavar="NAME", help="Only this rule, with the cases that exercise each part of it.")
@click.option(
    "--fail-under",
    "least",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="End with status 1 below this share.",
)
def coverage(kb: str | None, form: str, rule: str | None, least: float | None) -> None:
    """What the cases of a knowledge base never exercise, and cases that would.

    A rule that never fires, a literal that never decides, a limit that no value is tried at, and what is never
    cited, shown or concluded.
    """
    from citelog.trial import expectations
    from citelog.trial.coverage import Survey
    from citelog.trial.suggested import suggested

    knowledge, folder = open_base(kb), home.knowledge(kb)
    files = expectations.case_files(folder)
    if not files:
        raise CitelogError(f"{folder / 'cases'}: no case", "engine/CASES.md says how to write one")
    survey = Survey(knowledge, files)
    found = survey.coverage() if rule is None else survey.coverage().of_rule(rule)
    suggestions = suggested(survey, found.gaps)
    if form == "json":
        document = found.to_dict() | {"suggestions": [one.to_dict() for one in suggestions]}
        write_json(document)
    else:
        from citelog.reports import covered

        tell = covered.covered if rule is None else covered.rule
        print_lines(tell(found, suggestions, knowledge, width()), kb)
    if least is not None and found.percent < least:
        raise No(f"{found.percent:.2f} % is exercised, less than {least:g} %")


@command("citelog show G06")
@click.argument("id_", metavar="[ID]", required=False)
@KB
@forms("text", "json")
def show(id_: str | None, kb: str | None, form: str) -> None:
    """A statement, rule, conflict, predicate or term, with its quote and where it is used.

    Without ID, what the knowledge base holds, and all that it can conclude.
    """
    from citelog.knowledge.lookup import find

    knowledge = open_base(kb)
    if id_ is None:
        return _show_all(knowledge, form)
    found = find(knowledge, id_)
    if form == "json":
        from citelog.render.documents import written

        write(written([one.to_dict() for one in found], several=len(found) > 1))
        return
    from citelog.render.text import found as lines

    print_lines(line for one in found for line in lines(one, width()))


def _show_all(knowledge: Knowledge, form: str) -> None:
    from citelog.explain.contents import contents

    document = contents(knowledge)
    if form == "json":
        from citelog.render.documents import written

        return write(written([document]))
    from citelog.render.text import contents as lines

    print_lines(lines(document, width()))


@command("citelog schema proof")
@click.argument("name", metavar="NAME", required=False)
def schema(name: str | None) -> None:
    """The JSON Schema of a document that citelog writes; without NAME, the names that there are."""
    from citelog import schemas

    if name:
        write_json(schemas.schema(name))
    else:
        write("\n".join(schemas.names()) + "\n")


COMMANDS = (new, quote, fmt, check, test, coverage, show, schema)
