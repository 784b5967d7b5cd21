"""The Python door: open a knowledge base, assess a patient, look something up, ask in SPARQL.

>>> kb = open_base("examples/short-nights")
>>> assessment = kb.assess("examples/short-nights/cases/short-at-thirteen.yaml", at="2026-03-09")
>>> for conclusion in assessment.conclusions:
...     print(conclusion.id, conclusion.sentence, conclusion.statements)
night:SHORT The night was short: less than 8 hours, from 12 years on. ('S04',)
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citelog import home
from citelog.assess import Assessment, assess
from citelog.knowledge.base import Knowledge
from citelog.knowledge.cache import open_knowledge

if TYPE_CHECKING:
    from citelog.knowledge.lookup import Found


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """A knowledge base, verified: every quote in its place, every rule checked. `folder` is where it was read from."""

    knowledge: Knowledge
    folder: Path

    def assess(
        self,
        source: str | Path | Mapping[str, Any],
        at: datetime.date | str | None = None,
        patient: str | None = None,
    ) -> Assessment:
        """Assess one patient: a path to a case file or FHIR R4 record, or either as a dict.

        `at` is the date of the assessment, for rules about time; `patient` the id of the one who is meant, of a FHIR
        record about several. Raises CaseError where the record cannot be used at all.

        >>> kb = open_base("examples/short-nights")
        >>> kb.assess({"labs": [{"analyte": "night", "value": "7.5", "unit": "hours"}]}).notes[0].text
        'Sleep of a night: 7.5 hours. No conclusion rests on it.'
        """
        return assess(self.knowledge, source, at, of=patient)

    def receipt(self, assessment: Assessment) -> bytes:
        """The receipt of an assessment by this knowledge base: all that is needed to derive it again years later.

        Raises CitelogError where its files were changed since it was opened, and for a changed record (`what_if`).

        >>> kb = open_base("examples/short-nights")
        >>> kb.receipt(kb.assess({"id": "nobody"})).decode().splitlines()[1]
        '"format":"citelog-receipt/1",'
        """
        from citelog.receipt import content
        from citelog.receipt.manifest import manifest

        return content.of(assessment, manifest(self.folder, home.ontology()))

    def show(self, id_: str) -> tuple[Found, ...]:
        """Every statement, rule, conflict, predicate and term of an id or a name, with where it is used.

        Raises CitelogError where there is none.

        >>> [found] = open_base("examples/short-nights").show("S04")
        >>> found.kind, dict(found.uses)["cited by the rules"]
        ('statement', ('short-from-age', 'night-long-enough', 'night-not-known', 'ask-age'))
        """
        from citelog.knowledge.lookup import find

        return find(self.knowledge, id_)

    def contents(self) -> dict[str, Any]:
        """What it holds and can conclude: the document `citelog-knowledge/1`.

        >>> open_base("examples/short-nights").contents()["conclusions"][:3]
        ['night:LONG_ENOUGH', 'night:NOT_KNOWN', 'night:SHORT']
        """
        from citelog.explain.contents import contents

        return contents(self.knowledge)

    def query(
        self,
        query: str,
        *assessments: Assessment,
        parameters: Mapping[str, object] | None = None,
        form: str | None = None,
    ) -> str:
        """The answer to a SPARQL query over the knowledge and some assessments of it, as text.

        `query` is one of the library by its name, or its text. `form` is `csv`, `tsv`, `json` or `xml` for rows,
        `turtle`, `ntriples` or `jsonld` for a graph; JSON or Turtle if it is not said. Raises CitelogError where it
        cannot be asked. What a query of a stranger may cost, nothing bounds here: the command and the server do.

        >>> kb = open_base("examples/short-nights")
        >>> night = kb.assess("examples/short-nights/cases/short-at-thirteen.yaml", at="2026-03-09")
        >>> fired = "SELECT (COUNT(?rule) AS ?rules) { ?assessment <https://w3id.org/citelog#fired> ?rule }"
        >>> kb.query(fired, night, form="csv").split()
        ['rules', '5']
        """
        from citelog.graph import asked, library, results
        from citelog.graph.dataset import dataset
        from citelog.graph.parameters import Known, bind

        named = any(query == one.name for one in library.library())
        chosen = library.find(query) if named else library.parse("query", query)
        data = dataset(self.folder, self.knowledge, assessments)
        given = {name: str(value) for name, value in (parameters or {}).items()}
        bound = bind(chosen, given, Known(self.knowledge, assessments, data.prefixes))
        with asked.asked(data, chosen.name, chosen.text, bound) as answer:
            usual = next(one for one in results.forms(answer) if one in ("json", "turtle"))
            return results.serialized(answer, results.form(answer, form or usual), data.prefixes)


def open_base(name_or_folder: str | Path | None = None) -> KnowledgeBase:
    """Open a knowledge base: a shipped one by its name, any other by its folder, the default one for None.

    Raises KnowledgeError with everything that is wrong with it.

    >>> open_base("no-such-knowledge")
    Traceback (most recent call last):
    citelog.diagnostics.KnowledgeError: error[unknown-knowledge]: there is no knowledge base no-such-knowledge
    ...
    """
    return KnowledgeBase(open_knowledge(name_or_folder), home.knowledge(name_or_folder))
