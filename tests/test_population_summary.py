"""A population summed up and listed: each count, and each list, is what going through the patients one by one gives."""

from __future__ import annotations

import json
import resource
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import html5lib
import jsonschema
import pyarrow.parquet as pq
import pytest

import b12
import crowds
import populations
from authoring import Command
from changed_records import NIGHTS, nights
from citelog import schemas
from citelog.assess import Assessment, assess
from citelog.diagnostics import CaseError
from citelog.population.counts.census import census
from citelog.population.counts.held import held
from citelog.population.counts.listed import Asked, Lists, Page
from citelog.population.counts.summary import Summary
from citelog.population.counts.summing import reason_of, summary
from citelog.population.opened import DAYS, opened, reading
from citelog.proof.support import Supports
from citelog.proof.words import sentence
from citelog.render.summary_page import summary_page


@pytest.fixture(scope="module")
def records() -> dict[str, populations.Record]:
    return crowds.records()


@pytest.fixture(scope="module")
def out() -> Path:
    return crowds.answered()


@pytest.fixture(scope="module")
def found(out: Path) -> Summary:
    return summary(opened(out), b12.knowledge())


@pytest.fixture(scope="module")
def one_by_one() -> list[Assessment]:
    return list(crowds.one_by_one().values())


def test_each_conclusion_is_counted_as_often_as_patients_have_it(found: Summary, one_by_one: list[Assessment]) -> None:
    wanted = Counter(pair for one in one_by_one for pair in {(c.id.partition("#")[0], c.details.get("role"))
                                                             for c in one.conclusions})  # fmt: skip
    assert {(told.id, told.role): told.patients for group in found.groups for told in group.told} == wanted
    for group in found.groups:
        own = [{c.value for c in one.conclusions if c.kind == group.kind} for one in one_by_one]
        assert group.patients == sum(map(bool, own))
        for told in group.told:
            exactly = [one for one, values in zip(one_by_one, own, strict=True) if values == {told.value}]
            assert told.only == sum(any(_is(c, told) for c in one.conclusions) for one in exactly)
            for beside in told.decided:
                assert beside.patients == sum({told.id, beside.id} <= one.by_id.keys() for one in one_by_one)
    assert found.patients == len(one_by_one) and found.without == 0
    assert [group.about for group in found.groups if group.about != "patient"] == ["conflict", "question", "data"]


def _is(conclusion: Any, told: Any) -> bool:
    return conclusion.value == told.value and conclusion.details.get("role") == told.role


def test_each_rule_and_each_gap_is_counted_as_often_as_it_held_alone(
    found: Summary, one_by_one: list[Assessment], records: dict[str, populations.Record], out: Path
) -> None:
    alone = {
        name for (name,) in duckdb.sql(f"SELECT patient FROM '{out}/store/people-*.parquet' WHERE alone").fetchall()
    }
    together = [one for name, one in zip(records, one_by_one, strict=True) if name not in alone]
    assert found.alone == len(alone) > 0
    rules: Counter[str] = Counter()
    gaps: Counter[str] = Counter()
    for one in together:
        supports = Supports(one.run, one.words)
        firings = [firing for name in one.run.facts for atom in one.run.atoms(name) for firing in one.run.firings(atom)]
        rules.update({firing.rule.name for firing in firings})
        gaps.update({sentence(text) + "." for firing in firings for text, _ in supports.assumptions(firing)})
    counted = {held.rule: held.patients for held in found.held if held.patients is not None}
    assert counted == {name: rules[name] for name in counted}
    alone_only = {held.rule for held in found.held if held.entries is not None}
    assert set(rules) - set(counted) <= alone_only | _fixed()
    assert not {never.rule for never in found.never} & set(rules)
    assert {gap.text: gap.patients for gap in found.gaps} == gaps


def _fixed() -> set[str]:
    program = b12.knowledge().program
    return {program.rules[number].name for component in program.fixed for number in component.rules}


def test_what_was_not_used_is_counted_by_its_reason(found: Summary, out: Path) -> None:
    assert [(one.where, one.count) for one in found.set_aside] == [("preferences.csv", 1)]
    notes = populations.written(out)["notes"]
    for one in found.unused:
        said = one.text.partition("…")[0].rstrip(".")
        count = sum(
            n for (_, text, place), n in notes.items() if place.startswith(one.where) and _reason(text).startswith(said)
        )
        assert one.count == count, one
    assert found.rejected == 1 and found.sharing.answers > 20


