"""The words of this room as those of the Language Server Protocol, in one place: what is meant is decided elsewhere.

https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from lsprotocol import types as lsp
from pygls.uris import from_fs_path, to_fs_path

from citelog.edit.colours import KINDS
from citelog.edit.desk import Place
from citelog.edit.findings import Located
from citelog.edit.items import Item
from citelog.edit.lines import Lines
from citelog.edit.outline import Entry
from citelog.layout.edits import Edit

SEVERITIES = {"error": lsp.DiagnosticSeverity.Error, "advice": lsp.DiagnosticSeverity.Warning}
"""How grave the severities of findings are; any other is for information."""

_SYMBOLS = {
    "rule": lsp.SymbolKind.Function,
    "statement": lsp.SymbolKind.String,
    "conflict": lsp.SymbolKind.Event,
    "predicate": lsp.SymbolKind.Interface,
    "property": lsp.SymbolKind.Property,
    "class": lsp.SymbolKind.Class,
    "term": lsp.SymbolKind.Constant,
}
_ITEMS = {
    "predicate": lsp.CompletionItemKind.Function,
    "term": lsp.CompletionItemKind.EnumMember,
    "statement": lsp.CompletionItemKind.Reference,
    "variable": lsp.CompletionItemKind.Variable,
    "tag": lsp.CompletionItemKind.Keyword,
    "text": lsp.CompletionItemKind.Text,
    "skeleton": lsp.CompletionItemKind.Snippet,
}
_HOLE = re.compile(r"\$(?:\{\d+(?::(?P<shown>(?:\\.|[^}\\])*))?\}|\d+)")

LEGEND = lsp.SemanticTokensLegend(token_types=list(KINDS), token_modifiers=[])


@lru_cache(maxsize=512)
def _lines(text: str, units: str) -> Lines:
    return Lines(text, units)


def path_of(uri: str) -> Path | None:
    """The file that a URI means; None for what is no file."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    return Path(path) if path else None


