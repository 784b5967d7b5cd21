"""Everything wrong with a knowledge base, in one run: what loading verifies, then shapes, codes and segments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from citelog import home, ucum
from citelog.codes import code_error
from citelog.diagnostics import Diagnostic, Hint, Instead, meant
from citelog.knowledge.files import NO_DRAFTS, Drafts
from citelog.knowledge.load import CODES as LOAD_CODES
from citelog.knowledge.load import Opened, load
from citelog.knowledge.sections import CODES as SECTION_CODES
from citelog.knowledge.sections import check_sections
from citelog.knowledge.segments import CODES as SEGMENT_CODES
from citelog.knowledge.segments import check_segments
from citelog.knowledge.statements import doubled
from citelog.knowledge.triples import RDFS, SKOS, Triples, named, rdf
from citelog.rules.language import CODES as RULE_CODES
from citelog.values import Iri
from citelog.vocab import CL

if TYPE_CHECKING:
    from shifty import PreparedValidator

CODES: Mapping[str, str] = {
    **LOAD_CODES,
    **RULE_CODES,
    "shape": "a resource does not have the shape that shapes.ttl asks for",
    "code-check": "a code whose form or check digit is wrong",
    **SECTION_CODES,
    **SEGMENT_CODES,
}
"""Every code that `citelog check` can report, with its meaning."""


def check_folder(folder: Path, drafts: Drafts = NO_DRAFTS) -> tuple[Diagnostic, ...]:
    """All findings about a knowledge base, ordered by file and line; `drafts` stand in for its files (see `load`)."""
    return check_opened(folder, load(folder, home.ontology(), drafts))


def check_opened(folder: Path, opened: Opened) -> tuple[Diagnostic, ...]:
    """All findings about a folder that was loaded, those of loading among them."""
    found = list(opened.diagnostics)
    if not any(d.code in ("rdf-syntax", "not-utf-8") for d in found):
        found += _codes(opened.triples)
        shapes = _shapes(opened.triples)
        if opened.source is not None:
            found += check_sections(opened, opened.source)
            found += check_segments(folder, opened, opened.source)
        told = {one.about for one in found if one.code in PLAINER}
        found += [one for one in shapes if one.about not in told]
    return ordered(found)


def ordered(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings in the order in which they are told: errors first, then by file and line.

    What is declared comes before what uses it, so that the first finding is hardly the effect of another.
    """
    return tuple(
        sorted(
            found,
            key=lambda d: (d.severity != "error", _rank(d.span.file), d.span.file, d.span.line, d.code, d.message),
        )
    )


_DECLARING = ("ontology.ttl", "about.ttl", "terms.ttl", "predicates.ttl", "statements.trig")


def _rank(file: str) -> int:
    """How many kinds of files come before a file: those that declare, in their order, then all others."""
    name = file.rsplit("/", 1)[-1]
    return _DECLARING.index(name) if name in _DECLARING else len(_DECLARING)


PLAINER = frozenset({"incomplete", "segment-unclear", "two-values", "unknown-reference", "wrong-value"})
"""Findings that say in plainer words what a shape says of the same thing, its property and its value."""


CODED = (SKOS + "notation", CL + "broaderCode", CL + "narrowerCode", CL + "excludedCode")
"""The properties of codes that are what they are said to be; a `cl:doubtfulCode` may be none."""


_PLAIN = re.compile(r"[!-~]+")
"""The signs that UCUM has; of others the shape of a unit tells."""


def _codes(triples: Triples) -> list[Diagnostic]:
    found = []
    for subject, properties in list(triples.subjects.items()):
        for property_, code in ((key, str(code)) for key in CODED for code in properties.get(key, ())):
            if ":" in code and (wrong := code_error(code)):
                hint = "correct it, or keep it apart as cl:doubtfulCode"
                message, about = f"{Iri(subject).local}: {wrong}", (subject, property_, code)
                found.append(triples.finding("code-check", about, message, hint, code))
        for code in map(str, properties.get(CL + "ucum", ())):
            if _PLAIN.fullmatch(code) and (slip := ucum.slip(code)):
                wrong, right = slip
                unit = Instead(code, right) if right else "UCUM writes 10*3/uL, mmol/L, [IU]/mL, m2, {count}"
                message, about = f"{Iri(subject).local}: {code}: {wrong}", (subject, CL + "ucum", code)
                found.append(triples.finding("code-check", about, message, unit, code))
    return found


