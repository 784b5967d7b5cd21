"""How long a FHIR record of thousands of resources takes to read, beside what merely parses or validates it.

    python benchmarks/records.py                      # 1,250 to 20,000 resources
    python benchmarks/records.py --sizes 5000 20000 --rounds 3

Beside the time stands what one resource takes: it should not grow. The peers read the same bytes: Python's `json`, and
the models of `fhir.resources`, which judge every resource of a type that is read and turn none into an entry.
"""

from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Callable
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from citelog import patient
from citelog.knowledge.cache import open_knowledge
from citelog.patient.fhir import JUDGED
from measure import interleaved, table

CODES = ("14685-2", "2132-9", "2284-8", "718-7", "787-2", "2160-0", "6299-2", "38483-4")


def record(size: int) -> bytes:
    """A record of so many resources, of which half are results; each tenth result stands there in two versions."""
    entries: list[dict[str, Any]] = [{"resource": {"resourceType": "Patient", "id": "p", "gender": "female"}}]
    for number in range(size - 1):
        made = _resource(number)
        entries.append(
            {"fullUrl": f"https://ehr.example.org/fhir/{made['resourceType']}/{made['id']}", "resource": made}
        )
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    return json.dumps(bundle, separators=(",", ":")).encode()


def _resource(number: int) -> dict[str, Any]:
    subject = {"reference": "Patient/p"}
    day = f"{2000 + number % 26}-{1 + number % 12:02}-{1 + number % 28:02}"
    if number % 2 == 0:
        return {
            "resourceType": "Observation",
            "id": f"o{number - 2 if number % 20 == 2 else number}",
            "meta": {"versionId": "2" if number % 20 == 2 else "1", "lastUpdated": f"{day}T08:00:00Z"},
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": CODES[number // 2 % len(CODES)]}]},
            "subject": subject,
            "effectiveDateTime": f"{day}T08:30:00+01:00",
            "valueQuantity": {"value": number % 700 + 0.5, "unit": "pmol/L", "system": "http://unitsofmeasure.org",
                              "code": "pmol/L"},
        }  # fmt: skip
    if number % 8 == 1:
        return {
            "resourceType": "Condition", "id": f"c{number}", "subject": subject, "recordedDate": day,
            "clinicalStatus": {"coding": [{"code": "active"}]}, "code": {"text": f"condition {number % 50}"},
        }  # fmt: skip
    if number % 8 == 3:
        return {
            "resourceType": "MedicationRequest", "id": f"r{number}", "subject": subject, "status": "completed",
            "intent": "order", "medicationCodeableConcept": {"text": f"medicine {number % 40}"}, "authoredOn": day,
        }  # fmt: skip
    return {"resourceType": "Encounter", "id": f"e{number}", "status": "finished", "class": {"code": "AMB"},
            "subject": subject}  # fmt: skip


def validated(data: bytes) -> object:
    """Every resource that is read, judged by its model."""
    for entry in json.loads(data)["entry"]:
        if entry["resource"]["resourceType"] in JUDGED:
            get_fhir_model_class(entry["resource"]["resourceType"]).model_validate(entry["resource"])
    return None


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_250, 5_000, 20_000])
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    terms = open_knowledge(None).terms
    rows = []
    for size in chosen.sizes:
        data = record(size)
        tasks: dict[str, Callable[[], object]] = {
            "citelog": lambda data=data: patient.from_bytes(data, "the record", "p", terms),  # type: ignore[misc]
            "the models of fhir.resources": lambda data=data: validated(data),  # type: ignore[misc]
            "Python's json": lambda data=data: json.loads(data),  # type: ignore[misc]
        }
        times = interleaved(tasks, chosen.rounds, warmup=1)
        for name, took in times.items():
            each = f"{took.median / size * 1e6:.0f} µs"
            ratio = f"{times['citelog'].ratio(took):.2f}"
            rows.append((f"{size:,}", f"{len(data) / 1e6:.1f} MB", name, f"{took.median:.2f} s", each, ratio))
    print(table("one record", ("resources", "size", "", "time", "a resource", "citelog over it"), rows))
    print(f"largest process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
