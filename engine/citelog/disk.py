"""What is left on a disk: a file or a folder, whole or not at all.

Each is made beside its place under a hidden name, brought to the disk, and moved to its place: whoever looks there
finds what was there or what is there now, and never a part. Signals that would end the process wait until a file is in
its place; of a folder that is being made they leave nothing behind. Only where the process is killed, or the machine
stops, a hidden file may stay, which nothing reads.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType, MappingProxyType

from citelog.diagnostics import CitelogError

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU)
"""Signals by which a process is asked to end, the last where it has computed for longer than it may."""


def put(path: Path, data: bytes) -> None:
    """Write a file in the place of what is there; see `put_all`."""
    put_all({path: data})


def put_all(files: Mapping[Path, bytes], was: Mapping[Path, bytes | None] | None = None) -> None:
    """Write files in the place of what is there: all are on the disk before the first has its place.

    A link stays one, and a file keeps its permissions. What is no file, as a terminal or a pipe, is written to as it
    is. `was` says what files must still hold, None that there is none. Raises CitelogError where one cannot be written
    or holds something else; then none is, but where the disk fails as they are moved: some may have their place.
    """
    made: list[tuple[Path, Path]] = []
    place = Path()
    with _held():
        try:
            for named, data in files.items():
                place = named
                if _is_stream(named):
                    with named.open("wb", buffering=0) as stream:
                        _all(stream.fileno(), data)
                    continue
                path = Path(os.path.realpath(named))
                made.append((_written(path, data), path))
                if was is not None and named in was and was[named] != (path.read_bytes() if path.exists() else None):
                    remedy = "run the command again"
                    raise CitelogError(f"{named}: it was changed while it was being worked on", remedy)
            folders = {path.parent for _, path in made}
            while made:
                beside, place = made[-1]
                os.replace(beside, place)
                made.pop()
            for place in folders:
                _synced(place)
        except OSError as error:
            raise _unwritten(place, error) from error
        finally:
            for beside, _ in made:
                beside.unlink(missing_ok=True)


def spare(path: Path, data: bytes) -> None:
    """Write a file that nobody would miss and only its owner may read: whole, though perhaps gone after a crash.

    Where that cannot be done, nothing is said.
    """
    beside = None
    with _held(), contextlib.suppress(OSError):
        try:
            beside = _written(path, data, 0o600, synced=False)
            os.replace(beside, path)
        except OSError:
            if beside is not None:
                beside.unlink(missing_ok=True)


def check(path: Path, data: bytes) -> None:
    """Raise CitelogError where a file could not be kept: another is there, or there is no such folder."""
    if not path.parent.is_dir():
        raise CitelogError(f"{path}: there is no folder {path.parent}", "make it, or name another")
    if os.path.lexists(path) and (not path.is_file() or path.read_bytes() != data):
        what = "is a folder" if path.is_dir() else "is another file, and is not overwritten"
        raise CitelogError(f"{path}: there {what}", "name another, or put this one away first")


def keep(path: Path, data: bytes) -> None:
    """Write a file, never in the place of another: what is sealed is kept.

    A file that is there already and has these bytes is left as it is. Raises CitelogError where there is another, or
    where it cannot be written.
    """
    check(path, data)
    if path.exists():
        return
    with _held():
        beside = None
        try:
            beside = _written(path, data)
            _named(beside, path)
            _synced(path.parent.resolve())
        except FileExistsError:
            check(path, data)  # somebody was faster: with the same, or with another
        except OSError as error:
            raise _unwritten(path, error) from error
        finally:
            if beside is not None:
                beside.unlink(missing_ok=True)


def folder(path: Path, mode: int = 0o777) -> None:
    """Make a folder and those that it lies in, if there is none; raises CitelogError where that cannot be done."""
    try:
        path.mkdir(mode, parents=True, exist_ok=True)
    except OSError as error:
        raise CitelogError(f"{path}: the folder cannot be made: {_reason(error)}", _remedy(error)) from error


@contextlib.contextmanager
def making(place: Path, mode: int = 0o777, secrets: Mapping[Path, bytes] = MappingProxyType({})) -> Iterator[Path]:
    """A folder to be filled, of the name that it will have; it stands at its place when the block has ended.

    `secrets` are files elsewhere that only their owner may read: they get their places with it, never those of others.
    Where the block raises, or SIGTERM ends the process, nothing is left. Raises CitelogError where there is another
    folder with something in it, or where the disk fails, in the block too.
    """
    beside = None
    hidden: dict[Path, Path] = {}
    with _unwound():
        try:
            with _held():
                beside = _folder_beside(place)
            made = beside / place.name
            made.mkdir(mode)
            yield made
            _settled(made)
            with _held():
                for path, data in secrets.items():
                    hidden[path] = _written(path, data, 0o600)
                _placed(made, place, hidden)
        except OSError as error:
            raise CitelogError(f"{place}: the folder cannot be made: {_reason(error)}", _remedy(error)) from error
        finally:
            with _held():
                for path in hidden.values():
                    path.unlink(missing_ok=True)
                if beside is not None:
                    shutil.rmtree(beside, ignore_errors=True)


# --- steps ---------------------------------------------------------------------------------------------------------


def _is_stream(path: Path) -> bool:
    """Whether what stands there is no file of its own: a terminal, a pipe, or what the system shows as a file."""
    return path.parts[:2] in (("/", "dev"), ("/", "proc")) or (
        path.exists() and not path.is_file() and not path.is_dir()
    )


def _written(path: Path, data: bytes, mode: int = 0o666, synced: bool = True) -> Path:
    """A new hidden file beside a place, on the disk, with the permissions that it shall have there."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    handle, beside = _opened(path, mode)
    try:
        try:
            if path.exists():
                os.fchmod(handle, stat.S_IMODE(path.stat().st_mode))
            _all(handle, data)
            if synced:
                os.fsync(handle)
        finally:
            os.close(handle)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return beside


