"""The language server: what an editor asks, and when a knowledge base is read again.

Its state is what the editor has open and, for each knowledge base that one of these texts belongs to, what it said when
it was last read. Reading takes a while and so happens in a thread of its own, a moment after the
last change; questions are answered meanwhile from the reading before, and from the texts as they are now.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from lsprotocol import types as lsp
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from citelog import home
from citelog.diagnostics import CitelogError, Diagnostic, KnowledgeError, Span
from citelog.edit import colours, completion, folder, hover, outline
from citelog.edit.desk import Desk, Reading
from citelog.edit.findings import Located, extent, located
from citelog.edit.fixes import differing, fixes
from citelog.edit.mentions import Thing
from citelog.edit.protocol import LEGEND, Wire, path_of
from citelog.edit.rename import renamable, rename
from citelog.knowledge.triples import Drafts
from citelog.layout.files import lay_out
from citelog.rules.syntax import parse

PAUSE = 0.15
"""Seconds without a change after which a knowledge base is read again."""

MOST = 200
"""The most that a list offers at once; a client asks again as more is typed."""

REQUEST_FAILED = -32803
"""The code of an answer that says in words why there is none."""

WATCHED = "**/*.{ttl,trig,rls,yaml,yml,json}"

_log = logging.getLogger("citelog.edit")


@dataclass(slots=True)
class Base:
    """A knowledge base in the editor: what it said, what was found, which files have findings, how often it changed."""

    folder: Path
    reading: Reading | None = None
    found: dict[Path, list[Located]] = field(default_factory=dict)
    told: set[Path] = field(default_factory=set)
    changes: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Editor(LanguageServer):
    """The server with its state."""

    def __init__(self) -> None:
        # whole texts: pygls applies partial changes by Python's idea of a line, which ends at a form feed too
        super().__init__("citelog", home.VERSION, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.wire = Wire()
        self.bases: dict[Path, Base] = {}
        self.strays: set[Path] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.reading = asyncio.Lock()

    # --- texts ---

    def drafts(self) -> dict[Path, str]:
        """The texts that the editor has open, where they are not what is on disk."""
        return {
            path: document.source
            for uri, document in self.workspace.text_documents.items()
            if (path := path_of(uri)) is not None
            and folder.text_of(path) not in (document.source, "\ufeff" + document.source)
        }

    def base(self, path: Path) -> Base | None:
        """The knowledge base of a file; one met for the first time is read."""
        where = folder.base_of(path, self.drafts())
        if where is None:
            return None
        if where not in self.bases:
            self.bases[where] = Base(where)
            self.soon(self.bases[where], pause=0)
        return self.bases[where]

    async def desk(self, uri: str) -> tuple[Desk, Path] | None:
        """The knowledge base of a text on its author's desk, as soon as it has been read once."""
        path = path_of(uri)
        base = self.base(path) if path is not None else None
        if base is None or path is None:
            return None
        await base.ready.wait()
        return (folder.desk(base.folder, self.drafts(), base.reading), path) if base.reading is not None else None

    async def place(self, params: Any) -> tuple[Desk, Path, int] | None:
        """The desk, the file and the offset of a question about a position."""
        at = await self.desk(params.text_document.uri)
        if at is None or at[1] not in at[0].texts:
            return None
        return *at, self.wire.offset(at[0].texts[at[1]], params.position)

    # --- findings ---

    def changed(self, path: Path) -> None:
        """A text has changed: its knowledge base is read soon."""
        base = self.base(path)
        if base is not None:
            self.soon(base)
        elif path.suffix == ".rls":
            self.stray(path)

    def soon(self, base: Base, pause: float = PAUSE) -> None:
        """Read a knowledge base after a pause, unless it changes again before."""
        base.changes += 1
        task = asyncio.get_running_loop().create_task(self._check(base, base.changes, pause))
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("a fault of citelog's own", exc_info=fault)
            message = f"citelog: a fault of its own: {fault!r}. The knowledge base is read again at the next change."
            self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Error, message))

    async def _check(self, base: Base, change: int, pause: float) -> None:
        await asyncio.sleep(pause)
        async with self.reading:
            if change != base.changes:
                return
            drafts = self.drafts()
            try:
                if not folder.is_base(base.folder, drafts):
                    self._forget(base)
                    return
                reading, found = await asyncio.to_thread(folder.read, base.folder, drafts, base.reading)
                base.reading = reading
                if change == base.changes:
                    self._tell(base, found, drafts)
            finally:
                base.ready.set()

    def _tell(self, base: Base, found: list[Diagnostic], drafts: Drafts) -> None:
        """Publish what was found, and that nothing is any more where something was."""
        assert base.reading is not None
        texts = folder.desk(base.folder, drafts, base.reading).texts
        base.found = located(found, base.folder, texts)
        opened = {path for path in self.wire.uris if path in texts}
        for path in sorted({*base.found, *base.told, *opened}):
            self._publish(path, base.found.get(path, []), texts)
        base.told = set(base.found)

    def _publish(self, path: Path, found: list[Located], texts: Mapping[Path, str]) -> None:
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(
                self.wire.uri(path),
                [self.wire.diagnostic(one, texts, _manual(one.finding.code)) for one in found],
                self.wire.versions.get(path),
            )
        )

    def _forget(self, base: Base) -> None:
        """A folder that is gone, or a knowledge base no more."""
        for path in sorted(base.told):
            self._publish(path, [], {})
        self.bases.pop(base.folder, None)

    def stray(self, path: Path) -> None:
        """Rules outside of any knowledge base: only whether they can be read."""
        text = self.drafts().get(path, folder.text_of(path) or "")
        hint = "a knowledge base is a folder with about.ttl, statements.trig and rules/: citelog new makes one"
        alone = "this file is in no knowledge base, so only its form is checked"
        outside = Diagnostic("no-knowledge-base", Span(path.name, 1, 1), alone, hint, "", "information")
        found = [*parse(text, path.name).diagnostics, outside]
        self._publish(path, [Located(path, *extent(text, one), one) for one in found], {path: text})
        self.strays.add(path)


