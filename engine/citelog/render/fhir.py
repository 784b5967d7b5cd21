"""An assessment as a FHIR R4 Bundle: proposals in draft, each with the sentences that it comes from.

What each conclusion becomes, and why by R4's own definitions:

- a regimen step: a MedicationRequest, `proposal` and `draft`, its role and its place in time as categories, so that no
  reader takes an alternative for a recommendation. A step that is done is no request: it is told in the plan;
- a referral, and monitoring: a ServiceRequest, `proposal` and `draft`;
- a caution, and a conflict: a DetectedIssue, "an actual or potential clinical issue with or between proposed actions",
  `preliminary`. A Flag would be active on the patient's chart, and nobody has reviewed it. A conflict has the quotes of
  both sides as its evidence, and implicates the proposals that rest on either side;
- an open question: a note of the GuidanceResponse, which then is `data-requested` ("processed successfully, but more
  data may result in a more complete evaluation"); a DataRequirement too, where a coded result is asked for;
- a data issue, and what was read and not used: an OperationOutcome. No severity is above `warning`, since `error` is
  what makes an action fail, and the assessment did not fail;
- all else, such as the answer about treatment: a note of the CarePlan, which holds the proposals.

Each conclusion has a Provenance: its rules, its assumptions, the record's entries as sources, the sentences as
quotations. FHIR demands the instant of recording and the clock is never read, so that instant is marked as one that
this system does not support. The document's review status and caveats are in every resource.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

from citelog.assess import Assessment, Conclusion
from citelog.home import VERSION
from citelog.knowledge.base import Citation, Kind
from citelog.render.coding import Node, notations, own_code
from citelog.render.dosage import ABSENT, EXTENSIONS, dosage, medicine
from citelog.render.telling import Telling, quoted, sides
from citelog.run.datalog import reasoner
from citelog.values import Iri

_BECOMES = {
    "regimen": "MedicationRequest",
    "referral": "ServiceRequest",
    "monitoring": "ServiceRequest",
    "caution": "DetectedIssue",
    "conflict": "DetectedIssue",
    "open-question": "GuidanceResponse",
    "data-issue": "OperationOutcome",
}
_WHOLE = {"GuidanceResponse": "guidance", "OperationOutcome": "outcome", "CarePlan": "plan"}
"""The resources of which a Bundle has one: a conclusion is told in them, and is no resource of its own."""

_URL_NAMES = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")  # the namespace of names that are URLs, RFC 9562
_HL7 = "http://terminology.hl7.org/CodeSystem/"
_IRIS = "urn:ietf:rfc:3986"
_PLAN = (
    "Proposals derived from a document by a program, for a clinician to judge. Nothing here is ordered. Where "
    "proposals are alternatives, or wait for an answer, they stand beside each other: nothing has been chosen."
)


def bundle(found: Assessment) -> Node:
    """The assessment as a Bundle of the type `collection`; every reference in it points into it.

    Ids come from the content: the same assessment gives the same Bundle. The patient is the record's id and no more.
    """
    return _Writer(found).bundle()


def to_json(found: Assessment) -> str:
    """The Bundle as text: the same bytes on every machine."""
    return json.dumps(bundle(found), ensure_ascii=False, indent=2)


def uuid(name: str) -> str:
    """The name-based UUID (version 5) of a URL. The standard library's module for it also reads the clock.

    >>> uuid("http://www.example.com/")
    'fcde3c85-2270-590f-9e7c-ee003d65e0e2'
    """
    raw = bytearray(hashlib.sha1(_URL_NAMES + name.encode(), usedforsecurity=False).digest()[:16])
    raw[6], raw[8] = raw[6] & 0x0F | 0x50, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def becomes(kind: Kind) -> str:
    """The type of the resource that a conclusion of a kind is written in.

    No medicine is asked for where a kind has no fields of one, whatever its name; what has two sides is a conflict.
    """
    type_ = "DetectedIssue" if kind.sided else _BECOMES.get(kind.name, "CarePlan")
    return "CarePlan" if type_ == "MedicationRequest" and not kind.fields else type_


def _rests_on_a_side(proposal: Conclusion, conflict: Conclusion) -> bool:
    return not sides(conflict).keys().isdisjoint(proposal.statements)


def _filled(**elements: Any) -> Node:
    """The elements that have a content: FHIR allows none to be empty."""
    return {name: content for name, content in elements.items() if content not in (None, "", [], {})}


def _notes(lines: Iterable[str]) -> list[Node]:
    return [{"text": line} for line in lines]


def _extension(name: str, text: str) -> Node:
    return {"url": EXTENSIONS + name, "valueString": text}


def _about(conclusion: Conclusion) -> Node:
    return _extension("conclusion", conclusion.id)


def _side(conclusion: Conclusion, cited: Citation) -> list[Node]:
    number = sides(conclusion).get(cited.statement)
    return [{"url": EXTENSIONS + "side", "valuePositiveInt": number}] if number else []


@dataclass
class _Writer:
    """One Bundle being written: resources in the order in which they are put."""

    found: Assessment
    resources: list[Node] = field(default_factory=list)

    def bundle(self) -> Node:
        self.guidance()
        self.library()
        self.device()
        self.plan()
        for regimen in self.of("MedicationRequest"):
            self.medication(regimen)
        for service in self.of("ServiceRequest"):
            self.service(service)
        for issue in self.of("DetectedIssue"):
            self.detected(issue)
        self.outcome()
        self.origin()
        for conclusion in self.found.conclusions:
            self.origin_of(conclusion)
        id_ = uuid(self.seed)
        return {
            "resourceType": "Bundle",
            "id": id_,
            "meta": self.meta,
            "identifier": {"system": _IRIS, "value": f"urn:uuid:{id_}"},
            "type": "collection",
            "entry": [{"fullUrl": f"urn:uuid:{made['id']}", "resource": made} for made in self.resources],
        }

    # what all resources share

    @cached_property
    def seed(self) -> str:
        """A name for the whole content; the resources add their own names to it."""
        told = f"{self.found.to_json()}\n{self.day}"
        return EXTENSIONS + hashlib.sha256(told.encode()).hexdigest()

    @cached_property
    def day(self) -> str | None:
        """The date of the assessment, where the call gave one."""
        return next((str(atom.args[1]) for atom in self.found.run.atoms("evaluation_day")), None)

    @cached_property
    def telling(self) -> Telling:
        return Telling(self.found)

    @cached_property
    def caveats(self) -> list[str]:
        return self.telling.caveats()

    @cached_property
    def meta(self) -> Node:
        tag = {"system": EXTENSIONS + "review-status", "code": self.telling.status(), "display": self.caveats[0]}
        return {"tag": [tag]}

    @cached_property
    def subject(self) -> Node:
        """The patient as a logical reference: nothing is known of the identity but the id of the record."""
        return {
            "type": "Patient",
            "identifier": self.record,
            "display": f"The patient of the record {self.found.case.id}",
        }

    @cached_property
    def record(self) -> Node:
        """The record's id, in a namespace of the record's own: equal ids of two records never make one patient."""
        return {"system": f"{EXTENSIONS}record/{self.found.case.sha256}", "value": self.found.case.id}

    @cached_property
    def canonical(self) -> str:
        return self.found.knowledge.namespace.rstrip("#/")

    def of(self, type_: str) -> list[Conclusion]:
        """The conclusions that are written in resources of a type."""
        return [conclusion for conclusion in self.found.conclusions if self.becomes(conclusion) == type_]

    def becomes(self, conclusion: Conclusion) -> str:
        """The type of the resource that a conclusion is written in; a step that is done asks for nothing any more."""
        kind = next(kind for kind in self.found.knowledge.kinds if kind.name == conclusion.kind)
        return "CarePlan" if conclusion.details.get("step") == "done" else becomes(kind)

    def reference(self, type_: str, name: str) -> Node:
        return {"reference": f"urn:uuid:{uuid(f'{self.seed}/{name}')}", "type": type_}

    def references(self, conclusions: Iterable[Conclusion]) -> list[Node]:
        """To the resources that conclusions have become."""
        kinds = ((self.becomes(conclusion), conclusion.id) for conclusion in conclusions)
        return [self.reference(type_, _WHOLE.get(type_, id_)) for type_, id_ in kinds]

    def put(self, type_: str, name: str, lines: Iterable[str], **elements: Any) -> None:
        """Put a resource; its narrative is made of the lines and the caveats."""
        paragraphs = "".join(f"<p>{escape(line)}</p>" for line in (*lines, *self.caveats))
        head = {"resourceType": type_, "id": uuid(f"{self.seed}/{name}"), "meta": self.meta}
        text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'}
        self.resources.append(head | {"text": text} | _filled(**elements))

    def coded(self, conclusion: Conclusion) -> Node:
        """The value in the knowledge base's own vocabulary, and the sentence."""
        term = conclusion.atom.args[1]
        coding = [own_code(term, self.found.knowledge.terms)] if isinstance(term, Iri) else []
        return _filled(coding=coding, text=conclusion.sentence)

    # the answer as a whole

    def guidance(self) -> None:
        questions = self.of("GuidanceResponse")
        asked = [f"Open question: {question.sentence}" for question in questions]
        decided = {kind.name for kind in self.found.knowledge.kinds if kind.exactly_one}
        has_messages = bool(self.of("OperationOutcome") or self.found.notes)
        self.put(
            "GuidanceResponse",
            "guidance",
            [f"What “{self.found.knowledge.title}” says about the record {self.found.case.id}.", *asked],
            moduleCanonical=f"{self.canonical}|{self.found.knowledge.version}",
            status="data-requested" if questions else "success",
            subject=self.subject,
            occurrenceDateTime=self.day,
            performer=self.reference("Device", "device"),
            reasonCode=[self.coded(c) for c in self.found.conclusions if c.kind in decided],
            note=_notes((*self.caveats, *asked)),
            evaluationMessage=[self.reference("OperationOutcome", "outcome")] if has_messages else [],
            result=self.reference("CarePlan", "plan"),
            dataRequirement=[need for question in questions for need in self.needs(question)],
        )

    def needs(self, question: Conclusion) -> Iterator[Node]:
        """What an open question asks for, where it is a result that has codes."""
        term = question.atom.args[1]
        codes = list(notations(term, self.found.knowledge.terms, "analyte")) if isinstance(term, Iri) else []
        if codes:
            yield {"type": "Observation", "codeFilter": [{"path": "code", "code": codes}]}

    def library(self) -> None:
        """The knowledge base, which the GuidanceResponse names by its canonical URL."""
        knowledge = self.found.knowledge
        sources = sorted({statement.source for statement in knowledge.statements.values()})
        self.put(
            "Library",
            "library",
            [f"The knowledge base {knowledge.id} {knowledge.version}: {knowledge.title}."],
            extension=[_extension("sha256", knowledge.sha256)],
            url=self.canonical,
            version=knowledge.version,
            title=knowledge.title,
            status="draft",
            type={"coding": [{"system": _HL7 + "library-type", "code": "logic-library"}]},
            description="\n\n".join(self.caveats),
            relatedArtifact=[{"type": "derived-from", "display": source} for source in sources],
        )

    def device(self) -> None:
        self.put(
            "Device",
            "device",
            [f"citelog {VERSION}, with {reasoner()}: software that derives what a document says about a record."],
            deviceName=[{"name": "citelog", "type": "model-name"}],
            type={"text": "software"},
            version=[{"value": VERSION}],
        )

    def plan(self) -> None:
        """The proposals together, and in its notes what is concluded and is no proposal: a note for each."""
        told = [self.telling.of(conclusion) for conclusion in self.of("CarePlan")]
        proposals = self.references((*self.of("MedicationRequest"), *self.of("ServiceRequest")))
        self.put(
            "CarePlan",
            "plan",
            [_PLAN, *(line for lines in told for line in lines)],
            status="draft",
            intent="proposal",
            title=f"Proposals from “{self.found.knowledge.title}”",
            description=_PLAN,
            subject=self.subject,
            contributor=[self.reference("Device", "device")],
            supportingInfo=self.references(self.of("DetectedIssue")),
            activity=[{"reference": proposal} for proposal in proposals],
            note=_notes((*("\n\n".join(lines) for lines in told), *self.caveats)),
        )

    def outcome(self) -> None:
        """The data issues, and what was read and not used."""
        issues: list[Node] = [
            {
                "severity": "information" if conclusion.details.get("severity") == "info" else "warning",
                "code": "informational" if conclusion.details.get("severity") == "info" else "processing",
                "details": self.coded(conclusion),
            }
            | _filled(diagnostics=" ".join(self.telling.rests_on(conclusion)))
            for conclusion in self.of("OperationOutcome")
        ]
        issues += [
            {
                "severity": "information",
                "code": "informational",
                "details": {"text": note.text},
                "diagnostics": f"Read from {note.read_from}.",
            }
            for note in self.found.notes
        ]
        if issues:
            lines = [f"{issue['details']['text']} {issue.get('diagnostics', '')}" for issue in issues]
            self.put("OperationOutcome", "outcome", lines, issue=issues)

    # single conclusions

    def medication(self, regimen: Conclusion) -> None:
        terms = self.found.knowledge.terms
        fields = self.telling.fields(regimen)
        said = medicine(fields, terms)
        ranks = list(self.ranks(regimen))
        named = "; ".join(f"{name}: {regimen.details[name]}" for name, _ in ranks)
        lines = [f"A proposal derived from the document, not an order ({named}).", *self.telling.of(regimen)]
        if "coding" in said:
            lines.append("The codes of the medicine are the knowledge base's, not the document's.")
        instruction = dosage(fields, terms)
        self.put(
            "MedicationRequest",
            regimen.id,
            lines,
            extension=[_about(regimen)],
            status="draft",
            intent="proposal",
            category=[
                {"coding": [own_code(term, terms)], "text": f"{name}: {regimen.details[name]}"} for name, term in ranks
            ],
            medicationCodeableConcept=said,
            subject=self.subject,
            note=_notes((*lines, *self.caveats)),
            dosageInstruction=[instruction] if instruction else [],
            detectedIssue=self.references(c for c in self.of("DetectedIssue") if _rests_on_a_side(regimen, c)),
        )

    def ranks(self, conclusion: Conclusion) -> Iterator[tuple[str, Iri]]:
        """The terms that a conclusion has beside its value, such as its role, by their names."""
        kind = next(kind for kind in self.found.knowledge.kinds if kind.name == conclusion.kind)
        arguments = self.found.knowledge.program.predicates[kind.predicate].arguments
        for argument, term in zip(arguments, conclusion.atom.args, strict=True):
            if argument.name in conclusion.details and isinstance(term, Iri):
                yield argument.name, term

    def service(self, conclusion: Conclusion) -> None:
        told = self.telling.of(conclusion)
        lines = [f"A proposal derived from the document, not an order ({conclusion.kind}).", *told]
        self.put(
            "ServiceRequest",
            conclusion.id,
            lines,
            extension=[_about(conclusion)],
            status="draft",
            intent="proposal",
            category=[{"text": conclusion.kind}],
            code=self.coded(conclusion),
            subject=self.subject,
            note=_notes((*lines, *self.caveats)),
        )

    def detected(self, conclusion: Conclusion) -> None:
        quotes = self.telling.quotes(conclusion)
        lines = [f"{conclusion.kind.capitalize()}: {conclusion.sentence}", *self.telling.rests_on(conclusion)]
        proposals = (*self.of("MedicationRequest"), *self.of("ServiceRequest"))
        term = conclusion.atom.args[1]
        self.put(
            "DetectedIssue",
            conclusion.id,
            [*lines, *quotes],
            extension=[_about(conclusion)],
            status="preliminary",
            code=self.coded(conclusion),
            patient=self.subject,
            author=self.reference("Device", "device"),
            implicated=self.references(c for c in proposals if _rests_on_a_side(c, conclusion)),
            evidence=[
                _filled(extension=_side(conclusion, cited), code=[{"text": quote}])
                for cited, quote in zip(conclusion.citations, quotes, strict=True)
            ],
            detail="\n".join((*lines, *self.caveats)),
            reference=term.value if isinstance(term, Iri) else None,
        )

    # where it comes from

    def origin(self) -> None:
        """Of the whole: the record, and the sentences that ask for the caveats."""
        asked = dict.fromkeys(s for caveat in self.found.knowledge.caveats for s in caveat.statements)
        cited = [self.telling.citation(statement) for statement in asked]
        record = {
            "role": "source",
            "what": {"identifier": self.record, "display": f"The record {self.found.case.id}"},
        }
        self.provenance(
            "provenance",
            ["Where the assessment comes from.", *map(quoted, cited)],
            target=[self.reference("GuidanceResponse", "guidance"), self.reference("CarePlan", "plan")],
            entity=[record, *map(self.quotation, cited)],
        )

    def origin_of(self, conclusion: Conclusion) -> None:
        """Of one conclusion: its rules and assumptions, the entries, the quotes, and what fields were taken over."""
        telling = self.telling
        entries = [{"role": "source", "what": {"display": entry}} for entry in telling.entries(conclusion)]
        quotations = [self.quotation(cited, _side(conclusion, cited)) for cited in conclusion.citations]
        for statement, names in telling.inherited(conclusion).items():
            marks = [_extension("inherited-field", name) for name in names]
            quotations.append(self.quotation(telling.citation(statement), marks))
        lines = [f"Where {conclusion.id} comes from.", f"Rules: {', '.join(conclusion.rules)}."]
        rules = [_extension("rule", rule) for rule in conclusion.rules]
        self.provenance(
            f"provenance/{conclusion.id}",
            [*lines, *telling.rests_on(conclusion), *telling.cites(conclusion)],
            extension=[
                _about(conclusion),
                _extension("review", conclusion.review),
                *rules,
                *(_extension("assumption", text) for text in conclusion.assumes),
            ],
            target=self.references([conclusion]),
            entity=[*entries, *quotations],
        )

    def provenance(self, name: str, lines: Iterable[str], **elements: Any) -> None:
        assembler = {"coding": [{"system": _HL7 + "provenance-participant-type", "code": "assembler"}]}
        self.put(
            "Provenance",
            name,
            lines,
            occurredDateTime=self.day,
            _recorded={"extension": [{"url": ABSENT, "valueCode": "unsupported"}]},
            agent=[{"type": assembler, "who": self.reference("Device", "device")}],
            **elements,
        )

    def quotation(self, cited: Citation, marks: Iterable[Node] = ()) -> Node:
        """A sentence of the document as an entity: for people in `what.display`, for programs in the extension."""
        texts = [("quote", cited.quote), ("source", cited.source)]
        texts += [("section", cited.section)] if cited.section else []
        texts += [("marker", number) for number in cited.markers]
        texts += [("inherited-marker", number) for number in cited.inherited]
        told: list[Node] = [{"url": name, "valueString": text} for name, text in texts]
        told.append({"url": "line", "valuePositiveInt": cited.line})
        told += [{"url": n, "valueUnsignedInt": at} for n, at in (("start", cited.start), ("end", cited.end))]
        iri = self.found.knowledge.statements[cited.statement].iri.value
        return {
            "extension": [{"url": EXTENSIONS + "citation", "extension": told}, *marks],
            "role": "quotation",
            "what": {"identifier": {"system": _IRIS, "value": iri}, "display": quoted(cited)},
        }
