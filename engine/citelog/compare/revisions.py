"""A knowledge base as a git revision has it, byte for byte, in a folder of its own; no checkout is touched.

The files come from git's object store (`ls-tree`, `cat-file`), not from `git archive`, which follows `.gitattributes`
and would convert line ends: a source document is pinned by its bytes. Nothing is written to the repository.

And what git knows of the files as they are: who touched each line last, and what is not committed.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from citelog.diagnostics import CitelogError

_FILE = ("100644", "100755", "100664")
"""The modes of plain files; links and submodules are no part of a knowledge base."""


@contextmanager
def folder_of(revision: str, beside: Path, path: str | None) -> Iterator[tuple[Path, str]]:
    """The folder that a revision has at a path, for as long as it is wanted, and what to call it.

    `revision` is whatever git takes for a commit (`HEAD~3`, a tag, a hash), `beside` a folder of the repository;
    `path` leads from its top to the knowledge base, or from `beside` where it begins with `./`. Without it, the
    revision of the folder `beside` itself is taken. Raises CitelogError where there is no such thing.
    """
    if path is None:
        path = _asked(beside, "rev-parse", "--show-prefix").decode().strip().rstrip("/")
    commit = _commit(revision, beside)
    tree = _tree(commit, revision, path, beside)
    name = PurePosixPath(path).name or beside.resolve().name
    with tempfile.TemporaryDirectory(prefix="citelog-") as kept:
        folder = Path(kept) / name
        folder.mkdir()
        _write(folder, beside, tree)
        yield folder, f"{revision}:{path or '.'} ({commit[:10]})"


def _commit(revision: str, beside: Path) -> str:
    try:
        return (
            _asked(beside, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            .decode()
            .strip()
        )
    except _Refused as refused:
        hint = "name a folder, or what git calls a commit: HEAD~1, a tag, a branch, a hash (citelog diff HEAD~1)"
        raise CitelogError(
            f"{revision}: neither a folder nor a revision of the repository of {beside}", hint
        ) from refused


def _tree(commit: str, revision: str, path: str, beside: Path) -> str:
    try:
        tree = (
            _asked(beside, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}:{path}").decode().strip()
        )
        if _asked(beside, "cat-file", "-t", tree).strip() == b"tree":
            return tree
    except _Refused:
        pass  # said below, as for a path that is a file
    hint = "name the folder of the knowledge base: REVISION:path/from/the/top, or --kb FOLDER"
    raise CitelogError(f"{revision}: it has no folder {path}", hint)


def _write(folder: Path, beside: Path, tree: str) -> None:
    files = _files(beside, tree)
    for name, data in zip(files, _blobs(beside, files.values()), strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _files(beside: Path, tree: str) -> dict[str, str]:
    """The plain files of a tree: by its path the blob of each."""
    listed = _asked(beside, "ls-tree", "-r", "-z", "--full-tree", tree).decode("utf-8", "surrogateescape")
    wanted = [line.split("\t", 1) for line in listed.split("\0") if line.startswith(_FILE)]
    return {name: about.split()[2] for about, name in wanted}


def _blobs(beside: Path, blobs: Iterable[str]) -> Iterator[bytes]:
    """The bytes of some blobs, in their order."""
    given = _asked(beside, "cat-file", "--batch", told="".join(f"{blob}\n" for blob in blobs).encode())
    at = 0
    while at < len(given):
        end = given.index(b"\n", at)
        size = int(given[at:end].split()[2])
        yield given[end + 1 : end + 1 + size]
        at = end + size + 2


# an edition by its hashes


def revision_with(
    beside: Path, wanted: Mapping[str, str], counts: Callable[[str], bool], touching: str = ""
) -> str | None:
    """The newest commit in which the files of a folder are the wanted ones; None where there is none, or no git.

    `wanted` has the SHA-256 of each file by its path in the folder, and `counts` says of a path whether the file must
    be among them. All branches and tags are looked through, as far as this clone has them: each commit that touches
    the folder, or in it the one file `touching`.
    """
    try:
        prefix = _asked(beside, "rev-parse", "--show-prefix").decode().strip()
        path = f":(top,literal){prefix}{touching}"
        listed = _asked(beside, "log", "--all", "--full-history", "--format=%H", "--", path)
    except CitelogError:
        return None
    hashes: dict[str, str] = {}
    seen: set[str] = set()
    for commit in listed.decode().split():
        try:
            tree = _tree(commit, commit, prefix.rstrip("/"), beside)
        except CitelogError:
            continue  # this commit took the folder away
        if tree in seen:
            continue
        seen.add(tree)
        files = {name: blob for name, blob in _files(beside, tree).items() if counts(name)}
        if files.keys() != wanted.keys():
            continue
        new = [blob for blob in files.values() if blob not in hashes]
        hashes |= zip(new, (hashlib.sha256(data).hexdigest() for data in _blobs(beside, new)), strict=True)
        if all(hashes[blob] == wanted[name] for name, blob in files.items()):
            return commit
    return None


def file_at(revision: str, file: Path) -> bytes | None:
    """A file as a revision has it; None where the revision, or the repository, does not."""
    try:
        prefix = _asked(file.parent, "rev-parse", "--show-prefix").decode().strip()
        commit = _commit(revision, file.parent)
        return _asked(file.parent, "cat-file", "blob", f"{commit}:{prefix}{file.name}")
    except CitelogError:
        return None


# who touched what, and what is not committed


@dataclass(frozen=True, slots=True)
class Touch:
    """The commit that a line comes from: when, in seconds since 1970; who wrote it, on which day where they were; and
    the beginning of its hash.
    """

    seconds: int
    author: str
    day: datetime.date
    commit: str


def touched(folder: Path) -> Mapping[Path, tuple[Touch | None, ...]]:
    """The commit that each line of each tracked file of a folder comes from; None for one that is not committed yet.

    A file that is not among them is not tracked. Raises CitelogError where there is no git, or no repository.
    """
    tracked = _asked(folder, "ls-files", "-z", "--", ".").decode("utf-8", "surrogateescape").split("\0")
    if head(folder) is None:
        return {}
    found: dict[Path, tuple[Touch | None, ...]] = {}
    for name in filter(None, tracked):
        path = folder / name
        if path.suffix in _BLAMED and path.is_file():
            found[path] = tuple(_touches(_asked(folder, "blame", "--no-textconv", "--line-porcelain", "--", name)))
    return found


_BLAMED = (".ttl", ".trig", ".rls")


def _touches(told: bytes) -> Iterator[Touch | None]:
    """What `git blame --line-porcelain` says of each line, of which it gives the text last, after a tab."""
    commit, about = "", dict[str, str]()
    for line in told.decode("utf-8", "replace").split("\n"):
        if line.startswith("\t"):
            zone = datetime.timezone(_offset(about["author-tz"]))
            seconds = int(about["author-time"])
            day = datetime.datetime.fromtimestamp(seconds, zone).date()
            yield Touch(seconds, about["author"], day, commit[:10]) if commit.strip("0") else None
            commit, about = "", {}
        elif not commit:
            commit = line.split(" ")[0]
        else:
            key, _, value = line.partition(" ")
            about[key] = value


def _offset(zone: str) -> datetime.timedelta:
    """A time zone as git writes it.

    >>> _offset("-0330")
    datetime.timedelta(days=-1, seconds=73800)
    """
    size = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
    return -size if zone.startswith("-") else size


def head(folder: Path) -> str | None:
    """The hash of the commit that the repository of a folder stands at; None where nothing is committed yet.

    Raises CitelogError where there is no git, or no repository.
    """
    _asked(folder, "rev-parse", "--git-dir")
    try:
        return _asked(folder, "rev-parse", "--verify", "--quiet", "HEAD").decode().strip()
    except _Refused:
        return None


def unversioned(folder: Path) -> str:
    """Why git knows nothing of a folder, in a few words; empty where it does."""
    try:
        head(folder)
    except CitelogError as error:
        return error.what.partition(" (")[0]
    return ""


def is_in_repository(folder: Path) -> bool:
    """Whether a folder is in a repository, be it one that git does not read."""
    here = folder.resolve()
    return any((one / ".git").exists() for one in (here, *here.parents))


def uncommitted(folder: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The files of a folder that are changed, added or deleted since the last commit, or not tracked.

    `files`, by their paths in the folder, are held against the commit byte for byte: what git was told to ignore, or to
    take for unchanged, it does not list. Raises CitelogError where there is no git, or no repository.
    """
    told = _asked(folder, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    listed = [entry[3:] for entry in told.decode("utf-8", "surrogateescape").split("\0") if entry]
    if (commit := head(folder)) is not None:
        prefix = _asked(folder, "rev-parse", "--show-prefix").decode().strip()
        committed = _committed(folder, commit, prefix.rstrip("/"))
        listed += [f"{prefix}{name}" for name, data in files.items() if committed.get(name) != data]
    return tuple(dict.fromkeys(listed))


def _committed(folder: Path, commit: str, path: str) -> Mapping[str, bytes]:
    """The files of a folder as a commit has them at a path; none, where it has no such folder."""
    try:
        files = _files(folder, _tree(commit, commit, path, folder))
    except CitelogError:
        return {}
    return dict(zip(files, _blobs(folder, files.values()), strict=True))


class _Refused(CitelogError):
    """What git would not do in a folder, with its reason."""

    def __init__(self, folder: Path, why: str) -> None:
        remedy = "name a folder that is in a git repository with --kb, or compare two folders"
        if trust := re.search(r"^\s*(git config .*safe\.directory .+)$", why, re.MULTILINE):
            why, remedy = "git does not read it: the repository is another user's", f"if you trust it: {trust[1]}"
        super().__init__(why, remedy)
        self.where = str(folder)


def _asked(beside: Path, *arguments: str, told: bytes = b"") -> bytes:
    """What git answers in a folder."""
    try:
        command = ["git", "-C", str(beside), "-c", "core.fsmonitor=false", *arguments]  # no program of the repository's
        git = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        answer, said = git.communicate(told)
    except FileNotFoundError as error:
        hint = "install git, or compare two folders"
        raise CitelogError("git: it is not installed, and only git reads a revision", hint) from error
    if git.returncode:
        why = said.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise _Refused(beside, why or "git has no answer")
    return answer
