"""A search for words among the things of a knowledge base: plain, without letter case, all words or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from citelog.browse.shelf import KINDS, Shelf
from citelog.render.quoted import Quote, cut
from citelog.vocab import folded


@dataclass(frozen=True, slots=True)
class Hit:
    """A thing in which all words stand: its kind and id, and its title cut where they stand in it.

    `where` says what else of it holds a word that its id and its title do not.
    """

    kind: str
    id: str
    title: tuple[tuple[str, bool], ...]
    where: str


def searched(shelf: Shelf, asked: str) -> tuple[Hit, ...]:
    """What holds all words that are asked for; first what is called so, then what says so, then what is about it."""
    words = tuple(dict.fromkeys(folded(asked).split()))
    if not words:
        return ()
    ranked = []
    for place, (kind, id_, title, more) in enumerate(_things(shelf)):
        name, text = id_.casefold(), title.casefold()
        if name == folded(asked) or text == folded(asked):
            rank = 0
        elif all(word in name or word in text for word in words):
            rank = 1
        elif all(word in name or word in text or any(word in m.casefold() for m in more.values()) for word in words):
            rank = 2
        else:
            continue
        where = next((how for how, m in more.items() if rank == 2 and any(w in m.casefold() for w in words)), "")
        ranked.append((rank, place, Hit(kind, id_, _marked(title, words), where)))
    return tuple(hit for _, _, hit in sorted(ranked, key=lambda one: one[:2]))


def _things(shelf: Shelf) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Every thing: its kind, id, title, and what else can be searched of it, by what that is."""
    for kind in KINDS:
        for id_, title in shelf.ids(kind).items():
            yield kind, id_, " ".join(title.split()), dict(_more(shelf, kind, id_))


def _more(shelf: Shelf, kind: str, id_: str) -> Iterator[tuple[str, str]]:
    known = shelf.knowledge
    match kind:
        case "statement":
            one = known.statements[id_]
            yield "its kind, voice or population", " ".join((one.kind, one.voice, one.population, one.modality))
        case "rule":
            rule = shelf.rules[id_]
            yield "its remark", f"{rule.doc} {rule.convention}"
            yield "its text", rule.text
            yield "what it cites", " ".join(rule.cites)
        case "conflict":
            conflict = known.conflicts[id_]
            yield "the encoder’s note", conflict.note
            yield "its sides", " ".join(one for side in conflict.sides for one in side)
        case "term":
            yield "its other names and codes", " ".join(shelf.names.get(id_, ()))


def _marked(title: str, words: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    """A title in pieces, each with whether it is a word that was asked for."""
    text = title.casefold()
    if len(text) != len(title):  # a letter that has another length in lower case: its places are others
        return ((title, False),)
    found = []
    for word in words:
        at = text.find(word)
        while at >= 0:
            found.append(Quote(word, at, at + len(word)))
            at = text.find(word, at + len(word))
    return tuple((piece.text, bool(piece.quotes)) for line in cut(title, found) for piece in line.pieces)
