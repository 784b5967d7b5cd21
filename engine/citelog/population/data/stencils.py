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

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from citelog.diagnostics import CaseError
from citelog.patient.bundles import Version, version
from citelog.patient.case import Item
from citelog.patient.fhir import read_one
from citelog.patient.people import other_subject, with_results
from citelog.patient.reading import as_text, json_object
from citelog.patient.releases import other_release
from citelog.patient.resources import HOLDERS, READ, REFERENCE, Resource
from citelog.patient.validity import BESIDE
from citelog.vocab import Terms

FILLED = ("value", "when", "since")
"""The keys of an entry that a stand-in may come out in."""

MOST = 200_000
"""Stencils that are remembered; an export that has more of them has few that come twice."""

KEPT = frozenset(("interpretation", "hasMember", "instantiatesCanonical", "meta", "note", "requester"))
UNREAD = (BESIDE - KEPT) | {"id"}
"""Elements that are not looked at; of those kept, the flags and members are read, of a comment it is told that it is
there, and the others can tell a release."""

_DATE = (
    rb"(?:19|20)[0-9]{2}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|"
    rb"(?:0[13578]|1[02])-31)"
)
_CLOCK = rb"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
_MOMENT = re.compile(_DATE + b"(?:" + _CLOCK + b")?")
_ENDS = re.compile(rb'"(?:start|end)":\s?"([^"\\]*)"')
_NUMBERS = re.compile(rb'"value":(\s?)(-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?)(?=\s?[,}])')
_NUMBER_FIRST = re.compile(rb"\{" + _NUMBERS.pattern)
_DAY, _NUMBER, _CONTENT = b"1601-01-", b"91827364", b"Medication/~"
"""How the stand-ins begin; a line in which one of the first two stands already is read by itself."""

_STAND_IN = _NUMBER + b"000"
_SUBJECT = re.compile(rb'\{"reference":\s?"Patient/([A-Za-z0-9.-]{1,64})"(?:,\s?"display":\s?"[^"\\]*")?\}')
_PROFILE = re.compile(rb'"profile":\s?(\[(?:\s?"[^"\\]*"\s?,?)*\])')
_CONTROL = bytes(one for one in (*range(32), 127) if one not in b"\t\r\n")
_C1 = re.compile(rb"\xc2[\x80-\x9f]")

_OF_A_PATIENT = frozenset(("resourceType", "gender", "birthDate", "meta", "fhirVersion", "animal", "careProvider"))


