"""One line of a FHIR export, read as for one patient, and as seldom as possible.

What a resource means is said in `patient.fhir`, and reading it so takes a third of a millisecond. But millions of
results differ only in whose they are, when they were taken and which number was found. So these are taken out of the
line; what is left, with stand-ins in the holes, is a stencil. Each stencil is read once, by the code that reads one
patient's record, and what it says is filled in for every line that has the same. Where a stand-in comes out in
anything else than the date or the value of an entry (in a note, say), that line is read by itself.

An element that nothing reads (`patient.fhir.BESIDE`: an address, a performer, a narrative) is not looked at, so that
a fault in it, which would give one patient a note, gives none here. That is the only difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from citelog.diagnostics import CaseError
from citelog.patient.bundles import Version, version
from citelog.patient.fhir import ALLERGY, not_borne, read_one
from citelog.patient.reading import as_text, json_object
from citelog.patient.releases import other_release
from citelog.patient.resources import HOLDERS, READ, Resource
from citelog.population.bulk.elements import decoded, identity_of, is_odd, is_plain, text_of
from citelog.population.bulk.stand_ins import CONTENT, DAY, NUMBER, Holes, days_of, is_hole
from citelog.population.bulk.stencils import FILLED, NOTHING, UNREAD, Plan, Stencil, Template, planned
from citelog.population.bulk.whose import inside, referred, target_of, whom
from citelog.vocab import Terms

MOST = 200_000
"""Stencils that are remembered; an export that has more of them has few that come twice."""

_OF_AN_ALLERGY = ("resourceType", "code", "reaction", "clinicalStatus", "verificationStatus")

_OF_A_PATIENT = frozenset(("resourceType", "gender", "birthDate", "meta", "fhirVersion", "animal", "careProvider"))


class Line(NamedTuple):
    """One line, read: its stencil, whose it is (`base` is the server that the reference names), and what fills it.

    `identity` is equal for versions of one resource, and hardly ever for others; 0 without an id. `is_told` says
    that a note tells of a resource of a type that is otherwise only counted.
    """

    kind: str
    stencil: Stencil
    patient: str = ""
    base: str = ""
    fault: str = ""
    fills: Mapping[str, str] = MappingProxyType({})
    identity: int = 0
    is_told: bool = False

    def filled(self, text: str) -> str:
        """A text of the stencil with what stands in this line."""
        if (whole := self.fills.get(text)) is not None:
            return whole
        for stand_in in sorted(self.fills, key=len, reverse=True):  # a day is the beginning of a moment
            text = text.replace(stand_in, self.fills[stand_in])
        return text


@dataclass(frozen=True, slots=True)
class Medications:
    """The Medication resources of an export: the number of each content by id, and the contents by number."""

    numbers: Mapping[str, int] = field(default_factory=dict)
    contents: tuple[bytes, ...] = ()


class Reader:
    """Reads lines; `templates` are those made since `begin`, in the order of their numbers."""

    def __init__(self, terms: Terms, medications: Medications) -> None:
        self.templates: list[Template] = []
        self.readings = 0
        self._terms, self._medications, self._first = terms, medications, 0
        self._is_born = terms.match("context", "birth_date") is not None  # else no rule reads when anybody was born
        self._decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._kinds: dict[bytes, str] = {}
        self._allergies: dict[bytes, Stencil] = {}

    def begin(self, first: int) -> None:
        """From here on templates are numbered from `first`; stencils that are known stay so, unless they are many."""
        self.templates, self._first = [], first
        if sum(len(plan.stencils) for plan in self._plans.values()) > MOST:
            self._plans = {}
        if len(self._allergies) > MOST:
            self._allergies = {}

    def read(self, line: bytes) -> Line:
        """Read one line, without blanks around it. Raises CaseError where it is no resource."""
        try:
            elements = self._decode(line)
        except (msgspec.DecodeError, RecursionError):
            json_object(line, "the line")  # says what is wrong
            raise CaseError("the line", "not JSON", "write one JSON object in each line") from None
        names = tuple(elements)
        plan = self._plans.get(names)
        if plan is None:
            plan = self._plans[names] = planned(names, self._medication)
        if not is_plain(line, plan.size + sum(map(len, elements.values())), len(names)):
            json_object(line, "the line")
        named = bytes(elements.get("resourceType", b""))
        kind = self._kinds.get(named) or self._kinds.setdefault(named, text_of(named))
        if kind == "Patient":
            return self._patient(line, elements)
        if kind in ("Bundle", "Parameters"):  # what stands in it would be missing, and look as if it were not recorded
            what = f"a {kind} holds resources, and each has a line of its own here"
            raise CaseError("the line", what, "write one FHIR resource in each line")
        if kind == ALLERGY:
            return self._allergy(named, elements)
        if kind not in READ and not (kind in HOLDERS and "contained" in elements):
            if not kind:
                raise CaseError("the line", "it has no resourceType", "write one FHIR resource in each line")
            return Line(kind, NOTHING)
        patient, base, fault = whom(elements.get("subject", elements.get("patient")))
        if not fault and kind in HOLDERS and "contained" in elements:
            fault = inside(line, patient, base)
        if fault:
            return Line(kind, NOTHING, fault=fault)
        identity = identity_of(named, elements)
        if b"modifierExtension" in line or DAY in line or NUMBER in line or kind not in READ or is_odd(line):
            return Line(kind, self._made(line, is_masked=False), patient, base, identity=identity)
        stencil, fills = self._stencil(plan, tuple(elements.values()))
        stencil = stencil if stencil.is_shared else self._made(line, is_masked=False)
        return Line(kind, stencil, patient, base, "", fills, identity)

    def doubted(self, resource: Resource, doubt: str) -> Stencil:
        """What a resource says of which nothing can be relied on, for a reason outside of it."""
        if resource["resourceType"] == ALLERGY:
            return self._unborne(resource)
        return self._read(resource, is_masked=False, doubt=doubt)

    def _patient(self, line: bytes, elements: Mapping[str, msgspec.Raw]) -> Line:
        patient = text_of(bytes(elements.get("id", b"")))
        if not patient:
            return Line("Patient", NOTHING, fault="This Patient has no id.")
        names = tuple(key for key in elements if key in _OF_A_PATIENT)
        plan = self._plans.get(names)
        if plan is None:
            plan = self._plans[names] = planned(names, self._medication)
        identity = identity_of(b"Patient", elements)
        if is_odd(line):
            return Line("Patient", self._made(line, is_masked=False), patient, identity=identity)
        stencil, fills = self._stencil(plan, tuple(elements[key] for key in names))
        stencil = stencil if stencil.is_shared else self._made(line, is_masked=False)
        return Line("Patient", stencil, patient, fills=fills, identity=identity)

    def _allergy(self, named: bytes, elements: Mapping[str, msgspec.Raw]) -> Line:
        """A medicine that a patient does not bear, which is told where the knowledge base knows it."""
        told = {key: bytes(elements[key]) for key in _OF_AN_ALLERGY if key in elements}
        key = b"\0".join((*map(str.encode, told), *told.values()))
        stencil = self._allergies.get(key)
        if stencil is None:
            stencil = self._allergies[key] = self._unborne({key: decoded(value) for key, value in told.items()})
        patient, base, fault = whom(elements.get("patient"))
        is_told, identity = bool(stencil.notes), identity_of(named, elements)
        return Line(ALLERGY, stencil, patient, base, fault if is_told else "", identity=identity, is_told=is_told)

    def _unborne(self, resource: Resource) -> Stencil:
        text = not_borne(resource, self._terms)
        return Stencil(notes=((text, ""),)) if text else NOTHING

    # --- a stencil ------------------------------------------------------------------------------------------------

    def _stencil(self, plan: Plan, values: tuple[msgspec.Raw, ...]) -> tuple[Stencil, dict[str, str]]:
        """The stencil of a line, and what its stand-ins stand for."""
        holes = Holes()
        made = [how(holes, bytes(values[place])) for place, how in plan.changed]
        key = b"\0".join((*plan.kept(values), *made))
        days = {} if holes.has_odd_span else days_of(holes.dates)
        for text, stand_in in days.items():
            key = key.replace(b'"%s"' % text, b'"%s"' % stand_in)
        fills = {stand_in.decode(): text.decode() for text, stand_in in days.items()}
        for number, stand_in in holes.numbers.items():
            fills[stand_in.decode()] = number.decode()
        stencil = plan.stencils.get(key)
        if stencil is None:
            stencil = plan.stencils[key] = self._made(plan.line(key), is_masked=True)
        return stencil, fills

    def _medication(self, _: Holes, reference: bytes) -> bytes:
        """A reference to a Medication by the number of its content, where the export holds it."""
        number = self._medications.numbers.get(referred(decoded(reference)))
        return reference if number is None else b'{"reference":"%s%d"}' % (CONTENT, number)

    def _made(self, data: bytes, *, is_masked: bool) -> Stencil:
        """Read a stencil, or a line by itself."""
        self.readings += 1
        try:
            resource = json_object(data, "the line")
        except CaseError as trouble:
            return Stencil(broken=trouble.what)
        if release := other_release(resource):
            return Stencil(refused=f"it is FHIR {release[0]} ({release[1]})")
        return self._read(resource, is_masked=is_masked)

    def _read(self, resource: Resource, *, is_masked: bool, doubt: str = "") -> Stencil:
        items, notes, _ = read_one(resource, "", self._terms, self._about(resource), doubt)
        context = {}
        if resource["resourceType"] == "Patient":
            found = {"sex": as_text(resource.get("gender")), "birth_date": as_text(resource.get("birthDate"))}
            context = {key: value for key, value in found.items() if key == "sex" or self._is_born}
        holes = [tuple(key for key in FILLED if is_hole(item.keys.get(key, ""))) for item in items]
        others = [item.name for item in items]
        others += [str(value) for item in items for key, value in item.keys.items() if key not in FILLED]
        others += [note.text for note in notes]
        if is_masked and any(map(is_hole, others)):
            return Stencil(is_shared=False)
        made = []
        for item, keys in zip(items, holes, strict=True):
            template = Template(self._first + len(self.templates), item, keys if is_masked else ())
            self.templates.append(template)
            made.append(template)
        return Stencil(tuple(made), tuple((note.text, note.read_from) for note in notes), context)

    def _about(self, resource: Resource) -> dict[str, Any]:
        """The Medication that a resource refers to, as one patient's record would hold it."""
        target = target_of(resource.get("medicationReference"))
        known = self._medications
        if target.startswith(CONTENT.decode()):
            number: int | None = int(target.removeprefix(CONTENT.decode()))
        else:
            number = known.numbers.get(referred(target))
        return {} if number is None else {target: json_object(known.contents[number], "a Medication")}


def medication(line: bytes) -> tuple[str, bytes, Version] | None:
    """The id, the content and the version of a Medication; None where a line is something else."""
    elements = decoded(line)
    if not isinstance(elements, dict) or elements.get("resourceType") != "Medication":
        return None
    content = {key: value for key, value in elements.items() if key not in UNREAD and key != "meta"}
    return as_text(elements.get("id")), msgspec.json.encode(content), version(elements)
