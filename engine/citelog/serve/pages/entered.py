"""What somebody entered, as it is kept and asked about: a record, the day, what was typed, and changes to be tried."""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from citelog.serve.http.limits import Refusal

FIELDS = 5000
"""Fields of one form at most."""


class Entered(Struct, frozen=True, kw_only=True):
    """A record as text, and the day of the assessment; `typed` is the form that it was typed on, if it was.

    It is called `name` where it says nothing itself.

    `set`, `drop` and `add` are changes as `citelog what-if` takes them. `unlooked` are the keys of a call of which not
    all was looked at, and `withheld` the ids of what its cards do not conclude for that reason.
    """

    case: str
    name: str = "without a name"
    at: str | None = None
    typed: dict[str, str] | None = None
    set: dict[str, str] = {}
    drop: list[str] = []
    add: list[str] = []
    unlooked: list[str] = []
    withheld: list[str] = []

    @property
    def record(self) -> bytes:
        """The bytes of the record, as they were sent."""
        return self.case.encode("utf-8", "surrogatepass")

    @property
    def is_changed(self) -> bool:
        """Whether changes are to be tried."""
        return bool(self.set or self.drop or self.add)


def written(entered: Entered) -> str:
    """What was entered, to be kept."""
    return msgspec.json.encode(entered).decode()


def read(data: bytes) -> Entered:
    """What was kept."""
    return msgspec.json.decode(data, type=Entered)


def sent(media: str, body: bytes, most: int = FIELDS) -> dict[str, str]:
    """The fields of a form as a browser sends it, `most` of them; a file that was chosen stands under its field's name.

    Raises Refusal where it cannot be read, or a field has two values: neither is taken for the one that was meant.

    >>> sent("application/x-www-form-urlencoded", b"record=labs%3A+%5B%5D&at=")
    {'record': 'labs: []', 'at': ''}
    """
    found: dict[str, str] = {}
    for name, value in _pairs(media, body, most):
        if found.setdefault(name, value) != value:
            raise Refusal(400, "a field of the form was sent with two values", "send each field once")
    return found


def _pairs(media: str, body: bytes, most: int) -> list[tuple[str, str]]:
    try:
        if not media.lower().startswith("multipart/"):
            return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=most)
        return _parts(media, body, most)
    except UnicodeDecodeError as error:
        raise Refusal(400, "what was entered is not UTF-8", "send it as UTF-8") from error
    except ValueError as error:  # which python_multipart's own are too
        raise Refusal(400, "the form cannot be read", "send it from the page") from error


def _parts(media: str, body: bytes, fields: int) -> list[tuple[str, str]]:
    """The parts of a form with a file. Raises ValueError."""
    from python_multipart.multipart import Field, File, create_form_parser

    found: list[tuple[str, str]] = []
    most = len(body) + 1  # it has been bounded already, and nothing goes to a disk

    def on_field(field: Field) -> None:
        found.append((_text(field.field_name), _text(field.value)))

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        if data := file.file_object.read():
            found.append((_text(file.field_name), _text(data)))

    config = {"MAX_MEMORY_FILE_SIZE": most, "MAX_FIELD_SIZE": most, "MAX_FIELDS": fields}
    parser = create_form_parser({"Content-Type": media.encode()}, on_field, on_file, config=config)
    parser.write(body)
    parser.finalize()
    return found


def _text(data: bytes | None) -> str:
    return (data or b"").decode()
