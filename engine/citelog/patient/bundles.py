"""A FHIR record taken apart: each resource with its place, the current version of each, and what a reference means.

Bundles come as hospitals' systems make them: pages of a search, answers to a batch, documents, Bundles in Bundles.
Which resource an entry is, is said by its `fullUrl`, else by its type and id; a reference is followed as the FHIR
specification has it (Bundle, "Resolving references in Bundles"), and never to a resource that might be another.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from citelog.diagnostics import CaseError
from citelog.patient.case import Note
from citelog.patient.elements import rows
from citelog.patient.reading import as_text, compact
from citelog.patient.releases import other_release
from citelog.patient.resources import REFERENCE, Resource, called, modifier_extension
from citelog.patient.unread import places

INCOMPLETE = "the record may be incomplete"


@dataclass(frozen=True, slots=True)
class Placed:
    """A resource of a record: where it stands, and the `fullUrl` of its entry.

    `doubt` says why nothing of it can be relied on, where that lies outside of the resource.
    """

    place: str
    resource: Resource
    url: str = ""
    doubt: str = ""

    @property
    def kind(self) -> str:
        """Its resource type."""
        return str(self.resource["resourceType"])

    @property
    def name(self) -> str:
        """Its type and id, as a relative reference; empty without an id."""
        id_ = as_text(self.resource.get("id"))
        return f"{self.kind}/{id_}" if id_ else ""

    @property
    def server(self) -> str:
        """The server that its `fullUrl` names; empty where that is none of a server."""
        parts = REFERENCE.fullmatch(self.url)
        return parts[1] or "" if parts else ""

    @property
    def identity(self) -> tuple[str, str] | None:
        """What it is the same resource as: the server and its name there, or its URN; None where nothing tells."""
        if parts := REFERENCE.fullmatch(self.url):
            return parts[1] or "", f"{parts[2]}/{parts[3]}"
        if self.url:
            return self.url, ""
        return ("", self.name) if self.name else None


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry of a Bundle that a server answered with an error, in words, and its place."""

    text: str
    place: str

    @property
    def note(self) -> Note:
        """What there is to say of it."""
        return Note(f"{self.text}: {INCOMPLETE}.", self.place)


# --- Bundles -----------------------------------------------------------------------------------------------------


def taken_apart(tree: Resource, where: str) -> tuple[list[Placed], list[Note], str]:
    """The resources of a record, what there is to say about its Bundles, and its `_failure`.

    Raises CaseError, at `where`, for a Bundle that cannot be read as a record.
    """
    found = list(_entries(tree, "Bundle", where) if tree["resourceType"] == "Bundle" else [_alone(tree)])
    placed = [one for one in found if isinstance(one, Placed)]
    notes = [one.note if isinstance(one, Refused) else one for one in found if not isinstance(one, Placed)]
    return placed, notes, _failure(placed, [one.text for one in found if isinstance(one, Refused)])


def _alone(tree: Resource) -> Placed:
    return Placed(str(tree["resourceType"]), tree)


def _entries(bundle: Resource, place: str, where: str) -> Iterator[Placed | Refused | Note]:
    _check(bundle, place, where)
    yield from _pages(bundle, place)
    for index, entry in enumerate(bundle.get("entry") or ()):
        at = f"{place}.entry[{index}]"
        node: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
        resource, request = part(node, "resource"), part(node, "request")
        status = as_text(part(node, "response").get("status"))
        method = as_text(request.get("method"))
        is_resource = isinstance(resource.get("resourceType"), str)
        if status[:1] in ("4", "5"):
            outcome = "; ".join(_issues(part(part(node, "response"), "outcome")))
            said = f" ({outcome})" if outcome else ""
            yield Refused(f"An entry of the Bundle was answered with {status}{said}", at)
        if method == "DELETE":
            what = called(resource) if is_resource else as_text(request.get("url")) or "A resource"
            yield Note(f"{what} is to be deleted, and is not read.", f"{at}.resource" if is_resource else at)
        elif method == "PATCH":
            what = as_text(request.get("url")) or "A resource"
            yield Note(f"{what} is to be changed in part (PATCH), and what it becomes is not known here.", at)
        elif is_resource and resource["resourceType"] == "Bundle":
            yield from _entries(resource, f"{at}.resource", where)
        elif is_resource:
            url = modifier_extension(node, deep=False)
            doubt = f"a modifier extension of its entry ({url}), which may change its meaning" if url else ""
            yield Placed(f"{at}.resource", resource, as_text(node.get("fullUrl")), doubt)
        elif status[:1] not in ("4", "5"):
            yield Note("An entry of the Bundle that holds no resource is not read.", at)


