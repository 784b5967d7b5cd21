"""Contrasts: only what differs, the same from both sides, and nothing where nothing does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import b12
from changed_records import Record, fresh, ids, random_record, signs, written
from citelog.assess import Assessment, assess
from citelog.cli.app import main
from citelog.diagnostics import CitelogError
from citelog.explain.contrast import Contrast, PatientContrast
from citelog.proof.compare import Reason, difference, reasons
from citelog.render import explained
from test_schemas import form, problem

CASE: Record = {
    "labs": [{"analyte": "serum vitamin B12", "value": "80", "unit": "pmol/L"}],
    "findings": [{"name": "neurological involvement", "state": "absent"}],
    "conditions": [{"name": "pernicious anaemia", "state": "present"}],
}


def answer(record: Record = CASE, at: str | None = None) -> Assessment:
    return assess(b12.knowledge(), record, at)


def text(found: Contrast) -> str:
    return "\n".join(line.text for line in explained.contrast(found, b12.knowledge(), 1000))


# two conclusions


def test_of_two_conclusions_that_were_drawn_only_the_reasons_of_one_are_shown() -> None:
    assessed = answer()
    found = assessed.contrast("status:below_all_cutoffs", "treat:indicated")
    assert found.difference is not None
    first, second = (set(reasons(assessed.why(id_))) for id_ in ("status:below_all_cutoffs", "treat:indicated"))
    assert set(found.difference.first) == first - second
    assert set(found.difference.second) == second - first
    assert found.difference.shared == len(first & second)
    assert problem(form("contrast"), found.to_dict()) == ""


def test_of_one_that_the_other_rests_on_nothing_is_said_to_be_only_there() -> None:
    found = answer({"conditions": [{"name": "pernicious anaemia", "state": "present"}]})
    told = text(found.contrast("treat:indicated", "monitoring:MO-B12-REGULAR"))
    assert told.count("nothing only here: all its reasons are reasons of the other, too") == 1
    assert told.index("nothing only here") < told.index("only here, Monitor vitamin B12")


CLAIMS = {
    "firing": "rule", "recorded": "record", "given": "given", "stated": "statement", "comparison": "comparison",
    "computation": "computation", "absence": "assumption",
}  # fmt: skip
"""What a step that claims something is called as a reason."""


@pytest.mark.parametrize("seed", range(6))
def test_each_step_that_claims_something_is_a_reason_and_no_other(seed: int) -> None:
    """A rule claims what it cites, an absence what it assumes; that there is a patient, or a name, claims nothing."""
    assessed = answer(*random_record(seed))
    for conclusion in assessed.conclusions:
        proof = assessed.why(conclusion.id)
        expected = set()
        for node in map(proof.node, proof.order):
            told = node.details
            silent = (
                (node.kind == "firing" and not told["statements"])
                or (node.kind == "absence" and not told["assumed"])
                or (node.kind == "given" and told["predicate"] == "patient")
                or (node.kind == "computation" and "named" in told)
            )
            if node.kind in CLAIMS and not silent:
                text = told["entry"] if node.kind == "recorded" else node.text
                places = told["read_from"] if node.kind == "recorded" else ()
                cited = tuple(told.get("statements", ()))
                expected.add(Reason(CLAIMS[node.kind], text, cited, tuple(places), told.get("rule", "")))
        found = reasons(proof)
        assert set(found) == expected
        assert len(found) == len(set(found))


def test_a_conclusion_of_a_day_has_the_day_among_its_reasons() -> None:
    dated = b12.assessed("a-start-in-some-month-is-enough-when-the-whole-month-is-long-past")
    told = {one.text for one in reasons(dated.why("regimen:HYD-STD-LOAD")) if one.kind == "given"}
    assert told == {"The assessment is made on 2026-03-15."}


def test_of_two_proofs_one_can_have_all_that_the_other_has_and_more() -> None:
    finding = {"name": "clinically significant deficiency (clinician-assessed)", "state": "present"}
    more = answer(CASE | {"findings": [finding]}).why("status:below_all_cutoffs")
    found, turned = difference(more, more.shortest()), difference(more.shortest(), more)
    assert found and turned and found.first == turned.second and found.first
    assert found.second == turned.first == () and found.shared == len(reasons(more.shortest()))


def test_the_two_sides_can_be_named_in_either_order() -> None:
    for one, other in (
        ("neuro:absent", "treat:indicated"),
        ("treat:indicated", "treat:immediate"),
        ("treat:no_basis", "neuro:absent"),
    ):
        found, turned = answer().contrast(one, other).to_dict(), answer().contrast(other, one).to_dict()
        assert (found["first"], found["second"]) == (turned["second"], turned["first"])
        ours, theirs = found["difference"], turned["difference"]
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert ours["only_first"] == theirs["only_second"] and ours["shared"] == theirs["shared"]
        assert problem(form("contrast"), found) == "" and problem(form("why-not"), found["first"]["why_not"] or {}) in (
            "", problem(form("why-not"), {}),
        )  # fmt: skip


def test_a_conclusion_beside_itself_differs_in_nothing() -> None:
    found = answer().contrast("treat:indicated", "treat:indicated")
    assert found.difference is not None and not found.difference and found.difference.shared > 0


def test_a_conclusion_that_was_not_drawn_is_contrasted_by_its_proof_in_the_nearest_record(tmp_path: Path) -> None:
    found = answer().contrast("treat:indicated", "treat:immediate")
    assert found.second.why_not is not None
    near = found.second.why_not.near[0]
    after = fresh(written(CASE, near.changes), tmp_path)
    assert "treat:immediate" in ids(after)
    proof = answer().why("treat:indicated")
    assert found.difference == difference(proof, after.why("treat:immediate"))
    shown = text(found)
    assert "Why treat:indicated and not treat:immediate?" in shown and near.told[0] in shown


def test_the_question_names_the_conclusion_that_was_drawn_first() -> None:
    assert "Why treat:indicated and not treat:immediate?" in text(
        answer().contrast("treat:immediate", "treat:indicated")
    )
    assert "Why neither treat:immediate nor neuro:present?" in text(
        answer().contrast("treat:immediate", "neuro:present")
    )
    assert "treat:indicated beside neuro:absent" in text(answer().contrast("treat:indicated", "neuro:absent"))


def test_a_conflict_that_no_rule_concludes_has_no_proof_to_compare() -> None:
    found = answer().contrast("conflict:CP02", "treat:indicated")
    assert found.difference is None and "no rule of this knowledge base concludes it" in text(found)
    assert problem(form("contrast"), found.to_dict()) == ""


def test_what_can_never_be_drawn_is_refused_on_either_side() -> None:
    for pair in (("treat:imediate", "treat:indicated"), ("treat:indicated", "treat:imediate")):
        with pytest.raises(CitelogError, match="did you mean treat:immediate"):
            answer().contrast(*pair)


# two patients


def told(found: PatientContrast) -> tuple[set[str], set[str], set[str]]:
    return (
        {c.id for c, _ in found.only_first}, {c.id for c, _ in found.only_second},
        {k.before.id for k in found.both} | set(found.same),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(0, 16, 2))
def test_two_patients_differ_in_what_their_assessments_differ_in_from_either_side(seed: int) -> None:
    one, other = answer(*random_record(seed)), answer(*random_record(seed + 1))
    found, turned = one.contrast(other), other.contrast(one)
    assert problem(form("contrast"), found.to_dict()) == ""
    first, second, both = told(found)
    numbered = {c.id for c in (*one.conclusions, *other.conclusions) if "#" in c.id}
    bases = {id_.partition("#")[0] for id_ in numbered}

    def plain(found: set[str]) -> set[str]:
        return {id_ for id_ in found if id_.partition("#")[0] not in bases}

    ours, theirs = ({c.id for c in side.conclusions} for side in (one, other))
    assert plain(first) == plain(ours - theirs) and plain(second) == plain(theirs - ours)
    assert plain(both) == plain(ours & theirs)
    assert tuple(map(plain, told(turned))) == (plain(second), plain(first), plain(both))
    assert [{e.sentence for e in side} for side in found.entries] == [
        {e.sentence for e in side} for side in turned.entries[::-1]
    ]
    here, there = ({e.sentence for e in side.case.entries} for side in (one, other))
    assert not {e.sentence for e in found.entries[0]} & there and not {e.sentence for e in found.entries[1]} & here


@pytest.mark.parametrize("seed", range(4))
def test_a_patient_beside_the_same_record_in_another_order_differs_in_nothing(seed: int) -> None:
    record, at = random_record(seed)
    turned = {key: entries[::-1] for key, entries in record.items()}
    found = answer(record, at).contrast(answer(turned, at))
    assert found.only_first == found.only_second == found.both == () and found.entries == ((), ())


def test_all_that_only_one_patient_has_on_record_is_told_also_what_no_conclusion_of_only_one_rests_on() -> None:
    symptoms = {"findings": [{"name": "symptoms attributed to vitamin B12 deficiency", "state": "present"}]}
    diagnosed = {"conditions": [{"name": "vitamin B12 deficiency (clinician diagnosis)", "state": "present"}]}
    found = answer(symptoms | diagnosed).contrast(answer(symptoms))
    assert [e.sentence for e in found.entries[0]] == ["Vitamin B12 deficiency (clinician diagnosis): present."]
    assert found.entries[1] == ()
    [kept] = found.both
    assert kept.before.details["also"] and not kept.after.details["also"]


def test_of_one_conclusion_only_that_one_is_told() -> None:
    other = answer(CASE | {"conditions": []})
    found = answer().contrast(other, "treat:indicated")
    assert told(found) == (set(), set(), {"treat:indicated"})
    [kept] = found.both
    assert any("Pernicious anaemia" in reason.text for reason in kept.difference.first)
    assert [e.sentence for e in found.entries[0]] == ["Pernicious anaemia: present."]
    assert problem(form("contrast"), found.to_dict()) == ""


def test_other_knowledge_can_be_contrasted_too(tmp_path: Path) -> None:
    knowledge = signs(tmp_path)
    assessed = assess(knowledge, {"findings": [{"name": "fatigue", "state": "present"}]})
    found = assessed.contrast("status:ask", "status:suspected")
    assert found.difference is not None and found.second.why_not is not None
    assert problem(form("contrast"), found.to_dict()) == ""


# the command


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["treat:indicated", "treat:immediate"], 0, ""),
        (["{other}"], 0, ""),
        (["{other}", "treat:indicated"], 0, ""),
        (["{other}", "treat:nothing"], 2, "is no conclusion that b12 can draw"),
        (["treat:indicated"], 2, "a second conclusion is missing"),
        (["none.yaml"], 2, "there is no such file"),
        (["treat:indicated", "treat:\u202e"], 2, "is no conclusion that b12 can draw"),
    ],
)
def test_the_command_ends_as_it_should(
    arguments: list[str], status: int, message: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, record in (("case", CASE), ("other", {"labs": []})):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(record))
    given = [one.format(other=tmp_path / "other.yaml") for one in arguments]
    with pytest.raises(SystemExit) as ended:
        main(["contrast", str(tmp_path / "case.yaml"), *given, "--format", "json"])
    shown = capfd.readouterr()
    assert ended.value.code == status and message in shown.err and bool(shown.out) == (status == 0)
    if shown.out:
        assert problem(form("contrast"), json.loads(shown.out)) == ""
