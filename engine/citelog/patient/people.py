"""Whose record a FHIR record is: the patients that its resources name, told apart, and never mixed.

A record of several patients is refused, naming them, unless one is chosen; then only what names that patient, and
nobody else, is that patient's. A patient is known by an id on a server, by a URN, or by an identifier.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from citelog.diagnostics import CaseError, did_you_mean
from citelog.patient.bundles import Index, Placed, part
from citelog.patient.case import Note
from citelog.patient.reading import as_text
from citelog.patient.resources import READ, REFERENCE, Resource, held
from citelog.patient.unread import places

SHOWN = 5
"""Patients that a refusal names; a record may have hundreds."""


@dataclass(frozen=True, slots=True)
class _Whom:
    """Whom a resource names as its patient: everyone by name, and whether it names anybody at all."""

    names: frozenset[str]
    is_told: bool


def of_one_patient(
    placed: list[Placed], where: str, of: str | None, *, is_bundle: bool
) -> tuple[list[Placed], list[Note]]:
    """The resources of the one patient whom a record is about, or of the patient `of`, and notes about the others.

    Raises CaseError, at `where`, for a record about several patients where none is chosen, or another is.
    """
    index = Index(placed)
    labels = _Labels(placed, index)
    whom = [_whom(one, labels) for one in placed]
    everyone = list(dict.fromkeys(name for one in whom for name in sorted(one.names)))
    notes: list[Note] = []
    if of is not None:
        name = _chosen(of, everyone, where)
        placed, notes = _only(name, placed, whom)
        everyone = [name]
    if len(everyone) > 1:
        raise _several(where, everyone)
    _one_identity(placed, where)
    if is_bundle and everyone and of is None:
        notes += _taken_along(everyone[0], placed, whom)
    return placed, [*notes, *_names(placed)]


def _counted(things: list[str], one: str, more: str) -> str:
    return f"1 resource {one}" if len(things) == 1 else f"{len(things):,} resources {more}"


def _taken_along(name: str, placed: list[Placed], whom: list[_Whom]) -> Iterator[Note]:
    """That resources count as those of the one patient of a record though no reference of theirs leads to that one."""
    known = {pair for one, who in zip(placed, whom, strict=True) if who.names for pair in _pairs(one)}
    silent, vague = [], []
    for one, who in zip(placed, whom, strict=True):
        if one.kind not in READ or who.names or _is_about_no_patient(one.resource):
            continue
        if not who.is_told:
            silent.append(one.place)
        elif known.isdisjoint(_pairs(one)):
            vague.append(one.place)
    for found, how in ((silent, "no patient"), (vague, "{their} patient in a way that cannot be followed")):
        if len(found) == 1:
            yield Note(f"1 resource names {how.format(their='its')}, and counts as one of {name}.", found[0])
        elif found:
            text = f"{_counted(found, '', 'name')} {how.format(their='their')}, and count as those of {name}."
            yield Note(text, places(found))


def _several(where: str, everyone: list[str]) -> CaseError:
    shown = everyone if len(everyone) <= SHOWN else [*everyone[:SHOWN], f"{len(everyone) - SHOWN:,} more"]
    what = f"this record is about more than one patient: {', '.join(shown[:-1])} and {shown[-1]}"
    id_ = next((name.removeprefix("Patient/") for name in everyone if name.startswith("Patient/")), everyone[0])
    remedy = f"give one patient's record, or choose one, as in --patient {id_}; for many there is `citelog population`"
    return CaseError(where, what, remedy)


# --- names -------------------------------------------------------------------------------------------------------


class _Labels:
    """One name for each patient, however it is referred to.

    A patient is `Patient/` and the id, with the server before it only where two servers have that id.
    """

    def __init__(self, placed: list[Placed], index: Index) -> None:
        self._index = index
        self._servers: dict[str, set[str]] = {}
        self._patients = Counter(one.name for one in placed if one.kind == "Patient")
        for one in placed:
            told = [one.identity] if one.kind == "Patient" and one.identity else []
            for target in _targets(one.resource):
                if (parts := REFERENCE.fullmatch(target)) and parts[2] == "Patient":
                    told.append((parts[1] or one.server, f"Patient/{parts[3]}"))
            for server, name in told:
                self._servers.setdefault(name, set()).update(filter(None, [server]))

    def of(self, patient: Placed) -> str:
        """The name of a Patient resource."""
        server, name = patient.identity or ("", "")
        if name:
            return self._name(server, name)
        is_alone = patient.name and self._patients[patient.name] == 1
        return patient.name if is_alone else patient.url or patient.place

    def named(self, target: str, source: Placed) -> str:
        """The name of the patient whom a reference names; empty where it is about something else than a patient."""
        parts = REFERENCE.fullmatch(target)
        if not target or target.startswith("#") or (parts and parts[2] != "Patient"):
            return ""
        found = self._index.find(target, source)
        if found is not None:
            return self.of(found) if found.kind == "Patient" else ""
        return self._name(parts[1] or source.server, f"Patient/{parts[3]}") if parts else target

    def _name(self, server: str, name: str) -> str:
        return f"{server}/{name}" if server and len(self._servers.get(name, ())) > 1 else name


def with_results(resource: Resource) -> Iterator[Resource]:
    """A resource, and the results inside it that are read with it; each may say whom it is about."""
    yield resource
    if "contained" in resource:
        yield from (inner for _, inner, is_result in held(resource) if is_result)


def _targets(resource: Resource) -> Iterator[str]:
    for one in with_results(resource):
        yield from (target for key in ("subject", "patient") if (target := refers_to(one, key)))


def refers_to(resource: Resource, key: str) -> str:
    """What a reference refers to; one that is plain text is not valid, and still says whom it means."""
    node = resource.get(key)
    return node if isinstance(node, str) else as_text(part(resource, key).get("reference"))


def _whom(one: Placed, labels: _Labels) -> _Whom:
    names = {labels.of(one)} if one.kind == "Patient" else set()
    names |= {name for target in _targets(one.resource) if (name := labels.named(target, one))}
    is_told = bool(names) or any(one.resource.get(key) is not None for key in ("subject", "patient"))
    return _Whom(frozenset(names), is_told)


# --- the patient who is chosen -----------------------------------------------------------------------------------


def _chosen(of: str, everyone: list[str], where: str) -> str:
    """The name of the patient whom a caller names: by the whole name, or by its end."""
    found = [name for name in everyone if name == of or name.endswith((f"/{of}", f":{of}"))]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise CaseError(where, f'several of its patients are called "{of}": {", ".join(found)}', "give the whole name")
    shown = ", ".join(everyone[:SHOWN]) + (f" and {len(everyone) - SHOWN:,} more" if len(everyone) > SHOWN else "")
    ids = [name.rpartition("/")[2] for name in everyone]
    remedy = did_you_mean(of, ids) or "give the id of one of them"
    what = f'it has no patient "{of}", only {shown}' if everyone else f'it names no patient, so none is "{of}"'
    raise CaseError(
        where, what, remedy if everyone else "leave the choice out, or give a record that names its patient"
    )


def _only(name: str, placed: list[Placed], whom: list[_Whom]) -> tuple[list[Placed], list[Note]]:
    """What is the chosen patient's or nobody's, and what is left out because it is another's, or does not say."""
    kept: list[Placed] = []
    others: dict[str, list[str]] = {}
    for one, who in zip(placed, whom, strict=True):
        if who.names - {name}:
            others.setdefault(" and ".join(sorted(who.names - {name})), []).append(one.place)
        elif not who.names and one.kind in READ and not _is_about_no_patient(one.resource):
            others.setdefault("", []).append(one.place)
        else:
            kept.append(one)
    notes = []
    for other, left in sorted(others.items()):
        verb, are = ("is", "it is") if len(left) == 1 else ("are", "they are")
        text = f"{_counted(left, verb, verb)} about {other}: {are} not read."
        if not other:
            text = f"{_counted(left, 'does', 'do')} not say whose {are}, and {verb} not read."
        notes.append(Note(text, places(left)))
    return kept, notes