def _check(bundle: Resource, place: str, where: str) -> None:
    """Refuse a Bundle that cannot be read as a record, whatever stands in it."""
    if found := other_release(bundle):
        raise CaseError(where, f"this is FHIR {found[0]} ({found[1]})", "convert the record to FHIR R4")
    if bundle.get("implicitRules") is not None:
        what = f"it has implicit rules ({as_text(bundle['implicitRules'])}), which may change the meaning of all of it"
        raise CaseError(f"{where}: {place}", what, "give the record in plain FHIR R4, without implicitRules")
    if bundle.get("type") == "history":
        remedy = "give the current version of each resource, as in a searchset or collection"
        raise CaseError(f"{where}: {place}.type", "a history holds several versions of the same resource", remedy)
    entries = bundle.get("entry")
    if entries is not None and not isinstance(entries, list):
        raise CaseError(f"{where}: {place}.entry", "this is not a list", "give the entries as a list of objects")
    first = entries[0] if entries else None
    head = part(first if isinstance(first, dict) else {}, "resource")
    if bundle.get("type") == "document" and as_text(head.get("status")) == "entered-in-error":
        what = "this document was entered in error, as its Composition says"
        raise CaseError(f"{where}: {place}.entry[0]", what, "give the document that takes its place")


def _pages(bundle: Resource, place: str) -> Iterator[Note]:
    """What a page of a search does not hold."""
    links = bundle.get("link")
    rows = [row for row in (links if isinstance(links, list) else ()) if isinstance(row, dict)]
    if any(row.get("relation") == "next" for row in rows):
        text = f"This Bundle is one page of several; what stands on the others is not read: {INCOMPLETE}."
        yield Note(text, place)
    elif bundle.get("type") == "searchset" and re.fullmatch("[0-9]{1,9}", as_text(total := bundle.get("total"))):
        entries = [entry for entry in bundle.get("entry") or () if isinstance(entry, dict)]
        held = sum(part(entry, "search").get("mode") in (None, "match") for entry in entries)
        if held < int(as_text(total)):
            yield Note(f"This Bundle says that {total} resources match, and holds {held}: {INCOMPLETE}.", place)


def _failure(placed: Sequence[Placed], refused: Iterable[str]) -> str:
    """What a server says that it could not do, where that is all that a record holds; else nothing.

    Nobody looked, then: to answer that nothing is on record would be wrong.
    """
    if any(one.kind != "OperationOutcome" for one in placed):
        return ""
    return next(chain(refused, (words(one) for one in placed if is_failure(one.resource))), "")


def is_failure(resource: Mapping[str, Any]) -> bool:
    """Whether an OperationOutcome says that something could not be done, and not only how it went."""
    return any(row.get("severity") not in ("warning", "information") for row in rows(resource.get("issue")))


def outcome(placed: Placed) -> Note:
    """What an OperationOutcome says; more than information, and something may be missing."""
    issues = rows(placed.resource.get("issue"))
    is_plain = issues and all(as_text(row.get("severity")) == "information" for row in issues)
    return Note(f"{words(placed)}." if is_plain else f"{words(placed)}: {INCOMPLETE}.", placed.place)


def words(placed: Placed) -> str:
    """An OperationOutcome in words."""
    return f"The server says: {'; '.join(_issues(placed.resource)) or 'nothing in words'}"


def _issues(resource: Mapping[str, Any]) -> list[str]:
    """The issues of an OperationOutcome in words, no more than three of them."""
    told = []
    for row in rows(resource.get("issue"))[:3]:
        words = as_text(part(row, "details").get("text")) or as_text(row.get("diagnostics")) or as_text(row.get("code"))
        told.append(": ".join(filter(None, (as_text(row.get("severity")), words)))[:200].rstrip("."))
    return told


