"""Sessions with an editor, as transcripts: what an author does, and what the editor shows.

A session is a fenced block `session`. Each line after `> ` is something that the author does:

`open FILE`                      opens a file
`type FILE`                      and below it lines `- old` and `+ new`: the first place that reads so is changed
`hover FILE: WORDS`              holds the cursor where the bar in the words is
`definition FILE: WORDS`, `declaration …`, `references …`, `implementation …`
`complete FILE: WORDS`           asks what can be written there; the first five offers
`fix FILE CODE`                  looks at the fixes of the first finding with that code, and takes the first
`rename FILE: WORDS to NAME`     renames what stands there, everywhere
`format FILE`                    lays the file out

What follows is what the editor shows; after `open`, `type`, `fix`, `rename` and `format`, everything that is wrong.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

import literate
from editor import Editor, edited

OFFERS = 5


@dataclass(frozen=True, slots=True)
class Step:
    """Something that an author does, as the page writes it, what the page shows, and what the editor showed."""

    done: str
    shown: str
    answered: str


def played(page: str, editor: Editor) -> Iterator[Step]:
    """Every step of a page's sessions, one after the other."""
    for block in literate.blocks(page):
        if block.kind == "session":
            for piece in re.split(r"(?m)^> (?=\w)", block.text)[1:]:
                line, _, rest = piece.partition("\n")
                change = "".join(re.findall(r"(?m)^[-+] .*\n", rest)) if line.startswith("type ") else ""
                yield Step(line, rest[len(change) :].strip("\n"), "\n".join(_do(line, change, editor)))


def rewritten(page: str, editor: Editor) -> str:
    """The page with what the editor shows in the place of what it showed."""
    steps = iter(list(played(page, editor)))

    def renewed(block: re.Match[str]) -> str:
        pieces = re.split(r"(?m)^> (?=\w)", block["text"])
        made = [pieces[0]]
        for piece in pieces[1:]:
            line, _, rest = piece.partition("\n")
            change = "".join(re.findall(r"(?m)^[-+] .*\n", rest)) if line.startswith("type ") else ""
            answered = next(steps).answered
            made.append(f"> {line}\n{change}{answered}\n\n" if answered else f"> {line}\n{change}\n")
        return "```session\n" + "".join(made).rstrip("\n") + "\n```"

    return re.sub(r"(?ms)^```session\n(?P<text>.*?)^```$", renewed, page)


def _do(line: str, change: str, editor: Editor) -> Iterator[str]:
    verb, _, rest = line.partition(" ")
    file, _, words = rest.partition(": ")
    if verb == "open":
        editor.open(file)
        yield from wrong(editor)
    elif verb == "type":
        old, new = ("\n".join(re.findall(rf"(?m)^{re.escape(sign)} (.*)$", change)) for sign in "-+")
        editor.type(file, old, new)
        yield from wrong(editor)
    elif verb == "hover":
        yield from re.sub(r"```\w*\n(.*)\n```", r"    \1", editor.hover(file, words)).split("\n")
    elif verb in ("definition", "declaration", "references", "implementation"):
        yield from (place if len(place) < 118 else place[:117] + "…" for place in getattr(editor, verb)(file, words))
    elif verb == "complete":
        for item in editor.complete(file, words)[:OFFERS]:
            assert isinstance(item.text_edit, lsp.TextEdit)
            yield f"{item.label:<28} {item.detail or ''}".rstrip()
    elif verb == "fix":
        file, _, code = rest.partition(" ")
        first, *others = editor.fixes(file, code)
        assert first.edit is not None
        yield f"* {first.title}"
        yield from (f"  {other.title}" for other in others)
        yield f"changed: {', '.join(editor.apply(first.edit))}"
        yield from wrong(editor)
    elif verb == "rename":
        words, _, new = words.rpartition(" to ")
        try:
            edit = editor.rename(file, words, new)
        except JsonRpcException as error:
            yield f"refused: {error.message}"
            return
        sizes = [
            f"{editor.shown(c.text_document.uri)} ({len(c.edits)})"
            for c in edit.document_changes or ()
            if isinstance(c, lsp.TextDocumentEdit)
        ]
        editor.apply(edit)
        yield f"changed: {', '.join(sizes)}"
        yield from wrong(editor)
    elif verb == "format":
        options = lsp.FormattingOptions(tab_size=4, insert_spaces=True)
        asked = lsp.DocumentFormattingParams(editor.named(file), options)
        edits = editor.run(editor.client.text_document_formatting_async(asked)) or []
        before = editor.texts[editor.path(file)]
        editor.write(file, edited(before, edits))
        old, new = before.split("\n"), editor.texts[editor.path(file)].split("\n")
        yield from (
            f"{line[0]} {line[1:]}"
            for line in list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]
            if line[0] in "+-"
        )
        yield from wrong(editor)
    else:
        raise AssertionError(f"no such step: {line}")


def wrong(editor: Editor) -> Iterator[str]:
    """Everything that the editor underlines."""
    found = editor.findings()
    for one in found:
        yield from _wrapped(f"{one.file}:{one.line}: {one.severity.lower()}[{one.code}]: {one.message}", "")
        yield f"   {one.underlined}"
        yield f"   {'~' * len(one.underlined)}"
        if one.hint:
            yield from _wrapped(one.hint, "   = ")
    if not found:
        yield "nothing wrong"


def _wrapped(text: str, before: str) -> list[str]:
    return textwrap.wrap(text, 118, initial_indent=before, subsequent_indent="     ", break_on_hyphens=False)
