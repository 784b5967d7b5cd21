"""Whose a resource of an export is."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from citelog.patient.people import other_subject, with_results
from citelog.patient.reading import as_text
from citelog.patient.resources import REFERENCE
from citelog.population.bulk.elements import decoded

_SUBJECT = re.compile(rb'\{"reference":\s?"Patient/([A-Za-z0-9.-]{1,64})"(?:,\s?"display":\s?"[^"\\]*")?\}')


def whom(subject: msgspec.Raw | None) -> tuple[str, str, str]:
    """The id of the patient whom a resource is about, the server that the reference names, and why it is nobody."""
    if subject is None or bytes(subject) == b"null":
        return "", "", "It names no patient."
    if simple := _SUBJECT.fullmatch(subject):
        return simple[1].decode(), "", ""
    return _named(decoded(bytes(subject)))


def _named(node: Any) -> tuple[str, str, str]:
    if other := other_subject({"subject": node}):
        return "", "", f"It is about {other}, not about a patient."
    target = target_of(node)
    if target.startswith("#"):
        return "", "", "Its patient stands inside the resource itself, so whose it is cannot be told."
    parts = REFERENCE.fullmatch(target)
    if not target or (not parts and not target.startswith("urn:uuid:")):
        return "", "", "It refers to its patient in a way that cannot be followed."
    return referred(node), parts[1] or "" if parts else "", ""


def inside(line: bytes, patient: str, base: str) -> str:
    """Why a resource is not its patient's for a result inside it that is about another; empty where it is."""
    tree = decoded(line)
    for one in with_results(tree) if isinstance(tree, dict) else ():
        if one.get("subject") is None or other_subject(one):
            continue
        id_, server, fault = _named(one["subject"])
        if fault or id_ != patient or (server and base and server != base):
            return "A result inside it is about another patient, or nobody can tell about whom."
    return ""


def target_of(node: Any) -> str:
    return as_text(node if isinstance(node, str) else node.get("reference") if isinstance(node, dict) else None)


def referred(node: Any) -> str:
    """The id that a reference ends with."""
    target = target_of(node)
    parts = REFERENCE.fullmatch(target)
    return parts[3] if parts else target.removeprefix("urn:uuid:")
