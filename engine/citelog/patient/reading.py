"""From a file, standard input or a parsed document to one plain tree, or a refusal that says what to do.

A record comes from anywhere, so it is distrusted: bounded in size, depth and number of values before anything walks
it, and read without a parser's own ideas (YAML's `no`, `8:30` and `010` stay as written, 1.10 stays 1.10, a
repeated key is refused rather than half ignored, tags and aliases are not followed). The tree has dict, list, str,
bool, None, and `Plain` for a number, which keeps its text.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from citelog.diagnostics import CaseError
from citelog.patient.numbers import written_out

LARGEST = 50_000_000  # bytes: some 35,000 FHIR resources as hospitals write them
DEEPEST = 100  # levels: FHIR itself needs about twenty
MOST = 1_000_000  # values in one document
MOST_YAML = 200_000  # the same for YAML, which is slower to read and which nobody exports by machine


class Plain(str):
    """A number that stands unquoted in the source, with its text as written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A source, read: what to call it in messages, its id where it has none of its own, its bytes, its tree."""

    where: str
    default_id: str
    data: bytes
    tree: dict[str, Any]

    @property
    def sha256(self) -> str:
        """The hash of its bytes."""
        return hashlib.sha256(self.data).hexdigest()

    def place(self, key: str) -> str:
        """Where a key stands, for messages: with its line, if the source has several and the key stands there once.

        >>> document(b"id: a\\nlab: []", "a.yaml", "a").place("lab"), document(b"{lab: []}", "a.yaml", "a").place("lab")
        ('a.yaml:2', 'a.yaml')
        """
        text = self.data.decode("utf-8-sig")
        found = list(re.finditer(rf"""(?<![\w-]){re.escape(key)}["']?\s*:""", text))
        is_sure = len(found) == 1 and "\n" in text.strip()
        return f"{self.where}:{text.count(chr(10), 0, found[0].start()) + 1}" if is_sure else self.where


def read_document(source: object) -> Document:
    """Read a path, standard input (`-`) or an already parsed document, which is read as the JSON that it would be.

    >>> read_document({"id": "example", "labs": []}).tree
    {'id': 'example', 'labs': []}
    """
    if isinstance(source, Mapping):
        tree = _checked("the case", _normal(source, "the case"))
        return Document("the case", "case", compact(tree).encode(), _mapping("the case", tree))
    if not isinstance(source, str | Path):
        what = f"a {type(source).__name__} is no record"
        raise CaseError("the case", what, "give a path, - for standard input, or the record as a dict")
    if source == "-":
        if sys.stdin is None:
            raise CaseError("standard input", "it is closed", "send the record to it, or name a file")
        where, default_id = "standard input", "stdin"
        data = sys.stdin.buffer.read(LARGEST + 1)
    else:
        where, default_id = str(source).encode("utf-8", "replace").decode(), Path(source).stem
        data = _bytes(Path(source), where)
    return document(data, where, default_id.encode("utf-8", "replace").decode())


def document(data: bytes, where: str, default_id: str) -> Document:
    """Read the bytes of a record.

    >>> document(b"labs: []", "a.yaml", "a").tree
    {'labs': []}
    """
    if len(data) > LARGEST:
        raise _too_large(where)
    tree = _checked(where, _parsed(_text(data, where), where))
    return Document(where, default_id, data, _mapping(where, tree))


# --- bytes -------------------------------------------------------------------------------------------------------


def _bytes(path: Path, where: str) -> bytes:
    try:
        if path.is_dir():
            raise CaseError(where, "this is a folder, not a case", f"name the files in it, as in {where}/*.yaml")
        if path.is_file() and path.stat().st_size > LARGEST:
            raise _too_large(where)
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError:
        raise CaseError(where, "there is no such file", "check the path, and the folder that you are in") from None
    except PermissionError:
        raise CaseError(where, "this file may not be read", "give yourself the right to read it") from None
    except (OSError, ValueError) as trouble:  # ValueError: a NUL in the path
        raise CaseError(where, f"this file cannot be read ({trouble})", "check the path") from None


