"""A knowledge base as FHIR R4: a plan of what it can conclude, each with its rules and quotes, and what it proposes.

What becomes of what, and why:

- the knowledge base: a Library with its rules as text and what they read (`dataRequirement`), and a PlanDefinition (an
  event-condition-action rule: the hooks call it) with a group of actions for each kind of conclusion;
- a conclusion: an action, whose condition is its rules in their own language, whose documentation is each statement
  that these cite, and whose rationale (`cpg-rationale`) is their quotes. Strength and quality of evidence are not
  stated by the document, so no action has them;
- a step of treatment, a referral, monitoring: an ActivityDefinition, a `proposal`, with the words of the document and
  only the numbers that it prints;
- the document: a DocumentReference with its hashes, `preliminary` since it awaits review. Its text is its publisher's
  and does not travel. R4's Evidence is about a population, an exposure and an outcome that were studied; the
  sentences of an article are not that, and R4 has no Citation: so quotes are related artifacts of what rests on them.

Everything is `draft` and `experimental`, under the review status and the caveats of the document.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, cast

from citelog.evidence.sources import on_one_line
from citelog.explain.catalogue import Goal, catalogue
from citelog.explain.reading import read_lists, read_terms
from citelog.export.subject import LICENCE, File, Subject, heading
from citelog.knowledge.base import Citation, Field, Knowledge
from citelog.proof.words import step
from citelog.render.coding import Node, notations, own_code
from citelog.render.dosage import EXTENSIONS, dosage, medicine
from citelog.render.fhir import becomes
from citelog.render.fhir import bundle as bundle_of
from citelog.render.markdown import plain
from citelog.render.phrases import place
from citelog.rules.program import Constant, Present, Rule, Variable
from citelog.values import Iri

if TYPE_CHECKING:
    from citelog.assess import Assessment

_HL7 = "http://terminology.hl7.org/CodeSystem/"
_RATIONALE = "http://hl7.org/fhir/uv/cpg/StructureDefinition/cpg-rationale"
LANGUAGE = "text/x-citelog-rules"
"""The media type of the rule language, as the language of conditions."""

HOOKS = ("patient-view", "order-sign")
_PROPOSED = ("MedicationRequest", "ServiceRequest")


def bundle(subject: Subject) -> tuple[File, ...]:
    """The resources in one Bundle; with a case, also those of its assessment, but for the knowledge's other Library."""
    told = list(heading(f"FHIR R4: what {subject.knowledge.id} can conclude, and proposes", subject))
    made = _Writer(subject.knowledge, told).resources()
    rows = [{"fullUrl": one.get("url") or _full(subject.knowledge, one), "resource": one} for one in made]
    if subject.assessment is not None:
        of_case = bundle_of(cast("Assessment", subject.assessment))["entry"]
        rows += [row for row in of_case if row["resource"]["resourceType"] != "Library"]
    whole = {"resourceType": "Bundle", "id": identified(subject.stem), "type": "collection", "entry": rows}
    return (File(f"{subject.stem}.fhir.json", json.dumps(whole, ensure_ascii=False, indent=2) + "\n"),)


def resources(knowledge: Knowledge) -> tuple[Node, ...]:
    """A knowledge base as resources: the plan first. The same knowledge gives the same resources."""
    return tuple(_Writer(knowledge).resources())


def identified(name: str) -> str:
    """A name as the id of a resource.

    >>> identified("below_all cut-offs")
    'below-all-cut-offs'
    """
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name)[:64]


def _base(knowledge: Knowledge) -> str:
    return knowledge.namespace.rstrip("#/")


def _full(knowledge: Knowledge, made: Node) -> str:
    return f"{_base(knowledge)}/{made['resourceType']}/{made['id']}"


def _named(title: str) -> str:
    """A title as a name for programs: letters, digits and underscores, the first a capital."""
    words = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", title))
    return (words if words[:1].isalpha() else f"K{words}")[:255]


