"""Members of a document sealed: each on a line of its own, in the one way that its value can be written, with its hash.

    {
    "at":null,
    "engine":{…},
    "hashes":{"at":"74234e98…","engine":"…"},
    "sha256":"…"
    }

A value is written as RFC 8785 (JSON Canonicalization Scheme) has it, in which no line ends; a hash is the SHA-256 of
these bytes, and the last one of those of `hashes`. So a changed byte is noticed wherever it is, and its line says which
member it is in, whether or not the rest can still be read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

from citelog.diagnostics import CitelogError

HASHES, WHOLE, FRAME = "hashes", "sha256", "frame"

LARGEST = 256_000_000
"""Bytes: ten times as many as the receipt of the largest record of a patient that is read."""

DEEPEST = 50
"""Levels of lists and objects in a member: a receipt has seven."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What is not as it was sealed, and in which member; `frame` is what stands around and between the members."""

    member: str
    what: str

    def __str__(self) -> str:
        return f"{self.member}: {self.what}"


@dataclass(frozen=True, slots=True)
class Opened:
    """What stands in a sealed document: its members, everything that is wrong with it, and the hash of the hashes."""

    members: Mapping[str, Any]
    damage: tuple[Damage, ...]
    seal: str


def canonical(value: Any) -> bytes:
    """A value of JSON in the one way that RFC 8785 writes it; raises CitelogError for what it has no way for.

    >>> canonical({"b": [1.50, "µ"], "a": None}).decode()
    '{"a":null,"b":[1.5,"µ"]}'
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.IntegerDomainError, rfc8785.FloatDomainError) as error:
        remedy = "JSON counts exactly to 9007199254740991; write a larger one as a decimal, which is kept as text"
        raise CitelogError(f"this cannot be sealed: {error}", remedy) from error
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:  # the second where it is in a name
        what = "half a character (a surrogate) stands in a text"
        raise CitelogError(f"this cannot be sealed: {what}", "write whole characters") from error


def seal(members: Mapping[str, Any]) -> bytes:
    """A document of some members, sealed.

    >>> print(seal({"at": None}).decode()[:63])
    {
    "at":null,
    "hashes":{"at":"74234e98afe7498fb5daf1f36ac2d78acc
    """
    written = {name: canonical(value) for name, value in members.items()}
    written[HASHES] = canonical({name: _sha256(value) for name, value in written.items()})
    written[WHOLE] = canonical(_sha256(written[HASHES]))
    return b"{\n" + b",\n".join(b'"%s":%s' % (name.encode(), value) for name, value in written.items()) + b"\n}\n"


def unseal(data: bytes, names: tuple[str, ...]) -> Opened:
    """A sealed document of members of these names, in this order, opened.

    What is damaged is not among the members; so is what nothing vouches for any more.
    """
    written, damage = _lines(data, (*names, HASHES, WHOLE))
    damage += _changed(written, names)
    if not (data.startswith(b"{\n") and data.endswith(b"\n}\n")):
        damage.append(Damage(FRAME, "it does not begin with { and end with }, each on a line of its own"))
    members: dict[str, Any] = {}
    wrong = {found.member for found in damage}
    for name in names if HASHES not in wrong else ():
        if name not in wrong:
            try:
                members[name] = _read(written[name])
            except ValueError as error:
                damage.append(Damage(name, f"it is no JSON: {error}"))
    if not damage:
        damage += _otherwise(members, data)
    first = tuple({found.member: found for found in reversed(damage)}.values())[::-1]
    return Opened(members, first, _sha256(written.get(HASHES, b"")))


def is_sealed(data: bytes, names: tuple[str, ...]) -> bool:
    """Whether some bytes were meant as a sealed document of such members: they begin most of its lines."""
    begin = tuple(f'"{name}":'.encode() for name in names)
    lines = data[:LARGEST].split(b"\n")[: 2 * len(names)]
    return 2 * sum(line.startswith(begin) for line in lines) > len(names)


def _lines(data: bytes, names: tuple[str, ...]) -> tuple[dict[str, bytes], list[Damage]]:
    """The bytes of each member, and what is wrong with the lines that they stand on."""
    lines = data.removesuffix(b"\n").split(b"\n")
    written: dict[str, bytes] = {}
    damage, last = [], FRAME
    for number, line in enumerate(lines, 1):
        if line in (b"{", b"}") and number in (1, len(lines)):
            continue
        name = next((name for name in names if line.startswith(f'"{name}":'.encode())), None)
        if name is None or name in written:
            damage.append(Damage(last, f"after it, line {number} is none of a member that is still to come"))
            continue
        last, value = name, line[len(name) + 3 :]
        if name != names[-1] and not value.endswith(b","):
            damage.append(Damage(name, "no comma ends its line"))
        written[name] = value.removesuffix(b",") if name != names[-1] else value
    return written, damage + [Damage(name, "it is not there") for name in names if name not in written]


def _changed(written: Mapping[str, bytes], names: tuple[str, ...]) -> Iterator[Damage]:
    """The members that are not what was sealed."""
    if HASHES not in written or WHOLE not in written:
        return
    try:
        hashes = _read(written[HASHES])
    except ValueError:
        hashes = None
    told = hashes if isinstance(hashes, dict) else {}
    wrong = [name for name in names if name in written and told.get(name) != _sha256(written[name])]
    if written[WHOLE] == canonical(_sha256(written[HASHES])):
        yield from (Damage(name, "it is not what was sealed: its hash is another") for name in wrong)
    elif wrong or not told:
        yield Damage(HASHES, "they are not what was sealed, and nothing vouches for the other members any more")
    else:
        yield Damage(WHOLE, "it is not the hash of the hashes")


def _otherwise(members: Mapping[str, Any], data: bytes) -> Iterator[Damage]:
    """What is wrong with a document of these members that is not, byte for byte, the one that would be written."""
    try:
        if seal(members) != data:
            yield Damage(FRAME, "its members stand in another order, or a value is not written as RFC 8785 has it")
    except CitelogError as error:
        yield Damage(FRAME, error.what)


def _read(value: bytes) -> Any:
    """A value of JSON; raises ValueError where it is none, or names a member twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a name stands twice in one object")
        return found

    def refused(word: str) -> Any:
        raise ValueError(f"{word} is no number of JSON")

    try:
        read = json.loads(value.decode("utf-8"), object_pairs_hook=once, parse_constant=refused)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = [read]
    for _ in range(DEEPEST):
        level = [one for node in level for one in _below(node)]
    if level:
        raise ValueError("it is nested too deeply")
    return read


def _below(node: Any) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def _sha256(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()
