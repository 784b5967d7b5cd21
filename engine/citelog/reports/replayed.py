"""Receipts replayed, as lines of text: the verdict first, then what each question was answered."""

from __future__ import annotations

from collections.abc import Iterator

from citelog.receipt.differences import Difference
from citelog.receipt.replay import Asked, Differing, Replay
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted
from citelog.reports.compared import because, indented, kept, of_change, of_detail, of_effect

STYLES = {"same": "bold green", "differs": "bold red", "unproved": "bold yellow", "damaged": "bold red"}
SIGNS = {"lost": ("- ", "red"), "gained": ("+ ", "green")}
FILES = 6
"""Files that are named; of more, the others are counted."""

_LABEL = 11


def replayed(found: Replay, width: int = WIDTH, brief: bool = False) -> Iterator[Line]:
    """Everything that replaying a receipt showed; `brief` without the proofs of what differs today."""
    yield Line(f"{found.verdict}: {found.name}", STYLES[found.verdict])
    for remark in found.remarks:
        yield from _labelled("note", remark, width, "yellow")
    if found.receipt is None:
        for damage in found.damage:
            yield from _labelled("damage", str(damage), width, "red")
        yield from _labelled("", "nothing else is asked of a receipt that is not what was sealed", width, "dim")
        return
    yield from _labelled("record", _record(found), width)
    yield from _labelled("seal", f"whole: every member is what was sealed ({found.receipt.seal[:10]})", width)
    yield from _engine(found, width)
    yield from _edition(found, width)
    if found.then is not None:
        yield from _then(found, found.then, width)
    if found.now is not None and found.now is not found.then:
        yield from _now(found, found.now, width, brief)


def _labelled(label: str, text: str, width: int, style: str = "") -> Iterator[Line]:
    for i, line in enumerate(wrapped(text, width - _LABEL - 2, "", style)):
        yield Line(line.text, line.style, f"  {'' if i else label:<{_LABEL}}")


def _record(found: Replay) -> str:
    assert found.receipt is not None
    members = found.receipt.members
    on = f"assessed on {members['at']}" if members["at"] else "assessed without a date"
    knowledge = members["knowledge"]
    return f"{members['assessment']['case']['id']}, a {members['record']['form']}, {on} by {_called(knowledge)}"


def _called(knowledge: object) -> str:
    assert isinstance(knowledge, dict)
    return f"{knowledge['id']} {knowledge['version']} ({knowledge['sha256'][:10]})"


def _engine(found: Replay, width: int) -> Iterator[Line]:
    assert found.receipt is not None and found.engine is not None
    then, now = found.receipt.members["engine"], found.engine
    if not found.engine_differs:
        yield from _labelled(
            "engine", f"the one that answered then: citelog {now['citelog']}, {now['reasoner']}", width
        )
        return
    shown = {"citelog": "citelog {}", "code": "code {:.10}", "reasoner": "{}", "python": "Python {}"}
    told = (f"{shown[key].format(then[key])} → {shown[key].format(now[key])}" for key in found.engine_differs)
    yield from _labelled("engine", f"another than then: {', '.join(told)}", width, "yellow")


def _edition(found: Replay, width: int) -> Iterator[Line]:
    if not found.files and found.now is not None:
        yield from _labelled("knowledge", "the edition at hand is the one that answered then, file by file", width)
    elif found.files and found.now is not None:
        can = "" if found.now is not found.then else ", in files that no answer rests on"
        told = f"the one at hand is another{can}: {_files(found.files)}"
        yield from _labelled("knowledge", told, width, "yellow" if not can else "")
    if found.then is None:
        told = "the edition that answered is not at hand: its proofs are not checked, and nothing is derived under it"
        hint = "name it with --edition: a folder, an archive, a revision"
        yield from _labelled("then", f"{told} ({hint})", width, "yellow")


def _files(files: tuple[Differing, ...]) -> str:
    """The files that differ, by their groups."""
    groups: dict[str, list[Differing]] = {}
    for file in files:
        groups.setdefault(file.group, []).append(file)
    return "; ".join(f"{group}{_named(listed)}" for group, listed in groups.items())