@dataclass(frozen=True, slots=True)
class Template:
    """An entry of a stencil: `id` is its number, `holes` its keys that are still to be filled."""

    id: int
    item: Item
    holes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stencil:
    """What all lines of one form say; `refused` says why the record of a patient who has such a line is refused."""

    templates: tuple[Template, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    context: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    broken: str = ""
    is_shared: bool = True


NOTHING = Stencil()


class Line(NamedTuple):
    """One line, read: its stencil, whose it is (`base` is the server that the reference names), and what fills it.

    `identity` is equal for versions of one resource, and hardly ever for others; 0 without an id.
    """

    kind: str
    stencil: Stencil
    patient: str = ""
    base: str = ""
    fault: str = ""
    fills: Mapping[str, str] = MappingProxyType({})
    identity: int = 0

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
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._kinds: dict[bytes, str] = {}

    def begin(self, first: int) -> None:
        """From here on templates are numbered from `first`; stencils that are known stay so, unless they are many."""
        self.templates, self._first = [], first
        if sum(len(plan.stencils) for plan in self._plans.values()) > MOST:
            self._plans = {}

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
            plan = self._plans[names] = _planned(names, self._medication)
        if not _is_plain(line, plan.size + sum(map(len, elements.values())), len(names)):
            json_object(line, "the line")
        named = bytes(elements.get("resourceType", b""))
        kind = self._kinds.get(named) or self._kinds.setdefault(named, _text(named))
        if kind == "Patient":
            return self._patient(line, elements)
        if kind not in READ and not (kind in HOLDERS and "contained" in elements):
            if not kind:
                raise CaseError("the line", "it has no resourceType", "write one FHIR resource in each line")
            return Line(kind, NOTHING)
        patient, base, fault = _whom(elements.get("subject", elements.get("patient")))
        if not fault and kind in HOLDERS and "contained" in elements:
            fault = _inside(line, patient, base)
        if fault:
            return Line(kind, NOTHING, fault=fault)
        identity = _identity(named, elements)
        if b"modifierExtension" in line or _DAY in line or _NUMBER in line or kind not in READ:
            return Line(kind, self._made(line, is_masked=False), patient, base, identity=identity)
        stencil, fills = self._stencil(plan, tuple(elements.values()))
        stencil = stencil if stencil.is_shared else self._made(line, is_masked=False)
        return Line(kind, stencil, patient, base, "", fills, identity)

    def doubted(self, resource: Resource, doubt: str) -> Stencil:
        """What a resource says of which nothing can be relied on, for a reason outside of it."""
        return self._read(resource, is_masked=False, doubt=doubt)

    def _patient(self, line: bytes, elements: Mapping[str, msgspec.Raw]) -> Line:
        patient = _text(bytes(elements.get("id", b"")))
        if not patient:
            return Line("Patient", NOTHING, fault="This Patient has no id.")
        names = tuple(key for key in elements if key in _OF_A_PATIENT)
        plan = self._plans.get(names)
        if plan is None:
            plan = self._plans[names] = _planned(names, self._medication)
        stencil, fills = self._stencil(plan, tuple(elements[key] for key in names))
        stencil = stencil if stencil.is_shared else self._made(line, is_masked=False)
        return Line("Patient", stencil, patient, fills=fills, identity=_identity(b"Patient", elements))

    # --- a stencil ------------------------------------------------------------------------------------------------

    def _stencil(self, plan: _Plan, values: tuple[msgspec.Raw, ...]) -> tuple[Stencil, dict[str, str]]:
        """The stencil of a line, and what its stand-ins stand for."""
        holes = _Holes()
        made = [how(holes, bytes(values[place])) for place, how in plan.changed]
        key = b"\0".join((*plan.kept(values), *made))
        days = {} if holes.has_odd_span else _days(holes.dates)
        for text, stand_in in days.items():
            key = key.replace(b'"%s"' % text, b'"%s"' % stand_in)
        fills = {stand_in.decode(): text.decode() for text, stand_in in days.items()}
        for number, stand_in in holes.numbers.items():
            fills[stand_in.decode()] = number.decode()
        stencil = plan.stencils.get(key)
        if stencil is None:
            stencil = plan.stencils[key] = self._made(plan.line(key), is_masked=True)
        return stencil, fills

    def _medication(self, _: _Holes, reference: bytes) -> bytes:
        """A reference to a Medication by the number of its content, where the export holds it."""
        number = self._medications.numbers.get(_referred(_decoded(reference)))
        return reference if number is None else b'{"reference":"%s%d"}' % (_CONTENT, number)

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
        holes = [tuple(key for key in FILLED if _is_hole(item.keys.get(key, ""))) for item in items]
        others = [item.name for item in items]
        others += [str(value) for item in items for key, value in item.keys.items() if key not in FILLED]
        others += [note.text for note in notes]
        if is_masked and any(map(_is_hole, others)):
            return Stencil(is_shared=False)
        made = []
        for item, keys in zip(items, holes, strict=True):
            template = Template(self._first + len(self.templates), item, keys if is_masked else ())
            self.templates.append(template)
            made.append(template)
        return Stencil(tuple(made), tuple((note.text, note.read_from) for note in notes), context)

    def _about(self, resource: Resource) -> dict[str, Any]:
        """The Medication that a resource refers to, as one patient's record would hold it."""
        target = _target(resource.get("medicationReference"))
        known = self._medications
        if target.startswith(_CONTENT.decode()):
            number: int | None = int(target.removeprefix(_CONTENT.decode()))
        else:
            number = known.numbers.get(_referred(target))
        return {} if number is None else {target: json_object(known.contents[number], "a Medication")}


def _identity(kind: bytes, elements: Mapping[str, msgspec.Raw]) -> int:
    id_ = elements.get("id")
    if id_ is None:
        return 0
    return int.from_bytes(hashlib.blake2b(kind.strip(b'"') + bytes(id_), digest_size=8).digest(), "big", signed=True)


def medication(line: bytes) -> tuple[str, bytes, Version] | None:
    """The id, the content and the version of a Medication; None where a line is something else."""
    elements = _decoded(line)
    if not isinstance(elements, dict) or elements.get("resourceType") != "Medication":
        return None
    content = {key: value for key, value in elements.items() if key not in UNREAD and key != "meta"}
    return as_text(elements.get("id")), msgspec.json.encode(content), version(elements)


def _is_plain(line: bytes, size: int, count: int) -> bool:
    """Whether nothing can be wrong with a line: no control characters, no key twice, text that is UTF-8.

    `size` is the length of all `count` elements that are known, so what is more in the line is an element twice.
    """
    if len(line.translate(None, _CONTROL)) != len(line):
        return False
    if not line.isascii():
        try:
            line.decode()
        except UnicodeDecodeError:
            return False
        if _C1.search(line):
            return False
    between = 6 * count if b'": ' in line[:20] else 4 * count + 1  # {"a": 1, "b": 2} and {"a":1,"b":2}
    return len(line) == size + between


def _text(raw: bytes) -> str:
    found = _decoded(raw)
    return found if isinstance(found, str) else ""


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


# --- stand-ins ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Holes:
    """What is taken out of a line: its numbers with what stands in for each, and its dates.

    No date is, where a span has an end that cannot be taken out: which of the two is earlier would be lost.
    """

    numbers: dict[bytes, bytes] = field(default_factory=dict)
    dates: list[bytes] = field(default_factory=list)
    has_odd_span: bool = False


_How = Callable[[_Holes, bytes], bytes]


def _date(holes: _Holes, value: bytes) -> bytes:
    if _MOMENT.fullmatch(value, 1, len(value) - 1):
        holes.dates.append(value[1:-1])
    return value


def _spans(holes: _Holes, value: bytes) -> bytes:
    ends = _ENDS.findall(value)
    holes.has_odd_span |= value.count(b'"start"') + value.count(b'"end"') != len(ends)
    holes.has_odd_span |= not all(map(_MOMENT.fullmatch, ends))
    holes.dates += ends
    return value


def _numbers(holes: _Holes, value: bytes) -> bytes:
    numbers = holes.numbers
    first = _NUMBER_FIRST.match(value)
    if first and not numbers and value.count(b'"value"') == 1:  # as nearly every quantity is written
        numbers[first[2]] = _STAND_IN
        return b'{"value":%s%s%s' % (first[1], _STAND_IN, value[first.end() :])

    def stand_in(found: re.Match[bytes]) -> bytes:
        return b'"value":%s%s' % (found[1], numbers.setdefault(found[2], b"%s%03d" % (_NUMBER, len(numbers))))

    return _NUMBERS.sub(stand_in, value)


def _subject(_: _Holes, value: bytes) -> bytes:
    return b'{"reference":"Patient/x"}' if value[:1] == b"{" else b'"Patient/x"'


def _meta(_: _Holes, value: bytes) -> bytes:
    if b'"profile"' not in value and value[:1] == b"{":
        return b"{}"
    profile = _PROFILE.search(value)
    return b'{"profile":%s}' % profile[1] if profile else value


def _requester(_: _Holes, value: bytes) -> bytes:
    return value if b'"agent"' in value else b'{"reference":"Practitioner/x"}'


def _comment(_: _Holes, value: bytes) -> bytes:
    return b'[{"text":"x"}]' if value[:2] == b"[{" else value


def _members(_: _Holes, value: bytes) -> bytes:
    return b'[{"reference":"Observation/x"}]' if value[:2] == b"[{" and b'"#' not in value else value


_HOW: Mapping[str, _How] = {
    **dict.fromkeys(("abatementDateTime", "authoredOn", "birthDate", "dateAsserted", "effectiveDateTime", "issued",
                     "effectiveInstant", "onsetDateTime", "performedDateTime", "recordedDate", "whenHandedOver",
                     "whenPrepared"), _date),
    **dict.fromkeys(("abatementPeriod", "dosage", "dosageInstruction", "effectivePeriod", "onsetPeriod",
                     "performedPeriod"), _spans),
    **dict.fromkeys(("component", "valueQuantity"), _numbers),
    "subject": _subject, "meta": _meta, "requester": _requester, "hasMember": _members,
    "note": _comment,
}  # fmt: skip
"""Elements that are not kept as they are written; all others are."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is done with the lines that have the same elements in the same order.

    `kept` picks the elements that are read as they are written, `changed` are the places of the others, and what is
    made of each. `size` is the length of all names. A stencil is remembered by its elements with a NUL between them.
    """

    places: tuple[int, ...]
    names: tuple[str, ...]
    size: int
    kept: Callable[[tuple[msgspec.Raw, ...]], tuple[msgspec.Raw, ...]]
    changed: tuple[tuple[int, _How], ...]
    stencils: dict[bytes, Stencil] = field(default_factory=dict)

    def line(self, key: bytes) -> bytes:
        """The line that a stencil is."""
        values = zip(self.places, self.names, key.split(b"\0"), strict=True)
        return b"{%s}" % b",".join(msgspec.json.encode(name) + b":" + value for _, name, value in sorted(values))


def _planned(names: tuple[str, ...], medication: _How) -> _Plan:
    how = {**_HOW, "medicationReference": medication}
    read = [place for place, name in enumerate(names) if name not in UNREAD]
    kept = [place for place in read if names[place] not in how]
    changed = [place for place in read if names[place] in how]
    pick = itemgetter(*kept) if len(kept) > 1 else lambda values: tuple(values[place] for place in kept)
    return _Plan(
        places=(*kept, *changed),
        names=tuple(names[place] for place in (*kept, *changed)),
        size=sum(map(len, names)),  # a name that is no ASCII is not one of FHIR's
        kept=pick,
        changed=tuple((place, how[names[place]]) for place in changed),
    )


def _days(texts: list[bytes]) -> dict[bytes, bytes]:
    """Stand-ins for dates, in the order of their days; none where there are more than a month has days.

    >>> _days([b"2026-03-02", b"2025-01-01T08:30:00Z"])
    {b'2025-01-01T08:30:00Z': b'1601-01-01T00:00:00Z', b'2026-03-02': b'1601-01-02'}
    """
    if len(texts) < 2:
        return {text: _DAY + (b"01T00:00:00Z" if len(text) > 10 else b"01") for text in texts}
    days = {day: number for number, day in enumerate(sorted({text[:10] for text in texts}), start=1)}
    if len(days) > 28 or len(texts) > 59:
        return {}
    found = {}
    for number, text in enumerate(sorted(set(texts))):
        clock = b"T00:00:%02dZ" % number if len(text) > 10 else b""
        found[text] = b"%s%02d%s" % (_DAY, days[text[:10]], clock)
    return found


def _is_hole(value: str | bool) -> bool:
    return isinstance(value, str) and (_DAY.decode() in value or _NUMBER.decode() in value)


# --- whose a resource is -----------------------------------------------------------------------------------------


def _whom(subject: msgspec.Raw | None) -> tuple[str, str, str]:
    """The id of the patient whom a resource is about, the server that the reference names, and why it is nobody."""
    if subject is None or bytes(subject) == b"null":
        return "", "", "It names no patient."
    if simple := _SUBJECT.fullmatch(subject):
        return simple[1].decode(), "", ""
    return _named(_decoded(bytes(subject)))


def _named(node: Any) -> tuple[str, str, str]:
    if other := other_subject({"subject": node}):
        return "", "", f"It is about {other}, not about a patient."
    target = _target(node)
    if target.startswith("#"):
        return "", "", "Its patient stands inside the resource itself, so whose it is cannot be told."
    parts = REFERENCE.fullmatch(target)
    if not target or (not parts and not target.startswith("urn:uuid:")):
        return "", "", "It refers to its patient in a way that cannot be followed."
    return _referred(node), parts[1] or "" if parts else "", ""


def _inside(line: bytes, patient: str, base: str) -> str:
    """Why a resource is not its patient's for a result inside it that is about another; empty where it is."""
    tree = _decoded(line)
    for one in with_results(tree) if isinstance(tree, dict) else ():
        if one.get("subject") is None or other_subject(one):
            continue
        id_, server, fault = _named(one["subject"])
        if fault or id_ != patient or (server and base and server != base):
            return "A result inside it is about another patient, or nobody can tell about whom."
    return ""


def _target(node: Any) -> str:
    return as_text(node if isinstance(node, str) else node.get("reference") if isinstance(node, dict) else None)


def _referred(node: Any) -> str:
    """The id that a reference ends with."""
    target = _target(node)
    parts = REFERENCE.fullmatch(target)
    return parts[3] if parts else target.removeprefix("urn:uuid:")
