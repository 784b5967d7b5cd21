"""engine/ARCHITECTURE.md is the law: modules stand on its map, imports point down, what it calls absent is absent."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest

ENGINE = Path(__file__).parent.parent / "engine"
PACKAGE = ENGINE / "citelog"
DOCUMENT = (ENGINE / "ARCHITECTURE.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """The text fenced as `name` in ARCHITECTURE.md."""
    found = re.findall(rf"^```{name}\n(.*?)^```", DOCUMENT, re.S | re.M)
    assert len(found) == 1, f"ARCHITECTURE.md has {len(found)} blocks fenced as {name}"
    return str(found[0])


LAYERS = block("layers").split()
DEPTH = {name: depth for depth, name in enumerate(LAYERS)}
TOUCHES_FILES = [line.split()[0] for line in block("files").splitlines()]
WRITES = [line.split()[0] for line in block("writers").splitlines()]

FILE_FUNCTIONS = {"open", "input", "PackageLoader", "paths_in"}
FILE_METHODS = {
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "open",
    "mkdir",
    "unlink",
    "rmdir",
    "touch",
    "rename",
}
FILE_METHODS |= {"is_file", "is_dir", "exists", "stat", "iterdir", "glob", "rglob"}
FILE_MODULES = {"os", "shutil", "tempfile", "glob", "fcntl", "mmap", "sqlite3", "zipfile", "importlib.resources"}
WRITING_METHODS = {"write_text", "write_bytes", "mkdir", "rename", "hardlink_to", "symlink_to", "touch", "rmdir"}
WRITING_METHODS |= {"mkstemp", "NamedTemporaryFile", "ParquetWriter", "write_table", "copyfile", "copytree", "rmtree"}
WRITING_METHODS |= {"unlink", "parquet"}
WRITING_OS = {"replace", "rename", "link", "symlink", "mkdir", "unlink", "truncate"}
WRITING_FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND"}
OUTSIDE = {
    "socket",
    "ssl",
    "urllib.request",
    "http.client",
    "http.server",
    "requests",
    "httpx",
    "subprocess",
    "multiprocessing",
}
CLOCK = {".now", ".utcnow", ".today", "time.time"}
EVALUATES = {"eval", "exec", "compile", "__import__"}


def named(dotted: str, modules: frozenset[str]) -> str | None:
    """The module of ours that a dotted name means: the longest that exists.

    >>> named("citelog.rules.check.Names", frozenset({"citelog", "rules", "rules.check"}))
    'rules.check'
    >>> named("citelog.open", frozenset({"citelog", "rules"})), named("rdflib.term", frozenset({"citelog"}))
    ('citelog', None)
    """
    head, *rest = dotted.split(".")
    if head != "citelog":
        return None
    for length in range(len(rest), 0, -1):
        if ".".join(rest[:length]) in modules:
            return ".".join(rest[:length])
    return "citelog"


@cache
def paths() -> dict[str, Path]:
    """Every module by the name it has on the map."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        found[".".join(parts) or "citelog"] = path
    return found


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(paths()[name].read_text(encoding="utf-8"))


def only_a_docstring(name: str) -> bool:
    """A package's `__init__` that says what the layer is and does nothing."""
    body = tree(name).body
    return not body[bool(ast.get_docstring(tree(name))) :]


def modules() -> list[str]:
    """The modules that must be on the map."""
    return [n for n, path in paths().items() if path.name != "__init__.py" or not only_a_docstring(n)]


