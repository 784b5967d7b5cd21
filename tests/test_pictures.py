"""`citelog diff` on every possible patient: an author edits a copy of the example, and is told who gains or loses what.

Each edit is answered with the smallest record that shows it. Then: no drawn patient is told anything that pictures have
not said, whatever the edit, and what two engines do not confirm is never said.
"""

from __future__ import annotations

import datetime
import functools
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from authoring import Command
from citelog import home, patient, schemas
from citelog.answer import derive
from citelog.compare import pictures as module
from citelog.compare.both import both
from citelog.compare.changes import changes
from citelog.compare.diff import diff
from citelog.compare.editions import Edition, edition
from citelog.compare.pictures import Pictures, pictures
from citelog.knowledge.base import Knowledge
from citelog.reports.compared import compared
from citelog.reports.review import review
from citelog.verify.witness import FaultError
from commits import at_each_commit

EXAMPLE = home.ontology().parent / "examples" / "short-nights"
NIGHT, TIRED, ADVICE, QUESTIONS = (f"rules/{n}.rls" for n in ("10-night", "20-tired", "30-advice", "50-questions"))

Edit = tuple[str, str, str]
"""A file, what stands in it, and what stands there afterwards; words that begin a file's end are added to it."""

LIMIT: Edit = (NIGHT, "?years >= ?age", "?years > ?age")
NOT_LATELY: tuple[Edit, ...] = (
    (ADVICE, "ex:earlierBy(ex:BED_EARLIER, ?hours), ~crossed_lately(?p) .", "ex:earlierBy(ex:BED_EARLIER, ?hours) ."),
    (ADVICE, "%%% @assumes crossed_lately\n", ""),
)
SAID_OTHERWISE: Edit = (
    NIGHT,
    "night(?p, ex:LONG_ENOUGH) :- judged(?p), ~short(?p) .",
    "night(?p, ex:LONG_ENOUGH) :- patient(?p), counts(?p, _, _), age_years(?p, _, ?years), ~short(?p), ?years >= 0 .",
)
LAST_RULE = "question(?p, ex:night) :- patient(?p), ex:saysNothingAfter(ex:night, ?days), ~counts(?p, _, _) ."
COLA = "caution(?p, ex:COLA) :- entry(?p, _, ex:cola, cl:present) ."


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Edition]:
    """A copy of the example with some edits."""

    def make(*edits: Edit, name: str = "new") -> Edition:
        folder = Path(shutil.copytree(EXAMPLE, tmp_path / name / "short-nights"))
        for file, before, after in edits:
            text = (folder / file).read_text(encoding="utf-8")
            assert before in text, before
            (folder / file).write_text(text.replace(before, after), encoding="utf-8")
        made = edition(folder, name)
        assert made.knowledge is not None, made.errors
        return made

    return make


@functools.cache
def old() -> Edition:
    """The example as it is shipped."""
    return edition(EXAMPLE, "old")


def knowledge(of: Edition) -> Knowledge:
    assert of.knowledge is not None
    return of.knowledge


def seen(new: Edition, before: Edition | None = None) -> Pictures:
    """What pictures say of the example and an edition."""
    was = before or old()
    return pictures(knowledge(was), knowledge(new), changes(was, new).renamed)


def gains(found: Pictures) -> set[tuple[str, str]]:
    return {(gain.how, gain.id) for gain in found.gains}


# what an author is told


def test_a_limit_that_excludes_its_own_value_is_shown_at_that_value(edited: Callable[..., Edition]) -> None:
    """Twelve years is what the edit is about: one picture in 24, and the record says twelve."""
    found = seen(edited(LIMIT))
    assert gains(found) == {("gained", "night:LONG_ENOUGH"), ("lost", "night:SHORT"), ("lost", "advice:BED_EARLIER")}
    assert [subject.record["context"] for subject in found.records] == [{"age_years": "12"}] * 2  # type: ignore[call-overload, index]
    short = next(gain for gain in found.gains if gain.id == "night:SHORT")
    assert (short.differing, short.counted, short.record) == (1, True, "picture 1")


def test_a_literal_that_is_dropped_is_shown_by_a_record_that_it_was_for(edited: Callable[..., Edition]) -> None:
    found = seen(edited(*NOT_LATELY))
    assert gains(found) == {("gained", "advice:BED_EARLIER")}
    (subject,) = found.records
    assert isinstance(subject.record, dict)
    assert {"name": "crossing time zones", "state": "present"} in subject.record["findings"]


