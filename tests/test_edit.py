"""What an author is told about a place in a text, whatever state the text is in: the rooms behind `citelog lsp`."""

from __future__ import annotations

import os
import random
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import faults
from citelog import home
from citelog.diagnostics import CitelogError
from citelog.edit import colours, completion, folder, hover, outline, rules
from citelog.edit.desk import Desk, Reading
from citelog.edit.findings import Located, located
from citelog.edit.fixes import fixes
from citelog.edit.lines import UNITS, Lines
from citelog.edit.rename import rename
from citelog.knowledge.files import NO_DRAFTS, Drafts
from citelog.knowledge.load import load
from citelog.layout.edits import Edit, edited
from citelog.layout.tokens import tokens
from citelog.rules.syntax import parse
from citelog.rules.syntax import tokens as rule_tokens

NIGHTS = home.home() / "examples" / "short-nights"
SHIPPED = home.knowledge()


@cache
def nights() -> Desk:
    """A small knowledge base, as it is on disk."""
    reading, found = folder.read(NIGHTS)
    assert not found
    return folder.desk(NIGHTS, NO_DRAFTS, reading)


def typed(file: str, text: str) -> Desk:
    """The same with one text as someone is writing it."""
    return folder.desk(NIGHTS, Drafts({NIGHTS / file: text}), nights().reading)


# --- what puts a finding right ---------------------------------------------------------------------------------------


def found_in(drafts: Drafts) -> tuple[Desk, list[Located]]:
    """Everything that is found while texts are being written."""
    reading, found = folder.read(NIGHTS, drafts, nights().reading)
    desk = folder.desk(NIGHTS, drafts, reading)
    return desk, [one for there in located(found, NIGHTS, desk.texts).values() for one in there]


