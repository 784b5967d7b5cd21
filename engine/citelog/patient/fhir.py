"""FHIR R4: a Bundle or a single resource, as items.

Here a record is judged as a whole: one release, one patient, the current version of each resource. A resource that is
not valid, or of a type that is not read, never stops the others and never goes without a word. One that is not valid
is read all the same, as far as it can be relied on: a result with a fault in it is no missing one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from citelog.diagnostics import CaseError
from citelog.patient.bundles import INCOMPLETE, Index, Placed, current, outcome, part, taken_apart, words
from citelog.patient.case import Gathered, Item, Note, Recorded
from citelog.patient.elements import codes, concept_text, joined, rows
from citelog.patient.entries import match
from citelog.patient.lines import read_resource
from citelog.patient.people import of_one_patient, other_subject, refers_to
from citelog.patient.reading import Document, as_text
from citelog.patient.releases import other_release
from citelog.patient.resources import ALL, HOLDERS, READ, REFERENCE, Damage, Resource, called, doubtful, held
from citelog.patient.unread import not_read, places
from citelog.patient.validity import TROUBLE, check_type, problem
from citelog.vocab import Terms

JUDGED = (*READ, "Patient", "Medication")
"""The types of which something is read, and which are looked at for faults."""

ALLERGY = "AllergyIntolerance"
"""The type of which no entry is made, and which is told by itself where it is about a medicine that is known."""


def gather(document: Document, terms: Terms, of: str | None = None) -> Gathered:
    """Everything that a FHIR record says of its patient, or of the patient `of` where it is about several.

    Raises CaseError where it is no record of one patient in FHIR R4.
    """
    tree, where = document.tree, document.where
    kind = tree["resourceType"]
    if not isinstance(kind, str):
        raise CaseError(f"{where}: resourceType", "this is no resource type", "as in Bundle or Observation")
    if kind == "Parameters":
        raise CaseError(where, "Parameters are no record", "give the resources that stand in them as a Bundle")
    if kind != "Bundle":
        check_type(kind, where)
    placed, notes, failure = taken_apart(tree, where)
    if instead := words(placed[0]) if kind == "OperationOutcome" else failure:
        raise CaseError(where, f"this is no record. {instead}", "fetch the record again")
    for one in placed:
        if found := other_release(one.resource):
            release, sign = found
            remedy = "convert the record to FHIR R4, the only release that is read"
            raise CaseError(f"{where}: {one.place}", f"this is FHIR {release} ({sign})", remedy)
    placed, older = current(placed)
    placed, others = of_one_patient(placed, where, of, is_bundle=kind == "Bundle")
    notes = [*notes, *older, *others]
    reader = _Reader(placed, terms, where, is_alone=kind != "Bundle")
    return reader.gathered(notes)


class _Reader:
    """Reads the resources of one patient."""

    def __init__(self, placed: list[Placed], terms: Terms, where: str, *, is_alone: bool) -> None:
        self.placed, self.terms, self.where, self.is_alone = placed, terms, where, is_alone
        self.index = Index(placed)
        self.referred: set[str] = set()
        """The places of the Medications that something refers to."""

    def gathered(self, notes: list[Note]) -> Gathered:
        """The items and notes of all of them."""
        items: list[Item] = []
        for one in self.placed:
            if one.kind not in JUDGED and not (one.kind in HOLDERS and "contained" in one.resource):
                continue
            read, remarks, fault = read_one(one.resource, one.place, self.terms, self._medications(one), one.doubt)
            if fault and self.is_alone and not any(match(item, self.terms) for item in read):
                raise CaseError(f"{self.where}: {one.place}", f"not valid FHIR R4: {fault}", "correct the resource")
            items += read
            notes += remarks
        notes += [*self._left_alone(), *self._gaps()]
        context, said = self._context()
        # a record has no id of its own: its file names it
        return Gathered(tuple(items), (*notes, *said), None, context)

    def _medications(self, one: Placed) -> dict[str, Resource]:
        """The Medication that a resource refers to, by the text of the reference, where the record holds it."""
        target = refers_to(one.resource, "medicationReference")
        found = self.index.find(target, one) if target and not target.startswith("#") else None
        if found is None or found.kind != "Medication" or found.doubt:
            return {}
        self.referred.add(found.place)
        return {target: found.resource}

    def _left_alone(self) -> Iterator[Note]:
        """The resources of which no entry is made."""
        kinds: dict[str, list[str]] = {}
        for one in self.placed:
            if one.kind == "OperationOutcome":
                yield outcome(one)
            elif one.kind == "Medication" and one.place not in self.referred:
                yield Note(f"{called(one.resource)} is not read: nothing that is read refers to it.", one.place)
            elif one.kind == ALLERGY and (text := not_borne(one.resource, self.terms)):
                yield Note(text, one.place)
            elif one.kind not in JUDGED:
                kinds.setdefault(one.kind, []).append(one.place)
        for kind, found in kinds.items():
            yield Note(not_read(kind, len(found)), places(found))

    def _gaps(self) -> Iterator[Note]:
        """What the record itself says that it does not hold."""
        gone: dict[str, list[str]] = {}
        unread: list[Placed] = []
        for one in self.placed:
            if one.kind in HOLDERS:
                members = [row for key in ("result", "hasMember") for row in rows(one.resource.get(key))]
                targets = [target for row in members if (target := as_text(row.get("reference")))[:1] not in ("", "#")]
                if as_text(one.resource.get("status")).casefold() == "entered-in-error":
                    if targets and one.kind == "DiagnosticReport":
                        text = (
                            f"{called(one.resource)} was entered in error. Results that it names count as they stand."
                        )
                        yield Note(text, one.place)
                elif missing := [target for target in targets if self.index.find(target, one) is None]:
                    gone[one.place] = missing
                elif one.kind == "DiagnosticReport" and not members and "contained" not in one.resource:
                    unread += [one] if _words(one.resource) else []
            elif one.kind in ("List", "Composition"):
                yield from _empty(one)
                yield from self._not_here(one)
        if gone:
            results = sorted({target for missing in gone.values() for target in missing})
            who = "1 report or panel names" if len(gone) == 1 else f"{len(gone):,} reports and panels name"
            what = "1 result that is" if len(results) == 1 else f"{len(results):,} results that are"
            yield Note(f"{who} {what} not here, such as {results[0]}: {INCOMPLETE}.", places(gone))
        if unread:
            who = called(unread[0].resource) if len(unread) == 1 else f"{len(unread):,} DiagnosticReport resources"
            says = "says" if len(unread) == 1 else "say"
            text = f"{who} {says} what was found only in words or in a file, and these are not read: {INCOMPLETE}."
            yield Note(text, places(one.place for one in unread))

    def _not_here(self, one: Placed) -> Iterator[Note]:
        """What a document or a list names that would be read, and that the record does not hold."""
        content = (*READ, "DiagnosticReport")
        gone = [
            target
            for target in _listed(one.resource)
            if (parts[2] in content if (parts := REFERENCE.fullmatch(target)) else target.startswith("urn:"))
            and self.index.find(target, one) is None
        ]
        if gone:
            what = "1 resource that is" if len(gone) == 1 else f"{len(gone):,} resources that are"
            yield Note(f"The {one.kind} names {what} not here, such as {gone[0]}: {INCOMPLETE}.", one.place)

    def _context(self) -> tuple[dict[str, tuple[Recorded, str]], list[Note]]:
        """What the Patient resource says beside whose record it is."""
        context: dict[str, tuple[Recorded, str]] = {}
        notes = []
        patients = [one for one in self.placed if one.kind == "Patient"]
        for one in patients:
            reason = one.doubt or doubtful(one.resource)
            if reason:
                text = f"The Patient resource has {reason}: it only says whose record this is."
                notes.append(Note(text, one.place))
                continue
            if gender := as_text(one.resource.get("gender")):
                context["sex"] = (gender, one.place)
            born = as_text(one.resource.get("birthDate"))
            if born and self.terms.match("context", "birth_date"):
                context["birth_date"] = (born, f"{one.place}.birthDate")
            died = as_text(one.resource.get("deceasedDateTime"))
            if died or one.resource.get("deceasedBoolean") is True:
                when = f" ({died})" if died else ""
                notes.append(Note(f"The Patient resource says that the patient has died{when}.", one.place))
            if one.resource.get("active") is False:
                notes.append(Note("The Patient resource says that this record is not in use.", one.place))
            for link in rows(one.resource.get("link")):
                text = f"The Patient resource is linked to another one ({as_text(link.get('type')) or 'type missing'})"
                notes.append(Note(f"{text}: {INCOMPLETE}.", one.place))
            if not gender and not born:
                notes.append(Note("The Patient resource only says whose record this is.", one.place))
        return context, notes


def not_borne(resource: Resource, terms: Terms) -> str:
    """That an AllergyIntolerance is about medicines that the knowledge base knows; empty where it is about others."""
    concepts = [resource.get("code"), *(row.get("substance") for row in rows(resource.get("reaction")))]
    concepts += [one for node in concepts for one in (node if isinstance(node, list) else ())]
    items = (Item("medications", concept_text(one), {}, "", codes(one)) for one in concepts)
    known = joined(terms.label(term) for item in items if (term := match(item, terms)))
    status = joined(concept_text(resource.get(f"{key}Status")) for key in ("clinical", "verification"))
    what = f"{called(resource)} ({status})" if status else called(resource)
    return f"{what} is about {known}. No rule reads it: whoever reads this has to weigh it." if known else ""


def _words(resource: Resource) -> bool:
    """Whether a report has something to read for a person."""
    return any(resource.get(key) for key in ("conclusion", "conclusionCode", "presentedForm", "text"))


def _listed(resource: Resource) -> list[str]:
    """What a document or a list refers to as its content, each once."""
    waiting, targets = [resource], dict[str, None]()
    while waiting:
        node = waiting.pop(0)
        waiting += rows(node.get("section"))
        for row in rows(node.get("entry")):
            item = row if "reference" in row else part(row, "item")
            targets[as_text(item.get("reference"))] = None
    return list(targets)


def _empty(one: Placed) -> Iterator[Note]:
    """Why a list is empty, where it says so; nothing follows from that about what could have stood in it."""
    waiting = [(one.resource, as_text(one.resource.get("title")) or concept_text(one.resource.get("code")))]
    while waiting:
        node, title = waiting.pop()
        waiting += [(row, as_text(row.get("title")) or title) for row in rows(node.get("section"))]
        if reason := concept_text(node.get("emptyReason")):
            name = f'{one.kind} "{title}"' if title else one.kind
            yield Note(f"{name} is empty ({reason}). Nothing that could stand in it counts as absent.", one.place)


def read_one(
    resource: Resource, place: str, terms: Terms, medications: Mapping[str, Resource], doubt: str = ""
) -> tuple[list[Item], list[Note], str]:
    """What one resource of a record says, what of it is not used, and in one line what makes it invalid.

    `medications` are those that it refers to, by the text of the reference; `doubt` is a reason outside of it why
    nothing that it says can be relied on.
    """
    is_read, fault = resource["resourceType"] in READ, ""
    damage: Damage = frozenset()
    found: list[Item | Note] = []
    if resource["resourceType"] in JUDGED:
        fault, damage = problem(resource)
    if is_read and (other := other_subject(resource)):
        text = f"{called(resource, medications)} is about {other}, not about a patient, and is not read."
        found.append(Note(text, place))
    elif is_read:
        found, trouble = _read(resource, place, terms, medications, damage, doubt)
        fault, damage = fault or trouble, {ALL} if trouble else damage
    if fault:
        fate = "It is read as it is"
        if damage and is_read:
            fate = "It counts as recorded, and what cannot be relied on is not used"
        fate = "It is not read" if is_read and not any(isinstance(one, Item) for one in found) else fate
        found.append(Note(f"{called(resource, medications)} is not valid FHIR R4 ({fault}). {fate}.", place))
    if "contained" in resource:
        found += _inside(resource, place, terms, doubt)
    items = [one for one in found if isinstance(one, Item)]
    return items, [one for one in found if isinstance(one, Note)], fault


def _inside(resource: Resource, place: str, terms: Terms, doubt: str) -> Iterable[Item | Note]:
    """The results that a resource holds inside itself, and what else could have been one."""
    doubt = doubt or doubtful(resource)
    for index, inner, is_result in held(resource):
        at = f"{place}.contained[{index}]"
        if is_result:
            items, notes, _ = read_one(inner, at, terms, {}, doubt)
            yield from items
            yield from notes
        else:
            text = f"{called(inner)} inside another resource is not read: it is none of its results."
            yield Note(text, at)


def _read(
    resource: Resource,
    place: str,
    terms: Terms,
    medications: Mapping[str, Resource],
    damage: Damage,
    doubt: str,
) -> tuple[list[Item | Note], str]:
    """What a resource says, and why it could not be read where it is so malformed that only its name can be."""
    try:
        return list(read_resource(resource, place, terms, medications, damage, doubt)), ""
    except TROUBLE:
        trouble = "its elements are not built as FHIR says"
    try:
        return list(read_resource(resource, place, terms, medications, {ALL}, doubt)), trouble
    except TROUBLE:
        return [], trouble