def test_a_rule_said_otherwise_changes_nobody(edited: Callable[..., Edition]) -> None:
    """Another body with the same meaning: no case can show that, pictures can."""
    new = edited(SAID_OTHERWISE)
    found = diff(old(), new, possible=True)
    assert found.pictures is not None and found.pictures.nobody and found.pictures.records == ()
    told = "".join(f"{line.lead}{line.text}\n" for line in compared(found))
    assert "No patient that there can be gains or loses a conclusion" in told
    assert "no patient that there can be gains or loses a conclusion" in review(found)


def test_what_an_edit_cannot_reach_is_not_asked_twice(edited: Callable[..., Edition]) -> None:
    """A caution that is told of a finding alone: no rule of the nights is written out for it."""
    new = edited((ADVICE, COLA, COLA.replace("cl:present", "cl:absent")))
    joined = both(knowledge(old()), knowledge(new), changes(old(), new).renamed)
    (asked,) = joined.asked
    assert asked.kind == "caution" and "night" in joined.same
    assert [rule.name for rule in joined.resting(asked.heads).rules] == ["old cola", "new cola"]
    assert gains(seen(new)) == {("gained", "caution:COLA"), ("lost", "caution:COLA")}


def test_words_alone_reach_nobody(edited: Callable[..., Edition]) -> None:
    new = edited((ADVICE, "may keep the pupil awake.", "may keep pupils awake."))
    joined = both(knowledge(old()), knowledge(new), changes(old(), new).renamed)
    assert joined.asked == () and seen(new).nobody


def test_names_that_are_others_everywhere_change_nobody(edited: Callable[..., Edition]) -> None:
    """A predicate and a term under new names; what rests on them is read as it is called now."""
    new = edited(
        *((file, "crossed_lately", "was_away") for file in (ADVICE, "predicates.ttl")),
        *((f, "ex:time_zones", "ex:journey") for f in (ADVICE, "terms.ttl", "statements.trig", "properties.rls")),
    )
    assert seen(new).nobody


def test_a_rule_that_sets_two_entries_against_each_other_is_named(edited: Callable[..., Edition]) -> None:
    """Nights rest on it, and what rests on nights: not asked. The cases are compared all the same."""
    made = '%%% @cites S03\n#[name("shorter-than-another")]\n#[display("Shorter than another.")]\n'
    made += "short(?p) :- slept(?p, ?r, ?one), slept(?p, ?q, ?other), ?one < ?other .\n\n"
    first = "%%% Under the age that the leaflet gives"
    new = edited((NIGHT, first, made + first), (ADVICE, COLA, COLA.replace("cl:present", "cl:absent")))
    found = diff(old(), new, possible=True)
    assert found.pictures is not None
    (undecided,) = found.pictures.undecided
    assert set(undecided.kinds) >= {"night", "advice"} and "caution" not in undecided.kinds
    assert "short-nights/rules/10-night.rls" in undecided.why and "rule shorter-than-another" in undecided.why
    assert gains(found.pictures) == {("gained", "caution:COLA"), ("lost", "caution:COLA")}
    assert len(found.asked) == 8
    told = "".join(f"{line.lead}{line.text}\n" for line in compared(found))
    assert "not asked of every patient: night, advice" in told


def test_what_a_case_loses_is_not_denied_where_not_every_patient_could_be_asked(edited: Callable[..., Edition]) -> None:
    """A rule that compares two entries gives a caution in one edition; a case shows it, and no picture can."""
    first = "%%% @cites S13"
    made = '%%% @cites S13\n#[name("shorter")]\n#[display("A shorter night, which may be the cola.")]\n'
    made += "caution(?p, ex:COLA) :- slept(?p, _, ?one), slept(?p, _, ?other), ?one < ?other .\n\n"
    told = "".join(line.text for line in compared(diff(old(), edited((ADVICE, first, made + first)), possible=True)))
    assert "Of what could be asked of every patient, no conclusion is gained or lost" in told
    assert "No patient" not in told


