"""The command that serves over HTTP: pages, the API, hooks and SPARQL, on this machine unless told otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from citelog import home
from citelog.cli.console import AT, KB, assess_all, check_extra, command, meant_as_kb, open_base, say, tested_below
from citelog.cli.logs import LOG_KEY, check_key, enter, writable
from citelog.cli.replaying import sealed
from citelog.diagnostics import CitelogError

if TYPE_CHECKING:
    from citelog.knowledge.base import Knowledge
    from citelog.serve.admission import Admission
    from citelog.serve.app import Served
    from citelog.serve.hooks import Callers
    from citelog.serve.http.feedback import Feedback
    from citelog.serve.http.limits import Limits
    from citelog.serve.logged import Logged
    from citelog.serve.queries import Queries
    from citelog.serve.workers.dataset import Dataset


@command("citelog serve --port 8000 --case patient.yaml")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen. Where others than this machine can ask, say who may: --token-file, --trusted-user-header.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Only who has the token in this file is answered: programs send it, people sign in with it.",
)
@click.option(
    "--trusted-user-header",
    metavar="NAME",
    help="Only whom a reverse proxy names in this header is answered, or who has the token.",
)
@click.option(
    "--trusted-proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="With --trusted-user-header: where the proxy asks from, if not from this machine. Repeatable.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="What those who ask call this server, as in cds.example.org. Repeatable.",
)
@click.option(
    "--dataset",
    "files",
    multiple=True,
    metavar="FILE…",
    help="Answer from RDF files instead; ADDRESS=FILE puts one into the graph of that name.",
)
@click.argument("more", metavar="", nargs=-1)
@click.option("--case", "cases", multiple=True, metavar="CASE", help="A case to answer about; may be repeated.")
@click.option(
    "--population", metavar="OUT", help="Answers that `citelog population` wrote, to be summed up, listed and opened."
)
@click.option("--edit", is_flag=True, help="Let the playground save what is edited there; on this machine only.")
@click.option("--log", metavar="LOG", help="Enter each assessment in this log; its checkpoint is at /log/checkpoint.")
@LOG_KEY
@click.option("--feedback", metavar="FILE", help="Write there what becomes of cards; without it, it is only counted.")
@click.option(
    "--origin", "origins", multiple=True, metavar="ORIGIN", help="A web page of this origin may call hooks. Repeatable."
)
@click.option(
    "--jwt-keys", type=click.Path(path_type=Path), metavar="JWKS", help="Hooks are for who signs: public keys."
)
@click.option("--jwt-audience", metavar="URL", help="With --jwt-keys: the address of this server as callers know it.")
@click.option(
    "--jwt-issuer", "issuers", multiple=True, metavar="ISS", help="With --jwt-keys: who may sign. Repeatable."
)
@click.option("--time-limit", type=click.FloatRange(0.1), metavar="SECONDS", help="What a query may take.")
@KB
@AT
def serve(
    port: int,
    host: str,
    token_file: Path | None,
    trusted_user_header: str | None,
    proxies: tuple[str, ...],
    names: tuple[str, ...],
    files: tuple[str, ...],
    more: tuple[str, ...],
    cases: tuple[str, ...],
    population: str | None,
    edit: bool,
    log: str | None,
    log_key: Path | None,
    feedback: str | None,
    origins: tuple[str, ...],
    jwt_keys: Path | None,
    jwt_audience: str | None,
    issuers: tuple[str, ...],
    time_limit: float | None,
    kb: str | None,
    at: str | None,
) -> None:
    """Answer over HTTP: about patients, as JSON (/api), and SPARQL queries, about the cases that are named (/sparql).

    Hospital systems call it by CDS Hooks (/cds-services), and as FHIR (/fhir); docs/HOOKS.md says how.

    / leads to pages for people: a patient's answer and its proofs, the knowledge, its audit, and /playground, to try
    changes of rules and cases on. Nothing is changed through it all, but for what is saved there with --edit. Ctrl-C
    ends it. What stands against whom is in engine/SECURITY.md.

    With --log, each assessment is entered in a log before it is answered, and those of the cases that are named before
    anything is; drafts that are tried in the playground are not.
    """
    check_extra("serve", "serve", "starlette", "uvicorn", "msgspec")
    if more and not files:
        remedy = meant_as_kb(more[0], "serve") or "RDF files stand after --dataset"
        raise CitelogError(f"{more[0]}: what it is, no option says", remedy)
    if files:
        _refuse_beside_files(kb, cases, population, log, bool(feedback or origins or jwt_keys))
    check_key(log, log_key)
    if at is not None and not cases:
        remedy = "name some: --case CASE; who asks over HTTP says a day of their own"
        raise CitelogError("--at: it is the day of the cases that are named, and none is", remedy)
    if edit:
        _refuse_for_others(files, host, trusted_user_header, names)
    admission = _admission(host, token_file, trusted_user_header, proxies, jwt_keys is not None)
    callers = _callers(origins, jwt_keys, jwt_audience, issuers)
    from dataclasses import replace

    from citelog.graph.library import library
    from citelog.serve import server
    from citelog.serve.http.limits import Limits

    limits = Limits() if time_limit is None else replace(Limits(), query_seconds=time_limit)
    tested_below(None if files else open_base(kb))
    dataset = _of_files((*files, *more)) if files else _of_knowledge(kb, cases, at, log, log_key)
    _log()
    served = None if files else _served(kb, limits, edit, log, log_key, population)
    if served is not None:
        served = replace(served, callers=callers, feedback=_feedback(feedback))

    def started(address: str, queries: Queries) -> None:
        _told(address, queries, served, log)

    called = tuple(name.lower() for name in names)
    server.serve(dataset, library(), host, port, limits, started, served, admission, called)


def _refuse_beside_files(
    kb: str | None, cases: tuple[str, ...], population: str | None, log: str | None, is_called: bool
) -> None:
    """Refuse what only a knowledge base answers, where --dataset answers from RDF files."""
    if cases or kb or population:
        remedy = "leave --kb, --case and --population out"
        raise CitelogError("--dataset answers from files instead of a knowledge base", remedy)
    if log is not None:
        raise CitelogError("--log: nothing is assessed where RDF files are served", "leave --log or --dataset out")
    if is_called:
        what = "--dataset answers from files, and hooks from a knowledge base"
        raise CitelogError(what, "leave out --dataset, or --feedback, --origin and --jwt-keys")


def _refuse_for_others(files: tuple[str, ...], host: str, header: str | None, names: tuple[str, ...]) -> None:
    """Refuse --edit where there is no knowledge base to edit, or others than this machine could."""
    from citelog.serve.server import is_loopback

    if files:
        raise CitelogError("--edit: only a knowledge base can be edited", "leave out --dataset, or --edit")
    if not is_loopback(host):
        raise CitelogError(f"--edit: others could reach {host}, and change files", "leave out --host, or --edit")
    if header or names:
        option = "--trusted-user-header" if header else "--name"
        what = f"--edit: {option} is for others to reach it, who could change files"
        raise CitelogError(what, "leave one of them out")


def _of_files(files: tuple[str, ...]) -> Dataset:
    from citelog.serve.workers.dataset import of_files

    return of_files(files)


def _of_knowledge(
    kb: str | None, cases: tuple[str, ...], at: str | None, log: str | None, log_key: Path | None
) -> Dataset:
    from pyoxigraph import RdfFormat

    from citelog.graph.dataset import dataset
    from citelog.graph.parameters import Known
    from citelog.serve.workers.dataset import of_nquads

    knowledge = open_base(kb)
    found = assess_all(knowledge, cases, at)
    if log is not None and found:
        enter(found, sealed(found, kb), log, log_key, "citelog serve")
    made = dataset(home.knowledge(kb), knowledge, found)
    known = Known(knowledge, tuple(found), made.prefixes)
    return of_nquads(made.store.dump(format=RdfFormat.N_QUADS) or b"", made.prefixes, known)


def _served(
    kb: str | None, limits: Limits, edit: bool, log: str | None, log_key: Path | None, population: str | None
) -> Served:
    from citelog.serve.app import Served
    from citelog.serve.bench import Bench
    from citelog.serve.browsing import Browsing
    from citelog.serve.consultation import Consultation
    from citelog.serve.http.limits import Refusal
    from citelog.serve.playground import Playground

    knowledge, folder = open_base(kb), home.knowledge(kb)
    logged = None if log is None else _logged(knowledge, log, log_key)
    answers = None if population is None else _population(knowledge, population)
    consultation = Consultation(folder, knowledge.sha256, limits, logged.entered if logged else None, answers)
    try:
        playground = Playground(Bench(folder, limits, edit), knowledge)
    except Refusal as refusal:
        raise CitelogError(f"{folder}: {refusal.what}", refusal.remedy) from refusal
    return Served(consultation, playground, logged, Browsing(folder, knowledge, limits))


def _admission(
    host: str, token_file: Path | None, header: str | None, proxies: tuple[str, ...], are_calls_signed: bool
) -> Admission | None:
    """Who is let in, None where only this machine can ask. Raises CitelogError where others could unasked."""
    from dataclasses import replace
    from ipaddress import ip_address

    from citelog.serve.admission import Admission
    from citelog.serve.server import is_loopback

    if proxies and header is None:
        raise CitelogError("--trusted-proxy: whom it let in is not said", "name the header: --trusted-user-header NAME")
    for proxy in proxies:
        try:
            ip_address(proxy)
        except ValueError as error:
            raise CitelogError(f"--trusted-proxy {proxy}: this is no address", "as in 10.0.0.5") from error
    if token_file is None and header is None:
        if is_loopback(host):
            return None
        remedy = "say who may: --token-file FILE, or --trusted-user-header NAME behind a proxy; or leave --host out"
        raise CitelogError(f"--host {host}: others than this machine could ask, and see records", remedy)
    admission = Admission.read(token_file, header, frozenset(str(ip_address(proxy)) for proxy in proxies))
    return replace(admission, apart=("/cds-services",)) if are_calls_signed else admission


def _callers(origins: tuple[str, ...], keys: Path | None, audience: str | None, issuers: tuple[str, ...]) -> Callers:
    """Who may call the hooks. Raises CitelogError where the options are not whole."""
    from citelog.serve.hooks import Callers
    from citelog.serve.http.guard import parts
    from citelog.serve.http.tokens import Tokens

    for origin in origins:
        split = parts(origin)
        if origin != "*" and (origin != f"{split.scheme}://{split.netloc}" or not split.netloc):
            raise CitelogError(f"--origin {origin}: this is no origin", "as in https://ehr.example.org, without a path")
    if keys is None:
        if audience or issuers:
            option = "--jwt-audience" if audience else "--jwt-issuer"
            raise CitelogError(f"{option}: there are no keys to verify tokens by", "give some: --jwt-keys JWKS")
        return Callers(frozenset(origins))
    if not audience or not issuers:
        missing = "--jwt-issuer ISS" if audience else "--jwt-audience URL"
        raise CitelogError("--jwt-keys: whom to believe is not said in full", f"add {missing}")
    if parts(audience).scheme not in ("http", "https"):
        raise CitelogError(f"--jwt-audience {audience}: this is no address", "as in https://cds.example.org")
    return Callers(frozenset(origins), Tokens.read(keys, audience, issuers))


def _feedback(file: str | None) -> Feedback:
    from citelog.serve.http.feedback import Feedback

    return Feedback() if file is None else Feedback.to(Path(file))


def _population(knowledge: Knowledge, population: str) -> Path:
    """A folder of answers by this knowledge base. Raises CaseError where it is none."""
    check_extra("--population", "population", "duckdb", "pyarrow", "numpy")

    from citelog.population.opened import opened

    answers = opened(Path(population))
    answers.check(knowledge)
    return answers.folder


def _logged(knowledge: Knowledge, log: str, log_key: Path | None) -> Logged:
    from citelog.ledger.writer import Writer
    from citelog.serve.logged import Logged

    return Logged(Writer(writable(log, log_key)), knowledge.identity)


def _told(address: str, queries: Queries, served: Served | None, log: str | None) -> None:
    if log is not None:
        say(f"{address}log/checkpoint is the signed checkpoint of {log}")
    if served is not None:
        playground = served.playground
        say(f"{address} shows what the document says about a patient, and why")
        saving = "drafts can be saved" if playground.bench.edit else "nothing is saved"
        say(f"{address}playground is for trying changes of {playground.knowledge.id}: {saving}")
        if served.consultation.population is not None:
            say(f"{address}population sums up {served.consultation.population}, as soon as it has been counted")
        say(f"{address}api/openapi.json describes how programs ask about patients")
        signed = " to who signs" if served.callers.tokens else ""
        say(f"{address}cds-services answers the hooks of hospital systems{signed}")
    held = queries.contents
    say(f"{address}sparql answers queries over {held.quads:,} quads (named graphs: {len(held.graphs):,})")


def _log() -> None:
    """Log lines go where messages go."""
    import logging

    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    logging.getLogger("citelog.serve").setLevel(logging.INFO)


COMMANDS = (serve,)
