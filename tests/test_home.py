"""The ontology, the knowledge and the queries are found in the tree and in a wheel, and the wheel holds all of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from citelog import home
from citelog.diagnostics import KnowledgeError

ROOT = Path(__file__).parent.parent
LEFT_OUT = {"__pycache__", ".DS_Store"}


def test_in_the_tree_the_top_of_the_repository_is_home() -> None:
    assert home.home() == ROOT
    assert home.ontology().is_file()
    assert home.knowledge(home.default_name()).parent == ROOT / "knowledge"


def test_no_knowledge_named_means_the_default() -> None:
    assert home.knowledge() == home.knowledge(None) == home.home() / "knowledge" / home.default_name()


def test_a_shipped_name_means_the_shipped_one_whatever_the_current_folder_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = home.default_name()
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert home.knowledge(name) == ROOT / "knowledge" / name
    assert home.knowledge(f"./{name}").resolve() == tmp_path / name
    assert home.knowledge(tmp_path / name) == tmp_path / name


@pytest.mark.parametrize("name", ["", "b21", "no/such/folder", "DEFAULT", "b12/about.ttl"])
def test_an_unknown_name_is_refused_with_a_way_out(name: str) -> None:
    with pytest.raises(KnowledgeError) as refused:
        home.knowledge(name)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "unknown-knowledge"
    assert "b12" in diagnostic.hint


def test_a_copy_without_knowledge_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "_PACKAGE", tmp_path / "engine" / "citelog")
    with pytest.raises(KnowledgeError, match="incomplete-installation"):
        home.home()


def test_knowledge_holds_no_python() -> None:
    held = [p for folder in ("knowledge", "queries") for p in (ROOT / folder).rglob("*.py")]
    assert not held
    assert not (ROOT / "engine" / "citelog" / "data").exists(), (
        "it would hide the knowledge at the top of the repository"
    )


def pip(*arguments: object, folder: Path) -> None:
    """Without a network, and from outside the tree."""
    quiet = ["--disable-pip-version-check", "--quiet"]
    subprocess.run([sys.executable, "-m", "pip", *quiet, *map(str, arguments)], check=True, cwd=folder)


def build(folder: Path) -> Path:
    """The wheel of this tree, built into a folder."""
    pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder, ROOT, folder=folder)
    (wheel,) = folder.glob("citelog-*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a wheel built from this tree is installed; the wheel lies beside it."""
    folder = tmp_path_factory.mktemp("wheel")
    target = folder / "installed"
    pip("install", "--no-deps", "--no-index", "--target", target, build(folder), folder=folder)
    return target


@pytest.mark.slow
def test_a_wheel_holds_every_file_that_the_tree_ships(installed: Path) -> None:
    def files(folder: Path) -> dict[str, bytes]:
        held = (p for p in folder.rglob("*") if p.is_file() and not LEFT_OUT & set(p.parts))
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in held}

    data = installed / "citelog" / "data"
    assert files(data / "knowledge") == files(ROOT / "knowledge")
    assert files(data / "queries") == files(ROOT / "queries")
    assert (data / "ontology.ttl").read_bytes() == (ROOT / "ontology.ttl").read_bytes()
    package = files(ROOT / "engine" / "citelog")
    assert package.items() <= files(installed / "citelog").items()
    assert {p.name for p in installed.iterdir()} <= {"citelog", f"citelog-{home.VERSION}.dist-info", "bin"}


@pytest.mark.slow
def test_a_wheel_carries_the_licence_and_the_notice(installed: Path) -> None:
    licences = installed / f"citelog-{home.VERSION}.dist-info" / "licenses"
    for name in ("LICENSE", "NOTICE"):
        assert (licences / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.slow
def test_an_installed_wheel_finds_what_it_carries(installed: Path, tmp_path: Path) -> None:
    asked = "from citelog import home; print(home.home(), home.knowledge(), home.queries(), home.ontology(), sep='\\n')"
    # Isolated, but for the folder of the wheel: the tree cannot be found by accident.
    code = f"import sys; sys.path.insert(0, {str(installed)!r}); {asked}"
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], check=True, cwd=tmp_path, capture_output=True, text=True
    )
    data = installed / "citelog" / "data"
    expected = [data, data / "knowledge" / home.default_name(), data / "queries", data / "ontology.ttl"]
    assert [Path(line) for line in run.stdout.splitlines()] == expected


@pytest.mark.slow
def test_a_wheel_is_the_same_bytes_every_time(installed: Path, tmp_path: Path) -> None:
    assert build(tmp_path).read_bytes() == build(installed.parent).read_bytes()