@dataclass(slots=True)
class Wire:
    """How this client counts columns, writes the addresses of the files that it has open, and what it can show."""

    units: str = "utf-16"
    snippets: bool = True
    markdown: bool = True
    versioned: bool = True
    uris: dict[Path, str] = field(default_factory=dict)
    versions: dict[Path, int | None] = field(default_factory=dict)

    def uri(self, path: Path) -> str:
        """The address of a file, as the client writes it where it has it open."""
        return self.uris.get(path) or from_fs_path(str(path)) or path.as_uri()

    def offset(self, text: str, position: lsp.Position) -> int:
        """The offset that a position means."""
        return _lines(text, self.units).offset(position.line, position.character)

    def range(self, text: str, start: int, end: int) -> lsp.Range:
        """A stretch of a text."""
        lines = _lines(text, self.units)
        return lsp.Range(lsp.Position(*lines.position(start)), lsp.Position(*lines.position(end)))

    def locations(self, places: Iterable[Place], texts: Mapping[Path, str]) -> list[lsp.Location]:
        """Places in files."""
        return [
            lsp.Location(self.uri(p.path), self.range(texts[p.path], p.mention.start, p.mention.end)) for p in places
        ]

    def edit(self, edits: Mapping[Path, Sequence[Edit]], texts: Mapping[Path, str]) -> lsp.WorkspaceEdit:
        """Changes in files, with the versions of the texts that they were made for."""
        made = {path: self.text_edits(each, texts[path]) for path, each in edits.items()}
        if not self.versioned:
            return lsp.WorkspaceEdit(changes={self.uri(path): each for path, each in made.items()})
        return lsp.WorkspaceEdit(
            document_changes=[
                lsp.TextDocumentEdit(
                    lsp.OptionalVersionedTextDocumentIdentifier(self.uri(path), self.versions.get(path)), list(each)
                )
                for path, each in made.items()
            ]
        )

    def text_edits(self, edits: Sequence[Edit], text: str) -> list[lsp.TextEdit]:
        """Changes in one text, whose lines end as most of them do already."""
        ends = "\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n"
        written = (re.sub(r"\r?\n", ends, one.text) for one in edits)
        return [lsp.TextEdit(self.range(text, e.start, e.end), w) for e, w in zip(edits, written, strict=True)]

    def diagnostic(self, found: Located, texts: Mapping[Path, str], manual: str | None) -> lsp.Diagnostic:
        """A finding: what is wrong, and below it what to try."""
        finding = found.finding
        return lsp.Diagnostic(
            range=self.range(texts.get(found.path, ""), found.start, found.end),
            message=finding.message + (f"\n= {finding.hint}" if finding.hint else ""),
            severity=SEVERITIES.get(finding.severity, lsp.DiagnosticSeverity.Information),
            code=finding.code,
            code_description=lsp.CodeDescription(manual) if manual else None,
            source="citelog",
            related_information=[
                lsp.DiagnosticRelatedInformation(
                    lsp.Location(self.uri(path), self.range(texts[path], start, end)), texts[path][start:end].strip()
                )
                for path, start, end in found.elsewhere
            ]
            or None,
        )

    def markup(self, markdown: str) -> lsp.MarkupContent:
        """Markdown, or plain text for a client that shows none."""
        if self.markdown:
            return lsp.MarkupContent(lsp.MarkupKind.Markdown, markdown)
        plain = re.sub(r"```\w*\n?|(?<!\\)[*`]", "", markdown)
        return lsp.MarkupContent(lsp.MarkupKind.PlainText, re.sub(r"\\([\\`*_<>\[\]#])", r"\1", plain))

    def item(self, item: Item, text: str, number: int, uri: str) -> lsp.CompletionItem:
        """One thing to write; its documentation is asked for when it is looked at."""
        snippet = item.snippet and self.snippets
        written = item.insert if snippet or not item.snippet else filled(item.insert)
        thing = {"uri": uri, "kind": item.thing.kind, "name": item.thing.name} if item.thing else None
        return lsp.CompletionItem(
            label=item.label,
            kind=_ITEMS[item.kind],
            detail=item.detail or None,
            sort_text=f"{number:04}",
            filter_text=item.label if item.kind != "skeleton" else None,
            text_edit=lsp.TextEdit(self.range(text, item.start, item.end), written),
            insert_text_format=lsp.InsertTextFormat.Snippet if snippet else lsp.InsertTextFormat.PlainText,
            data=thing,
        )

    def symbol(self, entry: Entry, text: str) -> lsp.DocumentSymbol:
        """One entry of an outline."""
        return lsp.DocumentSymbol(
            name=entry.name,
            detail=_shortened(entry.detail),
            kind=_SYMBOLS[entry.kind],
            range=self.range(text, entry.start, entry.end),
            selection_range=self.range(text, *entry.at),
        )

    def workspace_symbol(self, path: Path, entry: Entry, text: str) -> lsp.WorkspaceSymbol:
        """One entry of an index."""
        return lsp.WorkspaceSymbol(
            location=lsp.Location(self.uri(path), self.range(text, *entry.at)),
            name=entry.name,
            kind=_SYMBOLS[entry.kind],
            container_name=_shortened(entry.detail) or None,
        )

    def colours(self, text: str, stretches: Iterable[tuple[int, int, str]]) -> lsp.SemanticTokens:
        """Coloured stretches, line by line, each relative to the one before."""
        lines, data = _lines(text, self.units), list[int]()
        before = (0, 0)
        for start, end, kind in stretches:
            while start < end:
                line, column = lines.position(start)
                stop = min(end, lines.extent(line)[1])
                if stop > start:
                    length = lines.position(stop)[1] - column
                    step = line - before[0]
                    data += [step, column - before[1] if not step else column, length, KINDS.index(kind), 0]
                    before = (line, column)
                start = lines.starts[line + 1] if line + 1 < len(lines.starts) else end
        return lsp.SemanticTokens(data)


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


def filled(snippet: str) -> str:
    """A snippet as plain text, its places filled with what they show.

    >>> filled("score(${1:?p}, ${2:?points})$0")
    'score(?p, ?points)'
    """
    return _HOLE.sub(lambda m: re.sub(r"\\(.)", r"\1", m["shown"] or ""), snippet)
