"""The words that every rendering shares: titles of kinds, markers of a citation, counted nouns."""

from __future__ import annotations

from citelog.knowledge.base import Citation, Statement

TITLES = {
    "status": "Status of the level",
    "neuro": "Neurological involvement",
    "treat": "Treatment",
    "regimen": "Regimens",
    "caution": "Cautions",
    "referral": "Referral",
    "monitoring": "Monitoring",
    "conflict": "Conflicts",
    "open-question": "Open questions",
    "data-issue": "Data issues",
}


def title(kind: str) -> str:
    """The heading of the conclusions of a kind.

    >>> title("open-question"), title("follow-up")
    ('Open questions', 'Follow up')
    """
    return TITLES.get(kind, kind.replace("-", " ").capitalize())


def markers(citation: Citation) -> str:
    """The markers printed in the sentence of a citation, and apart from them those that it inherits."""
    if citation.markers:
        return f"{_marker(citation.markers)} (the document lists no sources)"
    if citation.inherited:
        return f"uncited; {_marker(citation.inherited)} inherited from its list"
    return "uncited"


def place(citation: Citation) -> str:
    """Where a quote stands, and the markers printed with it."""
    return ", ".join(filter(None, (citation.section, f"line {citation.line}", markers(citation))))


def said(citation: Citation) -> str:
    """A statement with its quote and its place."""
    return f"{citation.statement} “{' / '.join(citation.quote.splitlines())}” ({place(citation)})"


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


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count and its noun.

    >>> counted(1, "entry", "entries"), counted(2, "entry", "entries"), counted(0, "rule")
    ('1 entry', '2 entries', '0 rules')
    """
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
