"""An assessment as CDS Hooks cards: one for each conclusion, and one for what nobody looked at.

What becomes of what, and why:

- the summary is the conclusion's sentence, cut to the 139 characters that a card has; the detail has it whole, with
  every entry, gap and quote behind it, in Markdown in which no record and no document can be more than text;
- the indicator is what the knowledge base says of the kind of the conclusion and of its values (`cl:indicator`), the
  most urgent of them, and `info` where it says nothing;
- a step of treatment that is due now is a suggestion to make a draft (`draft`, `proposal`), where the document names
  the medicine. None is `isRecommended`, since nobody has reviewed the source, and nothing is done without a person:
  there are no `systemActions`;
- a card's uuid is made of the edition of the knowledge and of the conclusion's id, so feedback about one conclusion
  can be counted over many calls, and says nothing about a patient;
- our own document of the conclusion stands in the card's `extension`.

For orders about to be signed only what rests on one of them is told: which that is, the rules of the knowledge base
say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from citelog.assess import Assessment
from citelog.conclusions import Conclusion
from citelog.diagnostics import CitelogError
from citelog.evidence.sources import on_one_line
from citelog.explain.catalogue import catalogue
from citelog.explain.reading import read_terms
from citelog.hooks.looked import Gap, Looked
from citelog.hooks.request import EXTENSION, NOT, Asked
from citelog.hooks.services import ORDER_SIGN
from citelog.knowledge.base import Citation, Knowledge
from citelog.patient.resources import REFERENCE
from citelog.render import fhir
from citelog.render.markdown import code, plain
from citelog.render.phrases import counted, place
from citelog.render.telling import Telling, sides
from citelog.values import Iri

Node = dict[str, Any]
Address = Callable[[str], str]
"""Where the proof of a conclusion is shown, by the conclusion's id."""

INDICATORS = ("info", "warning", "critical")
LONGEST = 139  # characters of a summary: fewer than 140
REST = "not-looked-up"  # the card of what is not told, in the place of a conclusion
_NOTES = 20  # notes that are told on a card; the rest is in the extension

_REASONS = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
OVERRIDES: Sequence[Node] = tuple(
    {"system": _REASONS, "code": word, "display": shown}
    for word, shown in (
        ("action-completed", "Already done"),
        ("patient-contraindication", "Contraindicated"),
        ("recipient-disagrees-evidence", "I disagree with the evidence"),
        ("patient-refuses", "Patient declines"),
    )
)


class UnlookedError(CitelogError):
    """Nothing can be said, because nobody looked: `keys` are those of the queries that were not answered."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
        told = ", ".join(f"prefetch.{key}" for key in keys)
        what = f"nothing can be said: nobody looked for what it would rest on ({told})"
        super().__init__(what, "send these keys, with null where nothing is recorded; no server is called from here")


def response(asked: Asked, found: Assessment, address: Address | None = None) -> Node:
    """The answer to a call: its cards. Raises UnlookedError where nothing can be said.

    `found` is the assessment of the record of the call; `address` gives links to the proofs.
    """
    answer: Node = _filled(_Response(asked, found, Looked(found, asked.looks), address).to_dict())
    return answer


def to_json(answer: Node) -> str:
    """The answer as text."""
    return json.dumps(answer, ensure_ascii=False)


def indicator(found: Assessment, conclusion: Conclusion) -> str:
    """How urgently a conclusion is to be seen: the most urgent that the knowledge says of its kind and its values."""
    kind = next(kind for kind in found.knowledge.kinds if kind.name == conclusion.kind)
    known = found.knowledge.indicators
    told = [kind.indicator, *(known.get(term, "") for term in conclusion.atom.args if isinstance(term, Iri))]
    return max((word for word in told if word), key=INDICATORS.index, default=INDICATORS[0])


def uuid(knowledge: Knowledge, name: str) -> str:
    """The uuid of a card or a suggestion: of this edition of the knowledge, and never of a patient."""
    return fhir.uuid(f"{knowledge.namespace}card/{knowledge.sha256}/{name}")


def uuids(knowledge: Knowledge) -> dict[str, str]:
    """The conclusion of each card that there can be, by the card's uuid; of several that share an id, the first few."""
    ids = [id_ for one in catalogue(knowledge) for id_ in (one, *(f"{one}#{number}" for number in range(1, 10)))]
    return {uuid(knowledge, id_): id_ for id_ in (*ids, REST)}


def summary(sentence: str, tail: str = "") -> str:
    """A sentence in one line of fewer than 140 characters, the tail whole.

    >>> summary("one " * 40, " [unreviewed]")[-29:]
    'ne one one one … [unreviewed]'
    """
    line, room = " ".join(sentence.split()), LONGEST - len(tail)
    if len(line) > room:
        cut = line[: room - 2]
        line = f"{cut[: cut.rfind(' ')] if ' ' in cut else cut} …"
    return line + tail


def _filled(part: Any) -> Any:
    """A document without what is empty: CDS Hooks allows no member to be null or empty, but for `cards`."""
    if isinstance(part, list):
        return [_filled(one) for one in part]
    if not isinstance(part, dict):
        return part
    rest = {key: _filled(below) for key, below in part.items()}
    return {key: below for key, below in rest.items() if key == "cards" or below not in (None, "", [], {})}


