"""The files of keys: the private one, which only its owner may read, and the public one."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from citelog.diagnostics import CitelogError
from citelog.ledger.note import NoteError, PrivateKey, PublicKey

LARGEST = 1_000_000
"""How many bytes of a key, or of a checkpoint, are read."""


def new_key(name: str) -> PrivateKey:
    """A key that nobody has had."""
    return PrivateKey(name, Ed25519PrivateKey.generate())


def written(key: PrivateKey) -> bytes:
    """A private key as its file holds it."""
    return key.secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def private_key(path: Path, name: str) -> PrivateKey:
    """The private key in a file; raises CitelogError where it is none, or others could have read it."""
    raw = read(path, "name the file: --log-key FILE")
    if path.stat().st_mode & 0o077:
        raise CitelogError(f"{path}: others than its owner may read this private key", f"chmod 600 {path}")
    try:
        secret = load_pem_private_key(raw, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CitelogError(f"{path}: it is no private key that can be read", "name the log's own") from error
    if not isinstance(secret, Ed25519PrivateKey):
        raise CitelogError(f"{path}: it is no Ed25519 key", "name the log's own")
    return PrivateKey(name, secret)


def public_key(path: Path) -> PublicKey:
    """The public key in a file; raises CitelogError where it is none."""
    try:
        return PublicKey.read(
            read(path, "name the file that holds it, such as a log's public-key").decode("utf-8", "replace")
        )
    except NoteError as error:
        raise CitelogError(f"{path}: {error}", "name a file as a log's public-key") from error


def read(path: Path, remedy: str = "check the path") -> bytes:
    """The bytes of a small file; raises CitelogError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        raise CitelogError(f"{path}: it cannot be read: {error.strerror}", remedy) from error
