"""How the words of two passages differ, and what each difference can turn round: a figure, a unit, a “not”, a “may”.

The sort of a difference is told from the words alone, so that a reader looks at these first; it judges nothing. A word
that none of the lists has is a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from citelog.advice.hedges import HEDGE
from citelog.compare.aligned import Token, plain, tokens
from citelog.compare.fates import steps
from citelog.knowledge.faithful import numbers

SORTS: Mapping[str, str] = {
    "figure": "a number",
    "unit": "a unit, or what is counted",
    "negation": "a word that says no, or leaves out",
    "strength": "how strongly, how surely or how soon",
    "limit": "a limit, a condition or a choice",
    "words": "other words",
    "writing": "letter case, punctuation, blanks or another form of a character",
}
"""The sorts of a difference, the one to be looked at first before the others."""

TURNING = ("figure", "unit", "negation")
"""The sorts that can make a sentence say the opposite, or another dose."""

_ORDER = {sort: i for i, sort in enumerate(SORTS)}

_NEGATION = re.compile(
    r"(?:not|no|non|never|none|nor|neither|nobody|nothing|without|cannot|\w+n['’]t|avoid(?:s|ed|ing)?|except(?:ing)?"
    r"|unless|exclud(?:e|es|ed|ing)|contra\w*|withhold|withheld|stop(?:s|ped|ping)?|omit(?:s|ted|ting)?|against|instead"
    r"|absen(?:t|ce)|present|presence|lack(?:s|ing)?|fail(?:s|ed)?|un(?:able|clear|likely|necessary|safe|suitable)"
    r"|in(?:adequate|appropriate|effective|sufficient)|refus(?:e|es|ed)|declin(?:e|es|ed)|discontinu\w*)"
)
_STRENGTH = re.compile(
    r"(?:should|must|shall|will|would|need(?:s|ed)?|require(?:s|d)?|requiring|recommend\w*|advis\w*|essential|mandatory"
    r"|always|strong(?:ly)?|weak(?:ly)?|urgent(?:ly)?|immediate(?:ly)?|prompt(?:ly)?|routine(?:ly)?|option(?:al|ally)?"
    r"|clear(?:ly)?|certain(?:ly)?|debated|proven|indicated|permitted|allowed|ought)"
)
_LIMIT = re.compile(
    r"(?:less|more|fewer|below|above|under|over|least|most|at|up|before|after|until|till|from|within|beyond|between"
    r"|during|only|if|when|where|whenever|whether|while|and|or|either|both|all|any|some|each|every|another|other"
    r"|minimum|maximum|once|low|lower|high|higher|increase[sd]?|decrease[sd]?|reduce[sd]?|raise[sd]?|first|last"
    r"|alternate|daily|weekly|monthly|yearly|hourly|[<>≤≥=±])"
)
_LITTLE = re.compile(
    r"a|an|the|is|are|was|were|be|been|to|of|in|on|at|for|from|by|with|and|or|as|that|this|than|then|if|when|should"
    r"|may|must|can|will|has|have|had|not|no|who|which|it|its|per"
)
"""Words behind a number that are no unit."""

_REACH = 4
"""How many words and signs after its number a unit may stand, as in `mg / kg`."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Where two passages differ: what the one has and what the other has, either empty for nothing.

    The offsets are those in the passages, the ends exclusive.
    """

    before: str
    after: str
    sort: str
    old: tuple[int, int]
    new: tuple[int, int]

    @property
    def rank(self) -> int:
        """How soon it is to be looked at: 0 is first."""
        return _ORDER[self.sort]

    def to_dict(self) -> dict[str, Any]:
        """The difference as data."""
        return {"before": self.before, "after": self.after, "sort": self.sort}


def apart(before: str, after: str) -> tuple[Apart, ...]:
    """Every difference between two passages, in their order.

    >>> for one in apart("It may be given 1 mg daily, for 2 weeks", "It should not be given 2 mg, for 2 months"):
    ...     print(f"{one.sort}: {one.before!r} → {one.after!r}")
    negation: 'may' → 'should not'
    figure: '1' → '2'
    limit: 'daily' → ''
    unit: 'weeks' → 'months'
    """
    ours, theirs = tokens(before), tokens(after)
    found = []
    for step in steps([token.text for token in ours], [token.text for token in theirs]):
        if step.same:
            found += list(_blanks(before, after, step.old, step.new, ours, theirs))
        else:
            for old, new in _parted(step.old, step.new, ours, theirs):
                found.append(_made(before, after, old, new, ours, theirs))
    if not found and before != after:  # in blanks at the end
        found.append(Apart(before, after, "writing", (0, len(before)), (0, len(after))))
    return tuple(found)


def _parted(old: range, new: range, ours: Sequence[Token], theirs: Sequence[Token]) -> Iterator[tuple[range, range]]:
    """A stretch that differs, the words at its ends apart that differ only in how they are written."""

    def alike(i: int, j: int) -> bool:
        return plain(ours[i].text).casefold() == plain(theirs[j].text).casefold()

    a, b, c, d = old.start, old.stop, new.start, new.stop
    while a < b and c < d and alike(a, c):
        yield range(a, a + 1), range(c, c + 1)
        a, c = a + 1, c + 1
    behind = 0
    while a < b - behind and c < d - behind and alike(b - 1 - behind, d - 1 - behind):
        behind += 1
    if a < b - behind or c < d - behind:
        yield range(a, b - behind), range(c, d - behind)
    for k in range(behind, 0, -1):
        yield range(b - k, b - k + 1), range(d - k, d - k + 1)


def _blanks(
    before: str, after: str, old: range, new: range, ours: Sequence[Token], theirs: Sequence[Token]
) -> Iterator[Apart]:
    """Differences in the blanks between words that are the same, and before the first of the passage."""
    for i, j in zip(old, new, strict=True):
        a = (ours[i - 1].end if i else 0, ours[i].start)
        b = (theirs[j - 1].end if j else 0, theirs[j].start)
        if bool(i) == bool(j) and before[a[0] : a[1]] != after[b[0] : b[1]]:
            yield Apart(before[a[0] : a[1]], after[b[0] : b[1]], "writing", a, b)


def _made(before: str, after: str, old: range, new: range, ours: Sequence[Token], theirs: Sequence[Token]) -> Apart:
    a, b = _span(ours, old, len(before)), _span(theirs, new, len(after))
    return Apart(before[a[0] : a[1]], after[b[0] : b[1]], _sort(ours, old, theirs, new), a, b)


def _span(found: Sequence[Token], some: range, whole: int) -> tuple[int, int]:
    if some:
        return found[some.start].start, found[some.stop - 1].end
    at = found[some.start - 1].end if some.start else 0
    return min(at, whole), min(at, whole)


def _sort(ours: Sequence[Token], old: range, theirs: Sequence[Token], new: range) -> str:
    gone, come = ([found[i].text for i in some] for found, some in ((ours, old), (theirs, new)))
    one, other = plain(" ".join(gone)), plain(" ".join(come))
    counted = _counted(ours, old) or _counted(theirs, new)
    signs = all(not any(map(str.isalnum, token)) for token in (*gone, *come))
    if one == other:
        return "writing"
    figures = [sorted(token for token in side if token[0].isdigit()) for side in (gone, come)]
    if figures[0] != figures[1] or numbers(one) != numbers(other):
        return "figure"
    if signs and _among_figures(ours, old, theirs, new):
        return "figure"
    if counted:
        return "unit"
    if one.casefold() == other.casefold():
        return "writing"
    changed = {word.casefold() for word in gone} ^ {word.casefold() for word in come}
    for sort, pattern in (("negation", _NEGATION), ("strength", _STRENGTH), ("limit", _LIMIT)):
        if any(pattern.fullmatch(word) or (sort == "strength" and HEDGE.fullmatch(word)) for word in changed):
            return sort
    if _turned(gone, come):
        return "negation"
    return "writing" if signs and not any(token in "%/*+^" for token in (*gone, *come)) else "words"


def _counted(found: Sequence[Token], some: range) -> bool:
    """Whether a word of a stretch is a unit: it stands behind a number, with nothing but parts of units between."""
    for i in some:
        if not found[i].text[0].isalpha() and found[i].text not in "%°/":
            continue
        if _LITTLE.fullmatch(found[i].text.casefold()):
            continue
        for j in range(i - 1, max(-1, i - 1 - _REACH), -1):
            if found[j].text[0].isdigit():
                return True
            if found[j].text != "/" and not (j + 1 < len(found) and found[j + 1].text == "/"):
                break
    return False


def _among_figures(ours: Sequence[Token], old: range, theirs: Sequence[Token], new: range) -> bool:
    """Whether signs stand before or behind a number on either side: a sign there can be a minus, or a range."""
    return any(
        (some.start > 0 and found[some.start - 1].text[0].isdigit())
        and (some.stop < len(found) and found[some.stop].text[0].isdigit())
        for found, some in ((ours, old), (theirs, new))
    )


def _turned(gone: Sequence[str], come: Sequence[str]) -> bool:
    """Whether a word gets or loses a syllable that turns it round, as `likely` and `unlikely`."""
    return any(
        long.casefold() == prefix + short.casefold()
        for ones, others in ((gone, come), (come, gone))
        for short in ones
        for long in others
        for prefix in ("un", "in", "im", "ir", "il", "non", "dis", "a", "hypo", "hyper")
    )
