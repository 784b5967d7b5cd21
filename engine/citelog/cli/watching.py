"""`citelog test --watch`: a knowledge base tried again at each edit, until Ctrl-C."""

from __future__ import annotations

import time

from citelog import home
from citelog.cli.console import open_base, print_lines, progress, width

PATIENCE = 1000
"""Milliseconds after which the files are looked at although nothing was reported: not every disk reports."""

SUFFIXES = (".yaml", ".yml", ".json", ".rls", ".ttl", ".trig", ".txt")


def watch(kb: str | None, words: tuple[str, ...]) -> None:
    """Try every case, then stay and tell what each edit changes.

    Raises CitelogError where there is no case to begin with, KnowledgeError where the knowledge base has a fault then.
    """
    import watchfiles

    from citelog.render.lines import Line
    from citelog.reports.trials import look, trials
    from citelog.trial.expectations import case_files, no_case
    from citelog.trial.session import Session

    folder = home.knowledge(kb).resolve()
    session = Session(folder, open_base(kb), words)
    if not case_files(folder, words):
        raise no_case(folder, words)
    found = list(progress(session.first(), "cases run", len(case_files(folder, words))))
    stays = Line(f"watching {folder.name}; Ctrl-C ends it", "dim")
    print_lines([*trials(found, session.knowledge, width()), stays], kb)
    for _ in watchfiles.watch(
        folder,
        watch_filter=lambda _, path: path.endswith(SUFFIXES),
        debounce=200,
        step=30,
        rust_timeout=PATIENCE,
        yield_on_timeout=True,
        raise_interrupt=True,
    ):
        started = time.perf_counter()
        if (edited := session.look()) is not None:
            print_lines(look(edited, session.knowledge, time.perf_counter() - started, width()), kb)
