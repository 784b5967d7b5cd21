"""An editor that runs `citelog lsp` as a process and keeps its own texts: pygls' client, and what it shows in words.

A place is given as words of a file with a bar where the cursor is (`"treat|_line(?p"`); without a bar, it is at their
start. Columns are turned into UTF-16 here, by the codec of the standard library, and so not by the code under test.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

ROOT = Path(__file__).parent.parent
COMMAND = (sys.executable, "-c", "from citelog.cli.app import main; main()", "lsp")
PATIENCE = 60
"""Seconds to wait for the server; a test that waits so long has failed."""

T = TypeVar("T")

CAPABILITIES = lsp.ClientCapabilities(
    general=lsp.GeneralClientCapabilities(position_encodings=[lsp.PositionEncodingKind.Utf16]),
    workspace=lsp.WorkspaceClientCapabilities(
        workspace_edit=lsp.WorkspaceEditClientCapabilities(document_changes=True),
        did_change_watched_files=lsp.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
    ),
    text_document=lsp.TextDocumentClientCapabilities(
        hover=lsp.HoverClientCapabilities(content_format=[lsp.MarkupKind.Markdown]),
        completion=lsp.CompletionClientCapabilities(
            completion_item=lsp.ClientCompletionItemOptions(snippet_support=True)
        ),
    ),
)


@dataclass(frozen=True)
class Shown:
    """A finding as the editor shows it: where its underline starts, what is underlined, and what it says."""

    file: str
    line: int
    severity: str
    code: str
    underlined: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}[{self.code}]: {self.message}"


class Editor:
    """An editor with a folder open. Use it with `with`: it says goodbye to the server, and sees that it ends."""

    def __init__(
        self, root: Path, capabilities: lsp.ClientCapabilities = CAPABILITIES, command: Iterable[str] = COMMAND
    ) -> None:
        self.root = root
        self.texts: dict[Path, str] = {}
        self.versions: dict[Path, int] = {}
        self.published: dict[str, lsp.PublishDiagnosticsParams] = {}
        self.messages: list[str] = []
        self.registered: list[lsp.Registration] = []
        self._news = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self.client = LanguageClient("tests", "1")
        self._listen()
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
        self.run(self.client.start_io(*command, env=environment))
        about = lsp.InitializeParams(
            capabilities=capabilities,
            process_id=os.getpid(),
            root_uri=root.as_uri(),
            workspace_folders=[lsp.WorkspaceFolder(root.as_uri(), root.name)],
        )
        self.initialized = self.run(self.client.initialize_async(about))
        self.client.initialized(lsp.InitializedParams())

    def _listen(self) -> None:
        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: lsp.PublishDiagnosticsParams) -> None:
            self.published[params.uri] = params
            self._news.set()

        @self.client.feature(lsp.WINDOW_SHOW_MESSAGE)
        def shown(params: lsp.ShowMessageParams) -> None:
            self.messages.append(params.message)

        @self.client.feature(lsp.WINDOW_LOG_MESSAGE)
        def logged(params: lsp.LogMessageParams) -> None:
            self.messages.append(params.message)

        @self.client.feature(lsp.CLIENT_REGISTER_CAPABILITY)
        def registered(params: lsp.RegistrationParams) -> None:
            self.registered += params.registrations

    def run(self, asked: Coroutine[Any, Any, T]) -> T:
        """Wait for an answer of the server."""
        return self._loop.run_until_complete(asyncio.wait_for(asked, PATIENCE))

    def __enter__(self) -> Editor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self.client._server
        assert process is not None
        try:
            if process.returncode is None:
                self.run(self.client.shutdown_async(None))
                self.client.exit(None)
                self.run(process.wait())
                assert kind is not None or process.returncode == 0, process.returncode
        finally:
            if process.returncode is None:
                process.kill()
            self._loop.run_until_complete(self.client.stop())
            self._loop.close()

    # --- texts ---

    def path(self, file: str | Path) -> Path:
        """A file of the folder."""
        return self.root / file

    def uri(self, file: str | Path) -> str:
        """Its address."""
        return self.path(file).as_uri()

    def named(self, file: str | Path) -> lsp.TextDocumentIdentifier:
        return lsp.TextDocumentIdentifier(self.uri(file))

    def open(self, file: str, text: str | None = None) -> None:
        """Open a file, or a new one that is not saved, and wait for what is found."""
        path = self.path(file)
        self.texts[path] = path.read_bytes().decode("utf-8") if text is None else text
        self.versions[path] = 1
        kind = {".rls": "citelog", ".trig": "trig", ".ttl": "turtle"}.get(path.suffix, "plaintext")
        document = lsp.TextDocumentItem(self.uri(file), kind, 1, self.texts[path])
        self.published.pop(self.uri(file), None)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(document))
        self.settle(file)

    def type(self, file: str, old: str, new: str) -> None:
        """Change the first place that reads `old`, and wait for what is found."""
        text = self.texts[self.path(file)]
        assert old in text, f"{file} has no {old!r}"
        self.write(file, text.replace(old, new, 1))

    def write(self, file: str | Path, text: str, wait: bool = True) -> None:
        """Change the whole of an open text."""
        path = self.path(file)
        self.texts[path] = text
        self.versions[path] += 1
        changed = lsp.VersionedTextDocumentIdentifier(self.versions[path], self.uri(file))
        whole = [lsp.TextDocumentContentChangeWholeDocument(text)]
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(changed, whole))
        if wait:
            self.settle(file)

    def close(self, file: str | Path) -> None:
        """Close a text without saving it."""
        self.texts.pop(self.path(file))
        self.client.text_document_did_close(lsp.DidCloseTextDocumentParams(self.named(file)))

    def settle(self, file: str | Path) -> None:
        """Wait until the server has told what it found in the text as it is now, and in every other file."""
        uri, version = self.uri(file), self.versions[self.path(file)]

        async def told() -> None:
            while (last := self.published.get(uri)) is None or (last.version or 0) < version:
                self._news.clear()
                await self._news.wait()

        self.run(told())
        self.catch_up(file)

    def catch_up(self, file: str | Path) -> None:
        """Whatever the server had said has arrived when it answers a question."""
        self.run(self.client.text_document_hover_async(lsp.HoverParams(self.named(file), lsp.Position(0, 0))))

    def wait(self, until: str, file: str) -> None:
        """Wait until a finding with this code is told in a file; `""`: until there is none."""

        async def told() -> None:
            while until not in [f.code for f in self.findings(file)] if until else self.findings(file):
                self._news.clear()
                await self._news.wait()

        self.run(told())

    # --- places ---

    def position(self, file: str | Path, words: str) -> lsp.Position:
        """Where some words stand, by the bar in them."""
        before, _, after = words.partition("|")
        text = self.text(self.path(file))
        assert before + after in text, f"{file} has no {before + after!r}"
        return position(text, text.index(before + after) + len(before))

    def at(self, file: str | Path, words: str) -> dict[str, Any]:
        return {"text_document": self.named(file), "position": self.position(file, words)}

    def text(self, path: Path) -> str:
        """A text as the editor has it, or as it is on disk; a folder, of which something may be found too, has none."""
        if path.is_dir():
            return ""
        return self.texts[path] if path in self.texts else path.read_bytes().decode("utf-8")

    def cut(self, uri: str, where: lsp.Range) -> str:
        """The stretch of a text that a range means."""
        text = self.text(path_of(uri))
        return text[offset(text, where.start) : offset(text, where.end)]

    # --- what it shows ---

    def findings(self, file: str | None = None) -> list[Shown]:
        """What is wrong, in one file or in all of them, in the order of the files."""
        found = []
        for uri, told in sorted(self.published.items()):
            if file is None or uri == self.uri(file):
                for one in told.diagnostics:
                    message, _, hint = one.message.partition("\n= ")
                    assert one.severity is not None
                    found.append(
                        Shown(
                            self.shown(uri), one.range.start.line + 1, one.severity.name, str(one.code),
                            self.cut(uri, one.range), message, hint,
                        )
                    )  # fmt: skip
        return found

    def shown(self, uri: str) -> str:
        """A file by its path in the folder."""
        path = path_of(uri)
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name

    def hover(self, file: str, words: str) -> str:
        """What is said of the word at a place."""
        answer = self.run(self.client.text_document_hover_async(lsp.HoverParams(**self.at(file, words))))
        assert answer is None or isinstance(answer.contents, lsp.MarkupContent)
        return answer.contents.value if answer is not None and isinstance(answer.contents, lsp.MarkupContent) else ""

    def places(self, answer: Any) -> list[str]:
        """Locations as `file:line: text`."""
        shown = []
        for one in answer or ():
            line = re.split(r"\r\n|\r|\n", self.text(path_of(one.uri)))[one.range.start.line].strip()
            shown.append(f"{self.shown(one.uri)}:{one.range.start.line + 1}: {line}")
        return shown

    def definition(self, file: str, words: str) -> list[str]:
        return self.places(
            self.run(self.client.text_document_definition_async(lsp.DefinitionParams(**self.at(file, words))))
        )

    def declaration(self, file: str, words: str) -> list[str]:
        return self.places(
            self.run(self.client.text_document_declaration_async(lsp.DeclarationParams(**self.at(file, words))))
        )

    def implementation(self, file: str, words: str) -> list[str]:
        return self.places(
            self.run(self.client.text_document_implementation_async(lsp.ImplementationParams(**self.at(file, words))))
        )

    def references(self, file: str, words: str) -> list[str]:
        asked = lsp.ReferenceParams(lsp.ReferenceContext(True), **self.at(file, words))
        return self.places(self.run(self.client.text_document_references_async(asked)))

    def complete(self, file: str, words: str, typed: str | None = None) -> list[lsp.CompletionItem]:
        """What the list offers that goes on from the word being typed, in its order."""
        kind = lsp.CompletionTriggerKind
        context = lsp.CompletionContext(kind.TriggerCharacter if typed else kind.Invoked, typed)
        answer = self.run(
            self.client.text_document_completion_async(lsp.CompletionParams(**self.at(file, words), context=context))
        )
        assert answer is None or isinstance(answer, lsp.CompletionList)
        offered = []
        for item in answer.items if answer is not None else ():
            assert isinstance(item.text_edit, lsp.TextEdit)
            written = self.cut(self.uri(file), item.text_edit.range)
            if written.casefold() in (item.filter_text or item.label).casefold():
                offered.append(item)
        return sorted(offered, key=lambda item: item.sort_text or item.label)

    def rename(self, file: str, words: str, new: str) -> lsp.WorkspaceEdit:
        """A rename, not yet applied."""
        asked = lsp.RenameParams(new_name=new, **self.at(file, words))
        answer = self.run(self.client.text_document_rename_async(asked))
        assert answer is not None
        return answer

    def fixes(self, file: str, code: str) -> list[lsp.CodeAction]:
        """The quick fixes for the first finding of a code."""
        found = next(one for one in self.published[self.uri(file)].diagnostics if one.code == code)
        context = lsp.CodeActionContext([found])
        asked = lsp.CodeActionParams(self.named(file), found.range, context)
        answer = self.run(self.client.text_document_code_action_async(asked)) or []
        return [one for one in answer if isinstance(one, lsp.CodeAction)]

    def apply(self, edit: lsp.WorkspaceEdit, save: bool = False) -> list[str]:
        """Make the changes, in the texts that are open and, if asked to, in the files; the files that changed."""
        changed = []
        for change in edit.document_changes or ():
            assert isinstance(change, lsp.TextDocumentEdit)
            path = path_of(change.text_document.uri)
            text = edited(self.text(path), [e for e in change.edits if isinstance(e, lsp.TextEdit)])
            changed.append(self.shown(change.text_document.uri))
            if save or path not in self.texts:
                path.write_bytes(text.encode("utf-8"))
            if path in self.texts:
                self.write(path, text, wait=False)
        for path in self.texts:
            self.settle(path)
        return changed


def path_of(uri: str) -> Path:
    """The file that an address means."""
    return Path(unquote(urlsplit(uri).path))


def position(text: str, at: int) -> lsp.Position:
    """An offset as the protocol counts."""
    before = text[:at].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lsp.Position(len(before) - 1, len(before[-1].encode("utf-16-le")) // 2)


def offset(text: str, where: lsp.Position) -> int:
    """The offset that a position means."""
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
    units = text[starts[where.line] :].encode("utf-16-le")[: 2 * where.character]
    return starts[where.line] + len(units.decode("utf-16-le"))


def edited(text: str, edits: Iterable[lsp.TextEdit]) -> str:
    """A text with edits made from its end to its start."""
    places = [(offset(text, e.range.start), offset(text, e.range.end), e.new_text) for e in edits]
    for start, end, new in sorted(places, reverse=True):
        text = text[:start] + new + text[end:]
    return text
