"""Checkpoints: the size and the root of a log, signed (C2SP tlog-checkpoint, in a C2SP signed note, by Ed25519).

    example.org/ward-7                                                                 the origin: which log
    1042                                                                               the size: how many entries
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=                                       the root: what they are
                                                                                       an empty line
    — example.org/ward-7 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URY…         who signs it

Whoever keeps this one small text can tell later whether the log still begins with those entries.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from citelog.ledger.tree import WIDTH

ED25519 = b"\x01"
"""The type of signature, as signed-note numbers them."""

LONGEST = 100_000
"""How many bytes of a note are read; one of ours has about 200, and witnesses may add lines."""

_SIGNATURE = re.compile("— ([^\\s+]+) ([A-Za-z0-9+/]+=*)")


class NoteError(ValueError):
    """What is no checkpoint, or no key; the text says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log held at some moment: whose log, how many entries, and the hash over all of them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{in_base64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """A line under a note: the name of a key, its id, and what it signed with."""

    name: str
    id: bytes
    raw: bytes


@dataclass(frozen=True)
class Signed:
    """A checkpoint with its signatures, as it was read: `note` is its text byte for byte."""

    note: bytes
    checkpoint: Checkpoint
    signatures: tuple[Signature, ...]

    @classmethod
    def read(cls, note: bytes) -> Signed:
        """Read a note; raises NoteError where it is none, or its text no checkpoint. It verifies no signature."""
        if len(note) > LONGEST:
            raise NoteError(f"it is longer than {LONGEST:,} bytes")
        try:
            whole = note.decode()
        except UnicodeDecodeError as error:
            raise NoteError(f"byte {error.start} is not UTF-8") from error
        text, line, signed = whole.rpartition("\n\n")
        if not line or not signed.endswith("\n") or any(c < " " and c != "\n" for c in whole):
            raise NoteError("it is no text with an empty line and signatures below")
        signatures = []
        for written in signed.splitlines():
            found = _SIGNATURE.fullmatch(written)
            if found is None:
                raise NoteError(f"{written[:40]!r} is no line of a signature")
            raw = from_base64(found[2])
            signatures.append(Signature(found[1], raw[:4], raw[4:]))
        return cls(note, _checkpoint(f"{text}\n"), tuple(signatures))

    def by(self, key: PublicKey) -> bool:
        """Whether a key has signed it, and every signature that says it is this key's is."""
        named = [s for s in self.signatures if (s.name, s.id) == (key.name, key.id)]
        return bool(named) and all(key.verifies(self.checkpoint.text.encode(), s.raw) for s in named)


def _checkpoint(text: str) -> Checkpoint:
    lines = text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines):
        raise NoteError("it does not begin with an origin, a size and a root")
    origin, size, root = lines[:3]
    if len(lines) > 3:
        raise NoteError("it has lines after the root, which no log of citelog writes")
    if not re.fullmatch("0|[1-9][0-9]{0,17}", size):
        raise NoteError(f"{size[:40]!r} is no size")
    hash_ = from_base64(root)
    if len(hash_) != WIDTH:
        raise NoteError(f"a root has {WIDTH} bytes, and this one {len(hash_)}")
    return Checkpoint(origin, int(size), hash_)


@dataclass(frozen=True)
class PublicKey:
    """What signatures are verified with: a name and 32 bytes. It may be given to anyone."""

    name: str
    raw: bytes

    @classmethod
    def read(cls, text: str) -> PublicKey:
        """Read a key as `text` writes it; raises NoteError where it is none."""
        name, plus, rest = text.strip().partition("+")
        id_, second, key = rest.partition("+")
        raw = from_base64(key) if plus and second else b""
        if len(raw) != 33 or raw[:1] != ED25519 or unusable_name(name):
            raise NoteError("it is no public key of a log: NAME+ID+KEY")
        found = cls(name, raw[1:])
        if found.id.hex() != id_:
            raise NoteError(f"the key's id is {found.id.hex()}, and {id_[:40]!r} stands there")
        return found

    @cached_property
    def id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:4]

    @property
    def text(self) -> str:
        """The key in a line, as the tools of transparency logs write it: NAME+ID+KEY."""
        return f"{self.name}+{self.id.hex()}+{in_base64(ED25519 + self.raw)}"

    def verifies(self, text: bytes, signature: bytes) -> bool:
        """Whether the holder of the private key signed a text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class PrivateKey:
    """What a log signs with."""

    name: str
    secret: Ed25519PrivateKey

    @cached_property
    def public(self) -> PublicKey:
        """The key to verify with."""
        return PublicKey(self.name, self.secret.public_key().public_bytes_raw())

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """The signed note of a checkpoint. Ed25519 is deterministic: the same checkpoint gives the same bytes."""
        signature = self.public.id + self.secret.sign(checkpoint.text.encode())
        return f"{checkpoint.text}\n— {self.name} {in_base64(signature)}\n".encode()


def unusable_name(name: str) -> str:
    """Why a name cannot be that of a log and its key; empty where it can.

    >>> unusable_name("example.org/ward-7"), unusable_name("ward 7")
    ('', 'it has a blank or a plus sign in it')
    """
    if not name:
        return "it is empty"
    if re.search(r"[\s+]", name):
        return "it has a blank or a plus sign in it"
    return "" if name.isprintable() else "it has a character in it that does not print"


def in_base64(raw: bytes) -> str:
    """Bytes as a note has them."""
    return base64.b64encode(raw).decode()


def from_base64(text: str) -> bytes:
    """The bytes of base64 that is written in the one way in which it is written again. Raises NoteError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"{text[:40]!r} is not base64") from error
    if in_base64(raw) != text:
        raise NoteError(f"{text[:40]!r} is not base64 as it is written again")
    return raw