def part(node: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """What stands under a key, where that is an object; else an empty one."""
    found = node.get(key)
    return found if isinstance(found, dict) else {}


# --- versions ----------------------------------------------------------------------------------------------------


def current(placed: list[Placed]) -> tuple[list[Placed], list[Note]]:
    """The current version of each resource, and notes about the others.

    Which of several is newest is told by `meta`. Where it does not tell, and they say different things, all of them
    stay and none can be relied on: a result that is one of two is no missing one.
    """
    servers: dict[str, set[str]] = {}
    for one in placed:
        if (identity := one.identity) and identity[1]:
            servers.setdefault(identity[1], set()).update(filter(None, [identity[0]]))
    groups: dict[object, list[Placed]] = {}
    for one in placed:
        groups.setdefault(_same_as(one, servers), []).append(one)
    kept: dict[str, Placed] = {}
    notes: list[Note] = []
    for group in groups.values():
        if len(group) == 1:
            kept[group[0].place] = group[0]
            continue
        stay, said = _newest(group)
        kept.update((one.place, one) for one in stay)
        notes += said
    return [kept[one.place] for one in placed if one.place in kept], notes


def _same_as(one: Placed, servers: Mapping[str, set[str]]) -> object:
    """A key that is equal for versions of one resource.

    One of no server is that of the only server on which something has its name.
    """
    identity = one.identity
    if identity is None:
        return one.place
    server, name = identity
    only = servers.get(name, set())
    return (next(iter(only)), name) if not server and len(only) == 1 else identity


def _newest(group: list[Placed]) -> tuple[list[Placed], list[Note]]:
    contents: dict[str, list[Placed]] = {}
    for one in group:
        said = {key: value for key, value in one.resource.items() if key not in ("meta", "text", "id")}
        contents.setdefault(compact(_sorted(said)), []).append(one)
    notes = []
    distinct = [max(members, key=_rank) for members in contents.values()]
    for one, members in zip(distinct, contents.values(), strict=True):
        if again := places(other.place for other in members if other is not one):
            notes.append(Note(f"{called(one.resource)} stands in the record again, and counts once.", again))
    number = 0 if len(distinct) == 1 else latest([version(one.resource) for one in distinct])
    newest = None if number is None else distinct[number]
    if newest is None:
        doubt = f"{len(distinct)} versions in the record, and nothing says which is the newest"
        return [replace(one, doubt=doubt) for one in distinct], notes
    for one in distinct:
        if one is not newest:
            named = as_text(part(one.resource, "meta").get("versionId"))
            which = f" (version {named})" if named else ""
            text = f"{called(one.resource)}{which} is an older version of a resource of the record, and is not read."
            notes.append(Note(text, one.place))
    return [newest], notes


def _sorted(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _sorted(node[key]) for key in sorted(node)}
    return [_sorted(one) for one in node] if isinstance(node, list) else node


Version = tuple[float | None, int | None]
"""When a version of a resource was written, and its number; None where that is not said so that it can be compared."""


def version(resource: Resource) -> Version:
    """Which version a resource is, by its `meta`.

    >>> version({"meta": {"versionId": "2"}}), version({"meta": {"lastUpdated": "1970-01-01T00:00:09Z"}})
    ((None, 2), (9.0, None))
    """
    meta = part(resource, "meta")
    number = as_text(meta.get("versionId"))
    return _instant(as_text(meta.get("lastUpdated"))), int(number) if re.fullmatch("[0-9]{1,18}", number) else None


def latest(versions: Sequence[Version]) -> int | None:
    """The place of the newest of several versions, where their times and numbers do not contradict each other.

    >>> latest([(None, 2), (None, 1)]), latest([(9.0, 1), (5.0, 2)]), latest([(None, 1), (5.0, None)])
    (0, None, None)
    """
    told = []
    for rank in zip(*versions, strict=True):
        known = [one for one in rank if one is not None]
        if len(known) == len(versions) and known.count(max(known)) == 1:
            told.append(known.index(max(known)))
    return told[0] if told and len(set(told)) == 1 else None


def _rank(one: Placed) -> tuple[float, int]:
    written, number = version(one.resource)
    return written or 0, number or 0


def _instant(text: str) -> float | None:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None


# --- references --------------------------------------------------------------------------------------------------


class Index:
    """The resources of a record by everything that a reference may call them."""

    def __init__(self, placed: Iterable[Placed]) -> None:
        self._urls: dict[str, list[Placed]] = {}
        self._names: dict[str, list[Placed]] = {}
        self._of_no_server: dict[str, list[Placed]] = {}
        for one in placed:
            if one.url:
                self._urls.setdefault(one.url, []).append(one)
            names = {one.name, one.identity[1] if one.identity else ""}
            for name in names - {""}:
                self._names.setdefault(name, []).append(one)
                if not one.server:
                    self._of_no_server.setdefault(name, []).append(one)

    def find(self, target: str, source: Placed) -> Placed | None:
        """What a reference of a resource refers to; None where nothing does, or more than one thing could.

        An absolute reference is a `fullUrl`. A relative one is completed by the server of the entry that it stands
        in. A resource of which no server is known is found by its type and id; one of another server never is.
        """
        found = self._urls.get(target, [])
        if not found and (parts := REFERENCE.fullmatch(target)):
            server, name = parts[1] or source.server, f"{parts[2]}/{parts[3]}"
            found = self._urls.get(f"{server}/{name}", []) if server else []
            if not found:
                found = (self._of_no_server if server else self._names).get(name, [])
        return found[0] if len(found) == 1 else None
