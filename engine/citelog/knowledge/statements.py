"""What the document says: its pinned text, the statements found again in it, and the conflicts among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from citelog.diagnostics import Diagnostic, Hint, Instead, Span, meant
from citelog.evidence.markers import NONE
from citelog.evidence.printed import SIGNS, STOP
from citelog.evidence.sources import Source
from citelog.knowledge.base import Caveat, Conflict, Statement
from citelog.knowledge.files import NO_DRAFTS, Drafts, read_bytes, shown_name
from citelog.knowledge.fingerprint import answers
from citelog.knowledge.triples import DCTERMS, RDFS, Triples
from citelog.listing import leads_out
from citelog.values import Iri
from citelog.vocab import CL


def read_source(folder: Path, triples: Triples, found: list[Diagnostic], drafts: Drafts = NO_DRAFTS) -> Source | None:
    """The document, if its bytes are those that were encoded; a finding says what is wrong."""
    for document in triples.instances(CL + "SourceDocument"):
        file, wanted = triples.text(document, CL + "file"), triples.text(document, CL + "sha256")
        lacking = [key for key, said in (("file", file), ("sha256", wanted)) if not said]
        for key in lacking:
            hint = {"file": "name the file, as cl:file", "sha256": "pin its bytes: sha256sum says what to write"}[key]
            found.append(triples.finding("incomplete", (document, CL + key), f"the document has no cl:{key}", hint))
        if lacking:
            return None
        if "\0" in file:
            message, hint = f"no file can be called {file!r}", "correct cl:file"
            found.append(triples.finding("file-missing", (document, CL + "file"), message, hint))
            return None
        path = folder / file
        if not path.is_relative_to(folder) or leads_out(path, folder):
            message, hint = f"{file} lies outside the knowledge base", "keep the source inside"
            found.append(triples.finding("unknown-reference", (document, CL + "file", file), message, hint))
            return None
        if not answers(file):
            message = f"the document {file} does not stand in the folder source"
            hint = 'move it there, under a name of its own: cl:file "source/…"'
            found.append(triples.finding("unknown-reference", (document, CL + "file", file), message, hint))
            return None
        try:
            source = Source.of(path.name, read_bytes(path, drafts), _decimal_sign(document, triples, found))
        except OSError as error:
            message, hint = f"the source document {file} is not there", "restore it, or correct cl:file"
            if not isinstance(error, FileNotFoundError):
                message = f"the source document {file} cannot be read: {error.strerror}"
            found.append(triples.finding("file-missing", (document, CL + "file"), message, hint))
            return None
        except UnicodeDecodeError as error:
            found.append(
                Diagnostic(
                    "not-utf-8",
                    Span(shown_name(path, folder)),
                    f"byte {error.start} of the source is not UTF-8",
                    "restore the file",
                )
            )
            return None
        if source.sha256 != wanted:
            message = f"{file} is not the document that was encoded: its SHA-256 is {source.sha256}"
            hint = f"restore the file whose SHA-256 is {wanted}, or encode the new edition and pin its hash"
            found.append(triples.finding("source-changed", (document, CL + "sha256"), message, hint, ""))
        return source
    found.append(
        Diagnostic("incomplete", Span(folder.name), "no resource is a cl:SourceDocument", "say so in about.ttl")
    )
    return None


def _decimal_sign(document: str, triples: Triples, found: list[Diagnostic]) -> str:
    """The sign before the decimals of the document's numbers: a full stop, where it says no other."""
    said = triples.text(document, CL + "decimalSign") or STOP
    if said not in SIGNS:
        message = f"no numbers have {said!r} before their decimals"
        hint = 'the sign is "," or "."; without cl:decimalSign it is the full stop'
        found.append(triples.finding("wrong-value", (document, CL + "decimalSign"), message, hint))
        return STOP
    return said


