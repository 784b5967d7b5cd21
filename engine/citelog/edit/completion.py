"""What can be written at a place of any text, and what its author is told of it."""

from __future__ import annotations

from pathlib import Path

from citelog.edit import hover
from citelog.edit.desk import Desk
from citelog.edit.items import Item
from citelog.edit.mentions import Mention, Thing
from citelog.edit.rule_items import in_rules, signature
from citelog.edit.statement_items import in_turtle


def completion(desk: Desk, path: Path, offset: int) -> list[Item]:
    """Everything that fits at an offset of a rule file, or of one of statements or terms."""
    text = desk.texts.get(path, "").replace("\r", "\n")  # some lines end so; offsets stay
    if path.suffix == ".rls":
        found = in_rules(desk.reading, desk.prefixes(), text, offset)
    elif path.suffix in (".ttl", ".trig"):
        found = in_turtle(desk.reading, text, offset)
    else:
        return []
    return sorted(found, key=lambda item: (item.rank, item.label))


def arguments(desk: Desk, path: Path, offset: int) -> tuple[str, list[str], int] | None:
    """The predicate that is being written in a rule: with its arguments, each of them, and which of them is next."""
    return signature(desk.reading, desk.texts.get(path, ""), offset) if path.suffix == ".rls" else None


def documentation(desk: Desk, path: Path, thing: Thing) -> str:
    """What is told of a thing that the list shows."""
    return hover.about(desk, path, Mention(0, 0, thing, "uses", (0, 0)))
