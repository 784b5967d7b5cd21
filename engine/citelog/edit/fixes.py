"""What can be written at once to put a finding right: only where the finding itself says what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from citelog.advice.review import CODES as ADVICE
from citelog.diagnostics import Instead
from citelog.edit import rules
from citelog.edit.desk import Desk
from citelog.edit.findings import Located
from citelog.edit.turtle import namespaces
from citelog.knowledge.statements import place_numbers
from citelog.layout.edits import Edit, differing
from citelog.layout.places import placed
from citelog.rules.language import NUMERIC, TAGS
from citelog.vocab import CL


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that puts a finding right: what it is called, and what it writes where; `best` if there is no other."""

    title: str
    edits: Mapping[Path, tuple[Edit, ...]]
    best: bool = False


def fixes(desk: Desk, found: Located) -> list[Fix]:
    """Every change that the finding itself suggests; none where its author must decide what is right."""
    finding, text = found.finding, desk.texts.get(found.path, "")
    said = list(_instead(found, text))
    own = _BY_CODE.get(finding.code)
    made = [*said, *(own(desk, found, text) if own else ())]
    if finding.code in ADVICE:
        made += _accepted(found, text)
    best = bool(said) or len(made) == 1
    return [replace(fix, best=best and i == 0) for i, fix in enumerate(made)]


# --- what a hint says ----------------------------------------------------------------------------------------------


def _instead(found: Located, text: str) -> Iterator[Fix]:
    """What is right in the place of what is written; a sign that is wrong is so in all of its line."""
    hint = found.finding.hint
    if not isinstance(hint, Instead):
        return
    is_sign = re.search(r"\w", hint.written) is None
    start = text.rfind("\n", 0, found.start) + 1 if is_sign else found.start
    line = text[start:].partition("\n")[0]
    edits = [Edit(start + m.start(), start + m.end(), hint.right) for m in re.finditer(_whole(hint.written), line)]
    if edits:
        yield _fix(found, f"write {hint.right}", *(edits if is_sign else edits[:1]))


def _whole(written: str) -> str:
    """A pattern for what is written, and not for a part of a longer word."""
    before = r"(?<![\w-])" if re.match(r"\w", written) else ""
    behind = r"(?![\w-])" if re.search(r"\w\Z", written) else ""
    return before + re.escape(written) + behind


def _fix(found: Located, title: str, *edits: Edit) -> Fix:
    return Fix(title, {found.path: edits})


# --- what a code of a finding asks for -----------------------------------------------------------------------------


def _licence(desk: Desk, found: Located, text: str) -> Iterator[Fix]:
    """The tag that owns up to an absence."""
    rule, name = rules.rule_at(text, found.start), found.finding.about[-1]
    if rule is None:
        return
    tags = {"assumes": "an assumption, shown with the answer", "unless": "an exception among what is recorded"}
    at, before = _tag_line(rule, text)
    for tag, meaning in tags.items():
        assert tag in TAGS
        yield _fix(found, f"@{tag} {name}: {meaning}", Edit(at, at, f"{before}%%% @{tag} {name}\n"))


def _unused(desk: Desk, found: Located, text: str) -> Iterator[Fix]:
    """The tag without the word, or nothing."""
    if isinstance(found.finding.hint, Instead):
        return  # another name was meant
    start, end = text.rfind("\n", 0, found.start) + 1, text.find("\n", found.end) + 1
    line = text[start:end]
    tag = re.match(r"\s*%%%\s*@\w+", line)
    others = [
        w for w in re.split(r"[\s,]+", line[tag.end() if tag else 0 :]) if w and w != text[found.start : found.end]
    ]
    if tag and not others:
        yield _fix(found, "remove the tag", Edit(start, end, ""))
    elif tag:
        yield _fix(found, "remove it from the tag", Edit(start, end, f"{tag[0]} {', '.join(others)}\n"))


