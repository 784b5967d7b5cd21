"""A review written into the knowledge base: a few lines of Turtle in reviews.ttl for each thing that was reviewed.

All of them or none, and none for a knowledge base that has errors: of a quote that is not in the document, nobody can
say that it is right. What stands in the file already stays, to the last comment.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from citelog.author.turtle import literal
from citelog.diagnostics import CitelogError, KnowledgeError, did_you_mean
from citelog.knowledge import states
from citelog.knowledge.base import Knowledge
from citelog.knowledge.check import check_opened
from citelog.knowledge.encoders import name
from citelog.knowledge.files import Drafts, files_of, read_bytes, shown_name
from citelog.knowledge.load import Opened
from citelog.knowledge.reviews import Digests, declaring
from citelog.knowledge.states import Reviewed
from citelog.knowledge.triples import DCTERMS, PROV, RDFS, XSD, Triples
from citelog.layout.files import Laid, lay_out
from citelog.values import Iri
from citelog.vocab import CL

FILE = "reviews.ttl"
"""The file of a knowledge base that reviews are written into."""

HEADING = (
    "# Who has looked at which statement and rule, and what they said. Written by `citelog review`; the last counts.\n"
)


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of some statements and rules: their state, who says so, on which day, and a note."""

    state: str
    by: Iri
    on: datetime.date
    note: str


def record(folder: Path, opened: Opened, things: Sequence[Reviewed], said: Said) -> Laid:
    """The file of reviews with a review more for each thing; it is not written yet.

    Raises KnowledgeError where the knowledge base that was loaded from the folder has errors.
    """
    if errors := [one for one in check_opened(folder, opened) if one.severity == "error"]:
        raise KnowledgeError(errors)
    assert opened.knowledge is not None, "a knowledge base without errors"
    knowledge, path = opened.knowledge, folder / FILE
    new = path not in files_of(folder, FILE)
    before = "" if new else read_bytes(path).decode("utf-8")
    text = HEADING if new else before
    digests = Digests(opened.triples, knowledge.namespace, opened.files)
    prefixes = _prefixes(knowledge, opened.triples)
    declared = dict(re.findall(r"(?m)^@prefix\s+([\w-]*:)\s+<([^<>\s]*)>", text))
    used = {prefix: declared.get(prefix) for prefix in prefixes}
    if clash := next((p for p, at in used.items() if at is not None and at != prefixes[p]), None):
        raise CitelogError(
            f"{shown_name(path, folder)}: the prefix {clash} stands there for <{used[clash]}>",
            f"let it stand for <{prefixes[clash]}>, as `citelog review` writes it",
        )
    missing = "".join(f"@prefix {p} <{at}> .\n" for p, at in prefixes.items() if used[p] is None)
    blocks = [_block(one, digests.of(one.iri) or "", said, prefixes, opened.triples) for one in things]
    whole = "\n".join([_headed(text, missing), *blocks])
    [laid] = lay_out(folder, [path], Drafts({path: whole}))
    return Laid(path, laid.name, before, laid.after, new=new)


def _headed(text: str, prefixes: str) -> str:
    """A file with prefixes more: below its last one; where it has none, below the comment that it begins with."""
    declared = [match.end() for match in re.finditer(r"(?m)^@prefix[^\n]*(?:\n|$)", text)]
    opening = re.match(r"(?:#[^\n]*\n)*", text)
    at = declared[-1] if declared else opening.end() if opening else 0
    above, below = text[:at], text[at:].rstrip()
    return f"{above}{'' if declared or not above else chr(10)}{prefixes}{below}{chr(10) if below else ''}"


def _prefixes(knowledge: Knowledge, triples: Triples) -> dict[str, str]:
    """The prefixes that a block needs, with the one of the knowledge base as its own files write it."""
    base = triples.instances(CL + "KnowledgeBase")[0]
    own = triples.written(base).removesuffix(Iri(base).local)
    others = {"cl:": CL, "dcterms:": DCTERMS, "prov:": PROV, "rdfs:": RDFS, "xsd:": XSD}
    return dict(sorted(({own if own.endswith(":") else "kb:": knowledge.namespace} | others).items()))


def _block(one: Reviewed, digest: str, said: Said, prefixes: dict[str, str], triples: Triples) -> str:
    order = 1 + max((triples.whole(r, CL + "order") for r in _reviews(one, triples)), default=0)
    local = re.sub(r"[^\w-]", "-", f"review_{'rule_' if one.kind == 'rule' else ''}{one.name}_{order}")
    own = next(prefix for prefix, at in prefixes.items() if one.iri.value.startswith(at))
    while prefixes[own] + local in triples.subjects:
        local += "-"
    lines = [
        f"{own}{local} a cl:Review ;",
        f"    cl:reviews  {_written(one.iri, prefixes)} ;",
        f"    cl:order  {order} ;",
        f"    cl:reviewState  cl:{said.state} ;",
        f"    prov:wasAttributedTo  {_written(said.by, prefixes)} ;",
        f'    dcterms:date  "{said.on.isoformat()}"^^xsd:date ;',
        *([f"    rdfs:comment  {literal(said.note)} ;"] if said.note else []),
        f'    cl:reviewedAs  "{digest}" .',
    ]
    return "\n".join(lines) + "\n"


def _reviews(one: Reviewed, triples: Triples) -> Iterable[str]:
    return (iri for iri in triples.instances(CL + "Review") if triples.one(iri, CL + "reviews") == one.iri)


def _written(iri: Iri, prefixes: dict[str, str]) -> str:
    """A name with its prefix, where that needs no escapes; else in full."""
    own = (p + iri.value.removeprefix(at) for p, at in prefixes.items() if iri.value.startswith(at))
    return next((w for w in own if re.fullmatch(r"[\w-]*:[A-Za-z0-9_](?:[\w-]*[\w])?", w)), f"<{iri.value}>")


# what the caller names


def chosen(knowledge: Knowledge, names: Iterable[str]) -> list[Reviewed]:
    """The statements and rules of some names, each once. Raises CitelogError where there is none of a name, or both."""
    known = states.of(knowledge)
    found: dict[Iri, Reviewed] = {}
    for asked in names:
        kind, colon, local = asked.partition(":")
        wanted = [o for o in known if (o.name == local and o.kind == kind if colon else o.name == asked)]
        if not wanted:
            hint = did_you_mean(local or asked, (o.name for o in known)) or "citelog review lists all that there are"
            raise CitelogError(f"{asked}: {knowledge.id} has no statement and no rule of that name", hint)
        if len(wanted) > 1:
            raise CitelogError(
                f"{asked}: a statement and a rule have this name", f"write statement:{asked} or rule:{asked}"
            )
        found[wanted[0].iri] = wanted[0]
    return list(found.values())


def agent(triples: Triples, who: str) -> Iri:
    """The agent that somebody means by a name or a label. Raises CitelogError where the knowledge base has none."""
    known = [Iri(iri) for iri in triples.instances(PROV + "Agent") if triples.text(iri, RDFS + "label")]
    names = {
        key: one for one in known for key in (name(triples, one), one.local, triples.written(one.value), one.value)
    }
    if who not in names:
        hint = did_you_mean(who, names) or f"declare who that is, in about.ttl or {FILE}: {declaring(triples)}"
        raise CitelogError(f"--by {who}: the knowledge base knows nobody of that name", hint)
    return names[who]
