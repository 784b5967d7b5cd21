"""The Python surface: what `import citelog` offers is what it says, and it is light."""

from __future__ import annotations

import datetime
import inspect
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import citelog

ROOT = Path(__file__).parent.parent


def test_every_public_name_is_there() -> None:
    for name in citelog.__all__:
        assert getattr(citelog, name) is not None
    assert dir(citelog) == sorted(citelog.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        citelog.nothing  # noqa: B018


def test_the_example_of_the_contract_runs() -> None:
    kb = citelog.open("b12")
    assessment = kb.assess(ROOT / "examples" / "patient.yaml")
    assert all(conclusion.sentence and conclusion.citations for conclusion in assessment.conclusions)
    assert isinstance(assessment.why("treat:immediate"), citelog.Proof)
    assert assessment.to_dict()["format"] == "citelog-assessment/1"
    with pytest.raises(citelog.CaseError):
        kb.assess({"lab": []})
    for unusable in (5, None, [], b"x"):
        with pytest.raises(citelog.CaseError):
            kb.assess(unusable)  # type: ignore[arg-type]
    with pytest.raises(citelog.CaseError):
        kb.assess({"labs": []}, at=5)  # type: ignore[arg-type]
    assert kb.assess({"labs": []}, at=datetime.datetime(2026, 3, 15, 10)).conclusions
    with pytest.raises(citelog.KnowledgeError):
        citelog.open("no-such")


def test_what_a_prompt_prints_of_an_answer_can_be_read_on_one_screen() -> None:
    kb = citelog.open("b12")
    assessment = kb.assess({"id": "p", "labs": []})
    assert all(part in repr(assessment) for part in ("Assessment('p'", "id='b12'", "'treat:undetermined'"))
    assert max(len(repr(kb)), len(repr(assessment))) < 1000


def test_a_dict_gives_the_same_answer_as_the_file_of_it() -> None:
    record = {"labs": [{"analyte": "serum vitamin B12", "value": "99.9", "unit": "pmol/L"}]}
    assert citelog.open("b12").assess(record).by_id["status:below_all_cutoffs"].facts == ("f1",)


def test_one_patient_needs_none_of_the_heavy_libraries() -> None:
    """The compiled knowledge is kept, so neither RDF nor graphs nor a parser is loaded to answer."""
    program = f"""
import citelog, sys
citelog.open("b12").assess({str(ROOT / "examples" / "patient.yaml")!r}).to_json()
print([m for m in ("rdflib", "networkx", "lark", "fhir", "pydantic", "pyshacl", "rich", "stdnum") if m in sys.modules])
"""
    run = [sys.executable, "-c", program]
    path = {"PYTHONPATH": str(ROOT / "engine")}
    for _ in range(2):  # the first may compile
        ended = subprocess.run(run, capture_output=True, text=True, env={**os.environ, **path}, check=True)
    assert ended.stdout.strip() == "[]"


def test_what_if_and_contrast_take_what_the_commands_take() -> None:
    kb = citelog.open()
    one, other = (kb.assess(ROOT / "examples" / f"{name}.yaml") for name in ("patient", "other-patient"))
    found = one.what_if(set={"labs[0].value": 320}, drop=["findings[0]"], add=[{"name": "fatigue", "state": "present"}])
    assert [str(change) for change in found.changes] == [
        "--set 'labs[0].value=320'", "--add 'findings: {name: fatigue, state: present}'", "--drop 'findings[0]'",
    ]  # fmt: skip
    assert found.changes == one.what_if(*found.changes).changes
    alone = one.what_if(set="labs[0].value=320", drop="findings[0]", add={"name": "fatigue", "state": "present"})
    assert alone.changes == found.changes  # one of each need not stand in a list
    assert "status:above_all_cutoffs" in {gained.conclusion.id for gained in found.gained}
    assert {c.id for c, _ in one.contrast(other).only_first} >= {"treat:immediate"}
    assert one.contrast("treat:immediate", "treat:judgement").second.conclusion is None
    with pytest.raises(citelog.CitelogError, match="one conclusion alone"):
        one.contrast("treat:immediate")  # type: ignore[call-overload]


def test_an_error_says_what_is_wrong_and_what_to_try_and_comes_whole_from_another_process(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text("labz: []\n", encoding="utf-8")
    kb = citelog.open()
    for ask in (
        lambda: kb.assess(tmp_path / "case.yaml"),
        lambda: kb.assess(ROOT / "examples" / "patient.yaml").why("treat:never"),
        lambda: kb.assess(ROOT / "examples" / "patient.yaml").why_not("treat:immediate"),
        lambda: citelog.open("no-such-knowledge"),
    ):
        with pytest.raises(citelog.CitelogError) as raised:
            ask()
        error, again = raised.value, pickle.loads(pickle.dumps(raised.value))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
        assert str(error).startswith(f"{error.where}: " * bool(error.where) + error.what)
        assert error.remedy in str(error) and (error.remedy or isinstance(error, citelog.KnowledgeError))


def test_every_public_name_is_documented_and_its_methods_are_typed() -> None:
    for name in set(citelog.__all__) - {"__version__"}:
        assert inspect.getdoc(getattr(citelog, name)), name
    for owner in (citelog.KnowledgeBase, citelog.Assessment):
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            if not name.startswith("_"):
                signature = inspect.signature(method)
                assert inspect.getdoc(method), name
                assert signature.return_annotation is not inspect.Signature.empty, name
                assert all(p.annotation is not p.empty for p in list(signature.parameters.values())[1:]), name


def test_every_question_can_be_asked_without_what_servers_populations_and_editors_need() -> None:
    """The names are the commands'."""
    program = f"""
import sys
for extra in ("starlette", "uvicorn", "msgspec", "pygls", "duckdb", "ibis", "pyarrow", "pyspark", "pydantic"):
    sys.modules[extra] = None
import citelog
kb = citelog.open("b12")
one, other = (kb.assess(f"{ROOT}/examples/{{name}}.yaml") for name in ("patient", "other-patient"))
asked = [
    one.why("treat:immediate"), one.why_not("regimen:HYD-NEURO-LOAD"), one.what_if(drop=["labs[0]"]), one.missing(),
    one.contrast(other), one.contrast("treat:immediate", "treat:judgement"),
]
print(*(one.to_dict()["format"] for one in asked))
print(kb.show("G06")[0].kind, kb.contents()["format"], "treat:immediate" in kb.query("conclusions", one))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    documents = ("proof", "why-not", "what-if", "missing", "contrast", "contrast")
    assert ended.stdout.split("\n")[0] == " ".join(f"citelog-{document}/1" for document in documents)
    assert ended.stdout.split("\n")[1] == "statement citelog-knowledge/1 True"
