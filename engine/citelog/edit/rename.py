"""Another name for a thing, in every file that names it; or words that say why not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from citelog.diagnostics import CitelogError
from citelog.edit.desk import Desk, Place
from citelog.edit.mentions import Mention, Thing
from citelog.layout.edits import Edit
from citelog.values import Iri

_NAMES = {
    "variable": (re.compile(r"[A-Za-z][A-Za-z0-9_]*"), "a letter, then letters, digits and _"),
    "predicate": (re.compile(r"[a-z_][a-z0-9_]*"), "small letters, digits and _"),
    "rule": (re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*"), "letters, digits, hyphens and _"),
    "iri": (re.compile(r"[A-Za-z][A-Za-z0-9_-]*(?<!-)"), "a letter, then letters, digits, _ and hyphens between them"),
}
"""What a name of each kind of thing may look like, and how to say so."""


def renamable(desk: Desk, path: Path, offset: int) -> tuple[int, int]:
    """The stretch that is the name of what stands at an offset; raises CitelogError where it cannot be renamed."""
    return _mention(desk, path, offset).name


def rename(desk: Desk, path: Path, offset: int, new: str) -> Mapping[Path, list[Edit]]:
    """What to write, in each file, so that what is named at an offset has a new name; nothing else changes.

    Raises CitelogError where the name is taken or is no name, or where the thing is not the author's.
    """
    mention = _mention(desk, path, offset)
    thing = mention.thing
    new = _bare(thing, new.strip())
    pattern, wanted = _NAMES[thing.kind]
    if not pattern.fullmatch(new) or new in ("true", "false"):
        raise CitelogError(f"{new or 'nothing'} is no name for a {_called(desk, thing)}: it takes {wanted}")
    places = [p for p in desk.places(thing, path) if p.mention.role != "quotes"]
    if new != desk.texts[path][slice(*mention.name)]:
        _free(desk, thing, new, path)
    edits: dict[Path, list[Edit]] = {}
    for place in places:
        if desk.owned(place.path):
            edits.setdefault(place.path, []).append(_edit(place, thing, new))
    return {file: sorted(set(each)) for file, each in edits.items()}


def _mention(desk: Desk, path: Path, offset: int) -> Mention:
    if not desk.owned(path):
        whose = (
            "the document is kept as it is, letter for letter" if path == desk.document else "the ontology is not yours"
        )
        raise CitelogError(f"nothing can be renamed here: {whose}")
    mention = desk.at(path, offset)
    if mention is None or mention.role == "quotes":
        raise CitelogError("there is no name here: put the cursor on a predicate, term, statement, rule or variable")
    thing = mention.thing
    if thing.kind == "variable":
        return mention
    declared = desk.definitions(thing, path)
    foreign = [place for place in declared if not desk.owned(place.path)]
    written = desk.texts[path][mention.start : mention.end]
    if foreign:
        raise CitelogError(f"{written} is a word of citelog's ontology, and no knowledge base can rename it")
    if thing.kind == "iri" and not thing.name.startswith(desk.reading.namespace):
        base = thing.name[: len(thing.name) - len(Iri(thing.name).local)]
        raise CitelogError(f"{written} is a word of another vocabulary ({base}), and not yours to rename")
    if not declared:
        raise CitelogError(f"nothing declares {written}: correct it where it is misspelt, or declare it first")
    return mention


def _bare(thing: Thing, new: str) -> str:
    """The new name without what a mention writes around it."""
    if thing.kind == "variable":
        return new.removeprefix("?")
    if thing.kind == "iri":
        return Iri(new.strip("<>")).local.rpartition(":")[2]
    return new


def _free(desk: Desk, thing: Thing, new: str, path: Path) -> None:
    """Raise CitelogError where the new name is taken."""
    if thing.kind == "variable":
        other = Thing("variable", thing.name.partition("?")[0] + "?" + new)
    elif thing.kind == "iri":
        other = Thing("iri", desk.reading.namespace + new)
    else:
        other = Thing(thing.kind, new)
    taken = next(desk.places(other, path), None)
    if taken is not None:
        line = desk.texts[taken.path].count("\n", 0, taken.mention.start) + 1
        what = f"the rule has a variable ?{new} already" if thing.kind == "variable" else f"the name {new} is taken"
        raise CitelogError(f"{what}: {desk.shown(taken.path)}:{line}")


def _called(desk: Desk, thing: Thing) -> str:
    if thing.kind == "iri":
        return "statement" if thing.name in desk.reading.ids.values() else "term"
    return thing.kind


def _edit(place: Place, thing: Thing, new: str) -> Edit:
    mention = place.mention
    hyphen = thing.kind == "iri" and "-" in new and place.path.suffix == ".rls"
    prefixed = mention.name[0] > mention.start and mention.name[1] == mention.end
    if hyphen and prefixed and mention.role != "tells":  # in rules, the hyphen of a prefixed name would be a minus
        namespace = thing.name[: len(thing.name) - len(Iri(thing.name).local)]
        return Edit(mention.start, mention.end, f"<{namespace}{new}>")
    return Edit(*mention.name, new)
