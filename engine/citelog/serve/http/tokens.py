"""Who calls: the tokens with which a hospital system signs its calls of CDS Hooks, verified by keys that are at hand.

https://cds-hooks.hl7.org/2.0/#trusting-cds-clients: each call brings a JSON Web Token, signed with the system's
private key. Nothing is fetched to verify one: a `jku` in a token is not looked at. What a token says is never told,
nor logged.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citelog.diagnostics import CitelogError
from citelog.serve.http.limits import Refusal

_CURVES = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",), "Ed25519": ("EdDSA",)}
_RSA = ("RS384", "RS256", "RS512", "PS384", "PS256", "PS512")
ALGORITHMS = frozenset({*_RSA, *(name for names in _CURVES.values() for name in names)})
"""How a token may be signed: with a private key, always. `none` and shared secrets vouch for nobody."""

LIFE = 3600  # seconds that a token may be valid, and that its `jti` is remembered
LEEWAY = 30  # seconds that two clocks may differ
MOST = 100_000  # tokens that are remembered
_WEAK = 2048  # bits of an RSA key


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, and the algorithms that it may be used with."""

    key: Any
    algorithms: tuple[str, ...]


@dataclass
class Tokens:
    """The door of CDS Hooks: keys by their ids, the address of this server as callers know it, and whom to believe."""

    keys: Mapping[str, Key]
    audience: str
    issuers: frozenset[str]
    _seen: dict[tuple[str, str], float] = field(default_factory=dict)  # until when, by issuer and jti

    @classmethod
    def read(cls, path: Path, audience: str, issuers: Iterable[str]) -> Tokens:
        """The keys of a file, a JSON Web Key Set of public keys. Raises CitelogError."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            what = getattr(error, "strerror", None) or "this cannot be read as JSON"
            raise CitelogError(f"{path}: {what}", "give a JSON Web Key Set: --jwt-keys FILE") from error
        rows = told.get("keys") if isinstance(told, dict) else None
        if not isinstance(rows, list) or not rows:
            raise CitelogError(f"{path}: there are no keys in it", 'as in {"keys": [{"kid": …, "kty": …}]}')
        keys: dict[str, Key] = {}
        for number, row in enumerate(rows):
            kid, key = _key(row, f"{path}: keys[{number}]")
            if kid in keys:
                raise CitelogError(f"{path}: keys[{number}]: its kid stands twice", "give each key its own")
            keys[kid] = key
        return cls(keys, audience.rstrip("/"), frozenset(issuers))

    def admit(self, authorization: str | None, path: str) -> None:
        """Let a call in, once; raises Refusal (401) where its token is missing, not to be believed, or used before."""
        import jwt

        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _refused("no token came", "send Authorization: Bearer and a signed token")
        try:
            head = jwt.get_unverified_header(token.strip())
            key = self.keys.get(str(head.get("kid")))
            if key is None or head.get("typ", "JWT") != "JWT":
                raise _refused("no key of this id is known here", "sign with a key that was given to this server")
            claims = jwt.decode(
                token.strip(),
                key.key,
                algorithms=list(key.algorithms),
                audience=[f"{self.audience}{path}", f"{self.audience}{path.removesuffix('/feedback')}"],
                issuer=sorted(self.issuers),
                leeway=LEEWAY,
                options={"require": ["iss", "aud", "exp", "iat", "jti"]},
            )
        except jwt.PyJWTError as error:
            raise _refused(_WHY.get(type(error).__name__, "it cannot be verified"), "sign a new one") from error
        self._once(str(claims["iss"]), claims["jti"], int(claims["exp"]) - int(claims["iat"]))

    def _once(self, issuer: str, id_: object, life: int) -> None:
        """Remember a token for as long as it is valid; raises Refusal where it came before."""
        if not isinstance(id_, str) or not 0 < len(id_) <= 200:
            raise _refused("its jti is no short text", "give each token an id of its own")
        if life > LIFE:
            raise _refused(f"it is valid for {life:,} seconds", f"sign one that is valid for {LIFE:,} at most")
        now = time.monotonic()
        if self._seen.get((issuer, id_), now) > now:
            raise _refused("it was used before", "sign a new one for each call")
        if len(self._seen) >= MOST:
            self._seen = {known: until for known, until in self._seen.items() if until > now}
            if len(self._seen) >= MOST:
                raise Refusal(503, "more tokens came than can be remembered", "try again later")
        self._seen[issuer, id_] = now + life + 2 * LEEWAY


_WHY = {
    "ExpiredSignatureError": "its time is over",
    "ImmatureSignatureError": "its time has not begun",
    "InvalidAudienceError": "it is for another address (aud)",
    "InvalidIssuerError": "nobody here believes who signed it (iss)",
    "InvalidAlgorithmError": "it is signed in a way that is not accepted (alg)",
    "InvalidSignatureError": "its signature is wrong",
    "MissingRequiredClaimError": "it lacks one of iss, aud, exp, iat, jti",
}


def _refused(why: str, remedy: str) -> Refusal:
    return Refusal(401, f"the token is not accepted: {why}", remedy)


def _key(row: Any, place: str) -> tuple[str, Key]:
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    if not isinstance(row, dict) or not isinstance(row.get("kid"), str) or not row["kid"]:
        raise CitelogError(f"{place}: this is no key with a kid", "tokens name the key by it")
    if row.get("kty") == "oct" or "d" in row:
        what = "this is a secret, and everybody who can read it can sign" if "d" in row else "this is a shared secret"
        raise CitelogError(f"{place}: {what}", "give the public key alone")
    algorithms = _RSA if row.get("kty") == "RSA" else _CURVES.get(str(row.get("crv")), ())
    chosen = tuple(name for name in algorithms if row.get("alg", name) == name)
    if not chosen or row.get("use", "sig") != "sig":
        told = ", ".join(sorted(ALGORITHMS))
        raise CitelogError(f"{place}: this is no key to verify signatures by", f"a key for one of {told}")
    try:
        key = PyJWK(row, algorithm=chosen[0])
    except (PyJWTError, ValueError, TypeError) as error:
        raise CitelogError(f"{place}: this key cannot be read", "write it as RFC 7517 has it") from error
    if getattr(key.key, "key_size", _WEAK) < _WEAK and row.get("kty") == "RSA":
        raise CitelogError(f"{place}: {key.key.key_size} bits are too few", f"take an RSA key of {_WEAK} or more")
    return row["kid"], Key(key.key, chosen)
