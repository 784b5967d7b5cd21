"""The program whose workers answer about patients: one knowledge base in memory, a request in, a document out.

All that an answer may need has been imported, read and derived before the first worker is forked: a worker can open
nothing any more. What it knows of a patient it lets go with the answer.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from citelog import home, patient
from citelog.assess import Assessment, DerivationError, NotConcludedError, assess_case
from citelog.diagnostics import CaseError, CitelogError, did_you_mean
from citelog.explain.contents import contents
from citelog.explain.why_not import ReachedError
from citelog.export import fhir as definitions
from citelog.graph import asked as graph
from citelog.graph import library, results
from citelog.graph.dataset import Dataset, dataset
from citelog.graph.parameters import Known, bind
from citelog.hooks import cards, services
from citelog.hooks import request as hook
from citelog.hooks.looked import Looked
from citelog.knowledge.base import Knowledge
from citelog.knowledge.cache import open_knowledge
from citelog.knowledge.lookup import find
from citelog.listing import paths_in
from citelog.patient.validity import import_models
from citelog.receipt.content import of as receipt
from citelog.receipt.manifest import Manifest, manifest
from citelog.render import fhir, prov
from citelog.render.documents import assessments, written
from citelog.run.datalog import DeadlineError
from citelog.serve.http.accept import chosen
from citelog.serve.http.limits import Refusal
from citelog.serve.http.operations import FHIR, FORMS, JSON, OPERATIONS, TURTLE
from citelog.serve.pages import entered, views
from citelog.serve.pages.entered import Entered
from citelog.serve.pages.views import Answered
from citelog.serve.workers import capability, evaluations, examples, questions, rehearsals
from citelog.serve.workers.worker import Bounded, Message, NoResultError, UnreadableError, keep, pack, place

if TYPE_CHECKING:
    from citelog.serve.pages.crowd import Crowd


@dataclass(frozen=True, slots=True)
class Held:
    """What the workers hold: a knowledge base, its dataset, the library of queries, and the hashes of its files.

    `deadline` is what one derivation may take, in seconds of processor time; `cases` are the texts of its own cases,
    and `crowd` the answers of a population, where there is one.
    """

    knowledge: Knowledge
    data: Dataset
    library: Mapping[str, library.Query]
    files: Manifest
    deadline: float
    cases: Mapping[str, str]
    services: Mapping[str, services.Service]
    definitions: tuple[Mapping[str, Any], ...]
    crowd: Crowd | None = None


def _load(message: Message, data: bytes) -> tuple[Held, Message]:
    """The knowledge base, and examples of what can be asked of it."""
    folder = Path(message["folder"])
    try:
        knowledge = open_knowledge(folder)
        queries = {query.name: query for query in library.library()}
        files = manifest(folder, home.ontology())
        cases = examples.cases(folder / "cases")
        offered = {service.id: service for service in services.services(knowledge)}
        defined = (*definitions.resources(knowledge), capability.operation(knowledge))
        data_ = dataset(folder, knowledge)
        crowd = _crowd(Path(message["population"]), knowledge) if "population" in message else None
        held = Held(knowledge, data_, queries, files, message["deadline"], cases, offered, defined, crowd)
        record = examples.record(paths_in(folder, "cases/**/*.yaml"))
        answer = _assessed(held, json.dumps(record).encode(), "case", None)
    except (CitelogError, OSError) as error:
        raise UnreadableError(folder.name, str(error)) from error
    if knowledge.sha256 != message["sha256"]:
        raise UnreadableError(folder.name, "the knowledge base was changed since the server was started")
    requests = examples.requests(record, answer, queries.values())
    _rehearse(held, requests)
    hooks = {"services": [one.to_dict() for one in held.services.values()], "cards": cards.uuids(knowledge)}
    return held, {"examples": requests, "hooks": hooks}


def _crowd(folder: Path, knowledge: Knowledge) -> Crowd:
    from citelog.serve.pages.crowd import crowd  # it needs packages that nobody else does

    return crowd(folder, knowledge)


def _rehearse(held: Held, requests: Mapping[str, Any]) -> None:
    """Ask once for everything that can be asked, well and badly: what is imported late is imported now."""
    import_models()
    written_as = {name: OPERATIONS[name].forms[: 1 if OPERATIONS[name].slow else None] for name in requests}
    asked = [(name, request, form) for name, request in requests.items() for form in written_as[name]]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Patient"}}]}
    for case in (bundle, {"resourceType": "Encounter"}, "labs: [", "{]", {"labs": 1}):
        asked.append(("assess", {"case": case}, JSON))
    for query in ("ASK {}", "SELECT * {} LIMIT 1", "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o } LIMIT 1", "?"):
        asked += [("query", {"sparql": query}, form) for form in OPERATIONS["query"].forms]
    messages: list[tuple[Message, bytes]] = [
        ({"task": name, "accept": form}, json.dumps(request).encode()) for name, request, form in asked
    ]
    messages += [({"task": "page", "page": page}, data) for page, data in views.rehearsal(requests)]
    for resource, searched in (("metadata", b""), ("Library", b"{}"), ("?", b"")):
        messages.append(({"task": "definitions", "id": resource, "accept": FHIR}, searched))
    messages.append(({"task": "evaluate", "accept": FHIR}, json.dumps(bundle).encode()))
    for service in held.services.values():
        for call in rehearsals.calls(service):
            hooked = {"task": "hook", "id": service.id, "accept": JSON, "address": "https://localhost/patient/a"}
            messages.append((hooked, json.dumps(call).encode()))
    if held.crowd is not None:
        from citelog.serve.pages import crowd

        messages += [({"task": "population", "page": page}, data) for page, data in crowd.rehearsal(held.crowd)]
    for word in (*list(held.knowledge.statements)[:1], "?"):
        messages.append(({"task": "found", "id": word, "accept": JSON}, b""))
    for message, data in messages:
        try:
            _answer(held, {**message, "receipts": True}, data, Bounded(sys.maxsize))
        except NoResultError as refused:
            if refused.kind == "fault":
                raise


# a request, answered


def _answer(held: Held, asked: Message, data: bytes, output: Bounded) -> None:
    """Write a document and, where they are wanted, the receipts of its assessments. Raises NoResultError."""
    task = asked["task"]
    try:
        answered = _TASKS[task](held, asked, data)
        receipts = _receipts(held, answered) if asked["receipts"] else []
    except Refusal as refusal:
        raise _refused(refusal) from refusal
    except DeadlineError as error:
        late = Refusal(504, "the rules took longer for this record than they may", "send a shorter record", "too-long")
        raise _refused(late) from error
    except CitelogError as error:
        raise _refused(_told(error, task)) from error
    except OSError as error:  # something is imported only now, and nothing can be opened
        raise NoResultError("fault", place(error)) from error
    except (MemoryError, RecursionError, NoResultError):
        raise
    except Exception as error:
        raise NoResultError("fault", place(error)) from error
    text = answered.text.encode()
    lengths = {"length": len(text), "receipts": [len(one) for one in receipts]}
    head = {"media": answered.media, "status": answered.status, **lengths}
    output.write(pack(head, text + b"".join(receipts)))


def _receipts(held: Held, answered: Answered) -> list[bytes]:
    """The receipts of the assessments in an answer. Raises Refusal where there is none of one."""
    try:
        return [receipt(one, held.files) for one in answered.assessments]
    except CitelogError as error:
        what = f"no receipt can be made of this: {error.message}"
        raise Refusal(503, what, error.remedy, "unwritten-log") from error


def _assess(held: Held, asked: Message, data: bytes) -> Answered:
    question, form = questions.read("assess", data), asked["accept"]
    found = _assessed(held, questions.record(question.case, "case"), "case", question.at, question.patient)
    if form == JSON:
        text = assessments([found])
    elif form == FHIR:
        text = fhir.to_json(found)
    else:
        text = prov.turtle(found) if form == TURTLE else prov.jsonld(found)
    return Answered(form, text, [found])


def _why(held: Held, asked: Message, data: bytes) -> Answered:
    question, form = questions.read("why", data), asked["accept"]
    found = _assessed(held, questions.record(question.case, "case"), "case", question.at, question.patient)
    ids = found.ids(question.conclusion)
    if form == JSON:
        text = written([found.why(id_).to_dict() for id_ in ids], several=len(ids) > 1)
    else:
        text = prov.turtle(found, ids) if form == TURTLE else prov.jsonld(found, ids)
    return Answered(form, text, [found])


def _why_not(held: Held, asked: Message, data: bytes) -> Answered:
    question = questions.read("why-not", data)
    found = _assessed(held, questions.record(question.case, "case"), "case", question.at, question.patient)
    return _document(found.why_not(question.conclusion).to_dict(), found)


def _what_if(held: Held, asked: Message, data: bytes) -> Answered:
    question = questions.read("what-if", data)
    found = _assessed(held, questions.record(question.case, "case"), "case", question.at, question.patient)
    sets = [f"{path}={questions.value(given, f'set.{path}')}" for path, given in question.set.items()]
    adds = [questions.piece(given, f"add[{place}]") for place, given in enumerate(question.add)]
    return _document(found.what_if(set=sets, drop=question.drop, add=adds).to_dict(), found)


def _missing(held: Held, asked: Message, data: bytes) -> Answered:
    question = questions.read("missing", data)
    found = _assessed(held, questions.record(question.case, "case"), "case", question.at, question.patient)
    return _document(found.missing(question.conclusion).to_dict(), found)


def _contrast(held: Held, asked: Message, data: bytes) -> Answered:
    question = questions.read("contrast", data)
    found = _assessed(held, questions.record(question.case, "case"), "case", question.at, question.patient)
    if question.first is not None:
        return _document(found.contrast(question.first, question.second).to_dict(), found)
    other = _assessed(held, questions.record(question.other, "other"), "other", question.at)
    _check_ids([found, other], ["case", "other"])
    return _document(found.contrast(other, question.conclusion).to_dict(), found, other)


def _query(held: Held, asked: Message, data: bytes) -> Answered:
    question = questions.read("query", data)
    query = _chosen(held, question)
    if query.needs_case and not question.cases:
        what = "it asks about patients, and no case is given"
        raise Refusal(422, what, "send some, as cases", "unusable-query", query.name)
    names = [f"cases[{place}]" for place in range(len(question.cases))]
    found = [
        _assessed(held, questions.record(given, name), name, question.at)
        for given, name in zip(question.cases, names, strict=True)
    ]
    _check_ids(found, names)
    whole = held.data.joined(found)
    values = {name: questions.value(given, f"parameters.{name}") for name, given in question.parameters.items()}
    bound = bind(query, values, Known(held.knowledge, tuple(found), whole.prefixes))
    with graph.asked(whole, query.name, query.text, bound) as answer:
        written_as = {media: form for media, form in FORMS.items() if form in results.forms(answer)}
        media = chosen(asked["accept"], tuple(written_as))
        if media is None:
            raise Refusal(
                406, "the answer of this query has no form that you accept", f"accept {', '.join(written_as)}"
            )
        return Answered(media, results.serialized(answer, written_as[media], whole.prefixes), found)


def _check_ids(found: Sequence[Assessment], names: Sequence[str]) -> None:
    """Refuse two records of one id. `names` are the places of the records."""
    ids = [one.case.id for one in found]
    if twice := next((place for place, id_ in enumerate(ids) if id_ in ids[:place]), 0):
        what = f"the id {ids[twice]} is taken by another case of this request"
        raise Refusal(422, what, "give each its own id", "unusable-record", names[twice])


def _hook(held: Held, asked: Message, data: bytes) -> Answered:
    try:
        called = hook.read(held.services[asked["id"]], data)
    except hook.RequestError as error:
        status, code = (422, "unusable-record") if error.mixed else (400, "malformed-request")
        raise Refusal(status, error.what, error.remedy, code, error.where) from error
    try:
        found = _assessed(held, called.record, "prefetch", called.at, id_=called.instance)
        address = asked.get("address", "")
        shown = (lambda id_: f"{address}/why/{quote(id_, safe=':')}") if address else None
        told = cards.to_json(cards.response(called, found, shown))
        looked = Looked(found, called.looks)
        given = entered.Entered(
            case=called.record.decode(), at=called.at, unlooked=[look.key for look in looked.unlooked],
            withheld=[one.id for one in found.conclusions if one.assumes and not looked.stands(one)],
        )  # fmt: skip
        kept = entered.written(given) if address else ""
        return Answered(JSON, f"{told}\n{kept}", [found])
    except CaseError as error:
        where = called.placed(error.where).removeprefix("prefetch: ")
        raise CaseError(where, called.placed(error.what), error.remedy) from error
    except cards.UnlookedError as error:
        raise Refusal(412, error.what, error.remedy, "nothing-looked-at", "prefetch") from error


def _evaluate(held: Held, asked: Message, data: bytes) -> Answered:
    question = evaluations.read(data)
    found = _assessed(held, question.record, "record", question.at, question.subject)
    answer = evaluations.identified(fhir.bundle(found), question.id)
    return Answered(asked["accept"], json.dumps(answer, ensure_ascii=False), [found])


def _definitions(held: Held, asked: Message, data: bytes) -> Answered:
    """A resource of the knowledge, those that a search finds, or what the server can do."""
    name = asked["id"]
    types = list(dict.fromkeys(one["resourceType"] for one in held.definitions))
    made: Mapping[str, Any]
    if name == "metadata":
        made = capability.capability(held.knowledge, types)
    elif data:
        if name not in types:
            raise Refusal(404, "no resources of this type are kept", f"those are {', '.join(types)}", "no-such-thing")
        made = _searchset(held, name, json.loads(data))
    else:
        known = {f"{one['resourceType']}/{one['id']}": one for one in held.definitions}
        if name not in known:
            raise Refusal(404, "there is no such resource", f"GET /fhir/{types[0]} lists some", "no-such-thing")
        made = known[name]
    return Answered(asked["accept"], json.dumps(made, ensure_ascii=False, indent=2) + "\n")


def _searchset(held: Held, type_: str, wanted: Mapping[str, str]) -> Mapping[str, Any]:
    base = held.knowledge.namespace.rstrip("#/")
    keys = {"_id": "id", "url": "url"}
    found = [
        {"fullUrl": f"{base}/{type_}/{one['id']}", "resource": one, "search": {"mode": "match"}}
        for one in held.definitions
        if one["resourceType"] == type_ and all(one.get(keys[name]) == text for name, text in wanted.items())
    ]
    made = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
    return made | ({"entry": found} if found else {})


def _knowledge(held: Held, asked: Message, data: bytes) -> Answered:
    return _document(contents(held.knowledge))


def _found(held: Held, asked: Message, data: bytes) -> Answered:
    try:
        found = find(held.knowledge, asked["id"])
    except CitelogError as error:
        raise Refusal(404, error.message, error.remedy, "no-such-thing") from error
    return Answered(JSON, written([one.to_dict() for one in found], several=len(found) > 1))


def _queries(held: Held, asked: Message, data: bytes) -> Answered:
    return _document(library.document(held.library.values()))


def _page(held: Held, asked: Message, data: bytes) -> Answered:
    return views.page(_desk(held), asked["page"], data)


def _population(held: Held, asked: Message, data: bytes) -> Answered:
    from citelog.serve.pages import crowd

    if held.crowd is None:
        raise Refusal(404, "no population is served here", "start the server with --population")
    return crowd.page(held.crowd, _desk(held), asked["page"], data, held.deadline)


def _desk(held: Held) -> views.Desk:
    def assessed(given: Entered) -> Assessment:
        case = patient.from_bytes(given.record, "record", given.name, held.knowledge.terms)
        return assess_case(held.knowledge, case, given.at, held.deadline)

    return views.Desk(held.knowledge, held.cases, assessed)


_TASKS: Mapping[str, Callable[[Held, Message, bytes], Answered]] = {
    "assess": _assess,
    "why": _why,
    "why-not": _why_not,
    "what-if": _what_if,
    "missing": _missing,
    "contrast": _contrast,
    "query": _query,
    "hook": _hook,
    "evaluate": _evaluate,
    "definitions": _definitions,
    "knowledge": _knowledge,
    "found": _found,
    "queries": _queries,
    "page": _page,
    "population": _population,
}


def _document(document: Mapping[str, Any], *found: Assessment) -> Answered:
    return Answered(JSON, written([document]), found)


def _assessed(held: Held, record: bytes, name: str, at: str | None, of: str | None = None, id_: str = "") -> Assessment:
    """The assessment of a record; `name` is what messages call it, and its id where it has none of its own or here.

    `of` is the patient who is meant, where a FHIR record is about several.
    """
    case = patient.from_bytes(record, name, id_ or name, held.knowledge.terms, of)
    return assess_case(held.knowledge, case, at, held.deadline)


def _chosen(held: Held, question: questions.Query) -> library.Query:
    if question.sparql is not None:
        return library.parse("sparql", question.sparql)
    assert question.name is not None
    if question.name not in held.library:
        hint = did_you_mean(question.name, held.library) or "GET /api/query lists them"
        raise Refusal(422, f"no query of the library is called {question.name[:60]}", hint, "unusable-query", "name")
    return held.library[question.name]


# what cannot be answered


def _refused(refusal: Refusal) -> NoResultError:
    said = {
        "status": int(refusal.status),
        "what": refusal.what,
        "remedy": refusal.remedy,
        "code": refusal.code,
        "where": refusal.where,
    }
    return NoResultError("refused", json.dumps(said))


def _told(error: CitelogError, task: str) -> Refusal:
    """What a command would say, as the API says it: status 1 of a command is 409 here, its status 2 is 422."""
    what, remedy = _renamed(error.what), _renamed(error.remedy)
    if task == "evaluate":
        remedy = remedy.replace('"patient": ', f"{capability.SUBJECT} = ")
    match error:
        case CaseError():
            option = re.match(r"--(at|set|drop|add)\b", error.where)
            code = {"at": "unusable-date", None: "unusable-record"}.get(option and option[1], "unusable-change")
            return Refusal(422, what, remedy, code, _renamed(error.where))
        case NotConcludedError():
            return Refusal(409, what, remedy, "not-concluded")
        case ReachedError():
            return Refusal(409, what, remedy, "concluded")
        case DerivationError():
            return Refusal(422, what, remedy, "unusable")
    return Refusal(422, what, remedy, "unusable-query" if task == "query" else "unknown-conclusion")


def _renamed(text: str) -> str:
    """A message in the words of the API: an option is a member of the request, a command an address.

    >>> _renamed("ask citelog why CASE a:b"), _renamed("write it as in --set 'labs[0].value=120'")
    ('ask /api/why a:b', "write it as in set 'labs[0].value=120'")
    >>> _renamed("add --param marker=…, a text"), _renamed("choose one, as in --patient ana")
    ('add parameters.marker = …, a text', 'choose one, as in "patient": "ana"')
    """
    text = re.sub(r"citelog (assess|why-not|why|what-if|missing|contrast)\b( CASE)?", r"/api/\1", text)
    text = re.sub(r"--param (\w+)=", r"parameters.\1 = ", text)
    text = re.sub(r"--patient ([^\s;]+)", r'"patient": "\1"', text)
    return re.sub(r"--(?=(at|set|drop|add|case|param|of)\b)", "", text)


if __name__ == "__main__":
    keep(int(sys.argv[1]), _load, _answer)
