"""A conclusion told in single lines, for formats whose notes are texts: what it says, rests on, assumes and cites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from citelog.assess import Assessment, Conclusion
from citelog.evidence.sources import on_one_line
from citelog.knowledge.base import Citation, Field
from citelog.render.phrases import markers, reviewed
from citelog.values import Iri


def quoted(cited: Citation) -> str:
    """A quote with its statement, its place and its markers."""
    place = "; ".join(filter(None, (cited.statement, cited.section, f"line {cited.line}", markers(cited))))
    return f"“{on_one_line(cited.quote)}” [{place}]"


def sides(conclusion: Conclusion) -> Mapping[str, int]:
    """On which side of a conflict each of its statements stands, 1 or 2; nothing for any other conclusion."""
    numbered = enumerate(conclusion.details.get("sides", ()), start=1)
    return {statement: number for number, side in numbered for statement in side}


@dataclass(frozen=True, slots=True)
class Telling:
    """Everything about one assessment that is told in lines."""

    found: Assessment

    def status(self) -> str:
        """How far the source document has been reviewed, in its own words."""
        return " ".join(self.found.knowledge.review_status.split()) or "not stated"

    def caveats(self) -> list[str]:
        """What goes with every answer: how far the document and its encoding have been reviewed, then the caveats with
        the statements that ask for them.
        """
        asked = [f"{c.text} [{' '.join(c.statements)}]" for c in self.found.knowledge.caveats]
        return [f"Review status of the source document: {self.status()}.", reviewed(self.found), *asked]

    def of(self, conclusion: Conclusion) -> list[str]:
        """A conclusion whole."""
        return [conclusion.sentence, *self.also(conclusion), *self.rests_on(conclusion), *self.cites(conclusion)]

    def also(self, conclusion: Conclusion) -> Iterator[str]:
        """The other candidates that held, each with what it says."""
        for value, told, statements in self.found.others(conclusion):
            yield f"Also {value}: {told} [{' '.join(statements)}]"

    def rests_on(self, conclusion: Conclusion) -> list[str]:
        """The entries of the record, the assumptions, and how far the encoding behind it has been reviewed."""
        recorded = [f"On record: {entry}" for entry in self.entries(conclusion)]
        gaps = [f"Rests on a gap in the record: {text}." for text in conclusion.assumes]
        return [*recorded, *gaps, f"Review of the encoding behind it: {conclusion.review}."]

    def entries(self, conclusion: Conclusion) -> list[str]:
        """The entries that a conclusion rests on, each with its place in the record."""
        known = {entry.id: entry for entry in self.found.case.entries}
        return [f"{known[fact].sentence} ({known[fact].read_from})" for fact in conclusion.facts]

    def cites(self, conclusion: Conclusion) -> list[str]:
        """The quotes, and those from which a field was taken over."""
        taken = [
            f"Taken over from {statement} ({', '.join(names)}): {quoted(self.citation(statement))}"
            for statement, names in self.inherited(conclusion).items()
        ]
        return [*self.quotes(conclusion), *taken]

    def quotes(self, conclusion: Conclusion) -> list[str]:
        """The quotes in the order of the citations; of a conflict, with the side that each speaks for."""
        on = sides(conclusion)
        before = [f"Side {on[cited.statement]}: " if on else "" for cited in conclusion.citations]
        return [side + quoted(cited) for side, cited in zip(before, conclusion.citations, strict=True)]

    def inherited(self, conclusion: Conclusion) -> Mapping[str, list[str]]:
        """The statements from which fields were taken over, each with the names of these fields."""
        taken: dict[str, list[str]] = {}
        for name, field in self.fields(conclusion).items():
            if field.inherited_from:
                taken.setdefault(field.inherited_from, []).append(name)
        return taken

    def fields(self, conclusion: Conclusion) -> Mapping[str, Field]:
        """The fields that the document states, in the order of their kind; none where its kind has none."""
        kind = next(kind for kind in self.found.knowledge.kinds if kind.name == conclusion.kind)
        value = conclusion.atom.args[1]
        stated = self.found.knowledge.fields.get(value, {}) if isinstance(value, Iri) else {}
        return {name: stated[name] for name in kind.fields if name in stated}

    def citation(self, statement: str) -> Citation:
        """The citation of a statement, by its id."""
        return Citation.of(self.found.knowledge.statements[statement])