def _too_large(where: str) -> CaseError:
    return CaseError(
        where,
        f"larger than {LARGEST // 1_000_000} MB, which no record of one patient is",
        "give one patient's record; for many patients there is `citelog population`",
    )


_A_CASE = "a case is a mapping with keys such as labs, findings, medications; a FHIR record has a resourceType"

# What may not stand in a record: control characters (they could steer a terminal) and halves of characters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def _text(data: bytes, where: str) -> str:
    if not data.strip():
        raise CaseError(where, "this is empty, not a case", _A_CASE)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        if data.startswith(b"\x1f\x8b"):
            raise CaseError(where, "this is compressed (gzip)", "unpack it, as with gunzip") from None
        line = data.count(b"\n", 0, trouble.start) + 1
        raise CaseError(f"{where}:{line}", "this is not UTF-8 text", "save the file as UTF-8") from None
    if bad := _FORBIDDEN.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise CaseError(
            f"{where}:{line}",
            f"the control character U+{ord(bad[0]):04X} may not stand in a record",
            "remove it; if the file is not text at all, give the case as YAML or JSON",
        )
    return text


# --- text --------------------------------------------------------------------------------------------------------


def _parsed(text: str, where: str) -> Any:
    if re.match(r"\s*<[!?A-Za-z]", text):
        raise CaseError(where, "this looks like XML", "give the record as JSON or YAML")
    if text.lstrip()[:1] not in ("{", "["):
        return _yaml(text, where)
    try:
        return _json(text, where)
    except json.JSONDecodeError as trouble:
        try:
            return _yaml(text, where)  # YAML may begin with a brace as well
        except CaseError as refusal:
            if re.match(r'\s*[{[]+\s*"', text) and _is_cut_off(trouble):
                what = f"not JSON: it ends before it is complete ({trouble.msg}, column {trouble.colno})"
                remedy = "fetch or save it again: the end of it is missing"
                raise CaseError(f"{where}:{trouble.lineno}", what, remedy) from None
            if not _IS_SYNTAX.search(refusal.what):
                raise
            message = f"not JSON ({trouble.msg}, column {trouble.colno}) and not YAML either"
            remedy = "correct that line"
            if trouble.msg.startswith("Extra data"):
                remedy = "give one document in one file; for many patients there is `citelog population`"
            raise CaseError(f"{where}:{trouble.lineno}", message, remedy) from None


def _is_cut_off(trouble: json.JSONDecodeError) -> bool:
    return trouble.msg.startswith("Unterminated") or not trouble.doc[trouble.pos :].strip()


def _json(text: str, where: str) -> Any:
    if text.count(",") + text.count("[") > MOST:
        raise _too_many(where, MOST)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise CaseError(where, f'the key "{_short(twice)}" stands twice in one object', "keep one of the two")
        return found

    try:
        return json.loads(text, object_pairs_hook=unique, parse_float=Plain, parse_int=Plain, parse_constant=str)
    except RecursionError:
        raise _too_deep(where) from None