def _written(rule: Rule) -> str:
    """A rule with its name and what it cites, as its file has them."""
    cites = f"%%% @cites {' '.join(rule.cites)}\n" if rule.cites else ""
    return f'{cites}#[name("{rule.name}")]\n{rule.text}'


@dataclass(frozen=True)
class _Writer:
    """The resources of a knowledge base; its Library says some lines more."""

    knowledge: Knowledge
    lines: Sequence[str] = ()

    def resources(self) -> Iterator[Node]:
        yield self.plan()
        yield self.library()
        yield from self.activities.values()
        yield self.document()

    # what all share

    @cached_property
    def status(self) -> str:
        return " ".join(self.knowledge.review_status.split()) or "not stated"

    @cached_property
    def caveats(self) -> str:
        told = [f"Review status of the source document: {self.status}."]
        told += [f"{caveat.text} [{' '.join(caveat.statements)}]" for caveat in self.knowledge.caveats]
        return "\n\n".join(map(plain, told))

    def definition(self, type_: str, id_: str, title: str, lines: Iterable[str], **elements: Any) -> Node:
        """A resource that defines something, with what all of them say."""
        paragraphs = "".join(
            f"<p>{escape(line, quote=False)}</p>" for line in (*lines, f"Review status: {self.status}.")
        )
        tag = {"system": EXTENSIONS + "review-status", "code": self.status}
        url = _base(self.knowledge) if type_ == "Library" else f"{_base(self.knowledge)}/{type_}/{id_}"
        head = {
            "resourceType": type_,
            "id": id_,
            "meta": {"tag": [tag]},
            "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'},
            "url": url,
            "version": self.knowledge.version,
            "name": _named(f"{self.knowledge.id} {type_} {id_}"),
            "title": title,
            "status": "draft",
            "experimental": True,
        }
        rest = {"usage": self.caveats, "copyright": LICENCE} | elements
        return head | {name: content for name, content in rest.items() if content not in (None, "", [], {})}

    def justification(self, statement: str, label: str = "") -> Node:
        """A statement as what something rests on."""
        cited = Citation.of(self.knowledge.statements[statement])
        return {
            "type": "justification",
            "label": f"{label}{statement}",
            "display": f"{cited.source}, {place(cited)}",
            "citation": plain(on_one_line(cited.quote)),
        }

    # the whole

    def plan(self) -> Node:
        knowledge = self.knowledge
        groups = [self.group(kind.name) for kind in knowledge.kinds]
        triggers = [{"type": "named-event", "name": hook} for hook in HOOKS]
        return self.definition(
            "PlanDefinition",
            identified(knowledge.id),
            knowledge.title,
            [f"What can be concluded from the document of the knowledge base {knowledge.id} {knowledge.version}."],
            type={"coding": [{"system": _HL7 + "plan-definition-type", "code": "eca-rule"}]},
            description=plain(f"What the document of “{knowledge.title}” says about a patient's record, as rules."),
            relatedArtifact=[self.derived_from(), *self.markers()],
            library=[f"{_base(knowledge)}|{knowledge.version}"],
            action=[
                {
                    "title": knowledge.title,
                    "trigger": triggers,
                    "groupingBehavior": "logical-group",
                    "selectionBehavior": "any",
                    "action": [group for group in groups if group["action"]],
                }
            ],
        )

    def derived_from(self) -> Node:
        return {"type": "derived-from", "display": self.knowledge.source.file, "document": self.attachment()}

    def attachment(self) -> Node:
        data = self.knowledge.source.text.encode()
        digest = hashlib.sha1(data, usedforsecurity=False).digest()  # the hash that R4 asks for
        return {
            "contentType": "text/plain; charset=utf-8",
            "size": len(data),
            "hash": base64.b64encode(digest).decode(),
            "title": self.knowledge.source.file,
        }

    def markers(self) -> Iterator[Node]:
        """The citation numbers that the document prints."""
        statements = self.knowledge.statements.values()
        told = {number for one in statements for number in (*one.markers, *one.inherited)}
        shown = "the document lists no source for it" if self.knowledge.unresolved else "as the document lists it"
        for number in sorted(told, key=lambda text: (len(text), text)):
            yield {"type": "citation", "label": number, "display": shown}

    def library(self) -> Node:
        knowledge = self.knowledge
        rules = "\n\n".join(map(_written, knowledge.program.rules)) + "\n"
        return self.definition(
            "Library",
            identified(knowledge.id),
            knowledge.title,
            [f"The rules of the knowledge base {knowledge.id} {knowledge.version}.", *self.lines],
            type={"coding": [{"system": _HL7 + "library-type", "code": "logic-library"}]},
            extension=[{"url": EXTENSIONS + "sha256", "valueString": knowledge.sha256}],
            relatedArtifact=[self.derived_from()],
            dataRequirement=list(self.requirements()),
            content=[
                {"contentType": LANGUAGE, "data": base64.b64encode(rules.encode()).decode(), "title": "The rules"}
            ],
        )

    def requirements(self) -> Iterator[Node]:
        """What the rules read, by type of resource, with the codes of what they name."""
        lists = read_lists(self.knowledge)
        for list_, types, kind, path in (
            ("labs", ("Observation",), "analyte", "code"),
            ("findings", ("Condition", "Procedure"), "finding", "code"),
            ("medications", ("MedicationRequest", "MedicationStatement"), "drug", "medication"),
        ):
            if list_ in lists:
                terms = sorted(read_terms(self.knowledge) & set(self.knowledge.terms.names.get(kind, {}).values()))
                codes = [code for term in terms for code in notations(term, self.knowledge.terms, kind)]
                filters = {"codeFilter": [{"path": path, "code": codes}]} if codes else {}
                yield from ({"type": type_, **filters} for type_ in types)

    def document(self) -> Node:
        knowledge = self.knowledge
        paragraph = f"<p>{escape(knowledge.source.file)}, SHA-256 {knowledge.source.sha256}.</p>"
        return {
            "resourceType": "DocumentReference",
            "id": identified(f"{knowledge.id}-document"),
            "meta": {"tag": [{"system": EXTENSIONS + "review-status", "code": self.status}]},
            "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraph}</div>'},
            "identifier": [{"system": EXTENSIONS + "sha256", "value": knowledge.source.sha256}],
            "status": "current",
            "docStatus": "preliminary",
            "description": f"The document that the knowledge base {knowledge.id} encodes. {self.status}",
            "content": [{"attachment": self.attachment()}],
        }

    # one conclusion

    def group(self, name: str) -> Node:
        """The conclusions of a kind."""
        kind = next(kind for kind in self.knowledge.kinds if kind.name == name)
        goals = [goal for goal in catalogue(self.knowledge).values() if goal.kind == kind]
        behaviour = {"selectionBehavior": "exactly-one"} if kind.exactly_one else {"selectionBehavior": "any"}
        return {
            "title": kind.title,
            "groupingBehavior": "logical-group",
            **behaviour,
            "action": [self.action(goal) for goal in goals],
        }

    def action(self, goal: Goal) -> Node:
        rules = list(self.rules(goal))
        sides = self.sides(goal)
        cited = dict.fromkeys(statement for rule in rules for statement in rule.cites)
        if sides:
            cited = dict.fromkeys(sides)
        quotes = [self.knowledge.statements[statement].quote for statement in cited]
        made: Node = {"title": goal.id}
        if quotes:
            rationale = "\n\n".join(f"> {plain(on_one_line(quote))}" for quote in quotes)
            made["extension"] = [{"url": _RATIONALE, "valueMarkdown": rationale}]
        if told := self.told(goal):
            made["description"] = told
        if isinstance(goal.value, Iri):
            made["code"] = [{"coding": [own_code(goal.value, self.knowledge.terms)]}]
        if cited:
            made["documentation"] = [self.justification(statement, sides.get(statement, "")) for statement in cited]
        made["condition"] = [
            {
                "kind": "applicability",
                "expression": {
                    "description": f"Any of the rules {', '.join(rule.name for rule in rules)}",
                    "language": LANGUAGE,
                    "expression": "\n\n".join(map(_written, rules)),
                },
            }
        ]
        if goal.id in self.activities:
            made["definitionCanonical"] = f"{self.activities[goal.id]['url']}|{self.knowledge.version}"
        return made

    def told(self, goal: Goal) -> str:
        """A conclusion in words: a step by what the document states of it, else by its label."""
        fields = self.fields(goal)
        if fields:
            return step(fields, goal.kind.fields)
        conflict = self.knowledge.conflicts.get(goal.value.local) if isinstance(goal.value, Iri) else None
        if goal.kind.sided and conflict:
            return conflict.title
        return self.knowledge.terms.label(goal.value) if isinstance(goal.value, Iri) else str(goal.value)

    def sides(self, goal: Goal) -> dict[str, str]:
        """The statements of a conflict, each with the side that it speaks for."""
        if not goal.kind.sided or not isinstance(goal.value, Iri):
            return {}
        conflict = self.knowledge.conflicts.get(goal.value.local)
        both = conflict.sides if conflict else ()
        return {statement: f"side {number}: " for number, side in enumerate(both, 1) for statement in side}

    def rules(self, goal: Goal) -> Iterator[Rule]:
        """The rules that can draw a conclusion; one that passes a premise through gives way to those of the premise."""
        open_, seen = [(goal.kind.predicate, 1)], {(goal.kind.predicate, 1)}
        while open_:
            predicate, position = open_.pop(0)
            for rule in self.knowledge.program.rules:
                head = rule.args[position] if rule.predicate == predicate else None
                if head is None or (isinstance(head, Constant) and head.value != goal.value):
                    continue
                below = rule.body[rule.through] if rule.through is not None else None
                if isinstance(head, Variable) and isinstance(below, Present) and head in below.args:
                    deeper = (below.predicate, below.args.index(head))
                    open_ += [deeper] if deeper not in seen else []
                    seen.add(deeper)
                else:
                    yield rule

    def fields(self, goal: Goal) -> dict[str, Field]:
        stated = self.knowledge.fields.get(goal.value, {}) if isinstance(goal.value, Iri) else {}
        return {name: stated[name] for name in goal.kind.fields if name in stated}

    # what is proposed

    @cached_property
    def activities(self) -> dict[str, Node]:
        """What is proposed, by the id of the conclusion that proposes it."""
        goals = catalogue(self.knowledge).values()
        return {goal.id: self.activity(goal) for goal in goals if becomes(goal.kind) in _PROPOSED}

    def activity(self, goal: Goal) -> Node:
        type_, fields = becomes(goal.kind), self.fields(goal)
        said = self.told(goal)
        stated = dict.fromkeys(statement for field in fields.values() for statement in field.statements)
        cited = stated or dict.fromkeys(statement for rule in self.rules(goal) for statement in rule.cites)
        elements: Node = {"relatedArtifact": [self.justification(statement) for statement in cited]}
        if type_ == "MedicationRequest":
            instruction = dosage(fields, self.knowledge.terms)
            elements["productCodeableConcept"] = medicine(fields, self.knowledge.terms)
            elements["dosage"] = [instruction] if instruction else []
        elif isinstance(goal.value, Iri):
            elements["code"] = {"coding": [own_code(goal.value, self.knowledge.terms)], "text": said}
        name = goal.value.local if isinstance(goal.value, Iri) else goal.id
        return self.definition(
            "ActivityDefinition",
            identified(name),
            goal.id,
            [f"A proposal of the document, not an order: {said}."],
            description=plain(f"A proposal of the document, not an order: {said}."),
            kind=type_,
            intent="proposal",
            **elements,
        )