def test_a_word_that_only_the_new_edition_knows_is_thought_of(edited: Callable[..., Edition]) -> None:
    """The old edition makes nothing of the entry; the new one warns."""
    found = seen(edited(*phone()))
    assert gains(found) == {("gained", "caution:COLA")}
    (subject,) = found.records
    assert isinstance(subject.record, dict)
    assert subject.record["findings"] == [{"name": "a phone in bed", "state": "present"}]


def phone() -> tuple[Edit, ...]:
    made = COLA.replace("cola, cl", "phone, cl").replace("caution", '%%% @cites S13\n#[name("phone")]\ncaution', 1)
    word = 'ex:cola a cl:Finding ; skos:prefLabel "cola in the afternoon" .'
    return (
        (ADVICE, COLA, f"{COLA}\n\n{made}"),
        (
            "terms.ttl",
            word,
            f"{word}\n{word.replace('cola in the afternoon', 'a phone in bed').replace(':cola', ':phone')}",
        ),
    )


def test_a_rule_that_looks_at_any_entry_cannot_be_decided_where_names_differ(edited: Callable[..., Edition]) -> None:
    """The old edition does not see the entry, so the one rule would have to be asked of two records."""
    any_sign: Edit = (
        ADVICE,
        "caution(?p, ex:COLA) :- entry(?p, _, ex:cola, cl:present) .",
        COLA.replace("ex:cola", "_"),
    )
    before = edited(any_sign, name="before")
    text = COLA.replace("ex:cola", "_")
    new = edited(any_sign, (ADVICE, text, text.replace("cl:present", "cl:absent")), *phone()[1:])
    (undecided,) = seen(new, before).undecided
    assert undecided.kinds == ("caution",) and "looks at entries under any name" in undecided.why


def test_a_synonym_of_one_edition_is_left_out_and_said(edited: Callable[..., Edition]) -> None:
    new = edited(("terms.ttl", '"loud snoring"', '"loud snoring" ; skos:altLabel "sawing wood"'), LIMIT)
    found = diff(old(), new, possible=True)
    assert found.pictures is not None and found.pictures.names == ("sawing wood",)
    told = "".join(f"{line.lead}{line.text}\n" for line in compared(found))
    assert "only one edition reads, or each otherwise: sawing wood" in " ".join(told.split())


def test_a_rule_under_another_name_is_told_to_nobody(edited: Callable[..., Edition]) -> None:
    """The strongest that can be said; not where a word of an answer changes as well, which no picture looks at."""
    for edits, said in (
        (((TIRED, '"score"', '"points"'),), "No patient is told anything else\n"),
        (((TIRED, '"score"', '"points"'), (ADVICE, "may keep", "will keep")), "No patient that there can be gains"),
    ):
        new = edited(*edits, name=f"new-{len(edits)}")
        lines = compared(diff(old(), new, possible=True))
        assert said in "".join(f"{line.lead}{line.text}\n" for line in lines)


# how it is told


def test_pictures_stand_beside_the_cases_with_their_causes_and_both_proofs(edited: Callable[..., Edition]) -> None:
    """Two edits: each picture goes to the one that has its effects, and the document has its published form."""
    new = edited(LIMIT, *NOT_LATELY)
    found = diff(old(), new, possible=True)
    document = found.to_dict()
    jsonschema.Draft202012Validator(schemas.schema("diff")).validate(document)
    causes = {tuple(change.id for change in group.cause) for group in found.groups}
    assert causes == {("short-from-age",), ("bed-earlier",)}
    assert document["compared"]["cases"] == len(found.asked) == 8
    assert not any(name.startswith("picture") for name in (*found.differing, *found.kept))
    (becomes,) = (e for g in document["groups"] for e in g["effects"] if e["how"] == "becomes")
    assert becomes["shown"][0]["before"]["reasons"] and becomes["shown"][0]["against"]
    assert "Both proofs, in picture 1" in review(found)


def test_the_command_asks_pictures_unless_it_is_told_not_to(edited: Callable[..., Edition], citelog: Command) -> None:
    new = edited(LIMIT)
    ended = citelog("diff", EXAMPLE, new.folder, "--format", "json")
    assert (ended.status, ended.err) == (1, "")
    assert len(json.loads(ended.out)["pictures"]["gains"]) == 3
    ended = citelog("diff", EXAMPLE, new.folder, "--no-pictures", "--format", "json")
    document = json.loads(ended.out)
    assert document["pictures"] is None and document["compared"]["differing"] == []