_IS_SYNTAX = re.compile("^(not YAML|more than)")
_YAML_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def _yaml(text: str, where: str) -> Any:
    """YAML by its events, one at a time: no constructor, no resolver, and no recursion."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    root: list[Any] = []
    stack: list[_Open] = [_Open(root)]
    count = documents = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise CaseError(_at(where, event), "a second YAML document begins here", "one file, one patient")
                continue
            if isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
                continue
            if not isinstance(event, yaml.NodeEvent):
                continue
            count += 1
            if count > MOST_YAML:
                raise _too_many(where, MOST_YAML)
            if event.anchor is not None:  # an alias has one as well
                remedy = "write the value out, or put quotes around it"
                raise CaseError(_at(where, event), "YAML anchors and aliases (&, *) are not read", remedy)
            if (tag := getattr(event, "tag", None)) is not None:
                raise CaseError(_at(where, event), f"the YAML tag {tag} is not read", "remove the tag")
            if isinstance(event, yaml.ScalarEvent):
                stack[-1].add(_scalar(event), where, event, text)
                continue
            inner: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            stack[-1].add(inner, where, event, text)
            stack.append(_Open(inner))
            if len(stack) > DEEPEST:
                raise _too_deep(where)
    except yaml.YAMLError as trouble:
        mark = getattr(trouble, "problem_mark", None) or getattr(trouble, "context_mark", None)
        place = f"{where}:{mark.line + 1}" if mark is not None else where
        problem = getattr(trouble, "problem", None) or str(trouble)
        if "nesting depth" in problem:  # libyaml reads ahead, and has a limit of its own
            raise _too_deep(where) from None
        raise CaseError(place, f"not YAML ({problem})", _yaml_remedy(text, mark)) from None
    return root[0] if root else None


def _yaml_remedy(text: str, mark: Any) -> str:
    near = text.splitlines()[max(mark.line - 1, 0) : mark.line + 1] if mark is not None else []
    if any(re.match(r" *\t", line) for line in near):
        return "indent with blanks: a tab begins the line"
    if any(re.search(r":\s*[>%@`]", line) for line in near):
        return 'put quotes around a value that begins with a sign, as in value: ">100"'
    return "correct that line; a value with a sign or a colon in it needs quotes"


class _Open:
    """A list or mapping that is being filled, with the key that waits for its value, and where that key ends."""

    __slots__ = ("ends", "into", "key")

    def __init__(self, into: Any) -> None:
        self.into = into
        self.key: str | None = None
        self.ends = 0

    def add(self, node: Any, where: str, event: Any, text: str) -> None:
        if isinstance(self.into, list):
            self.into.append(node)
        elif self.key is not None:
            if node is None and not _has_colon(text[self.ends : event.start_mark.index]):
                raise _split(list(self.into.values()), self.key, _at(where, event))
            self.into[self.key] = node
            self.key = None
        else:
            if isinstance(node, (dict, list)):
                raise CaseError(_at(where, event), "a list or mapping stands where a key should be", "use a plain key")
            key = event.value
            if key in self.into:
                raise CaseError(_at(where, event), f'the key "{_short(key)}" stands twice', "keep one of the two")
            self.key, self.ends = key, event.end_mark.index


def _has_colon(between: str) -> bool:
    """Whether what stands between a key and its value says that it is one: `{80,5}` has two keys and no value."""
    return ":" in re.sub("#[^\n]*", "", between)


def _split(before: list[Any], key: str, place: str) -> CaseError:
    """Within braces a comma ends a value: `{value: 1,234}` is 1 for YAML, which is not what was recorded."""
    last = before[-1] if before else None
    what = f'"{_short(key)}" has no value' if not isinstance(last, str) else (
        f'within {{ }} the comma ends the value: "{_short(last)},{_short(key)}" would be read as "{_short(last)}"'
    )  # fmt: skip
    return CaseError(
        place, what, 'write a number without commas (1.5, 1200), and put quotes around text that has one: "a, b"'
    )


def _scalar(event: yaml.ScalarEvent) -> Any:
    return _plain(event.value) if event.implicit[0] else event.value  # quoted or a block: text, whatever it says


def _plain(text: str) -> Any:
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text in ("true", "True", "TRUE")
    return Plain(text) if _YAML_NUMBER.fullmatch(text) else text


def _at(where: str, event: Any) -> str:
    return f"{where}:{event.start_mark.line + 1}"


# --- parsed documents --------------------------------------------------------------------------------------------


def _normal(value: Any, place: str, depth: int = 1) -> Any:
    """A Python document as the tree that its JSON would give, its keys in order: a dict has none of its own."""
    if depth > DEEPEST:
        raise _too_deep("the case")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise CaseError(place, f"the key {key!r} is not text", "write every key as text")
        return {key: _normal(item, f"{place}, {_short(key)}", depth + 1) for key, item in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [_normal(item, f"{place}[{i}]", depth + 1) for i, item in enumerate(value)]
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float, Decimal)):
        if isinstance(value, int) and abs(value) >= 10**1000:  # longer ones Python itself refuses to print
            raise CaseError(place, "a number with more than a thousand digits", "correct it")
        return Plain(value) if Decimal(value).is_finite() else str(value)
    if isinstance(value, datetime.date):  # a datetime is one as well
        return value.isoformat()
    remedy = "use text, numbers, true, false, None, lists and mappings"
    raise CaseError(place, f"a value of the type {type(value).__name__} is not read", remedy)


# --- any tree ----------------------------------------------------------------------------------------------------


def _checked(where: str, tree: Any) -> Any:
    """The tree, if it is no deeper than anything here can walk and its text can be printed."""
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise _too_deep(where)
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                below.extend(node)
                below.extend(node.values())
            elif isinstance(node, list):
                below.extend(node)
            elif isinstance(node, str) and (bad := _FORBIDDEN.search(node)):
                raise CaseError(where, f"the character U+{ord(bad[0]):04X} may not stand in a record", "remove it")
        level = below
    return tree


# --- single values of a tree -------------------------------------------------------------------------------------


def recorded(value: Any, *, is_number: bool = False) -> str | bool:
    """A value as it was recorded; the empty text where there is none.

    >>> recorded(Plain("1e2"), is_number=True), recorded(Plain("1e2")), recorded([1, "a"]), recorded(None)
    ('100', '1e2', '[1,"a"]', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return value
    if isinstance(value, Plain):
        return written_out(str(value)) if is_number else str(value)
    return " ".join(value.split()) if isinstance(value, str) else compact(value)


def as_text(value: Any) -> str:
    """A value where only text makes sense."""
    kept = recorded(value)
    return str(kept).lower() if isinstance(kept, bool) else kept


def compact(value: Any) -> str:
    """Something that is no single value, in one line of JSON."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(key)}:{compact(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return str(value) if isinstance(value, Plain) else json.dumps(value, ensure_ascii=False)


def fragment(text: str, where: str) -> Any:
    """A piece of YAML or JSON, as distrusted as a whole record; `where` names it in messages."""
    return _checked(where, _parsed(_text(text.encode("utf-8", "surrogateescape"), where), where))


def json_object(data: bytes, where: str) -> dict[str, Any]:
    """One JSON object, such as a line of NDJSON, as distrusted as a whole record.

    >>> json_object(b'{"value": 1.10}', "a line")
    {'value': '1.10'}
    """
    if len(data) > LARGEST:
        raise _too_large(where)
    try:
        tree = _json(_text(data, where), where)
    except json.JSONDecodeError as trouble:
        what = f"not JSON ({trouble.msg}, column {trouble.colno})"
        raise CaseError(where, what, "write one JSON object in each line") from None
    return _mapping(where, _checked(where, tree))


def scalar(text: str) -> Any:
    """One value as a case file would read it after a colon; a sign or a colon in it needs no quotes here.

    >>> scalar("120"), scalar(">100"), scalar("'120'"), scalar("true"), scalar("")
    ('120', '>100', '120', True, None)
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return _plain(text)


# --- refusals ----------------------------------------------------------------------------------------------------


def _mapping(where: str, tree: Any) -> dict[str, Any]:
    if isinstance(tree, dict):
        return tree
    what = "a list" if isinstance(tree, list) else "empty" if tree is None else "a single value"
    raise CaseError(where, f"this is {what}, not a case", _A_CASE)


def _too_deep(where: str) -> CaseError:
    return CaseError(where, f"nested deeper than {DEEPEST} levels", "a record of a patient is nearly flat: check it")


def _too_many(where: str, most: int) -> CaseError:
    return CaseError(where, f"more than {most} values", "give one patient's record")


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"