def _unnamed(desk: Desk, found: Located, text: str) -> Iterator[Fix]:
    """A name made of what the rule derives, and free."""
    rule = rules.rule_at(text, found.start)
    if rule is None or rule.head is None:
        return
    taken = {one.name for one in desk.reading.rules}
    base = rule.head.text.rpartition(":")[2].strip("<>").replace("_", "-")
    numbered = (base if n == 1 else f"{base}-{n}" for n in range(1, len(taken) + 3))
    name = next(one for one in numbered if one not in taken)
    at, before = _tag_line(rule, text)
    yield _fix(found, f"name the rule {name}", Edit(at, at, f'{before}#[name("{name}")]\n'))


def _prefix(desk: Desk, found: Located, text: str) -> Iterator[Fix]:
    """The line of a prefix that another file declares."""
    name = found.finding.about[-1]
    space = desk.prefixes().get(name)
    if space:
        declared = list(re.finditer(r"(?m)^@prefix[^\n]*\n", text))
        at = declared[-1].end() if declared else 0
        line = f"@prefix {name}: <{space}> .\n"
        yield _fix(found, f"declare {name}: as the other files do", Edit(at, at, line))


def _place(desk: Desk, found: Located, text: str) -> Iterator[Fix]:
    """The place of a quote, as `citelog fmt` writes it."""
    source = desk.reading.source
    places = (
        {s.iri.value: place_numbers(source, s.start, s.quote) for s in desk.reading.statements.values()}
        if source
        else {}
    )
    after, named = placed(text, places)
    if named and after != text:
        yield Fix("fill in the places of the quotes", {found.path: tuple(differing(text, after))})


def _quote(desk: Desk, found: Located, text: str) -> Iterator[Fix]:
    """The passage that the quote was probably copied from."""
    source = desk.reading.source
    written = re.search(r'"(?P<quote>(?:\\.|[^"\\])*)"', text[found.start : found.end])
    if source is None or written is None:
        return
    near, line = source.nearest(written["quote"])
    if near and '"' not in near and "\\" not in near and near != written["quote"]:
        start = found.start + written.start("quote")
        title = f"quote line {line}: “{near if len(near) < 60 else near[:57] + '…'}”"
        yield _fix(found, title, Edit(start, start + len(written["quote"]), near))


def _predicate(desk: Desk, found: Located, text: str) -> Iterator[Fix]:
    """A declaration of a predicate, with the arguments that the rule gives it."""
    rule, declarations = rules.rule_at(text, found.start), desk.folder / "predicates.ttl"
    known = rules.namespaces(text)
    atom = next((a for a in rules.atoms(rule, known) if a.start == found.start), None) if rule else None
    if rule is None or atom is None or ":" in atom.predicate or declarations not in desk.texts:
        return
    there = desk.texts[declarations]
    base = _written(desk, there)
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", atom.predicate) or not base:
        return
    types = {name: kind for name, (kind, _) in rules.types(rule, known, desk.reading.predicates).items()}
    names = [_argument(words, types, i) for i, words in enumerate(atom.arguments, 1)]
    words, signature = atom.predicate.replace("_", " "), f"{atom.predicate}({', '.join(names)})"
    block = (
        f'\n{base}:predicate-{atom.predicate} a cl:DerivedPredicate ;\n    cl:signature "{signature}" ;\n'
        f'    cl:sentence "{words}" ; cl:absence "not {words}" .\n'
    )
    edit = Edit(len(there), len(there), block if there.endswith("\n") else "\n" + block)
    yield Fix(f"declare {signature}", {declarations: (edit,)})


def _argument(words: tuple[rules.Word, ...], types: Mapping[str, str], number: int) -> str:
    word = words[0] if len(words) == 1 else None
    if word is None or word.kind in ("name", "iri", "bare"):
        return f"value{number}: term"
    if word.kind == "variable":
        name = word.text[1:].casefold()
        kind = types.get(word.text[1:], "term")
        return f"{'patient' if kind == 'patient' else name}: {kind}"
    kinds = {"number": NUMERIC["." not in word.text], "text": "text", "boolean": "boolean"}
    return f"value{number}: {kinds.get(word.kind, 'term')}"


