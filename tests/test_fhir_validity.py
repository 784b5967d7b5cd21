"""What is surely valid without a model: the table is that of the models, and never says yes where they say no."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import fhir_shapes
from citelog.patient.fhir import JUDGED
from citelog.patient.reading import json_object
from citelog.patient.shapes import SHAPES, TYPES, is_plain
from citelog.patient.validity import by_models

FIXTURES = sorted((Path(__file__).parent / "fhir").glob("*.json"))


def resources(node: Any) -> list[dict[str, Any]]:
    """Every resource in a tree that is looked at for faults."""
    if isinstance(node, dict):
        own = [node] if node.get("resourceType") in JUDGED else []
        return own + [one for child in node.values() for one in resources(child)]
    return [one for child in node for one in resources(child)] if isinstance(node, list) else []


ALL = [one for path in FIXTURES for one in resources(json.loads(path.read_text(encoding="utf-8")))]


def parsed(resource: dict[str, Any]) -> dict[str, Any]:
    return json_object(json.dumps(resource).encode(), "it")


def test_the_tables_are_those_of_the_models() -> None:
    """With CITELOG_ACCEPT=1 they are written anew."""
    text = fhir_shapes.MODULE.read_text(encoding="utf-8")
    head, mark, _ = text.partition("# fmt: off\n")
    if os.environ.get("CITELOG_ACCEPT"):
        fhir_shapes.MODULE.write_text(f"{head}{mark}{fhir_shapes.tables()}", encoding="utf-8")
        return
    assert {kind: " ".join(SHAPES[kind].split()) for kind in SHAPES} == {
        k: fhir_shapes.shape(k) for k in fhir_shapes.KINDS
    }
    assert sorted(TYPES) == fhir_shapes.names()


def test_most_of_what_is_valid_is_known_to_be_without_a_model() -> None:
    valid = [one for one in map(parsed, ALL) if not by_models(one)[0]]
    plain = [one for one in valid if is_plain(one)]
    assert len(valid) > 150 and len(plain) > 0.9 * len(valid)


VALUES = [
    None, True, 5, -1, 1.5, 10**12, "", " ", "x", "x y", " x", "a\tb", "é", "2026", "2026-02-30", "2026-13",
    "2026-03-02", "2026-03-02T08:30", "2026-03-02T25:00:00Z", "2026-03-02T08:30:60Z", "0000", "08:30:00", "http://x y",
    "<div>x</div>", [], {}, ["x"], [None], [{}], [[]], {"text": "x"}, {"reference": "Patient/p"}, {"value": 1},
    {"coding": [{"code": "a"}]}, {"start": "2026"}, {"url": "x", "valueString": "y"},
    [{"url": "x", "valueString": "y"}], {"resourceType": "Patient"},
]  # fmt: skip


def paths(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [one for key, child in inner for one in ((*at, key), *paths(child, (*at, key)))]


KEYS = sorted({told.partition(":")[0] for shape in SHAPES.values() for told in shape.split()} | {"_status", "colour"})


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_what_is_plain_is_valid_by_the_models_too(data: st.DataObject) -> None:
    resource = copy.deepcopy(data.draw(st.sampled_from(ALL)))
    for _ in range(data.draw(st.integers(1, 2))):
        node: Any = resource
        for key in (path := data.draw(st.sampled_from(paths(resource))))[:-1]:
            node = node[key]
        if path == ("resourceType",):
            continue
        if isinstance(node, dict) and data.draw(st.booleans()):
            node[data.draw(st.sampled_from(KEYS))] = copy.deepcopy(data.draw(st.sampled_from(VALUES)))
        elif data.draw(st.booleans()):
            node[path[-1]] = copy.deepcopy(data.draw(st.sampled_from(VALUES)))
        else:
            del node[path[-1]]
    changed = parsed(resource)
    if is_plain(changed):
        assert by_models(changed) == ("", frozenset())