@dataclass(frozen=True)
class _Response:
    asked: Asked
    found: Assessment
    looked: Looked
    address: Address | None

    def to_dict(self) -> Node:
        chosen = self.chosen
        standing = [conclusion for conclusion in chosen if self.looked.stands(conclusion)]
        withheld = [conclusion for conclusion in chosen if conclusion not in standing]
        if not standing and self.looked.unlooked and self.is_about_something:
            raise UnlookedError(tuple(look.key for look in self.looked.unlooked))
        cards = [self.card(conclusion) for conclusion in standing]
        if self.is_untold or (cards and (self.looked.unlooked or self.found.notes)):
            cards.append(self.rest(withheld))
        return {"cards": cards, "extension": {EXTENSION: self.assessment()}}

    @cached_property
    def chosen(self) -> list[Conclusion]:
        """The conclusions that the hook asks for: all, or those that rest on an order about to be signed."""
        if self.asked.service.hook != ORDER_SIGN:
            return list(self.found.conclusions)
        return [c for c in self.found.conclusions if self.ordered & set(c.facts)]

    @cached_property
    def ordered(self) -> set[str]:
        """The facts of the orders about to be signed."""
        return {entry.id for entry in self.found.case.entries if self.asked.is_drafted(entry.read_from)}

    @property
    def is_about_something(self) -> bool:
        """Whether the hook asks about anything that the rules read."""
        if self.asked.service.hook != ORDER_SIGN:
            return True
        known = read_terms(self.found.knowledge)
        return any(entry.id in self.ordered and entry.term in known for entry in self.found.case.entries)

    @property
    def is_untold(self) -> bool:
        """Whether of an order about to be signed nothing says which medicine it is: silence would be no answer."""
        drafted = [entry for entry in self.found.case.entries if self.asked.is_drafted(entry.read_from)]
        names = [entry.name for entry in drafted if entry.term is None and entry.list == "medications"]
        is_order = self.asked.service.hook == ORDER_SIGN
        return is_order and any(REFERENCE.fullmatch(name) or name[:4] in ("", "urn:") for name in names)

    @cached_property
    def telling(self) -> Telling:
        return Telling(self.found)

    @cached_property
    def caveats(self) -> list[str]:
        return self.telling.caveats()

    @cached_property
    def tail(self) -> str:
        """What a summary ends with: how far the source has been reviewed."""
        status = self.telling.status()
        return f" [source: {status}]" if len(status) <= 40 else ""

    def assessment(self) -> Node:
        """What the cards were made from."""
        return {
            "case": {"id": self.found.case.id, "sha256": self.found.case.sha256},
            "knowledge": self.found.knowledge.identity,
            "looked": [{"key": look.key, "state": look.state, "why": look.why} for look in self.looked.looks],
            "notes": [{"text": note.text, "read_from": self.asked.placed(note.read_from)} for note in self.found.notes],
        }

    # one conclusion

    def card(self, conclusion: Conclusion) -> Node:
        kind = next(kind for kind in self.found.knowledge.kinds if kind.name == conclusion.kind)
        gaps = self.looked.gaps(conclusion)
        suggestions = list(self.suggestions(conclusion))
        return {
            "uuid": uuid(self.found.knowledge, conclusion.id),
            "summary": summary(conclusion.sentence, self.tail),
            "indicator": indicator(self.found, conclusion),
            "detail": "\n\n".join(self.detail(conclusion, kind.title, gaps)),
            "source": self.source({"code": kind.name, "display": kind.title}),
            "suggestions": suggestions,
            "selectionBehavior": "at-most-one" if suggestions else None,
            "overrideReasons": list(OVERRIDES),
            "links": self.links(conclusion),
            "extension": {EXTENSION: self.proof(conclusion, gaps)},
        }

    def source(self, topic: Node) -> Node:
        namespace = self.found.knowledge.namespace.rstrip("#/")
        return {
            "label": f"{self.found.knowledge.title} ({self.telling.status()})",
            "topic": {"system": f"{namespace}/kind", **topic},
        }

    def links(self, conclusion: Conclusion) -> list[Node]:
        if self.address is None:
            return []
        label = "Why: the entries, the rules and the quoted sentences"
        return [{"label": label, "url": self.address(conclusion.id), "type": "absolute"}]

    def detail(self, conclusion: Conclusion, title: str, gaps: Sequence[Gap]) -> Iterator[str]:
        """Everything behind a conclusion, a paragraph each."""
        yield f"**{plain(title)}.** {plain(conclusion.sentence)}"
        also = [f"- {plain(line)}" for line in self.telling.also(conclusion)]
        entries = {entry.id: entry for entry in self.found.case.entries}
        recorded = [
            f"- {'To be signed' if fact in self.ordered else 'On record'}: {plain(entries[fact].sentence)} "
            f"({code(self.asked.placed(entries[fact].read_from))})"
            for fact in conclusion.facts
        ]
        if lines := [*also, *recorded, *map(_gap, gaps)]:
            yield "\n".join(lines)
        on = sides(conclusion)
        for cited in conclusion.citations:
            side = f"Side {on[cited.statement]}: " if on else ""
            yield f"> {_quote(cited)}\n\n{side}{plain(f'{cited.statement}, {place(cited)}')}{self.unresolved(cited)}"
        for statement, names in self.telling.inherited(conclusion).items():
            cited = self.telling.citation(statement)
            taken = plain(f"{statement}, {place(cited)}; taken over from there: {', '.join(names)}")
            yield f"> {_quote(cited)}\n\n{taken}{self.unresolved(cited)}"
        told = (*self.caveats, f"Review of the encoding behind this conclusion: {conclusion.review}.")
        yield f"*{' '.join(map(plain, told))}*"

    def unresolved(self, cited: Citation) -> str:
        marked = cited.markers or cited.inherited
        return "; the document lists no sources for its markers" if marked and self.found.knowledge.unresolved else ""

    def proof(self, conclusion: Conclusion, gaps: Sequence[Gap]) -> Node:
        """The conclusion as the assessment document has it, its facts with their places in the call."""
        entries = {entry.id: entry for entry in self.found.case.entries}
        facts = [
            {
                "sentence": entries[fact].sentence,
                "read_from": self.asked.placed(entries[fact].read_from),
                "order": True if fact in self.ordered else None,
            }
            for fact in conclusion.facts
        ]
        told = {**conclusion.to_dict(), "facts": facts, "assumes": [gap.to_dict() for gap in gaps]}
        return {"knowledge": self.found.knowledge.identity, "conclusion": told}

    def suggestions(self, conclusion: Conclusion) -> Iterator[Node]:
        """A draft to be made, where the conclusion proposes one that is due and says of what."""
        if conclusion.details.get("step", "now") != "now":
            return
        for made in self.proposals:
            if _about(made) == conclusion.id and "extension" not in made.get("medicationCodeableConcept", {}):
                left = {key: part for key, part in made.items() if key not in ("id", "detectedIssue")}
                draft = left | {"subject": {"reference": f"Patient/{self.asked.patient}"}}
                what = f"A draft proposal for a clinician to judge, no order. {conclusion.sentence}"
                yield {
                    "label": summary(f"Draft for review: {conclusion.sentence}"),
                    "uuid": uuid(self.found.knowledge, f"{conclusion.id}/suggestion"),
                    "actions": [{"type": "create", "description": what, "resource": draft}],
                }

    @cached_property
    def proposals(self) -> list[Node]:
        made = [entry["resource"] for entry in fhir.bundle(self.found)["entry"]]
        return [one for one in made if one["resourceType"] in ("MedicationRequest", "ServiceRequest")]

    # what is not told

    def rest(self, withheld: Sequence[Conclusion]) -> Node:
        """The card of what nobody looked at, of what is not concluded for that reason, and of what was not used."""
        looks, notes = self.looked.unlooked, self.found.notes
        parts = []
        if looks:
            shown = (f"- {code(look.key)}: {look.state}{f' ({plain(look.why)})' if look.why else ''}" for look in looks)
            parts.append(
                "**Not all was looked at.** What is not recorded there may still be so:\n\n" + "\n".join(shown)
            )
        if withheld:
            kinds = {kind.name: kind.title for kind in self.found.knowledge.kinds}
            missing = {
                f"- {plain(kinds[c.kind])}: rests on what nobody looked for "
                f"({', '.join(code(key) for gap in self.looked.gaps(c) if gap.state == NOT for key in gap.missing)})"
                for c in withheld
            }
            parts.append("**Not concluded for that reason:**\n\n" + "\n".join(sorted(missing)))
        if notes:
            first = sorted(notes, key=lambda note: not self.asked.is_drafted(note.read_from))[:_NOTES]
            told = [f"- {plain(note.text)} ({code(self.asked.placed(note.read_from))})" for note in first]
            more = [f"- and {len(notes) - _NOTES} more"] if len(notes) > _NOTES else []
            parts.append("**Read, and not used:**\n\n" + "\n".join((*told, *more)))
        said = [
            f"Not looked at, or not all of it: {', '.join(look.key for look in looks)}." if looks else "",
            f"{counted(len(notes), 'note')} on what was read and not used." if notes else "",
        ]
        return {
            "uuid": uuid(self.found.knowledge, REST),
            "summary": summary(" ".join(filter(None, said))),
            "indicator": "info",
            "detail": "\n\n".join(parts),
            "source": self.source({"code": REST, "display": "What was not looked at"}),
        }


def _gap(gap: Gap) -> str:
    keys = f": not, or not all of, {', '.join(map(code, gap.missing))}" if gap.missing else ""
    return f"- A gap in the record: {plain(gap.text)} ({gap.state}{keys})"


def _quote(cited: Citation) -> str:
    return plain(on_one_line(cited.quote))


def _about(made: Node) -> str:
    return next((str(e["valueString"]) for e in made.get("extension", ()) if e["url"].endswith("/conclusion")), "")