@lru_cache(maxsize=1)
def _explained() -> tuple[str, dict[str, int]]:
    """The address of the language reference, and the lines on which it explains the codes of findings."""
    manual = home.manual()
    text = folder.text_of(manual) if manual is not None else None
    if manual is None or text is None:
        return "", {}
    rows = enumerate(text.split("\n"), 1)
    return manual.as_uri(), {m[1]: line for line, row in rows if (m := re.match(r"\| `([a-z0-9-]+)` \|", row))}


def _manual(code: str) -> str | None:
    """The line of the language reference that explains a code."""
    uri, lines = _explained()
    return f"{uri}#L{lines[code]}" if code in lines else None


# --- what an editor asks -------------------------------------------------------------------------------------------


def editor() -> Editor:
    """A server that has not begun; every question that it answers is here."""
    server = Editor()

    @server.feature(lsp.INITIALIZE)
    def begin(params: lsp.InitializeParams) -> None:
        capabilities, wire = params.capabilities, server.wire
        wire.units = str(getattr(server.workspace.position_encoding, "value", server.workspace.position_encoding))
        documents = "text_document"
        wire.snippets = bool(get_capability(capabilities, f"{documents}.completion.completion_item.snippet_support"))
        formats = get_capability(capabilities, f"{documents}.hover.content_format") or ()
        wire.markdown = lsp.MarkupKind.Markdown in formats
        wire.versioned = bool(get_capability(capabilities, "workspace.workspace_edit.document_changes"))

    @server.feature(lsp.INITIALIZED)
    async def begun(params: lsp.InitializedParams) -> None:
        watches = "workspace.did_change_watched_files.dynamic_registration"
        if get_capability(server.client_capabilities, watches):
            options = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher(WATCHED)])
            kind = lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES
            registration = lsp.Registration("files", kind, options)
            await server.client_register_capability_async(lsp.RegistrationParams([registration]))

    # texts

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        note(params.text_document.uri, params.text_document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        note(params.text_document.uri, params.text_document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        if (path := path_of(params.text_document.uri)) is not None:
            server.changed(path)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        if (path := path_of(params.text_document.uri)) is None:
            return
        if path in server.strays:
            server.strays.discard(path)
            server._publish(path, [], {})
        server.wire.uris.pop(path, None)
        server.wire.versions.pop(path, None)
        for base in list(server.bases.values()):
            if path.is_relative_to(base.folder):
                server.soon(base)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def elsewhere(params: lsp.DidChangeWatchedFilesParams) -> None:
        paths = [path for change in params.changes if (path := path_of(change.uri)) is not None]
        for base in list(server.bases.values()):
            if any(path.is_relative_to(base.folder) for path in paths):
                server.soon(base)

    def note(uri: str, version: int | None) -> None:
        if (path := path_of(uri)) is not None:
            server.wire.uris[path], server.wire.versions[path] = uri, version
            server.changed(path)

    # what a place is about

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hovered(params: lsp.HoverParams) -> lsp.Hover | None:
        if (at := await server.place(params)) is None or (told := hover.hover(*at)) is None:
            return None
        desk, path, _ = at
        start, end, markdown = told
        return lsp.Hover(server.wire.markup(markdown), server.wire.range(desk.texts[path], start, end))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    async def defined(params: lsp.DefinitionParams) -> list[lsp.Location] | None:
        if (at := await server.place(params)) is None or (mention := at[0].at(at[1], at[2])) is None:
            return None
        desk, path, _ = at
        quoting = mention.role == "quotes" and path != desk.document
        found = desk.passages(mention.thing) if quoting else desk.definitions(mention.thing, path)
        return server.wire.locations(found, desk.texts)

    @server.feature(lsp.TEXT_DOCUMENT_DECLARATION)
    async def declared(params: lsp.DeclarationParams) -> list[lsp.Location] | None:
        """The passage of the document behind a statement; what declares anything else."""
        if (at := await server.place(params)) is None or (mention := at[0].at(at[1], at[2])) is None:
            return None
        desk, path, _ = at
        found = desk.passages(mention.thing) or desk.definitions(mention.thing, path)
        return server.wire.locations(found, desk.texts)

    @server.feature(lsp.TEXT_DOCUMENT_IMPLEMENTATION)
    async def derived(params: lsp.ImplementationParams) -> list[lsp.Location] | None:
        """The rules that derive a predicate, the graph in which a statement says what it says."""
        if (at := await server.place(params)) is None or (mention := at[0].at(at[1], at[2])) is None:
            return None
        desk, path, _ = at
        found = [p for p in desk.places(mention.thing, path) if p.mention.role in ("derives", "states")]
        return server.wire.locations(found, desk.texts)

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    async def referred(params: lsp.ReferenceParams) -> list[lsp.Location] | None:
        if (at := await server.place(params)) is None or (mention := at[0].at(at[1], at[2])) is None:
            return None
        desk, path, _ = at
        wanted = params.context.include_declaration
        found = [p for p in desk.places(mention.thing, path) if wanted or p.mention.role != "declares"]
        return server.wire.locations(found, desk.texts)

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlighted(params: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight] | None:
        if (at := await server.place(params)) is None or (mention := at[0].at(at[1], at[2])) is None:
            return None
        desk, path, _ = at
        kinds = {"declares": lsp.DocumentHighlightKind.Write, "derives": lsp.DocumentHighlightKind.Write}
        return [
            lsp.DocumentHighlight(
                server.wire.range(desk.texts[path], one.start, one.end),
                kinds.get(one.role, lsp.DocumentHighlightKind.Read),
            )
            for one in desk.mentions(path)
            if one.thing == mention.thing
        ]

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outlined(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol] | None:
        if (at := await server.desk(params.text_document.uri)) is None:
            return None
        desk, path = at
        return [server.wire.symbol(entry, desk.texts[path]) for entry in outline.outline(desk, path)]

    @server.feature(lsp.WORKSPACE_SYMBOL)
    async def indexed(params: lsp.WorkspaceSymbolParams) -> list[lsp.WorkspaceSymbol]:
        for uri in server.workspace.folders:
            for found in folder.bases_in(path) if (path := path_of(uri)) is not None else ():
                server.base(found / "about.ttl")
        symbols = []
        for base in list(server.bases.values()):
            await base.ready.wait()
            if base.reading is not None:
                desk = folder.desk(base.folder, server.drafts(), base.reading)
                for file, entry in outline.index(desk, params.query):
                    symbols.append(server.wire.workspace_symbol(file, entry, desk.texts[file]))
        return symbols

    @server.feature(lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, LEGEND)
    async def coloured(params: lsp.SemanticTokensParams) -> lsp.SemanticTokens | None:
        if (at := await server.desk(params.text_document.uri)) is None:
            return None
        desk, path = at
        return server.wire.colours(desk.texts.get(path, ""), colours.colours(desk, path))

    # what can be written

    signs = lsp.CompletionOptions(trigger_characters=list('?@:~(,#{" '), resolve_provider=True)

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, signs)
    async def completed(params: lsp.CompletionParams) -> lsp.CompletionList | None:
        if (at := await server.place(params)) is None:
            return None
        desk, path, offset = at
        typed = params.context.trigger_character if params.context is not None else None
        text, uri = desk.texts[path], params.text_document.uri
        items = completion.narrowed(completion.completion(*at), text, offset)
        if typed == " ":  # a blank asks only where a list is being written
            items = [item for item in items if item.kind == "statement"]
        shown = [server.wire.item(item, text, i, uri) for i, item in enumerate(items[:MOST])]
        narrowed = len(items) > MOST or any(item.start < offset for item in items)
        return lsp.CompletionList(is_incomplete=narrowed, items=shown)

    @server.feature(lsp.COMPLETION_ITEM_RESOLVE)
    async def looked_at(item: lsp.CompletionItem) -> lsp.CompletionItem:
        data = item.data if isinstance(item.data, dict) else {}
        if data and (at := await server.desk(str(data.get("uri", "")))) is not None:
            told = completion.documentation(*at, Thing(str(data["kind"]), str(data["name"])))
            item.documentation = server.wire.markup(told) if told else None
        return item

    @server.feature(lsp.TEXT_DOCUMENT_SIGNATURE_HELP, lsp.SignatureHelpOptions(["(", ","]))
    async def signed(params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
        if (at := await server.place(params)) is None or (found := completion.arguments(*at)) is None:
            return None
        written, parameters, active = found
        labels = [lsp.ParameterInformation(parameter) for parameter in parameters]
        return lsp.SignatureHelp([lsp.SignatureInformation(written, parameters=labels)], 0, active)

    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    async def renamable_here(params: lsp.PrepareRenameParams) -> lsp.PrepareRenamePlaceholder | None:
        if (at := await server.place(params)) is None:
            raise JsonRpcException(
                "this file is in no knowledge base, so nothing in it is known by name", REQUEST_FAILED
            )
        desk, path, _ = at
        try:
            name = renamable(*at)
        except CitelogError as error:
            raise JsonRpcException(str(error), REQUEST_FAILED) from error
        text = desk.texts[path]
        return lsp.PrepareRenamePlaceholder(server.wire.range(text, *name), text[slice(*name)])

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    async def renamed(params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        if (at := await server.place(params)) is None:
            raise JsonRpcException(
                "this file is in no knowledge base, so nothing in it is known by name", REQUEST_FAILED
            )
        try:
            return server.wire.edit(rename(*at, params.new_name), at[0].texts)
        except CitelogError as error:
            raise JsonRpcException(str(error), REQUEST_FAILED) from error

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix]))
    async def fixable(params: lsp.CodeActionParams) -> list[lsp.CodeAction] | None:
        if (at := await server.desk(params.text_document.uri)) is None:
            return None
        desk, path = at
        base = server.bases.get(desk.folder)
        actions = []
        for found in base.found.get(path, []) if base else ():
            shown = server.wire.diagnostic(found, desk.texts, _manual(found.finding.code))
            if not _touch(shown.range, params.range):
                continue
            for fix in fixes(desk, found):
                edit = server.wire.edit(fix.edits, desk.texts)
                kind = lsp.CodeActionKind.QuickFix
                actions.append(lsp.CodeAction(fix.title, kind, [shown], is_preferred=fix.best or None, edit=edit))
        return actions

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    async def laid_out(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        """As `citelog fmt` lays it out; not at all while something in the way is being reported."""
        if (at := await server.desk(params.text_document.uri)) is None:
            return None
        desk, path = at
        if path.suffix not in (".rls", ".ttl", ".trig"):
            return None
        try:
            (laid,) = await asyncio.to_thread(lay_out, desk.folder, [path], server.drafts())
        except KnowledgeError as error:
            first = error.diagnostics[0]
            why = f"citelog: not laid out, because of an error at {first.span}: {first.message}"
            server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, why))
            return None
        return server.wire.text_edits(list(differing(laid.before, laid.after)), laid.before)

    return server


def _touch(one: lsp.Range, other: lsp.Range) -> bool:
    return one.start <= other.end and other.start <= one.end


def serve(reader: BinaryIO, writer: BinaryIO) -> None:
    """Answer an editor until it says that it is done, or goes away."""
    editor().start_io(reader, writer)
