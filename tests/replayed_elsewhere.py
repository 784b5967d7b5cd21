"""The other process of `replays`: it replays every receipt in a folder, makes each anew, and prints what differs.

    python replayed_elsewhere.py RECEIPTS PLACE

`RECEIPTS/NAME/*.json` are of the knowledge base `PLACE/NAME`. It is run by other Pythons too, and without asserts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from citelog import home, patient
from citelog.assess import assess_case
from citelog.knowledge.cache import open_knowledge
from citelog.receipt import content
from citelog.receipt.manifest import manifest
from citelog.receipt.replay import desk


def differences(receipts: Path, knowledge: Path) -> Iterator[str]:
    """What differs, a line each."""
    opened, files = open_knowledge(knowledge), manifest(knowledge, home.ontology())
    with desk(knowledge) as at:
        for path in sorted(receipts.glob("*.json")):
            data = path.read_bytes()
            found = at.replay(data, path.name)
            if found.verdict != "same" or found.receipt is None:
                yield f"{path.name}: replay says {found.verdict}"
                continue
            case = patient.from_bytes(found.receipt.record, "record", "record", opened.terms)
            again = content.of(assess_case(opened, case, found.receipt.at), files)
            if not found.engine_differs:
                if again != data:
                    yield f"{path.name}: what is made anew is other bytes"
                continue
            now, then = content.read(again, "now").members, found.receipt.members
            apart = [name for name in then if name != "engine" and now[name] != then[name]]
            if apart or found.engine_differs != ("python",):
                yield f"{path.name}: made anew, {apart} and of the engine {found.engine_differs} differ"


if __name__ == "__main__":
    for folder in sorted(Path(sys.argv[1]).iterdir()):
        for line in differences(folder, Path(sys.argv[2], folder.name)):
            print(line)
