"""Receipts that earlier versions gave, kept in tests/receipts: every later version must replay them.

    PYTHONPATH=engine:tests python tests/kept_receipts.py CASE… [--kb KB] [--at DATE]

adds the receipts of some cases, and the archive of the edition that answered, if it is not there yet. It never writes
over anything: what was given once stays as it was given.
"""

from __future__ import annotations

import argparse
import lzma
import sys
from collections.abc import Iterator
from pathlib import Path

from authoring import ROOT
from citelog import disk, home, open
from citelog.receipt import archive

FOLDER = ROOT / "tests" / "receipts"


def kept() -> Iterator[tuple[Path, Path]]:
    """Each receipt, and the archive of its edition."""
    for path in sorted(FOLDER.glob("*/*.receipt.json.xz")):
        yield path, path.parent / "edition.tar.xz"


def add(cases: list[str], kb: str | None, at: str | None) -> None:
    """Add the receipts of some cases, all or none."""
    knowledge = open(kb)
    known = knowledge.knowledge
    folder = FOLDER / f"{known.id}-{known.version}-{known.sha256[:10]}"
    written = {folder / "edition.tar.xz": archive.archive(home.knowledge(kb), home.ontology(), known)}
    for case in cases:
        name = Path(case).name.partition(".")[0]
        answer = knowledge.assess(case, at)
        written[folder / f"{name}{'' if at is None else f'-on-{at}'}.receipt.json.xz"] = knowledge.receipt(answer)
    for path, data in written.items():
        if path.exists() and lzma.decompress(path.read_bytes()) != data:
            sys.exit(
                f"{path.relative_to(ROOT)}: it is there already, and stays as it is\n   = give the case another name"
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in written.items():
        if not path.exists():
            disk.keep(path, lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--kb")
    parser.add_argument("--at")
    given = parser.parse_args()
    add(given.cases, given.kb, given.at)
