"""The picture of the regimen steps: each step in its place with its own words, and nothing drawn that is not stated."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import pytest

import b12
from citelog.assess import Assessment
from citelog.conclusions import Conclusion
from citelog.render.phrases import caption
from citelog.render.timeline import BLOCK, LETTER, MARGIN, Block, Picture, picture, timeline

SVG = "{http://www.w3.org/2000/svg}"
TWO_WAYS = "pernicious-anaemia-with-involvement-has-two-ways-to-begin"


def steps(found: Assessment) -> list[Conclusion]:
    return [c for c in found.conclusions if c.kind == "regimen"]


CASES = [case for case in sorted(b12.library()) if steps(b12.assessed(case))]


def drawn(found: Assessment) -> Picture:
    made = picture(found)
    assert made is not None
    return made


def blocks(found: Assessment) -> dict[tuple[str, str], Block]:
    return {(lane.role, block.value): block for lane in drawn(found).lanes for block in lane.blocks}


def words(block: Block) -> str:
    return " ".join(text.text for text in block.texts)


def label_1(**details: Any) -> Assessment:
    """An assessment of one step, LABEL-1, with other details."""
    found = b12.assessed(TWO_WAYS)
    (step,) = (c for c in steps(found) if c.value == "LABEL-1")
    return replace(found, conclusions=(replace(step, details={**step.details, **details}),))


def only(found: Assessment) -> Block:
    """The block of an assessment that has one step."""
    (block,) = blocks(found).values()
    return block


def ordered() -> Assessment:
    """The two ways to begin, each with its steps in the order of the document."""
    return b12.assessed(TWO_WAYS)


def field(text: str, value: object = None) -> dict[str, object]:
    return {"text": text, "value": value, "unit": None, "inherited_from": None}


@pytest.mark.parametrize("case", CASES)
def test_each_step_stands_in_the_lane_of_its_role_with_all_its_fields(case: str) -> None:
    found = b12.assessed(case)
    shown = blocks(found)
    assert set(shown) == {(str(c.details["role"]), c.value) for c in steps(found)}
    for conclusion in steps(found):
        block = shown[str(conclusion.details["role"]), conclusion.value]
        assert block.step == conclusion.details["step"]
        for name in ("agent", "dose", "route", "frequency", "duration"):
            stated = conclusion.details[name]
            assert (f"{name} not stated" if stated is None else stated["text"]) in words(block)
            if stated and stated["inherited_from"]:
                assert f"{stated['text']} (from {stated['inherited_from']})" in words(block)


@pytest.mark.parametrize("case", CASES)
def test_the_picture_is_well_formed_and_stands_alone(case: str) -> None:
    found = b12.assessed(case)
    svg = timeline(found)
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    title, described = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None and described is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {described.get('id')}"
    for conclusion in steps(found):
        assert f"{conclusion.value}, {conclusion.details['role']}, {conclusion.details['step']}" in str(described.text)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "defs", "pattern", "g", "rect", "path", "line", "text"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    assert timeline(found) == svg


@pytest.mark.parametrize("case", CASES)
def test_blocks_lie_apart_and_inside_with_their_words_inside_them(case: str) -> None:
    for found in (b12.assessed(case), ordered()):
        made = drawn(found)
        shown = [block for lane in made.lanes for block in lane.blocks]
        for one, other in combinations(shown, 2):
            beside = abs(one.x - other.x) >= BLOCK
            assert beside or one.y + one.height < other.y or other.y + other.height < one.y
        for block in shown:
            assert block.x >= MARGIN and block.x + BLOCK <= made.width - MARGIN
            assert block.y + block.height < made.signs[0].y < made.height
            assert all(len(text.text) * LETTER <= BLOCK - 20 and text.y < block.height for text in block.texts)
        assert all(sign.x + 33 + len(sign.text) * LETTER <= made.width for sign in made.signs)
        assert all(MARGIN + len(line) * LETTER <= made.width for line in made.caption), "whose it is, to its end"
        assert "".join(made.caption).replace(" ", "") == caption(found).replace(" ", "")


def test_there_is_no_picture_of_no_steps() -> None:
    found = b12.assessed("no-result-on-record-says-nothing-about-the-level")
    assert not steps(found)
    assert picture(found) is None and timeline(found) == ""


@pytest.mark.parametrize(
    ("duration", "end"),
    [
        (field("2 weeks", 2), "stated"),
        (field("6 or 7 days", [6, 7]), "range"),
        (field("for life"), "open"),
        (field("until there is no further improvement"), "open"),
        (None, "missing"),
    ],
)
def test_a_block_ends_as_the_document_ends_the_step(duration: dict[str, object] | None, end: str) -> None:
    block = only(label_1(duration=duration))
    assert block.end == end
    assert words(block).endswith(str(duration["text"]) if duration else "duration not stated")
    assert f"ends-{end}" in timeline(label_1(duration=duration))


def test_a_longer_duration_is_no_longer_block() -> None:
    """The picture has no scale: two weeks and two years differ in their words only."""
    weeks, years = (timeline(label_1(duration=field(text, 2))) for text in ("2 weeks", "2 years"))
    assert weeks.replace("2 weeks", "2 years") == years
    assert "an order, not a scale" in weeks


def test_a_range_is_told_from_a_number() -> None:
    styles = {text.text: text.style for text in only(label_1(frequency=field("every 2–3 months", [2, 3]))).texts}
    assert styles["every 2–3 months"] == "range" and styles["6 or 7 days"] == "range length"
    assert styles["agent not stated"] == "missing" and styles["100 mcg"] == "stated"


def test_steps_of_no_known_order_are_not_drawn_in_one() -> None:
    found = b12.assessed(TWO_WAYS)
    found = replace(found, knowledge=replace(found.knowledge, follows={}))
    shown = [b for (role, _), b in blocks(found).items() if role == "alternative"]
    assert len({block.y for block in shown}) == len(shown)
    assert not [block for block in shown if block.begin == "joined"]
    assert {block.begin for block in shown if block.step == "next"} == {"open"}


def test_a_step_stands_after_the_step_that_it_follows() -> None:
    shown = blocks(ordered())
    labels = [shown["alternative", f"LABEL-{n}"] for n in (1, 2, 3, 4)]
    assert len({block.y for block in labels}) == 1
    assert [block.x for block in labels] == sorted({block.x for block in labels})
    assert [block.begin for block in labels] == ["drawn", "joined", "joined", "joined"]
    headings = [column.heading for column in drawn(ordered()).columns]
    assert headings == ["Now", "Next", "After that", "After that"]


def test_a_step_whose_predecessor_is_not_shown_is_joined_to_nothing() -> None:
    found = ordered()
    rest = replace(found, conclusions=tuple(c for c in found.conclusions if c.value in ("HYD-NEURO-LOAD", "LABEL-4")))
    assert {key: block.begin for key, block in blocks(rest).items()} == {
        ("recommended", "HYD-NEURO-LOAD"): "drawn",
        ("alternative", "LABEL-4"): "open",
    }


def test_what_is_done_stands_before_what_is_now() -> None:
    found = b12.assessed("two-weeks-of-loading-are-complete-after-14-days")
    shown = blocks(found)
    loading, maintenance = shown["recommended", "HYD-STD-LOAD"], shown["recommended", "HYD-STD-MAINT"]
    assert (loading.step, maintenance.step) == ("done", "now")
    assert loading.x < maintenance.x
    assert [column.heading for column in drawn(found).columns] == ["Done", "Now"]


def test_lanes_are_in_the_order_of_the_roles() -> None:
    roles = [lane.role for lane in drawn(b12.assessed("an-unplaced-course-leaves-every-alternative-open")).lanes]
    assert roles == ["alternative", "evidence-option", "provisional"]


def test_words_are_escaped() -> None:
    svg = timeline(label_1(dose=field("<script>&", 1)))
    assert "&lt;script&gt;&amp;" in svg and "<script" not in svg
    ElementTree.fromstring(svg)
