"""The extension for Visual Studio Code: its grammar, held to the parser's own tokens; its snippets; its package.

What needs node, or packages of npm, is skipped where they are absent; .ci/run fetches them into build/vscode.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rdflib import Dataset

from citelog import home
from citelog.edit.protocol import filled
from citelog.layout.tokens import tokens as turtle_tokens
from citelog.rules.language import AGGREGATES, TAGS
from citelog.rules.syntax import parse
from citelog.rules.syntax import tokens as rule_tokens

ROOT = Path(__file__).parent.parent
EXTENSION = ROOT / "editors" / "vscode"
MODULES = ROOT / "build" / "vscode" / "node_modules"
SHIPPED = home.knowledge()

LOOSE = ("--allow-missing-repository", "--no-dependencies")
"""What is packed here is packed without the packages that it needs: fetching them is npm's affair."""

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
needs_modules = pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "vscode-textmate").is_dir(),
    reason="vscode-textmate and vsce are not in build/vscode (.ci/run fetches them)",
)

PREFIXES = "@prefix ex: <https://example.org/#> .\n@prefix cl: <https://w3id.org/citelog#> .\n"
PREFIXES += "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n@prefix dcterms: <http://purl.org/dc/terms/> .\n"
PREFIXES += "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"


def document(file: str) -> Any:
    return json.loads((EXTENSION / file).read_text(encoding="utf-8"))


@cache
def scopes(scope: str, text: str) -> dict[int, list[tuple[int, list[str]]]]:
    """The scopes of each stretch of a text, by its line: where the stretch ends, in code points, and its scopes."""
    program = [
        shutil.which("node") or "node",
        ROOT / "tests" / "vscode_tokens.mjs",
        MODULES,
        EXTENSION / "syntaxes",
        scope,
    ]
    ended = subprocess.run(program, input=text, capture_output=True, text=True, check=True, encoding="utf-8")
    found: dict[int, list[tuple[int, list[str]]]] = {}
    lines = text.split("\n")
    for line, _, end, names in json.loads(ended.stdout):
        units = lines[line].encode("utf-16-le")[: 2 * end]
        found.setdefault(line, []).append((len(units.decode("utf-16-le", "ignore")), names))
    return found


def scope_at(scope: str, text: str, offset: int) -> str:
    """The innermost scope of a character."""
    line = text.count("\n", 0, offset)
    column = offset - (text.rfind("\n", 0, offset) + 1)
    return next((names[-1] if names else "" for end, names in scopes(scope, text)[line] if column < end), "")


RULES = {
    "VARIABLE": "variable.other.citelog",
    "NUMBER": "constant.numeric.citelog",
    "OPERATOR": "keyword.operator.comparison.citelog",
    "COMMENT": "comment.line.percentage.citelog",
    "ATTRIBUTE": "entity.other.attribute-name.citelog",
    "PREFIX": "entity.name.namespace.citelog",
    "TILDE": "keyword.operator.absent.citelog",
    "DOT": "punctuation.terminator.rule.citelog",
}