def _is_about_no_patient(resource: Resource) -> bool:
    return bool(other_subject(resource))


def other_subject(resource: Resource) -> str:
    """What a resource is about where that is no patient, such as a Group; else the empty text."""
    subject = part(resource, "subject")
    parts = REFERENCE.fullmatch(refers_to(resource, "subject"))
    kind = parts[2] if parts else as_text(subject.get("type"))
    return "" if kind in ("", "Patient") else f"a {kind}"


# --- identifiers -------------------------------------------------------------------------------------------------


def _one_identity(placed: list[Placed], where: str) -> None:
    """Refuse two patients that are told apart by their identifiers, or by the ids that they have inside resources."""
    known: dict[str, set[str]] = {}
    inside: dict[str, dict[str, set[str]]] = {}  # contained patients by their ids
    claims = [_identifiers(one.resource.get("identifier")) for one in placed if one.kind == "Patient"]
    for target, claim in (told for one in placed for told in _claimed(one.resource)):
        claims.append(claim)
        if target:
            inside[target] = claim
    for claim in claims:
        shared = known.keys() & claim.keys()
        if shared and not any(known[system] & claim[system] for system in shared):
            system = min(shared)
            pair = (f"{system}|{min(values[system])}".lstrip("|") for values in (known, claim))
            raise _several(where, list(pair))
        for system, values in claim.items():
            known.setdefault(system, set()).update(values)
    _one_inside(inside, where)


