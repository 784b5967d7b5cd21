"""The language server: each question that an editor asks, and where its answer comes from."""

from __future__ import annotations

import asyncio
from typing import BinaryIO

from lsprotocol import types as lsp
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException

from citelog.diagnostics import CitelogError, KnowledgeError
from citelog.edit import colours, completion, folder, hover, items, outline
from citelog.edit.fixes import fixes
from citelog.edit.mentions import Thing
from citelog.edit.protocol import LEGEND, path_of
from citelog.edit.rename import renamable, rename
from citelog.edit.state import Editor, explained
from citelog.layout.edits import differing
from citelog.layout.files import lay_out

MOST = 200
"""The most that a list offers at once; a client asks again as more is typed."""

REQUEST_FAILED = -32803
"""The code of an answer that says in words why there is none."""

WATCHED = "**/*.{ttl,trig,rls,yaml,yml,json}"


def editor() -> Editor:
    """A server that has not begun; every question that it answers is here."""
    server = Editor()
    _beginning(server)
    _texts(server)
    _places(server)
    _files(server)
    _writing(server)
    _changes(server)
    return server


def _beginning(server: Editor) -> None:
    """What the editor can show."""

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


def _texts(server: Editor) -> None:
    """What the editor has open."""

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
            server.publish(path, [], {})
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


def _places(server: Editor) -> None:
    """What a place is about, and where else that is named."""

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


def _files(server: Editor) -> None:
    """What stands in a file."""

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outlined(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol] | None:
        if (at := await server.desk(params.text_document.uri)) is None:
            return None
        desk, path = at
        return [server.wire.symbol(entry, desk.texts[path]) for entry in outline.outline(desk, path)]

    @server.feature(lsp.WORKSPACE_SYMBOL)
    async def indexed(params: lsp.WorkspaceSymbolParams) -> list[lsp.WorkspaceSymbol]:
        for uri in server.workspace.folders:
            if (path := path_of(uri)) is not None:
                for found in server.bases_in(path):
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


def _writing(server: Editor) -> None:
    """What can be written at a place."""
    signs = lsp.CompletionOptions(trigger_characters=list('?@:~(,#{" '), resolve_provider=True)

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, signs)
    async def completed(params: lsp.CompletionParams) -> lsp.CompletionList | None:
        if (at := await server.place(params)) is None:
            return None
        desk, path, offset = at
        typed = params.context.trigger_character if params.context is not None else None
        text, uri = desk.texts[path], params.text_document.uri
        offered = items.narrowed(completion.completion(*at), text, offset)
        if typed == " ":  # a blank asks only where a list is being written
            offered = [item for item in offered if item.kind == "statement"]
        shown = [server.wire.item(item, text, i, uri) for i, item in enumerate(offered[:MOST])]
        narrowed = len(offered) > MOST or any(item.start < offset for item in offered)
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


def _changes(server: Editor) -> None:
    """What changes a text at once; the editor makes the change."""

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
            shown = server.wire.diagnostic(found, desk.texts, explained(found.finding.code))
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


def _touch(one: lsp.Range, other: lsp.Range) -> bool:
    return one.start <= other.end and other.start <= one.end


def serve(reader: BinaryIO, writer: BinaryIO) -> None:
    """Answer an editor until it says that it is done, or goes away."""
    editor().start_io(reader, writer)