def imports(syntax: ast.Module) -> Iterator[str]:
    """Every dotted name that is imported anywhere in a module, also inside functions and by importlib.

    >>> list(imports(ast.parse("def f():\\n    from citelog import cli, run\\n    import os.path")))
    ['citelog.cli', 'citelog.run', 'os.path']
    >>> list(imports(ast.parse("import_module('citelog.' + name); importlib.import_module('citelog.cli')")))
    ['(computed)', 'citelog.cli']
    >>> list(imports(ast.parse("from .cli import main")))
    ['(relative)']
    """
    for node in ast.walk(syntax):
        match node:
            case ast.ImportFrom(level=level) if level:
                yield "(relative)"
            case ast.ImportFrom(module=str(module)):
                yield from (f"{module}.{alias.name}" for alias in node.names)
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.Call(func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"), args=[first, *_]):
                yield first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else "(computed)"


def calls(syntax: ast.Module) -> Iterator[str]:
    """Every call by the name it is made under.

    >>> list(calls(ast.parse("open(name); time.time(); Path(name).open()")))
    ['open', 'time.time', '.time', '.open', 'Path']
    """
    for node in ast.walk(syntax):
        match node:
            case ast.Call(func=ast.Name(id=name)):
                yield name
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                if isinstance(value, ast.Name):
                    yield f"{value.id}.{name}"
                yield f".{name}"


@cache
def imported(name: str) -> tuple[str, ...]:
    """What a module of ours imports."""
    return tuple(imports(tree(name)))


@cache
def called(name: str) -> frozenset[str]:
    """What a module of ours calls."""
    return frozenset(calls(tree(name)))


def uses(name: str, roots: set[str]) -> set[str]:
    """Which of some modules of the standard library or of others a module of ours imports."""
    return {root for root in roots for dotted in imported(name) if f"{dotted}.".startswith(f"{root}.")}


def upward(name: str) -> list[str]:
    known = frozenset(paths())
    targets = {named(dotted, known) for dotted in imported(name)} - {None, name}
    return [f"{name} imports {t}" for t in sorted(filter(None, targets)) if DEPTH.get(t, len(DEPTH)) <= DEPTH[name]]


def test_every_module_is_on_the_map() -> None:
    missing, gone = sorted(set(modules()) - set(LAYERS)), sorted(set(LAYERS) - set(modules()))
    assert not missing, f"give these a place in the layers block of engine/ARCHITECTURE.md: {missing}"
    assert not gone, f"the layers block of engine/ARCHITECTURE.md names what is no module: {gone}"


def test_the_map_names_each_module_once() -> None:
    assert len(LAYERS) == len(DEPTH)


def test_a_folder_is_one_layer() -> None:
    """So folders use each other in one direction only, as their modules do."""
    folders = [folder for folder, _ in groupby(name.rpartition(".")[0] or name for name in LAYERS)]
    assert [folder for folder, times in Counter(folders).items() if times > 1] == []


def test_imports_point_down() -> None:
    assert not [line for name in modules() if name in DEPTH for line in upward(name)]


def test_no_import_hides_from_this_test() -> None:
    hidden = {(name, dotted) for name in modules() for dotted in imported(name) if dotted.startswith("(")}
    assert not hidden


def test_every_package_says_what_its_layer_is() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    silent = [str(f.relative_to(ENGINE)) for f in folders if not (f / "__init__.py").is_file()]
    silent += [name for name in paths() if not ast.get_docstring(tree(name))]
    assert not silent


DISEASE = ("b12", "cobalamin", "folate", "folic", "neurolog", "anaemi", "hyd-", "cy-")
"""What the first document is about, and how its knowledge base calls it; `anaemi` is a word of nobody else's either."""


def test_the_engine_knows_no_disease() -> None:
    assert not [
        f"{path.relative_to(ENGINE)}:{number}: {line.strip()}"
        for path in sorted(p for p in PACKAGE.rglob("*") if p.is_file() and p.suffix != ".pyc")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if any(word in line.casefold() for word in DISEASE)
    ]


def test_only_cli_prints() -> None:
    printing = {name for name in modules() if not name.startswith("cli.") and {"print", ".print"} & called(name)}
    printing |= {
        name
        for name in modules()
        for node in ast.walk(tree(name))
        if not name.startswith("cli.") and isinstance(node, ast.Attribute) and node.attr in {"stdout", "stderr"}
    }
    assert not printing


def test_only_named_modules_touch_files() -> None:
    methods = {f".{method}" for method in FILE_METHODS}
    touching = {
        name: found
        for name in modules()
        if (found := (called(name) & (FILE_FUNCTIONS | methods)) | uses(name, FILE_MODULES))
    }
    assert not {n: f for n, f in touching.items() if n not in TOUCHES_FILES}
    assert not set(TOUCHES_FILES) - set(touching), "the files block names modules that touch no file"


def writes(syntax: ast.Module) -> Iterator[str]:
    """Every call that makes, moves or takes away a file or a folder, by the name it is made under.

    >>> list(writes(ast.parse("open(a); open(b, 'wb'); p.open(mode='a'); os.open(p, os.O_RDWR | os.O_CREAT)")))
    ['open', '.open', 'os.O_RDWR', 'os.O_CREAT']
    >>> list(writes(ast.parse("p.write_text(t); os.replace(a, b); name.replace('a', 'b'); p.rename(q)")))
    ['.write_text', 'os.replace', '.rename']
    """
    for node in ast.walk(syntax):
        match node:
            case ast.Call(func=ast.Name(id="open")) if _mode(node, 1):
                yield "open"
            case ast.Call(func=ast.Attribute(attr="open")) if _mode(node, 0):
                yield ".open"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr=name)) if name in WRITING_OS:
                yield f"os.{name}"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="sqlite3"), attr="connect")):
                yield "sqlite3.connect"
            case ast.Call(func=ast.Attribute(attr=name)) if name in WRITING_METHODS:
                yield f".{name}"
            case ast.Constant(value=str(text)) if text.startswith("COPY "):
                yield "COPY"
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in WRITING_FLAGS:
                yield f"os.{name}"


