"""Who put what into a knowledge base, and when: as the knowledge base says, and as git does.

Git is asked for the commit that each line comes from; the newest among the lines of a statement or a rule is the last
that touched it. What git cannot tell is said, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog.approval.places import Lines, ruled, said_of
from citelog.compare.revisions import Touch, touched, unversioned
from citelog.knowledge.encoders import encoders, name
from citelog.knowledge.files import shown_name
from citelog.knowledge.load import Opened
from citelog.values import Iri


@dataclass(frozen=True, slots=True)
class Origin:
    """Who encoded a thing, and the last commit that touched it.

    `encoders` are the names that the knowledge base gives. `touch` is None where no commit is known: `open` says then
    whether its lines, or some of them, are not committed.
    """

    encoders: tuple[str, ...]
    touch: Touch | None
    open: bool

    def to_dict(self) -> dict[str, Any]:
        """The origin as data."""
        touch = self.touch
        return {
            "encoded_by": list(self.encoders),
            "changed_by": touch.author if touch else None,
            "changed_on": touch.day.isoformat() if touch else None,
            "commit": touch.commit if touch else None,
            "uncommitted": self.open,
        }


@dataclass(frozen=True, slots=True)
class History:
    """The origin of every statement and rule; `untold` is why git says nothing, where it does not."""

    origins: Mapping[Iri, Origin]
    untold: str


def history(folder: Path, opened: Opened, things: Sequence[Iri]) -> History:
    """Where statements and rules come from, whose knowledge base has been loaded from a folder."""
    untold = unversioned(folder)
    commits = {} if untold else touched(folder)
    origins = {}
    by_name = {shown_name(path, folder): lines for path, lines in commits.items()}
    written = _written(opened)
    for thing in things:
        lines: list[Touch | None] = []
        for file, places in written.items():
            known = by_name.get(file, ())
            for numbers in places.get(thing, ()):
                lines += (known[n - 1] if n <= len(known) else None for n in numbers)
        last = max((touch for touch in lines if touch is not None), key=lambda touch: touch.seconds, default=None)
        names = tuple(name(opened.triples, agent) for agent in encoders(opened.triples, thing))
        origins[thing] = Origin(names, last, not untold and None in lines)
    return History(origins, untold)


def _written(opened: Opened) -> Mapping[str, Lines]:
    """The lines about each thing, by the name of the file."""
    namespace = opened.knowledge.namespace if opened.knowledge else ""
    own = {file: text for file, text in opened.triples.files.items() if "/" in file}
    return {file: said_of(text.text) for file, text in own.items()} | {
        file.file: ruled(file.text, namespace) for file in opened.files
    }