@needs_modules
@pytest.mark.parametrize("path", sorted(SHIPPED.glob("rules/*.rls")), ids=lambda path: path.name)
def test_every_word_of_a_rule_file_has_the_colour_of_what_the_parser_reads(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    wrong, before = [], ""
    for kind, word, start, _ in rule_tokens(text):
        shown = scope_at("source.citelog", text, start)
        called = re.match(r"\s*\(", text[start + len(word) :]) is not None
        wanted = RULES.get(kind, "")
        if kind in ("BARE", "PREFIXED", "IRI") and before != "PREFIX":
            wanted = "entity.name.function.citelog" if called else "constant.other.term.citelog"
            wanted = "support.function.aggregate.citelog" if text[start - 1] == "#" else wanted
        if kind == "DOT" and text[:start].rstrip().endswith(">"):
            wanted = ""  # of a prefix
        if wanted and shown != wanted:
            wrong.append((kind, word, shown))
        before = kind
    assert not wrong


@needs_modules
def test_tags_are_coloured_with_what_they_name_and_a_misspelt_one_as_wrong() -> None:
    text = "%%% What it says: 1.\n%%% @cites S01, S02\n%%% @assumes ex:given\n%%% @konvention no\na(?x) :- b(?x) .\n"
    text += '#[display(f"The {?value} of 𝄞.")]\n'

    def shown(word: str) -> str:
        return scope_at("source.citelog", text, text.index(word))

    assert shown("What it says") == "comment.line.documentation.citelog"
    assert shown("@cites") == shown("@assumes") == "keyword.other.tag.citelog"
    assert shown("S01") == shown("S02") == "constant.other.statement.citelog"
    assert shown("ex:given") == "entity.name.function.citelog"
    assert shown("@konvention") == "invalid.illegal.tag.citelog"
    assert shown("?value") == "variable.other.citelog"
    assert shown("𝄞") == "string.quoted.double.citelog"


@needs_modules
@pytest.mark.parametrize("path", [SHIPPED / "statements.trig", SHIPPED / "terms.ttl"], ids=lambda path: path.name)
def test_every_word_of_a_turtle_file_has_the_colour_of_its_part(path: Path) -> None:
    scope, text = f"source.{ {'.trig': 'trig', '.ttl': 'turtle'}[path.suffix] }", path.read_text(encoding="utf-8")
    wrong = []
    for token in turtle_tokens(text):
        shown = scope_at(scope, text, token.start)
        wanted = "comment" if token.part == "comment" else "string" if token.text[:1] == '"' else ""
        if wanted and not shown.startswith(wanted):
            wrong.append((token.text, shown))
    assert not wrong


def test_the_grammar_knows_every_tag_and_aggregate() -> None:
    grammar = (EXTENSION / "syntaxes" / "citelog.tmLanguage.json").read_text(encoding="utf-8")
    named = set(re.findall(r"[a-z]+", " ".join(re.findall(r"@\(\?:([a-z|]+)\)", grammar))))
    assert named == set(TAGS)
    assert f"(#)({'|'.join(AGGREGATES)})" in grammar


def test_everything_that_the_package_names_is_there() -> None:
    package = document("package.json")
    contributes = package["contributes"]
    files = [package["main"], *(one["configuration"] for one in contributes["languages"])]
    files += [one["path"] for key in ("grammars", "snippets") for one in contributes[key]]
    assert not [file for file in files if not (EXTENSION / file).is_file()]
    assert package["version"] == home.VERSION
    for one in contributes["grammars"]:
        assert document(one["path"])["scopeName"] == one["scopeName"]
    for one in contributes["languages"]:
        for pattern in patterns(document(one["configuration"])):
            re.compile(pattern)
    assert contributes["configuration"]["properties"]["citelog.command"]["default"] == ["citelog", "lsp"]


def patterns(configuration: Any) -> Iterator[str]:
    """The regular expressions of a language configuration."""
    if isinstance(configuration, dict):
        for key, value in configuration.items():
            if isinstance(value, str) and key.endswith(("Pattern", "Text")) and key != "appendText":
                yield value
            yield from patterns(value)
    elif isinstance(configuration, list):
        for value in configuration:
            yield from patterns(value)


def bodies(file: str) -> list[tuple[str, str]]:
    """The snippets of a file, their places filled with what they show: a choice with its first."""
    found = []
    for name, one in document(f"snippets/{file}").items():
        text = re.sub(r"\$\{(\d+)\|(\w+)[^}]*\|\}", r"\2", "\n".join(one["body"]))
        numbered = dict(re.findall(r"\$\{(\d+):([^${}]*)\}", text))
        text = re.sub(r"\$\{(\d+)\}|\$(\d+)", lambda m, known=numbered: known.get(m[1] or m[2], ""), text)
        while "${" in text:
            text = filled(text)
        found.append((name, text))
    return found


@pytest.mark.parametrize(("name", "text"), bodies("rules.json"))
def test_a_snippet_of_a_rule_is_a_rule(name: str, text: str) -> None:
    read = parse(text, "snippet.rls")
    assert not read.diagnostics
    assert name == "Prefixes" or (len(read.rules) == 1 and all(t in TAGS for t in re.findall(r"@(\w+)", text)))


@pytest.mark.parametrize(("name", "text"), [*bodies("statements.json"), *bodies("words.json")])
def test_a_snippet_of_a_statement_or_a_word_is_trig_and_says_only_what_is_declared(name: str, text: str) -> None:
    dataset = Dataset()
    dataset.parse(data=PREFIXES + text, format="trig")
    known = home.ontology().read_text(encoding="utf-8")
    assert len(list(dataset.quads())) > 1
    assert not [word for word in re.findall(r"(?<!\w)cl:\w+", text) if f"\n{word} " not in known], name


@needs_node
@pytest.mark.parametrize("fails", [False, True])
def test_the_extension_starts_the_command_of_the_settings_and_says_when_it_does_not_start(fails: bool) -> None:
    program = [
        shutil.which("node") or "node",
        ROOT / "tests" / "vscode_start.cjs",
        EXTENSION / "extension.js",
        str(fails).lower(),
    ]
    ended = subprocess.run(program, capture_output=True, text=True, check=True)
    seen = json.loads(ended.stdout)
    assert [c["server"] for c in seen["clients"]] == [
        {"command": "/a clone/citelog", "args": ["lsp"]},
        {"command": "citelog", "args": ["lsp"]},
    ]
    languages = {one["id"] for one in document("package.json")["contributes"]["languages"]}
    assert {s["language"] for s in seen["clients"][0]["texts"]["documentSelector"] if "language" in s} == languages
    assert "citelog.restart" in seen["commands"] and seen["stopped"] == 2
    assert len(seen["errors"]) == (2 if fails else 0)
    if fails:
        assert "pip install 'citelog[edit]'" in seen["errors"][0] and "/a clone/citelog lsp" in seen["errors"][0]


@needs_modules
def test_the_client_that_the_extension_uses_has_what_it_uses() -> None:
    """Of the package itself, in the version that is pinned."""
    pinned = document("package.json")["dependencies"]["vscode-languageclient"]
    installed = json.loads((MODULES / "vscode-languageclient" / "package.json").read_text(encoding="utf-8"))
    client = (MODULES / "vscode-languageclient" / "lib" / "common" / "client.js").read_text(encoding="utf-8")
    assert installed["version"] == pinned
    assert not [name for name in ("start()", "stop(", "needsStop()") if name not in client]


@needs_modules
@pytest.mark.slow
def test_it_can_be_packaged(tmp_path: Path) -> None:
    folder = tmp_path / "editors" / "vscode"
    shutil.copytree(EXTENSION, folder, ignore=shutil.ignore_patterns("node_modules", "*.vsix", "LICENSE"))
    shutil.copy(ROOT / "LICENSE", tmp_path)
    vsce = MODULES / "@vscode" / "vsce" / "vsce"
    program = [
        shutil.which("node") or "node",
        vsce,
        "package",
        "--allow-missing-repository",
        "--no-dependencies",
        "--out",
        tmp_path / "citelog.vsix",
    ]
    ended = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "WARNING" not in ended.stdout + ended.stderr
    with zipfile.ZipFile(tmp_path / "citelog.vsix") as package:
        held = set(package.namelist())
    wanted = ("extension.js", "LICENSE.txt", "syntaxes/citelog.tmLanguage.json", "snippets/rules.json")
    assert {f"extension/{file}" for file in wanted} <= held