def _opened(path: Path, mode: int) -> tuple[int, Path]:
    number = 0
    while True:
        beside = _hidden(path, number)
        try:
            return os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), beside
        except FileExistsError:  # of a process that was killed, or on another machine
            number += 1


def _folder_beside(place: Path) -> Path:
    number = 0
    while True:
        beside = _hidden(place, number)
        try:
            beside.mkdir(0o700)
        except FileExistsError:
            number += 1
        else:
            return beside


def _hidden(path: Path, number: int) -> Path:
    """A name that no other thread of this process has, and that does not end as files do that are read."""
    return path.with_name(f".{path.name[:40]}-{os.getpid()}-{threading.get_native_id()}-{number}")


def _all(handle: int, data: bytes) -> None:
    """Write to the end, however little the disk takes at a time."""
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def _named(beside: Path, path: Path) -> None:
    """Give a file its name, which no other may have; raises FileExistsError where one has it."""
    try:
        os.link(beside, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        if path.exists():  # a disk without links: only here could somebody come between
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        os.rename(beside, path)


def _placed(made: Path, place: Path, hidden: Mapping[Path, Path]) -> None:
    """Give a folder its place, and hidden files theirs; none has one where the folder has not."""
    named: list[Path] = []
    try:
        for path, beside in hidden.items():
            _named(beside, path)
            named.append(path)
        os.rename(made, place)
    except OSError:
        for path in named:
            path.unlink(missing_ok=True)
        raise
    for parent in {place.parent, *(path.parent for path in hidden)}:
        _synced(parent.resolve())


def _settled(made: Path) -> None:
    """Bring a folder to the disk, with everything in it."""
    for at, _, names in os.walk(made):
        for name in names:
            _synced(Path(at, name))
        _synced(Path(at))


def _synced(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FAILING = frozenset({errno.EIO, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ESTALE, errno.ENXIO, errno.ENODEV})
"""What a disk says that fails, or that cannot do what others do: bring a file to itself (fsync), name or lock one."""


def _reason(error: OSError) -> str:
    """Why it cannot be written; of many files that could not be copied, the reason of the first."""
    if isinstance(error, shutil.Error):
        return str(error.args[0][0][2])
    reason = error.strerror or str(error)
    return f"the disk does not do it ({reason})" if error.errno in _FAILING else reason


def _remedy(error: OSError) -> str:
    if error.errno in _FAILING:
        return "make room for it, or name a place on another disk: this one may not be well, or not keep files (fsync)"
    if error.errno in _FULL or isinstance(error, shutil.Error):
        return "make room for it, or name another place"
    return "name another, in a folder that you may write to"


def _unwritten(path: Path, error: OSError) -> CitelogError:
    return CitelogError(f"{path}: it cannot be written: {_reason(error)}", _remedy(error))


# --- signals -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _held() -> Iterator[None]:
    """Signals that would end the process wait until the block has ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Ended(BaseException):
    """The process is asked to end."""


@contextlib.contextmanager
def _unwound() -> Iterator[None]:
    """SIGTERM, SIGHUP and SIGXCPU end the process only after what the block has begun is taken back, as Ctrl-C does.

    Signals reach the first thread of a process; in another one, and where the process has made arrangements of its own,
    nothing is changed.
    """
    ours = [number for number in ENDING[1:] if signal.getsignal(number) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        ours = []
    told: list[int] = []

    def ended(number: int, frame: FrameType | None) -> None:
        told.append(number)
        raise _Ended

    try:
        try:
            for number in ours:
                signal.signal(number, ended)
            yield
        finally:
            for number in ours:
                signal.signal(number, signal.SIG_DFL)
    except _Ended:
        signal.signal(told[0], signal.SIG_DFL)
        signal.raise_signal(told[0])
        os._exit(128 + told[0])  # the first process of a container, which no signal ends: as a shell tells of one
