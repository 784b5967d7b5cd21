"""What drafts would change: a knowledge base in memory beside the same with other texts, and nothing from a disk."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from citelog import home
from citelog.trial import drafted
from citelog.trial.drafted import Desk

LEAFLET = Path(__file__).parent.parent / "examples" / "short-nights"
NIGHT = "rules/10-night.rls"


@pytest.fixture(scope="module")
def desk() -> Desk:
    """The leaflet, in a folder that is nowhere."""
    files = {p.relative_to(LEAFLET).as_posix(): p.read_text("utf-8") for p in LEAFLET.rglob("*") if p.is_file()}
    return Desk(Path("/nowhere/short-nights"), home.ontology(), files, home.ontology().read_text("utf-8"))


def test_a_knowledge_base_in_memory_is_the_one_on_the_disk(desk: Desk) -> None:
    from citelog.knowledge.load import load

    assert desk.saved.knowledge is not None
    assert desk.saved.knowledge == load(LEAFLET, home.ontology()).knowledge
    assert not any(tried.trial.failures for tried in desk.tried.values())


def test_a_file_that_is_not_in_memory_is_not_there(desk: Desk, tmp_path: Path) -> None:
    """Not even where it lies on the disk, in the very folder."""
    less = {name: text for name, text in desk.files.items() if name != "source/leaflet.txt"}
    bare = Desk(LEAFLET, desk.ontology, less, desk.words)
    assert [d.code for d in bare.saved.diagnostics] == ["file-missing"]


def test_what_a_conclusion_has_lost_is_told_by_where_its_proof_breaks(desk: Desk) -> None:
    name = "cases/long-enough-at-eleven.yaml"
    drafts = {NIGHT: desk.files[NIGHT].replace("?minutes < ?hours", "?minutes <= ?hours")}
    found = desk.one(drafts, name, desk.files[name]).changes
    assert found is not None
    [lost] = found.lost
    assert lost.conclusion.id == "night:LONG_ENOUGH"
    assert [(p.text, p.state) for p in lost.against.premises if not p.holds] == [("A night was short.", "concluded")]


def test_a_rule_that_is_only_moved_changes_nothing(desk: Desk) -> None:
    drafts = {NIGHT: "%! A line more.\n" + desk.files[NIGHT]}
    assert desk.all(drafts) == drafted.AllCases(8, ())


def test_two_answers_where_there_may_be_one_make_a_case_unusable_and_not_the_page(desk: Desk) -> None:
    drafts = {
        NIGHT: desk.files[NIGHT].replace("judged(?p), ~short(?p)", "judged(?p)").replace("%%% @unless short\n", "")
    }
    name = "cases/short-at-thirteen.yaml"
    said = "the rules gave 2 conclusions of the kind night, not one, to short-at-thirteen: LONG_ENOUGH by "
    tried = desk.one(drafts, name, desk.files[name]).tried
    assert tried is not None and str(tried.trouble).startswith(said)
    every = desk.all(drafts)
    assert every is not None and any(
        failure.what.startswith(said) for change in every.changes for failure in change.failures
    )


@pytest.mark.slow
def test_cases_that_an_edit_cannot_touch_are_left_out_and_no_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edits at random: what is said of all cases is what is said when each is run again."""
    edits = [
        (name, match.start(), old, new)
        for name, text in desk.files.items()
        if name.endswith(".rls")
        for old, new in (
            (" < ", " <= "),
            (" <= ", " < "),
            (" >= ", " > "),
            ("present", "absent"),
            ("The ", "A "),
            ("~", ""),
        )
        for match in re.finditer(re.escape(old), text)
    ]
    told = 0
    for name, at, old, new in random.Random(7).sample(edits, 25):
        drafts = {name: desk.files[name][:at] + desk.files[name][at:].replace(old, new, 1)}
        quick = desk.all(drafts)
        with monkeypatch.context() as patched:
            patched.setattr(drafted, "edits", lambda before, after: None)
            assert desk.all(drafts) == quick
        told += bool(quick and quick.changes)
    assert told > 3


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        (
            "segments.ttl",
            '    cl:text        "For pupils under 12',
            '#    cl:text        "For pupils under 12',
            "shape",
        ),
        ("segments.ttl", "cl:order       5 ;", "cl:order       0 ;", "shape"),
    ],
)
def test_what_is_half_written_is_told(desk: Desk, name: str, old: str, new: str, code: str) -> None:
    """Found by changing files at random."""
    drafts = {name: desk.files[name].replace(old, new, 1)}
    assert code in {found.code for found in desk.findings(drafts)}


def test_a_conflict_that_nobody_describes_makes_its_cases_unusable_and_no_others(desk: Desk) -> None:
    """A prefix of its own with a slip in its address: the file describes something else."""
    slipped = desk.files["conflicts.ttl"].replace("cl:", "kl:").replace("/citelog#>", "/citelogs#>", 1)
    drafts = {"conflicts.ttl": slipped}
    every = desk.all(drafts)
    assert every is not None and 0 < len(every.changes) < every.count
    told = {failure.what for change in every.changes for failure in change.failures}
    assert told == {"CP01 is concluded as a conflict, and no cl:Conflict has that name"}