def _named(listed: list[Differing]) -> str:
    names = [f"{f.file}{'' if f.how == 'changed' else f' {f.how}'}" for f in listed if f.file]
    more = [f"{len(names) - FILES} more"] * (len(names) > FILES)
    return f" ({', '.join([*names[:FILES], *more])})" if names else ""


def _then(found: Replay, asked: Asked, width: int) -> Iterator[Line]:
    assert found.receipt is not None
    if found.now is not asked:
        yield from _labelled("then", f"the edition that answered: {asked.name}", width)
    many = len(found.receipt.assessment["conclusions"])
    if asked.fault:
        yield from _labelled("again", asked.fault, width, "red")
        return
    if asked.faults:
        told = f"the independent checker finds {counted(len(asked.faults), 'fault')} in what was sealed:"
        yield from _labelled("proofs", told, width, "red")
        for fault in asked.faults:
            yield from _labelled("", f"- {fault}", width, "red")
    else:
        told = f"{counted(many, 'proof')}, in which the independent checker finds nothing wrong"
        yield from _labelled("proofs", told, width)
    if asked.differences:
        yield from _labelled("again", "derived again, the answer is another:", width, "red")
        yield from _differences(asked, width)
    else:
        yield from _labelled("again", f"derived again, the same {counted(many, 'conclusion')}", width)


def _now(found: Replay, asked: Asked, width: int, brief: bool) -> Iterator[Line]:
    if asked.fault:
        yield from _labelled("today", f"{asked.name}: {asked.fault}", width, "red")
        return
    if not asked.differences:
        yield from _labelled("today", "derived under the edition at hand: the same", width)
        return
    if asked.same:
        yield from _labelled("today", "derived under the edition at hand: the same, for other reasons", width)
    else:
        told = "derived under the edition at hand, the answer is another"
        explained = (
            "; no conclusion changes, only what stands beside them" if found.why and not found.why.groups else ""
        )
        yield from _labelled("today", f"{told}{explained}:", width, "red")
    if found.why is None or not found.why.groups:
        yield from _differences(asked, width)
        if found.why is None and not asked.same:
            yield from _labelled("", "which change explains it only the edition that answered can tell", width, "dim")
        return
    told_below = {id_ for group in found.why.groups for one in group.effects for id_ in one.effect.ids}
    for difference in asked.differences:
        if not {difference.what.partition("#")[0], difference.now.partition("#")[0]} & told_below:
            yield from _difference(difference, width)
    for group in found.why.groups:
        yield Line("")
        yield from wrapped(f"  because of {because(group)}", width, "    ", "bold")
        for change in group.cause:
            yield from indented(of_change(change, width - 4), "    ")
        for one in group.effects:
            if one.effect.how != "kept":
                lines = of_effect(one, found.why, False, brief, True, width - 2)
                yield from indented((line for line in lines if line.text), "  ")
        for told, ids in kept(group):
            yield from wrapped(f"    = {told}: {', '.join(id_ for id_, _ in ids)}", width, "      ", "dim")


def _differences(asked: Asked, width: int) -> Iterator[Line]:
    for difference in asked.differences:
        yield from _difference(difference, width)


def _difference(difference: Difference, width: int) -> Iterator[Line]:
    lead = " " * (_LABEL + 2)
    sign, style = SIGNS.get(difference.how, ("~ ", "yellow"))
    told = {
        "lost": "is lost",
        "gained": "is gained",
        "becomes": f"becomes {difference.now}",
        "kept": "is kept, for other reasons",
        "changed": f"changes: {', '.join(detail.name for detail in difference.details)}",
    }[difference.how]
    for line in wrapped(f"{sign}{difference.what} {told}", width - len(lead), "    ", f"bold {style}"):
        yield Line(line.text, line.style, lead)
    for detail in difference.details:
        yield from indented(of_detail(detail, width - len(lead) - 4, ""), f"{lead}    ")
