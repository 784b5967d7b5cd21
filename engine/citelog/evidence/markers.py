"""Citation markers: the numbers by which a document names its sources, in the forms in which plain text prints them.

    … is too low 1, 2.       behind a blank, before the full stop
    … is too low.1,2         raised, which plain text sets right behind the full stop (or ¹ ²)
    … is too low [1, 2].     in brackets, before the full stop, behind it, or within the sentence

A range (1–3) is all its numbers. A number of the first two forms may be none: an age, a dose, a figure. That it is none
is for the author to say (`cl:markers "none"`), but where the words before it say so: “no more than 3.”, “Fig.2”.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

NONE = "none"
"""What a statement says in place of numbers, where the number at the end of its sentence cites nothing."""

_LIST = r"\d{1,3}(?:(?:, ?| ?[-–] ?)\d{1,3})*"
_OPEN = ("than", "least", "most", "between", "under", "exceeds", "aged", "exactly", "until")
"""Words that no sentence ends with: the number behind one is what it asks for, and cites nothing."""
_PARTS = ("Table", "Figure", "Box", "Section", "Chapter", "Appendix", "Annex", "Part", "Page")
"""What documents call their parts: the number behind one is its name."""
_SHORT = ("Fig", "fig", "Figs", "Tab", "Eq", "Sec", "Sect", "Ch", "Chap", "Vol", "vol", "No", "Nos", "p", "pp")
"""The same cut short, but not where a sentence can end with the word: a plate of figs, an answer that is no."""

_NAMES = tuple(rf"{word}\." for word in _SHORT)
_NO_NAME = "".join(rf"(?<!\b{name})" for name in _NAMES)
_ASKED = "".join(rf"(?<!\b{word} )" for word in (*_OPEN, *_PARTS, *_NAMES))
_PLAIN = rf" (?=\d){_ASKED}(?P<plain>\d{{1,3}}(?:, \d{{1,3}})*)"
_INSIDE = rf" ?\[{_LIST}\]"
_BEHIND = rf" ?\[{_LIST}\]|(?<![\d\s]\.){_NO_NAME}(?P<raised>{_LIST}|[⁰¹²³⁴-⁹]+(?:[,˒⁻–-][⁰¹²³⁴-⁹]+)*)"

_END = re.compile(rf"(?:{_PLAIN}|{_INSIDE})?\.(?P<behind>{_BEHIND})?(?=\s|$)")
"""Where a sentence ends: with a full stop before a blank or at the end of its line, and the markers about it."""
_BRACKETS = re.compile(rf"\[({_LIST})\]")
_LAST = re.compile(rf"(?:{_PLAIN}|{_INSIDE})?(?P<stop>\.?)(?:{_BEHIND})?\s*\Z")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹˒⁻", "0123456789,-")


def printed(text: str, start: int, end: int) -> tuple[str, ...]:
    """The citation numbers of the passage between two offsets: those in it, and behind it to the end of its sentence.

    >>> printed("Give 1 mg, then wait 3, 4. Next 7.", 0, 9), printed("Wait for days.2,4–6 Then go.", 0, 8)
    (('3', '4'), ('2', '4', '5', '6'))
    >>> printed("Sage helps [1], honey does not.[2, 3] So be it.", 0, 10)
    ('1', '2', '3')
    >>> printed("Wait for days.2 Then go 7.", 0, 15), printed("Wait for days 2. Then go 7.", 0, 16)
    (('2',), ('2',))
    """
    line = text.find("\n", end)
    line = line if line >= 0 else len(text)
    last = _END.search(text, start + len(words(text[start:end])), line)
    held = [match[1] for match in _BRACKETS.finditer(text, start, last.end() if last else line)]
    if last:
        held += [numbers for numbers in (last["plain"], last["raised"]) if numbers]
    return tuple(dict.fromkeys(number for numbers in held for number in _each(numbers.translate(_RAISED))))


def _each(numbers: str) -> Iterator[str]:
    """The numbers of a list, and all of a range of it.

    >>> list(_each("1, 3-5"))
    ['1', '3', '4', '5']
    """
    for one in re.split(r", ?", numbers):
        first, _, last = (part.strip() for part in re.sub("[-–]", "–", one).partition("–"))
        yield from map(str, range(int(first), int(last or first) + 1))


def at_end(text: str, offset: int) -> bool:
    """Whether the sentence ends at an offset, with nothing behind it but its markers and its full stop.

    >>> at_end("Wait for 3 days 1. Then go on.", 15), at_end("Wait for 3 days 1. Then go on.", 8)
    (True, False)
    """
    return _END.match(text, offset) is not None


def without(text: str) -> str:
    """Words without the markers at their end; the full stop stays.

    >>> without("It is too low 1, 2."), without("It is too low.3"), without("It is too low [4]")
    ('It is too low.', 'It is too low.', 'It is too low')
    """
    return _LAST.sub(r"\g<stop>", text)


def words(text: str) -> str:
    """Words without the markers and the full stop at their end: as far as they go before their sentence ends.

    >>> words("It is too low 1, 2."), words("It is factor X.3"), words("It is factor X")
    ('It is too low', 'It is factor X', 'It is factor X')
    """
    return without(text).rstrip(".")


def before_the_stop(text: str) -> str:
    """The same text, as long as it is, with the markers that stand behind a full stop before it.

    So it ends its sentence for whoever looks for one.

    >>> before_the_stop("It is too low.1 Then rest. [2] Go.")
    'It is too low1. Then rest [2]. Go.'
    """
    return _END.sub(lambda end: end[0].replace("." + (end["behind"] or ""), (end["behind"] or "") + "."), text)