def _reason(note: str) -> str:
    """Why, in a note: what rules say begins with it, what a reader says ends with it."""
    return note if note.startswith("Superseded") else reason_of(note)


def test_the_document_has_the_published_form_and_the_page_says_the_same(found: Summary, out: Path) -> None:
    document = json.loads(json.dumps(found.to_dict()))
    jsonschema.validate(document, schemas.schema("population-summary"))
    page = summary_page(found)
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    for group in document["kinds"]:
        table = next(one for one in tree.iter("section") if one.get("aria-labelledby") == f"kind-{group['kind']}")
        rows = [[list(cell.itertext()) for cell in row] for row in next(table.iter("tbody")).iter("tr")]
        for told, row in zip(group["told"], rows, strict=True):
            assert row[0][0].strip() == (told["says"] or told["value"].replace("_", " "))
            assert not told["says"] or told["value"] in row[0], "and its name beneath"
            assert row[1] == [f"{told['patients']:,}"]
    words = {told["id"]: told["says"] for group in document["kinds"] for told in group["told"]}
    listed = [
        one
        for name in ("answers", "kind-open-question")
        for one in tree.iter("section")
        if one.get("aria-labelledby") == name
    ]
    named = ["".join(one.itertext()) for section in listed for one in section.iter("span")]
    for id_ in {id_.partition(" (")[0] for one in document["answers"] for id_ in one["told"]}:
        own = [text for text in named if text.split(" ")[0] == id_]
        assert own and all(words[id_] in text for text in own), "a name, and the words for it"
    assert "pending human review" in page and "<script" not in page and 'style="' not in page
    assert page == summary_page(summary(opened(out), b12.knowledge()))


def test_counts_of_few_are_covered_everywhere_and_none_can_be_told_by_subtraction(
    out: Path, found: Summary, citelog: Command
) -> None:
    covered = json.loads(citelog("summary", out, "--at-least", "5", "--format", "json").out)
    jsonschema.validate(covered, schemas.schema("population-summary"))
    counts = [told for kind in covered["kinds"] for told in kind["told"]]
    for one in (*counts, *covered["gaps"], *covered["rules"]["held"], *covered["answers"]):
        assert one["patients"] in ("hidden", "<5", 0, None) or one["patients"] >= 5
    whole = {told.id: told.patients for group in found.groups for told in group.told if group.one_each}
    for kind in covered["kinds"]:
        gone = [told for told in kind["told"] if not isinstance(told["patients"], int)]
        if kind["one_each"] and gone:
            assert len(gone) > 1 and sum(int(whole[told["id"]]) for told in gone) >= 5
    one_each = {kind["kind"] for kind in covered["kinds"] if kind["one_each"]}
    asked = [told for told in counts if told["decided"] and isinstance(told["patients"], int)]
    for told in asked:
        for kind in one_each & {one["id"].partition(":")[0] for one in told["decided"]}:
            own = [one["patients"] for one in told["decided"] if one["id"].startswith(f"{kind}:")]
            seen = [count for count in own if isinstance(count, int)]
            assert own == seen or (len(own) - len(seen) > 1 and told["patients"] - sum(seen) >= 5)
    assert any(one["patients"] == "hidden" for told in asked for one in told["decided"])
    assert {"<5", "hidden"} <= {told["patients"] for told in counts}
    text = citelog("summary", out, "--at-least", "5").out
    assert "Counts of patients below 5 are not shown" in text and "  <5\n" in text


def test_the_command_shows_each_count_with_a_bar(out: Path, citelog: Command) -> None:
    ended = citelog("summary", out)
    assert ended.status == 0 and ended.err == ""
    lines = ended.out.splitlines()
    assert lines[0] == "Vitamin B12 deficiency: when and how to treat (b12 1.0.0)"
    assert any(line.startswith("! The source document is pending human review") for line in lines)
    place = lines.index("Treatment · one each")
    assert all("%" in line and "█" in line for line in lines[place + 1 : place + 3] if "no basis" not in line)
    assert max(map(len, lines)) <= 100
    first = lines.index("The most frequent answers · everything that is concluded about these patients")
    assert "      status:below_all_cutoffs · below all quoted cut-offs" in lines[first:]


