"""Knowledge compiled once for each content: the next start reads one small file instead of all of them.

The key is a hash of every file that can change an answer, of the folder's name, with which each place begins, and of
the engine's own code, taken anew at each start, so a changed byte anywhere means loading and verifying again.
"""

from __future__ import annotations

from pathlib import Path

from citelog import home
from citelog.diagnostics import KnowledgeError
from citelog.knowledge import kept
from citelog.knowledge.base import Knowledge
from citelog.knowledge.fingerprint import answer_files, fingerprint
from citelog.listing import leads_out


def open_knowledge(name_or_folder: str | Path | None = None, ontology: Path | None = None) -> Knowledge:
    """A knowledge base by the name of a shipped one or by its folder, verified; raises KnowledgeError.

    `ontology` is another than today's.
    """
    folder, ontology = home.knowledge(name_or_folder), ontology or home.ontology()
    key = kept.key(fingerprint(folder, ontology), folder.name)
    is_elsewhere = any(leads_out(path, folder) for path in answer_files(folder, ontology))  # which no hash tells
    knowledge = None if is_elsewhere else kept.read(key, Knowledge)
    if knowledge is None:
        from citelog.knowledge.load import load

        opened = load(folder, ontology)
        if opened.knowledge is None:
            raise KnowledgeError(d for d in opened.diagnostics if d.severity == "error")
        knowledge = opened.knowledge
        kept.write(kept.key(knowledge.sha256, folder.name), knowledge)  # the files may have been edited meanwhile
    return knowledge
