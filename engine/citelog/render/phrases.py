"""The words that every rendering shares: markers and places of a citation, counted nouns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from citelog.answer import Answer
from citelog.evidence.sources import on_one_line
from citelog.knowledge.base import STATES, Citation, Statement
from citelog.patient.facts import has_no_state, nearest

NAMES, NAME = 5, 40
"""Names of entries that are told where they are many, and letters of each."""


def markers(citation: Citation) -> str:
    """The markers printed in the sentence of a citation, and apart from them those that it inherits."""
    if citation.markers:
        return _marker(citation.markers)
    if citation.inherited:
        return f"uncited; {_marker(citation.inherited)} inherited from its list"
    return "uncited"


def place(citation: Citation) -> str:
    """Where a quote stands, and the markers printed with it."""
    return ", ".join(filter(None, (citation.section, f"line {citation.line}", markers(citation))))


def said(citation: Citation) -> str:
    """A statement with its quote and its place."""
    return f"{citation.statement} “{on_one_line(citation.quote)}” ({place(citation)})"


def short_citation(statement: Statement) -> str:
    """A statement, its line, and the markers printed with it, in a few words."""
    if statement.markers:
        told = _marker(statement.markers)
    elif statement.inherited:
        told = f"uncited, {_marker(statement.inherited)} inherited"
    else:
        told = "uncited"
    return f"{statement.id} line {statement.line}, {told}"


def _marker(numbers: tuple[str, ...]) -> str:
    return f"marker{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}"


def caption(found: Answer) -> str:
    """Whose picture it is, where it is pasted elsewhere: the record, the knowledge base, the state of its source."""
    knowledge = found.knowledge
    status = f" · source document {knowledge.review_status}" if knowledge.review_status else ""
    return f"record {found.case.id} · {knowledge.id} {knowledge.version}{status}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count and its noun.

    >>> counted(1, "entry", "entries"), counted(2000, "entry", "entries"), counted(0, "rule")
    ('1 entry', '2,000 entries', '0 rules')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def reviewed(found: Answer) -> str:
    """How far the encoding behind the conclusions of an answer has been reviewed, in a sentence."""
    states = Counter(conclusion.review for conclusion in found.conclusions)
    if set(states) == {"approved"}:
        return "The encoding that these conclusions rest on has been approved, all of it."
    if set(states) == {"reviewed"}:
        return "The encoding that these conclusions rest on has been reviewed, and not all of it approved."
    if not found.knowledge.reviews:
        return "Nobody has reviewed the encoding that these conclusions rest on: all of them are drafts."
    if set(states) == {"draft"}:
        return "Each of these conclusions rests in part on what nobody has reviewed: all of them are drafts."
    if not states:
        return "Nothing was concluded whose encoding could have been reviewed."
    told = ", ".join(f"{states[state]} {state}" for state in reversed(STATES) if states[state])
    return f"The encoding has been reviewed in part. Conclusions: {told}."


def unmatched(found: Answer) -> str:
    """Which entries of a record are not used because nothing here is called so, in a sentence; empty where none is.

    Those that may be misspelt come first, and then those whose state is no state, which count as unknown.
    """
    foreign = [entry for entry in found.case.entries if entry.term is None]
    named = [entry for entry in foreign if entry.name]
    named.sort(key=lambda entry: not nearest(entry, found.knowledge.terms))
    said = []
    if named:
        cut = (e.name if len(e.name) <= NAME else f"{e.name[:NAME]}…" for e in named)
        names = list(dict.fromkeys(f"“{name}”" for name in cut))
        others = counted(len(names) - NAMES, "other name", "other names")
        called = _either(names if len(names) <= NAMES else [*names[:NAMES], f"by {others}"])
        said.append(f"{counted(len(named), 'entry is', 'entries are')} not used: nothing here is called {called}.")
    if nameless := len(foreign) - len(named):
        said.append(f"{counted(nameless, 'entry is', 'entries are')} not used for want of a name.")
    unread = [str(entry.keys["state"]).lower() for entry in found.case.entries if entry.term and has_no_state(entry)]
    if unread:
        words = _either([f"“{word}”" for word in dict.fromkeys(unread)])
        said.append(f"{counted(len(unread), 'entry counts', 'entries count')} as unknown: no state is called {words}.")
    return " ".join(said)


def _either(names: Sequence[str]) -> str:
    """Several names, of which each is meant.

    >>> _either(["a", "b", "c"]), _either(["a"])
    ('a, b or c', 'a')
    """
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def noted(found: Answer) -> dict[str, str]:
    """What the rules note of an entry before its sentence, such as that a later one replaces it; by the sentence.

    It is told where a proof names the entry, which would be taken for a reason.
    """
    sentences = {entry.read_from: entry.sentence for entry in found.case.entries}
    told = {}
    for note in found.notes:
        sentence = sentences.get(note.read_from, "")
        before, about, after = note.text.partition(f": {sentence}")
        if sentence and about and not after:
            told[sentence] = before[:1].lower() + before[1:]
    return told


def alike(found: Answer) -> bool:
    """Whether all conclusions of an answer are reviewed equally far, so that it is said once."""
    return len({conclusion.review for conclusion in found.conclusions}) < 2


UNRESOLVED = "Markers are numbers as the document prints them; it lists no sources for them."
"""What is said once where no work can be looked up that a marker denotes."""


CALLED = {
    "assumed": "gap",
    "absent": "by absence",
    "encoder": "convention",
    "added": "convention",
    "absence": "by absence",
}
"""What a step is called where its own word would be misread: "absent" is a finding, not what no entry says."""