def test_what_cannot_be_summed_up_is_named(out: Path, citelog: Command, tmp_path: Path) -> None:
    ended = citelog("summary", tmp_path)
    assert (ended.status, ended.out) == (2, "") and "no finished run" in ended.err
    ended = citelog("summary", out, "--kb", Path(__file__).parent.parent / "examples" / "short-nights")
    assert (ended.status, ended.out) == (2, "") and "come from b12" in ended.err
    broken = tmp_path / "out"
    shutil.copytree(out, broken)
    (broken / "firings.parquet").unlink()
    with pytest.raises(CaseError, match="cannot be read"):
        summary(opened(broken), b12.knowledge())


# lists


@pytest.fixture(scope="module")
def lists(out: Path) -> Lists:
    answers = opened(out)
    return Lists(held(answers), census(answers, b12.knowledge()), b12.knowledge())


def pages(lists: Lists, asked: Asked, rows: int) -> Iterator[Page]:
    """All pages of a list, one after the other."""
    page = lists.page(asked, rows)
    assert page.is_first
    yield page
    while not page.is_last:
        page = lists.page(replace(asked, after=page.rows[-1].number), rows)
        assert not page.is_first
        yield page


@pytest.mark.parametrize(
    "asked",
    [
        Asked(),
        Asked(has=("treat:indicated",), order="rare"),
        Asked(has=("status:below_all_cutoffs", "regimen:HYD-STD-LOAD recommended"), order="most:conflict"),
        Asked(without=("open-question:serum vitamin B12",), rule=("status-not-assessed",)),
        Asked(rule=("treat-undetermined", "ask-symptoms"), order="most:open-question"),
        Asked(has=("conflict:CP99",)),
    ],
)
def test_a_list_has_those_who_were_told_so_and_its_pages_fit_together(
    lists: Lists, asked: Asked, one_by_one: list[Assessment], records: dict[str, populations.Record]
) -> None:
    def told(one: Assessment, name: str) -> bool:
        id_, _, role = name.rpartition(" ") if name.endswith((" recommended", " provisional")) else (name, "", "")
        return any(c.id.partition("#")[0] == id_ and role in ("", c.details.get("role")) for c in one.conclusions)

    def rules(one: Assessment) -> set[str]:
        return {
            firing.rule.name for name in one.run.facts for a in one.run.atoms(name) for firing in one.run.firings(a)
        }

    wanted = {
        name
        for name, one in zip(records, one_by_one, strict=True)
        if all(told(one, x) for x in asked.has)
        and not any(told(one, x) for x in asked.without)
        and (not asked.rule or set(asked.rule) <= rules(one))
    }
    there = list(pages(lists, asked, 7))
    rows = [row for page in there for row in page.rows]
    found = [row.person.id for row in rows]
    alone = {row.person.id for page in pages(lists, Asked(), 100) for row in page.rows if row.person.alone}
    assert len(found) == len(set(found)) == there[0].total
    assert set(found) == (wanted - alone if asked.rule else wanted)  # which rules held alone is not recorded
    for before, page in pairwise(there):
        assert lists.page(replace(asked, before=page.rows[0].number), 7) == before
    if asked.order == "rare":
        assert [row.alike for row in rows] == sorted(row.alike for row in rows)
    elif asked.order != "run":
        kind = asked.order.partition(":")[2]
        counts = [sum(t[0] == kind for t in row.told) for row in rows]
        assert counts == sorted(counts, reverse=True)
    else:
        assert [row.number for row in rows] == sorted(row.number for row in rows)
    if rows:
        by_id = dict(zip(records, one_by_one, strict=True))
        assert {(k, v, r) for k, v, r in rows[0].told} == {
            (c.kind, c.value, c.details.get("role")) for c in by_id[found[0]].conclusions
        }
        assert all(n == sum(told in row.told for row in rows) for told, n in there[0].narrower.items())