# whether it is so

EDITS: dict[str, tuple[Edit, ...]] = {
    "limit": (LIMIT,),
    "not lately": NOT_LATELY,
    "said otherwise": (SAID_OTHERWISE,),
    "phone": phone(),
    "enough": ((TIRED, "?sum >= ?least", "?sum > ?least"),),
    "no date": (
        (ADVICE, "~recorded_when(?p, ?r, _, _)", "recorded_when(?p, ?r, _, _)"),
        (ADVICE, "%%% @assumes recorded_when\n", ""),
    ),
    "all": (LIMIT, *NOT_LATELY, *phone()),
}  # fmt: skip


@pytest.mark.parametrize("name", at_each_commit(EDITS))
def test_no_drawn_patient_gains_or_loses_what_pictures_do_not_say(name: str, edited: Callable[..., Edition]) -> None:
    """Drawn records, under both editions: whatever differs for one of them is among the gains and losses."""
    new = edited(*EDITS[name])
    said, rng, met = gains(seen(new)), random.Random(7), set()
    for _ in range(200):
        record, at = drawn(rng)
        before, after = (concluded(knowledge(of), record, at) for of in (old(), new))
        met |= {("gained", one) for one in after - before} | {("lost", one) for one in before - after}
    assert met <= said
    assert bool(met) == bool(said)


def drawn(rng: random.Random) -> tuple[dict[str, Any], str | None]:
    """A record of a pupil, near the limits."""
    words = ["yawning in lessons", "being cross without a reason", "falling asleep in lessons", "crossing time zones",
             "cola in the afternoon", "a phone in bed"]  # fmt: skip
    findings = [
        {"name": name, "state": rng.choice(["present", "present", "present", "absent", "unknown"])}
        | ({"when": rng.choice(["2026-03-01", "2026-03-08"])} if rng.random() < 0.6 else {})
        for name in rng.sample(words, rng.randrange(2, 6))
    ]
    night = {"analyte": "night", "value": rng.choice([7, 8, 479]), "unit": rng.choice(["hours", "minutes"])}
    record: dict[str, Any] = {"findings": findings, "labs": [night | {"when": "2026-03-08"}] * rng.choice([0, 1, 1])}
    if rng.random() < 0.8:
        record["context"] = {"age_years": rng.choice([11, 12, 13])}
    return record, rng.choice([None, "2026-03-09", "2026-03-09"])


def concluded(of: Knowledge, record: dict[str, Any], at: str | None) -> frozenset[str]:
    run = derive(of, patient.read(record, of.terms), datetime.date.fromisoformat(at) if at else None)
    return frozenset(
        f"{kind.name}:{of.terms.label(value) if kind.value_as_label else value.local}"
        for kind in of.kinds
        for atom in run.atoms(kind.predicate)
        if (value := atom.args[1]) is not None and hasattr(value, "local")
    )


def test_what_the_engines_do_not_confirm_is_a_fault(
    edited: Callable[..., Edition], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One engine in place of two: they cannot differ, so nothing is told."""
    new = edited(LIMIT)
    monkeypatch.setattr(module, "derive", lambda _, case, at: derive(knowledge(new), case, at))
    with pytest.raises(FaultError, match="night:LONG_ENOUGH is not gained by the engines"):
        seen(new)


@pytest.mark.long
def test_a_limit_of_the_shipped_knowledge_base(tmp_path: Path) -> None:
    """Four weeks are no longer maintenance: the smallest record is that one medicine, every 28 days."""
    folder = Path(shutil.copytree(home.knowledge("b12"), tmp_path / "b12"))
    path = folder / "rules" / "40-treatment.rls"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("?span >= ?limit .", "?span > ?limit ."), encoding="utf-8")
    found = seen(edition(folder, "new"), edition(home.knowledge("b12"), "old"))
    first = next(subject for subject in found.records if subject.name == "picture 1")
    assert first.record == {
        "id": "picture 1",
        "medications": [{"name": "hydroxocobalamin", "status": "current", "frequency": "every 28 days"}],
    }
    lost = next(gain for gain in found.gains if (gain.how, gain.id) == ("lost", "treat:indicated"))
    assert (lost.record, lost.counted) == ("picture 1", True) and not found.undecided
