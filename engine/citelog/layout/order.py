"""The order in which a statement's own properties are said.

Only statements have one: where the words stand, then what they mean, then our remark and who speaks. Any other block is
in its author's order, as are the blocks of a file. A block with a comment on a line of its own is left alone, because
such a comment may be about any number of lines below it.
"""

from __future__ import annotations

from citelog.layout.tokens import Block, Said, Token, blocks, iri, prefixes, tokens
from citelog.vocab import CL

ORDER = (
    *("kind", "quote", "line", "start", "end", "section", "subsection", "markers", "inherited", "modality"),
    *("population", "attributedTo", "attributedAs", "restates", "rationaleOf", "goalOf", "qualifies", "elided"),
    *("remark", "accepts", "voice"),
)
"""The properties of a statement in their order."""
LAST = "remark"
"""Any other property stands before this one."""


def ordered(text: str) -> str:
    """A file in which what is said about each statement is in order; a comment stays with the line that it ends."""
    file = tokens(text)
    namespaces = prefixes(file)
    made, at = [], 0
    for block in blocks(file):
        lines = _lines(block, file, namespaces)
        ranks = [_rank(iri(line[0].verb.text, namespaces)) for line in lines]
        if ranks == sorted(ranks):
            continue
        made.append(text[at : lines[0][0].verb.start])
        moved = [line for _, line in sorted(zip(ranks, lines, strict=True), key=lambda ranked: ranked[0])]
        for line, old in zip(moved, lines, strict=True):
            sign, comment = file[old[-1].after].text, _comment(line, file)
            made.append(text[line[0].verb.start : file[line[-1].after].start].rstrip())
            made.append(f" {sign}{f'  {comment.text}' if comment else ''}\n")
        made[-1] = made[-1].rstrip("\n")
        last = _comment(lines[-1], file) or file[lines[-1][-1].after]
        at = last.end
    return "".join(made) + text[at:]


def _rank(property_: str) -> int:
    name = property_.removeprefix(CL)
    at = ORDER.index(name) if name in ORDER else ORDER.index(LAST)
    return at if name in ORDER and at < ORDER.index(LAST) else at + (name in ORDER)


def _lines(block: Block, file: list[Token], namespaces: dict[str, str]) -> list[list[Said]]:
    """What is said about a statement, line by line, without its first line; empty where it must be left alone."""
    said = block.said
    if not any(iri(o.text, namespaces) == CL + "Statement" for s in said for o in s.objects):
        return []
    first, last = file.index(block.subject), said[-1].after
    alone = any(t.part == "comment" and t.breaks for t in file[first:last])
    if alone or any(file[s.after].part != ";" for s in said[:-1]) or file[last].part != ".":
        return []
    lines: list[list[Said]] = []
    for one in said:
        if file[one.after - 1].part == "comment" or file[one.after].breaks:
            return []
        if one.verb.breaks:
            lines.append([one])
        elif lines:
            lines[-1].append(one)
    return lines


def _comment(line: list[Said], file: list[Token]) -> Token | None:
    """The comment at the end of a line."""
    after = next(iter(file[line[-1].after + 1 :]), None)
    return after if after is not None and after.part == "comment" and not after.breaks else None