def _term(desk: Desk, found: Located, text: str) -> Iterator[Fix]:
    """A declaration of a value that rules conclude."""
    written, declarations = text[found.start : found.end], desk.folder / "predicates.ttl"
    mention = next((m for m in desk.mentions(found.path) if m.start == found.start), None)
    if mention is None or mention.thing.kind != "iri" or declarations not in desk.texts:
        return
    there = desk.texts[declarations]
    base = _written(desk, there)
    if not mention.thing.name.startswith(desk.reading.namespace) or not base or "skos:" not in there:
        return
    local = mention.thing.name.removeprefix(desk.reading.namespace)
    line = f'{base}:{local} a cl:Code ; skos:prefLabel "{local.replace("_", " ").replace("-", " ")}" .\n'
    edit = Edit(len(there), len(there), line if there.endswith("\n") else "\n" + line)
    yield Fix(f"declare {written} as a value of conclusions", {declarations: (edit,)})


def _segment(desk: Desk, found: Located, text: str) -> Iterator[Fix]:
    """The statement named by the segment in which its quote stands."""
    id_, *segments = found.finding.about
    if len(segments) != 1:
        return
    for path, there in desk.texts.items():
        prefix = _written(desk, there)
        segment, statement = f"{prefix}:{segments[0]}", f"{prefix}:{id_}"
        block = re.search(rf"(?ms)^{re.escape(segment)}\s[^\n]*\n.*?(?=\n\s*\n|\Z)", there)
        if block and path.suffix == ".ttl":
            encoded = re.search(r"cl:encodedAs\s+(?P<ids>[\w:,\s-]+?)(?=\s*[;.])", block[0])
            aside = re.search(r'cl:outOfScope\s+"[^"]*"', block[0])
            if encoded:
                at = block.start() + encoded.end("ids")
                edit = Edit(at, at, f" , {statement}")
            elif aside:
                start = block.start()
                edit = Edit(start + aside.start(), start + aside.end(), f"cl:encodedAs   {statement}")
            else:
                return
            yield Fix(f"name {statement} in {segment}", {path: (edit,)})
            return


def _accepted(found: Located, text: str) -> Iterator[Fix]:
    """Advice that is accepted; the reason is the author's to write."""
    code, reason = found.finding.code, "why it is right as it is"
    rule = rules.rule_at(text, found.start)
    if found.path.suffix == ".rls" and rule is not None:
        at, before = _tag_line(rule, text)
        yield _fix(found, f"accept {code}, with a reason", Edit(at, at, f"{before}%%% @accept {code}: {reason}\n"))
    elif found.path.suffix == ".trig":
        line = text.find("\n", found.start)
        prefix = next((p for p, space in namespaces(text).items() if space == CL), "")
        if line >= 0 and prefix and text[found.start : line].rstrip().endswith(";"):
            said = f'\n    {prefix}:accepts "{code}: {reason}" ;'
            yield _fix(found, f"accept {code}, with a reason", Edit(line, line, said))


_BY_CODE: Mapping[str, Callable[[Desk, Located, str], Iterator[Fix]]] = {
    "unlicensed-negation": _licence,
    "unused-licence": _unused,
    "unnamed-rule": _unnamed,
    "undefined-prefix": _prefix,
    "offset-wrong": _place,
    "quote-not-found": _quote,
    "undefined-predicate": _predicate,
    "undefined-term": _term,
    "statement-outside-segments": _segment,
}


def _tag_line(rule: rules.Written, text: str) -> tuple[int, str]:
    """Where one more line above the head of a rule goes: below its tags, above its attributes, or above its head."""
    docs = [w for w in rule.words if w.kind == "doc"]
    if docs:
        end = text.find("\n", docs[-1].end)
        return (end + 1, "") if end >= 0 else (len(text), "\n")
    return text.rfind("\n", 0, rule.start) + 1, ""


def _written(desk: Desk, text: str) -> str:
    """The prefix of the knowledge base's own namespace in a file."""
    return next((p for p, space in namespaces(text).items() if space == desk.reading.namespace), "")