FIXES = {
    "a type that is misspelt in a signature": (
        "predicates.ttl", '"night(patient: patient, value: term)"', '"night(patient: patint, value: term)"',
        "bad-signature", "write patient",
    ),
    "a term that is misspelt, written out whole": (
        "rules/30-advice.rls", "tired(?p, ex:PROBABLY), n", "tired(?p, <https://example.org/short-nights#PROBABY>), n",
        "undefined-term", "write ex:PROBABLY",
    ),
    "a term that is misspelt": (
        "rules/30-advice.rls", "tired(?p, ex:PROBABLY), n", "tired(?p, ex:PROBABY), n",
        "undefined-term", "write ex:PROBABLY",
    ),
    "a whole number where another is asked for": (
        "rules/30-advice.rls", "ex:minutes(ex:NAP, ?minutes)", "ex:minutes(ex:NAP, ?minutes), ex:minutes(ex:NAP, 1)",
        "wrong-type", "write 1.0",
    ),
    "an absence that nothing owns up to": (
        "rules/30-advice.rls", "%%% @assumes recorded_when\n", "", "unlicensed-negation",
        "@assumes recorded_when: an assumption, shown with the answer",
    ),
    "a predicate that is misspelt, written out whole": (
        "rules/30-advice.rls", "ex:minutes(ex:NAP", "<https://example.org/short-nights#minuts>(ex:NAP",
        "undefined-predicate", "write ex:minutes",
    ),
    "a statement with a prefix before its id": (
        "rules/30-advice.rls", "%%% @cites S13\n", "%%% @cites ex:S13\n", "unknown-statement", "write S13",
    ),
    "a sentence that names a variable misspelt, and without the mark": (
        "rules/10-night.rls", "less than {?hours}", "less than {huors}", "unknown-display-variable", "write ?hours",
    ),
    "a prefix that other files declare": (
        "rules/30-advice.rls", "@prefix ex: <https://example.org/short-nights#> .\n", "",
        "undefined-prefix", "declare ex: as the other files do",
    ),
    "a unit that is no unit, beside one that is": (
        "terms.ttl", "ex:hour , ex:minute .", "ex:hour , ex:minutes .", "shape", "write ex:minute",
    ),
    "a statement that is misspelt, where another property stands on its line": (
        "conflicts.ttl", 'cl:sideA         "S14"', 'cl:sideA         "S14 S144"', "unknown-reference", "write S14",
    ),
    "marks of a word processor, all of a line's": (
        "terms.ttl", 'skos:prefLabel "loud snoring"', "skos:prefLabel „loud snoring„", "rdf-syntax", 'write "',
    ),
    "a sentence that names its variable without the mark": (
        "rules/10-night.rls", "less than {?hours}", "less than {hours}", "unknown-display-variable", "write {?hours}",
    ),
    "a hyphen that would be a minus": (
        "rules/30-advice.rls", "tired(?p, ex:PROBABLY), ex:minutes", "tired(?p, ex:PROB-ABLY), ex:minutes",
        "syntax", "write <https://example.org/short-nights#PROB-ABLY>",
    ),
    "a licence that nothing needs, alone in its tag": (
        "rules/10-night.rls", "%%% @through short\n", "%%% @through short\n%%% @unless judged\n",
        "unused-licence", "remove the tag",
    ),
    "a quote whose segment names another statement": (
        "segments.ttl", "cl:encodedAs   ex:S03", "cl:encodedAs   ex:S04",
        "statement-outside-segments", "name ex:S03 in ex:segment_05",
    ),
    "a quote whose segment is set aside": (
        "segments.ttl", "cl:encodedAs   ex:S03", 'cl:outOfScope  "a heading"',
        "statement-outside-segments", "name ex:S03 in ex:segment_05",
    ),
    "a conclusion that nothing declares": (
        "rules/30-advice.rls", "advice(?p, ex:NAP) :-", "advice(?p, ex:SIESTA) :-",
        "undefined-term", "declare ex:SIESTA as a value of conclusions",
    ),
    "a predicate that nothing declares, with values of every type": (
        "rules/30-advice.rls", "ex:cola, cl:present) .", 'ex:cola, cl:present), has(?p, 0.0, "a", true, ex:cola, 1) .',
        "undefined-predicate", "declare has(patient: patient, value2: number, value3: text, value4: boolean, "
        "value5: term, value6: integer)",
    ),
    "a conclusion that a case expects, misspelt": (
        "cases/short-at-thirteen.yaml", 'include: ["night:SHORT"]', "include: [night:SHRT]", "unknown-conclusion",
        "write night:SHORT",
    ),
    "a kind of conclusion that a case expects, misspelt, behind letters of every size": (
        "cases/short-at-thirteen.yaml", 'cites: {"night:SHORT"', "# – 𝄞\n  cites: {'nigth:SHORT'", "unknown-conclusion",
        "write night:SHORT",
    ),
    "a conclusion of several words that a case expects, misspelt": (
        "cases/nothing-recorded.yaml", '"open-question:age in years"', "open-question:age of years",
        "unknown-conclusion", "write open-question:age in years",
    ),
    "advice about a rule": (
        "rules/30-advice.rls", "entry(?p, _, ex:cola, cl:present) .",
        'entry(?p, _, ex:cola, cl:present) .\n\n%%% @cites S13\n#[name("cola-again")]\n'
        "caution(?p, ex:COLA) :- entry(?p, ?r, ex:cola, cl:present), recorded_when(?p, ?r, _, _) .",
        "rule-subsumed", "accept rule-subsumed, with a reason",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FIXES)
def test_a_fix_puts_right_what_it_says(case: str) -> None:
    file, old, new, code, title = FIXES[case]
    text = (NIGHTS / file).read_text(encoding="utf-8")
    assert old in text
    drafts = Drafts({NIGHTS / file: text.replace(old, new, 1)})
    desk, found = found_in(drafts)
    finding = next(one for one in found if one.finding.code == code)
    fix = next(one for one in fixes(desk, finding) if one.title == title)
    mended = drafts | {path: edited(desk.texts[path], edits) for path, edits in fix.edits.items()}
    assert code not in [one.finding.code for one in found_in(Drafts(mended))[1]]


# --- what can be written at a place ----------------------------------------------------------------------------------

OFFERS = {
    "statements, for the side of a conflict": ("conflicts.ttl", 'cl:sideA         "|S14', "S14"),
    "predicates, for what derives conclusions": ("predicates.ttl", 'cl:derivedBy "ni|ght"', "night"),
    "codes of advice, to accept one": ("rules/30-advice.rls", "%%% @accept ru|\n", "rule-subsumed"),
    "terms of the type that a place has": ("rules/30-advice.rls", "entry(?p, _, ex:cola, |cl:present) .", "cl:present"),
    "terms that stand elsewhere after a property": ("statements.trig", "ex:S03 { ex:limit_under ex:|", "ex:hours"),
}


@pytest.mark.parametrize("case", OFFERS)
def test_completion_offers(case: str) -> None:
    file, words, offered = OFFERS[case]
    text = (NIGHTS / file).read_text(encoding="utf-8").replace('#[name("cola")]', '%%% @accept ru\n#[name("cola")]')
    assert words.replace("|", "") in text
    at = text.index(words.replace("|", "")) + words.index("|")
    assert offered in [item.label for item in completion.completion(typed(file, text), NIGHTS / file, at)]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"labs": [], "expect": {"include": ["night:SHORT"], "cites": {"night:SHORT": ["S03"]}}}', 3),
        ('{"labs": [], "expect": {"include": ["night:SHORT"', 0),
        ('{"labs": []}', 0),
    ],
)
def test_a_case_in_json_names_what_it_expects_as_one_in_yaml_does(text: str, named: int) -> None:
    path = NIGHTS / "cases" / "new.json"
    assert len(list(typed("cases/new.json", text).mentions(path))) == named