def test_what_is_held_is_opened_without_opening_a_file(lists: Lists, out: Path) -> None:
    answers = opened(out)
    names = ("nothing", "spelt in two ways", "superseded", "drawn 7", "drawn 7 again")
    lists.answers.of(lists.person(1), b12.knowledge()).to_dict()  # what is imported or looked up late
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        with pytest.raises(OSError):
            (out / "run.json").read_text()
        numbers = [lists.number(name) for name in names]
        people = [lists.person(number) for number in numbers if number is not None]
        found = [lists.answers.of(person, b12.knowledge()).to_dict() for person in people]
        assert lists.number("nobody") is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert [person.id for person in people] == list(names)
    assert people[1].alone and not people[0].alone
    assert found == [answers.assessment(name, b12.knowledge()).to_dict() for name in names]


def test_what_is_held_is_found_in_whichever_group_of_rows_it_stands(lists: Lists, out: Path, tmp_path: Path) -> None:
    """Files of millions of rows have many groups, of which all but one are passed over."""
    grouped = Path(shutil.copytree(out, tmp_path / "out"))
    for path in grouped.rglob("*.parquet"):
        pq.write_table(pq.read_table(path), path, row_group_size=3)
    answers = held(opened(grouped))
    again = Lists(answers, census(opened(grouped), b12.knowledge()), b12.knowledge())
    assert list(pages(again, Asked(), 7)) == list(pages(lists, Asked(), 7))
    for name in ("superseded", "drawn 7"):
        number = again.number(name)
        assert number is not None and again.person(number) == answers.person(name)
        one, other = (where.assessment(name, b12.knowledge()) for where in (answers, opened(out)))
        assert one.to_json() == other.to_json()
    with pytest.raises(CaseError, match="nobody in it is called somebody"):
        answers.assessment("somebody", b12.knowledge())
    (grouped / DAYS).write_bytes(b"PAR1")
    with pytest.raises(CaseError, match="it cannot be read"):
        held(opened(grouped))


def test_a_row_is_numbered_from_one_and_a_rule_that_never_held_lists_nobody(lists: Lists, found: Summary) -> None:
    for number in (0, found.patients + 1):
        with pytest.raises(CaseError, match=f"there is no row {number}"):
            lists.person(number)
    assert lists.page(Asked(rule=(found.never[0].rule,)), 7).total == 0


def test_a_record_of_the_population_is_one_like_any(out: Path) -> None:
    answers = opened(out)
    record = answers.record(answers.person("superseded"))
    alone = assess(b12.knowledge(), record, answers.at)
    assert alone.to_json() == answers.assessment("superseded", b12.knowledge()).to_json()


def test_too_little_memory_to_read_answers_is_no_damage_to_them() -> None:
    with pytest.raises(MemoryError), reading(Path("answers")):
        raise duckdb.OutOfMemoryException("could not allocate")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(has=("treat",)), "treat is no conclusion"),
        (Asked(has=("dose:1",)), "dose:1 is no conclusion"),
        (Asked(rule=("status-not-assesed",)), "did you mean status-not-assessed"),
        (Asked(rule=("level-result",)), "looks at one entry alone"),
        (Asked(order="best"), "best is no order"),
        (Asked(after=10**6), "there is no row 1000000"),
    ],
)
def test_a_list_that_cannot_be_is_refused(lists: Lists, asked: Asked, said: str) -> None:
    with pytest.raises(CaseError, match=said):
        lists.page(asked)


def test_a_gap_of_one_entry_is_not_told_as_one_of_all(tmp_path: Path, citelog: Command) -> None:
    """What is assumed of a journey without a day says nothing of the nights, which have one."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "findings.csv").write_text("patient,name,state\nana,crossing time zones,present\n", encoding="utf-8")
    (data / "labs.csv").write_text("patient,analyte,value,unit,when\nana,night,8,h,2026-03-08\n", encoding="utf-8")
    run = citelog("population", data, "--kb", NIGHTS, "--out", tmp_path / "answers", "--at", "2026-03-09")
    assert run.status == 0, run.err
    told = [gap.text for gap in summary(opened(tmp_path / "answers"), nights()).gaps]
    assert "An entry has no readable date." in told and "No record has any readable date." not in told