def _mode(call: ast.Call, place: int) -> bool:
    """Whether a file is opened to be written to."""
    given = [*call.args[place : place + 1], *(one.value for one in call.keywords if one.arg == "mode")]
    return any(
        isinstance(one, ast.Constant) and isinstance(one.value, str) and set(one.value) & set("wax+") for one in given
    )


def test_only_named_modules_write_without_the_one_that_does_it_whole() -> None:
    writing = {name: found for name in modules() if (found := set(writes(tree(name))))}
    assert not {n: f for n, f in writing.items() if n not in {"disk", *WRITES}}, "let citelog.disk write it"
    assert not set(WRITES) - set(writing), "the writers block names modules that write nothing"


def test_only_the_server_reaches_the_network_and_only_git_and_the_java_of_spark_are_started() -> None:
    reaching = {name: found for name in modules() if (found := uses(name, OUTSIDE))}
    assert reaching == {
        "serve.server": {"socket"},
        "serve.workers.pool": {"socket"},
        "compare.revisions": {"subprocess"},
        "population.bulk.source": {"multiprocessing"},
        "population.engines.spark": {"socket", "subprocess"},
    }


def test_nothing_reads_the_clock_or_draws_lots_but_the_log_and_what_must_not_be_guessed() -> None:
    reading = {name: found for name in modules() if (found := CLOCK & {*called(name), *imported(name)})}
    drawing = {name: found for name in modules() if (found := uses(name, {"random", "secrets", "uuid"}))}
    assert reading == {"ledger.moment": {".now"}}
    assert drawing == {"ledger.moment": {"secrets"}, "serve.kept": {"secrets"}}


def test_no_string_is_evaluated() -> None:
    assert not {name: found for name in modules() if (found := called(name) & EVALUATES)}


def test_this_test_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A map turned upside down, and an import hidden in a function, are both found."""
    bottom = LAYERS[-1]
    monkeypatch.setitem(DEPTH, bottom, -1)
    assert any(line.endswith(f"imports {bottom}") for name in modules() if name in DEPTH for line in upward(name))
    monkeypatch.undo()
    syntax = ast.parse("def f():\n    from citelog.cli.app import main")
    assert [named(dotted, frozenset(LAYERS)) for dotted in imports(syntax)] == ["cli.app"]