def _shapes(triples: Triples) -> list[Diagnostic]:
    """SHACL, over the union of all graphs; the shapes stand beside the knowledge bases."""
    validator = _validator()
    data = b"".join(_ntriples(text.text, text.name.endswith(".trig")) for text in triples.files.values())
    if validator.validate_algebra(data, graph_mode="data", infer=False, on_unsupported="error").conforms:
        return []
    from rdflib import URIRef
    from rdflib.namespace import SH

    # the quick answer above keeps one of several reasons that are alike; the report has them all
    _, report, _ = validator.validate(data, graph_mode="data", infer=False)
    found = []
    for result in report.subjects(SH.resultMessage, unique=True):
        focus, path = str(report.value(result, SH.focusNode)), report.value(result, SH.resultPath)
        if doubled(triples, focus):
            continue
        of = str(path) if isinstance(path, URIRef) else ""
        span, shown = triples.span(focus, triples.written(of) if of else "")
        message = " ".join(sorted(str(m) for m in report.objects(result, SH.resultMessage)))
        message = re.sub(r"<([^<>\s]+)>", lambda m: triples.written(m[1]), message)
        value, kind = report.value(result, SH.value), report.value(result, SH.sourceConstraintComponent)
        hint: Hint = _to_try(triples, str(kind), of, value)
        if kind == SH.ClassConstraintComponent and of and isinstance(value, URIRef):
            more, hint = _not_of_class(triples, of, str(value))
            message += more
        about = named(focus, of, *([value] if of and isinstance(value, URIRef) else []))
        told = about[0] + (f" ({about[1]})" if of else "")
        found.append(Diagnostic("shape", span, f"{told}: {message}", hint, shown, about=about))
    return list(dict.fromkeys(found))


def _to_try(triples: Triples, kind: str, path: str, value: object) -> str:
    """What to try where a shape is broken, by the kind of its constraint; `path` is the property, if it is of one."""
    from rdflib import Literal
    from rdflib.namespace import SH, XSD

    name = triples.written(path)
    if kind == str(SH.MinCountConstraintComponent) and path:
        return f"add {name} to it"
    if kind == str(SH.MaxCountConstraintComponent) and path:
        return f"keep one {name}"
    if isinstance(value, Literal) and value.datatype == XSD.integer and kind == str(SH.DatatypeConstraintComponent):
        return f"write it with a point: {value}.0"
    return "the shape that asks for it stands in knowledge/shapes.ttl, beside citelog's own knowledge bases"


def _not_of_class(triples: Triples, path: str, value: str) -> tuple[str, Hint]:
    """What is to be said of a value that is not of the class which its property asks for; and what to try."""
    class_, name = triples.text(path, RDFS + "range"), triples.written(value)
    those = {triples.written(one): one for one in triples.instances(class_)}
    kind = triples.written(class_) if class_ else "declared"
    near = meant(name, those)
    files = " and ".join(sorted({triples.span(one)[0].file for one in those.values()}))
    declared = f"each {kind} is declared in {files}" if files else f"declare it: {name} a {kind} ; …"
    return f" {name} is none.", replace(near, said=f"{near} {declared}") if near else declared


def prepare() -> None:
    """Import and read now what checking needs only for some faults: afterwards a process may open nothing any more."""
    from rdflib.namespace import SH  # noqa: F401
    from stdnum import luhn, verhoeff  # noqa: F401

    _validator().validate(b"", graph_mode="data", infer=False)


@lru_cache(maxsize=1)
def _validator() -> PreparedValidator:
    """The shapes, read once: a process that may open nothing any more goes on checking."""
    from shifty import PreparedValidator

    return PreparedValidator((home.home() / "knowledge" / "shapes.ttl").read_bytes())


@lru_cache(maxsize=64)
def _ntriples(text: str, graphs: bool) -> bytes:
    """The triples of a file, whichever graphs they stand in."""
    from pyoxigraph import RdfFormat, Triple, serialize

    triples = (Triple(quad.subject, quad.predicate, quad.object) for quad in rdf(text, graphs))
    return serialize(triples, format=RdfFormat.N_TRIPLES) or b""
