"""What the endpoint answers from: RDF as it stands in files, or as the engine wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from citelog.diagnostics import CitelogError
from citelog.graph.parameters import Known

FORMS = ("ttl", "trig", "nq", "nt", "rdf", "jsonld")
_ALSO = {"xml": "rdf", "owl": "rdf", "nquads": "nq", "ntriples": "nt", "turtle": "ttl"}


@dataclass(frozen=True, slots=True)
class Source:
    """RDF in one serialisation: `form` is the ending that files of it have; triples go to `graph` where it is given."""

    name: str
    form: str
    data: bytes
    graph: str | None = None

    @property
    def base(self) -> str:
        """What relative addresses are resolved against; it says nothing about this machine."""
        return self.graph or "urn:citelog:dataset:"


@dataclass(frozen=True, slots=True)
class Dataset:
    """The sources of what is queried, together; `prefixes` are proposed to who uses one that is not declared.

    `known` is what the names of parameters can mean in it, where it was made of a knowledge base.
    """

    sources: tuple[Source, ...]
    prefixes: Mapping[str, str] = field(default_factory=dict)
    known: Known | None = None


def of_nquads(data: bytes, prefixes: Mapping[str, str], known: Known | None = None) -> Dataset:
    """A dataset that was made in this process, written as N-Quads."""
    return Dataset((Source("the dataset", "nq", data),), prefixes, known)


def of_files(names: Iterable[str]) -> Dataset:
    """The files together. `ADDRESS=FILE` puts a file's triples into the graph of that name.

    Raises CitelogError, naming every file that cannot be read.
    """
    sources: list[Source] = []
    troubles: list[str] = []
    for name in names:
        try:
            sources.append(_source(name))
        except CitelogError as error:
            troubles.append(str(error))
    if troubles:
        raise CitelogError("\n".join(troubles))
    return Dataset(tuple(sources))


def _source(name: str) -> Source:
    graph, given, file = name.rpartition("=")
    if not given or ":" not in graph or Path(name).is_file():
        graph, file = "", name
    path = Path(file)
    ending = path.suffix[1:].lower()
    form = _ALSO.get(ending, ending)
    if form not in FORMS:
        raise CitelogError(f"{file}: what kind of RDF it is, its ending does not tell", f"use one of {_listed(FORMS)}")
    if graph and form in ("trig", "nq"):
        raise CitelogError(f"{file}: its graphs have their names already", f"leave {graph}= out")
    try:
        return Source(file, form, path.read_bytes(), graph or None)
    except OSError as error:
        raise CitelogError(f"{file}: {error.strerror}", "check the path") from error


def _listed(endings: Sequence[str]) -> str:
    return ", ".join(f".{ending}" for ending in endings)