def _claimed(resource: Resource) -> Iterator[tuple[str, dict[str, set[str]]]]:
    """The identifiers of the patients whom a resource and the results inside it name.

    A patient who stands inside the resource comes with the reference to them.
    """
    contained = resource.get("contained")
    for one, key in itertools.product(with_results(resource), ("subject", "patient")):
        node, target = part(one, key), refers_to(one, key)
        parts = REFERENCE.fullmatch(target)
        if (parts[2] if parts else as_text(node.get("type")) or "Patient") != "Patient":
            continue
        yield "", _identifiers([node.get("identifier")])
        for inner in contained if isinstance(contained, list) and target.startswith("#") else ():
            is_it = isinstance(inner, dict) and f"#{as_text(inner.get('id'))}" == target
            if is_it and inner.get("resourceType") == "Patient":
                yield target, _identifiers(inner.get("identifier"))


def _pairs(one: Placed) -> Set[tuple[str, str]]:
    """The identifiers that a resource gives of its patient, each a system and a value."""
    own = [_identifiers(one.resource.get("identifier"))] if one.kind == "Patient" else []
    all_ = [*own, *(claim for _, claim in _claimed(one.resource))]
    return {(system, value) for claim in all_ for system, values in claim.items() for value in values}


def _one_inside(inside: Mapping[str, Mapping[str, set[str]]], where: str) -> None:
    """Refuse patients inside resources, under two ids, whom no system of identifiers compares."""
    known: dict[frozenset[str], str] = {}
    common: Set[str] = frozenset()  # the systems that all of them have: who has one of these is compared with all
    for name, found in sorted(inside.items()):
        systems = frozenset(found)
        if not common & systems:
            other = next((name for others, name in known.items() if not others & systems), None)
            if other is not None:
                raise _several(where, [other, name])
        common = common & systems if known else systems
        known.setdefault(systems, name)


def _identifiers(rows: object) -> dict[str, set[str]]:
    """The values of identifiers by their systems."""
    found: dict[str, set[str]] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and (value := as_text(row.get("value"))):
            found.setdefault(as_text(row.get("system")), set()).add(value)
    return found


def _names(placed: list[Placed]) -> list[Note]:
    """That resources call the patient by different names in words."""
    told = [as_text(part(one.resource, key).get("display")) for one in placed for key in ("subject", "patient")]
    names = list({" ".join(name.casefold().split()): name for name in reversed(told) if name}.values())
    if len(names) < 2:
        return []
    shown = " and ".join(f'"{name}"' for name in sorted(names)[:2])
    text = f"The record calls its patient by different names, as in {shown}. It is read as the record of one patient."
    return [Note(text, "Bundle")]