# --- lines and columns ---------------------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from("ab µ–𝄞🧠\u2028\x0c\n\r\t"), max_size=40) | st.text(max_size=40)


@given(TEXTS, st.sampled_from(sorted(UNITS)))
def test_every_offset_has_a_place_and_comes_back(text: str, units: str) -> None:
    """But for those that an editor has no place for: between the two signs of a line's end."""
    lines = Lines(text, units)
    for offset in range(len(text) + 1):
        if not (text[offset - 1 : offset] == "\r" and text[offset : offset + 1] == "\n"):
            line, column = lines.position(offset)
            assert lines.offset(line, column) == offset


@given(TEXTS)
def test_columns_are_those_of_the_encodings_own_codec(text: str) -> None:
    lines = Lines(text)
    for number in range(len(lines.starts)):
        start, end = lines.extent(number)
        assert lines.position(end) == (number, len(text[start:end].encode("utf-16-le", "surrogatepass")) // 2)


def test_a_line_ends_where_an_editor_ends_it_and_nowhere_else() -> None:
    assert Lines("a\u2028b\x0cc\vd\x85e").position(8) == (0, 8)
    assert [Lines("a\r\nb\rc\nd").position(i)[0] for i in (0, 3, 5, 7)] == [0, 1, 2, 3]


def test_a_column_within_a_character_is_where_that_character_starts() -> None:
    assert Lines("a𝄞b").offset(0, 2) == 1


# --- texts that are broken -----------------------------------------------------------------------------------------


def authored(base: Path) -> list[Path]:
    return [*sorted(base.glob("*.ttl")), *sorted(base.glob("*.trig")), *sorted(base.glob("rules/*.rls"))]


@pytest.mark.parametrize("path", authored(SHIPPED), ids=lambda path: path.name)
def test_a_whole_file_is_read_as_its_parser_reads_it(path: Path) -> None:
    """What is read of a broken text is no other language: where nothing is broken, the words are the parser's."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".rls":
        names = {
            "DOC": "doc",
            "COMMENT": "comment",
            "VARIABLE": "variable",
            "PREFIXED": "name",
            "IRI": "iri",
            "NUMBER": "number",
        }
        wanted = [(names[kind], start) for kind, _, start, _ in rule_tokens(text) if kind in names]
        assert [(w.kind, w.start) for w in rules.words(text) if w.kind in names.values()] == wanted
        assert len(rules.rules(text)) == len(parse(text, path.name).rules)
    else:
        assert tokens(text, broken=True) == tokens(text)


def everything(desk: Desk, path: Path, offset: int) -> None:
    """Ask all that an editor asks."""
    hover.hover(desk, path, offset)
    completion.completion(desk, path, offset)
    completion.arguments(desk, path, offset)
    outline.outline(desk, path)
    stretches = colours.colours(desk, path)
    assert all(start < end <= following for (start, end, _), (following, *_) in pairwise(stretches))
    mention = desk.at(path, offset)
    if mention is not None:
        assert mention.start <= mention.name[0] <= mention.name[1] <= mention.end <= len(desk.texts[path])
        desk.definitions(mention.thing, path)


SIGNS = '"<>(){}[]?~#%@.,;:\\' + "'\n 𝄞“"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(authored(NIGHTS)), st.randoms(use_true_random=False))
def test_no_text_is_too_broken_to_be_asked_about(path: Path, chance: random.Random) -> None:
    text = path.read_text(encoding="utf-8")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice([*SIGNS, "", "a", "@prefix", "%%% @"]) + text[at + chance.randint(0, 30) :]
    if chance.random() < 0.5:
        text = text[: chance.randrange(len(text) + 1)]
    desk = typed(path.relative_to(NIGHTS).as_posix(), text)
    for offset in (0, len(text), *(chance.randrange(len(text) + 1) for _ in range(3))):
        everything(desk, path, offset)


def test_a_rule_without_an_end_does_not_swallow_the_next() -> None:
    text = 'a(?x) :- b(?x,\n%%% @cites S1\n#[name("two")]\nc(?x) :- d(?x) .\n'
    assert [(r.head.text if r.head else "", r.name.text if r.name else "") for r in rules.rules(text)] == [
        ("a", ""),
        ("c", '"two"'),
    ]


def test_a_block_without_an_end_does_not_swallow_the_next() -> None:
    text = '@prefix ex: <https://example.org/#> .\nex:a ex:p ex:b ;\n    ex:q "1\nex:c a ex:D .\n'
    path = NIGHTS / "more.ttl"
    entries = outline.outline(typed("more.ttl", text), path)
    assert [entry.name for entry in entries] == ["ex:a", "ex:c"]


# --- where a file belongs ------------------------------------------------------------------------------------------


def test_a_file_belongs_to_the_knowledge_base_around_it() -> None:
    for file in ("about.ttl", "rules/new.rls", "cases/one.yaml", "cases/proofs/one/a.txt", "source/leaflet.txt"):
        assert folder.base_of(NIGHTS / file) == NIGHTS, file


def test_a_file_elsewhere_belongs_to_none(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "words.ttl").write_text("# no a cl:KnowledgeBase here\n", encoding="utf-8")
    others = (
        home.ontology(),
        NIGHTS / "drafts" / "one.rls",
        tmp_path / "rules" / "one.rls",
        tmp_path / "no" / "one.rls",
    )
    assert [folder.base_of(path) for path in others] == [None] * 4


def test_a_knowledge_base_may_be_nothing_but_drafts(tmp_path: Path) -> None:
    drafts = {tmp_path / "about.ttl": "ex:kb a cl:KnowledgeBase .", tmp_path / "statements.trig": ""}
    assert folder.base_of(tmp_path / "rules" / "one.rls", Drafts(drafts)) == tmp_path


# --- another name --------------------------------------------------------------------------------------------------


def everywhere() -> list[tuple[Path, int, str]]:
    """A place for each thing of the small knowledge base that has a name, and that name."""
    desk, seen, found = nights(), set(), []
    for path in desk.texts:
        if desk.owned(path):
            for mention in desk.mentions(path):
                if mention.role != "quotes" and mention.thing not in seen and mention.thing.kind != "variable":
                    seen.add(mention.thing)
                    found.append((path, mention.start, desk.texts[path][slice(*mention.name)]))
    return found


def test_a_new_name_and_the_old_one_again_leave_every_file_as_it_was() -> None:
    """For each thing that can be renamed; the others are refused in words."""
    desk, renamed, refused = nights(), 0, 0
    for path, start, old in everywhere():
        try:
            changes = rename(desk, path, start, "zz_new_name")
        except CitelogError as error:
            assert "is no name here" not in str(error)
            refused += 1
            continue
        texts = {file: edited(desk.texts[file], list(edits)) for file, edits in changes.items()}
        back = {file: text.replace("zz_new_name", old) for file, text in texts.items()}
        assert back == {file: desk.texts[file] for file in back}, old
        assert sum(text.count("zz_new_name") for text in texts.values()) == sum(map(len, changes.values())), old
        renamed += 1
    assert renamed > 60 and refused > 20


@pytest.mark.parametrize("name", ["", "1x", "a b", 'a"b', "a.b", "Ä", "x-", "true"])
def test_what_is_no_name_is_refused(name: str) -> None:
    desk = nights()
    path = NIGHTS / "terms.ttl"
    start = next(m.start for m in desk.mentions(path) if m.role == "declares")
    with pytest.raises(CitelogError, match="is no name for a term"):
        rename(desk, path, start, name)


def test_all_names_of_the_shipped_knowledge_base_changed_at_once_still_load() -> None:
    """Each predicate, property, class, term, statement, conflict and rule renamed, and then all read again."""
    reading, _ = folder.read(SHIPPED)
    desk = folder.desk(SHIPPED, NO_DRAFTS, reading)
    chance = random.Random(7)
    things = {
        m.thing: (p, m.start) for p in desk.texts if desk.owned(p) for m in desk.mentions(p) if m.role == "declares"
    }
    texts = dict(desk.texts)
    edits: dict[Path, set[Edit]] = {}
    count = 0
    for thing, (path, start) in chance.sample(sorted(things.items()), len(things)):
        try:
            changes = rename(desk, path, start, f"n{count}_x" if thing.kind != "rule" else f"rule-{count}")
        except CitelogError:
            continue
        count += 1
        for file, made in changes.items():
            edits.setdefault(file, set()).update(made)
    drafts = Drafts((path, edited(texts[path], sorted(made))) for path, made in edits.items())
    opened = load(SHIPPED, home.ontology(), drafts)
    assert not opened.diagnostics
    assert opened.program is not None and count > 400
    before = Reading.of(load(SHIPPED, home.ontology()))
    assert [len(r.body) for r in opened.program.rules] == [len(r.body) for r in before.rules]
    assert not {r.name for r in opened.program.rules} & {r.name for r in before.rules}


@pytest.mark.skipif(sys.platform != "linux", reason="root has to do without its rights, by a call of Linux")
def test_a_folder_that_may_not_be_looked_into_is_found_and_is_in_nobodys_way(tmp_path: Path) -> None:
    nights = Path(shutil.copytree(NIGHTS, tmp_path / "home" / "nights"))
    stray = tmp_path / "home" / "stray.rls"
    with ThreadPoolExecutor(1, initializer=faults.unprivileged) as somebody:
        (nights / "rules").chmod(0)
        _, found = somebody.submit(folder.read, nights).result()
        (nights / "rules").chmod(0o755)
        for mode in (0o100, 0o400, 0):
            stray.parent.chmod(mode)
            assert somebody.submit(folder.base_of, stray).result() is None
        stray.parent.chmod(0o755)
    wrong = [one for one in found if one.severity == "error"]
    assert [(one.code, one.span.file, one.message) for one in wrong] == [
        ("file-missing", "nights/rules", "Permission denied")
    ]


def test_the_knowledge_bases_of_a_folder_are_found_some_folders_below_and_not_where_it_is_hidden(
    tmp_path: Path,
) -> None:
    for place in ("a/b/c", "a/b/c/d/e", ".hidden", "z", "z/y"):
        shutil.copytree(NIGHTS, tmp_path / place, dirs_exist_ok=True)
    (tmp_path / "link").symlink_to("z")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "about.ttl").write_text("")
    bases, unseen = folder.bases_in(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in bases] == ["link", "z", "link/y", "z/y", "a/b/c"]
    assert not unseen and folder.bases_in(tmp_path / "z")[0] == [tmp_path / "z", tmp_path / "z" / "y"]
    assert folder.bases_in(tmp_path / "not-there") == ([], {}) == folder.bases_in(tmp_path / "pipe")


@pytest.mark.skipif(sys.platform != "linux", reason="root has to do without its rights, by a call of Linux")
@pytest.mark.parametrize("mode", [0, 0o100, 0o400])
def test_a_folder_in_which_a_knowledge_base_could_be_passed_over_is_found(mode: int, tmp_path: Path) -> None:
    for place in ("seen", "unseen/nights"):
        shutil.copytree(NIGHTS, tmp_path / "home" / place)
    shutil.copytree(NIGHTS, tmp_path / "home" / "unseen", dirs_exist_ok=True)
    top = tmp_path / "home"
    with ThreadPoolExecutor(1, initializer=faults.unprivileged) as somebody:
        (top / "unseen").chmod(mode)
        bases, unseen = somebody.submit(folder.bases_in, top).result()
        (top / "unseen").chmod(0o755)
    assert bases == [top / "seen"] and top / "unseen" in unseen
    found = unseen[top / "unseen"]
    assert (found.span.file, found.message) == ("home/unseen", "Permission denied") and "passed over" in str(found.hint)