def read_statements(triples: Triples, source: Source | None, found: list[Diagnostic]) -> dict[str, Statement]:
    """Every statement whose quote stands in the document, by its id."""
    statements: dict[str, Statement] = {}
    said = {graph for graphs in triples.graphs.values() for graph in graphs}
    changed = any(d.code == "source-changed" for d in found)  # then offsets that are wrong only follow
    for iri in triples.instances(CL + "Statement"):
        local, quote = Iri(iri).local, triples.text(iri, CL + "quote")

        def report(code: str, message: str, hint: Hint, key: str = "", iri: str = iri) -> None:
            if not (changed and code == "offset-wrong"):
                about = (iri, CL + key) if key else (iri,)
                found.append(triples.finding(code, about, message, hint))

        if clash := name_clash(triples, iri):
            found.append(clash)
            continue
        if not quote:
            hint = 'write cl:quote "…" with the words of the document'
            report("incomplete", f"statement {local} has no quote", hint, "quote")
        elif source is not None and (place := place_of(triples, iri, source, report)) is not None:
            statements[local] = _statement(triples, iri, place, source, report)
        if iri not in said:
            report(
                "empty-statement",
                f"statement {local} has a quote, but its graph says nothing",
                f"write what it says between braces: {triples.written(iri)} {{ … }}",
            )
    return statements


def _statement(triples: Triples, iri: str, start: int, source: Source, report: Report) -> Statement:
    """A statement whose quote starts at an offset of the document; what else it says of the place is checked."""
    _check_place(triples, iri, start, source, report)
    quote, section = triples.text(iri, CL + "quote"), triples.text(iri, CL + "section")
    end = start + len(quote)
    return Statement(
        id=Iri(iri).local,
        iri=Iri(iri),
        kind=triples.text(iri, CL + "kind"),
        quote=quote,
        source=source.file,
        section=triples.label(section) if section else None,
        line=source.line(start),
        start=start,
        end=end,
        markers=_markers(triples, iri, source.printed_markers(start, end), report),
        inherited=_numbers(triples.text(iri, CL + "inherited")),
        modality=triples.text(iri, CL + "modality"),
        voice=triples.label(triples.text(iri, CL + "voice")),
        population=triples.text(iri, CL + "population"),
    )


def _markers(triples: Triples, iri: str, printed: tuple[str, ...], report: Report) -> tuple[str, ...]:
    """The markers that a statement gives, which are to be those that are printed in its sentence."""
    written, right = triples.text(iri, CL + "markers"), ", ".join(printed)
    if printed and written == NONE:
        return ()
    markers = _numbers(written)
    if markers != printed:
        hint: Hint = "remove cl:markers: none is printed there"
        if printed:
            told = f'write cl:markers "{right}"; or "{NONE}", where that is an age or a dose, say, and cites nothing'
            hint = Instead(f'"{written}"', f'"{right}"', told) if written else told
        given = ", ".join(markers) or "none"
        message = f"{Iri(iri).local} gives the markers {given}; its sentence prints {right or 'none'}"
        report("marker-mismatch", message, hint, "markers")
    return markers


def name_clash(triples: Triples, iri: str) -> Diagnostic | None:
    """The finding that several statements have one name; None where they have not."""
    if not (places := doubled(triples, iri)):
        return None
    (first, _), (second, shown) = places[0], places[-1]
    message = f"{'two' if len(places) == 2 else len(places)} statements are named {Iri(iri).local}"
    hint = f"the first is at {first}: give each a name of its own"
    return Diagnostic("ambiguous-name", second, message, hint, shown, about=(Iri(iri).local,))


def doubled(triples: Triples, iri: str) -> list[tuple[Span, str]]:
    """Where the statements of one name begin, if they are several; no other finding about that name means anything."""
    if all(len(triples.all(iri, CL + key)) < 2 for key in ("quote", "start", "kind")):
        return []
    places = triples.blocks(iri)
    return places if len(places) > 1 else []


Report = Callable[[str, str, Hint, str], None]
"""What takes a finding about a statement: its code, its message, a remedy, and the key of the property it is about."""


def place_of(triples: Triples, iri: str, source: Source, report: Report) -> int | None:
    """Where the quote of a statement starts; its line or its start is asked only where the quote stands twice."""
    local, quote = Iri(iri).local, triples.text(iri, CL + "quote")
    places = source.places(quote)
    if not places:
        near, line = source.nearest(quote)
        report(
            "quote-not-found",
            f"the quote of statement {local} is not in the document, letter for letter: {quote!r}",
            f"the nearest text is on line {line}: {near!r}",
            "quote",
        )
        return None
    start, line = triples.one(iri, CL + "start"), triples.one(iri, CL + "line")
    if len(places) > 1 and start not in places:
        places = [p for p in places if source.line(p) == line] or places
    if len(places) > 1 and start not in places:
        lines = " and ".join(str(source.line(p)) for p in places)
        report(
            "quote-ambiguous",
            f"the quote of statement {local} stands on lines {lines}",
            "say cl:line, or quote more of it",
            "quote",
        )
        return None
    return start if isinstance(start, int) and start in places else places[0]


def place_numbers(source: Source, start: int, quote: str) -> tuple[int, int, int]:
    """What a statement says of the place of its quote: cl:line, cl:start and cl:end."""
    return source.line(start), start, start + len(quote)


def _check_place(triples: Triples, iri: str, start: int, source: Source, report: Report) -> None:
    """Report a line or offsets that say something else than the words."""
    right = place_numbers(source, start, triples.text(iri, CL + "quote"))
    given = tuple(triples.one(iri, CL + key) for key in ("line", "start", "end"))
    if any(g is not None and g != r for g, r in zip(given, right, strict=True)):
        report(
            "offset-wrong",
            f"the quote of statement {Iri(iri).local} stands elsewhere than its offsets say",
            f"citelog fmt writes it: cl:line {right[0]} ; cl:start {right[1]} ; cl:end {right[2]}",
            "start",
        )


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def read_conflicts(triples: Triples, statements: frozenset[str], found: list[Diagnostic]) -> dict[str, Conflict]:
    """Every declared conflict, with both its sides."""
    conflicts = {}
    for iri in triples.instances(CL + "Conflict"):
        sides = []
        for side in ("sideA", "sideB"):
            ids = tuple(triples.text(iri, CL + side).split())
            for id_ in ids:
                if id_ not in statements:
                    hint = meant(id_, statements) or "is the statement in statements.trig?"
                    message = f"conflict {Iri(iri).local} names {id_}, which is no statement"
                    found.append(triples.finding("unknown-reference", (iri, CL + side, id_), message, hint))
            sides.append(ids)
        conflicts[Iri(iri).local] = Conflict(
            Iri(iri).local,
            triples.text(iri, DCTERMS + "title"),
            (sides[0], sides[1]),
            triples.text(iri, CL + "conflictType"),
            ", ".join(map(str, triples.all(iri, CL + "level"))),
            triples.text(iri, RDFS + "comment"),
        )
    return conflicts


def read_caveats(triples: Triples, statements: frozenset[str], found: list[Diagnostic]) -> tuple[Caveat, ...]:
    """What is shown with every answer, in its order; each caveat cites a statement."""
    for iri in triples.instances(CL + "Caveat"):
        for cited in triples.all(iri, CL + "cites"):
            if not isinstance(cited, Iri) or cited.local not in statements:
                name = cited.local if isinstance(cited, Iri) else str(cited)
                message = f"{Iri(iri).local} cites {name}, which is no statement"
                hint = meant(name, statements) or "is the statement in statements.trig?"
                found.append(triples.finding("unknown-reference", (iri, CL + "cites", str(cited)), message, hint))
    ordered = sorted(triples.instances(CL + "Caveat"), key=lambda s: triples.whole(s, CL + "order"))
    return tuple(
        Caveat(triples.text(s, CL + "text"), tuple(c.local for c in triples.all(s, CL + "cites") if isinstance(c, Iri)))
        for s in ordered
    )
