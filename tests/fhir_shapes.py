"""The shapes of `citelog.patient.shapes`, as the models of fhir.resources have them: what the table is made from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fhir.resources.R4B import fhirtypes, get_fhir_model_class

MODULE = Path(__file__).parent.parent / "engine" / "citelog" / "patient" / "shapes.py"
KINDS = (
    "Observation", "ObservationComponent", "ObservationReferenceRange", "Condition", "ConditionEvidence",
    "ConditionStage", "Procedure", "ProcedurePerformer", "ProcedureFocalDevice", "MedicationRequest",
    "MedicationRequestDispenseRequest", "MedicationRequestDispenseRequestInitialFill", "MedicationRequestSubstitution",
    "MedicationStatement", "MedicationAdministration", "MedicationAdministrationDosage",
    "MedicationAdministrationPerformer", "MedicationDispense", "MedicationDispensePerformer",
    "MedicationDispenseSubstitution", "Medication", "MedicationIngredient", "MedicationBatch", "Patient",
    "PatientContact", "PatientCommunication", "PatientLink", "Address", "Age", "Annotation", "Attachment",
    "CodeableConcept", "Coding", "ContactPoint", "Dosage", "DosageDoseAndRate", "Duration", "Extension", "HumanName",
    "Identifier", "Meta", "Narrative", "Period", "Quantity", "Range", "Ratio", "Reference", "SampledData", "Timing",
    "TimingRepeat",
)  # fmt: skip
PRIMITIVES = ("Boolean", "Canonical", "Code", "Date", "DateTime", "Decimal", "Id", "Instant", "Integer", "Markdown",
              "PositiveInt", "String", "Time", "UnsignedInt", "Uri", "Url", "Xhtml")  # fmt: skip
_TYPED = re.compile(r"Annotated\[.*, (?:<fhir_core\.types\.)?(?P<primitive>\w+)[( ]|\.(?P<model>\w+)Type\b")


def shape(kind: str) -> str:
    """The elements of a type, as the table writes them."""
    told = []
    for field in get_fhir_model_class(kind).model_fields.values():
        if element := _element(field):
            told.append(element)
    return " ".join(sorted(told))


def _element(field: Any) -> str:
    annotation, extra = str(field.annotation), field.json_schema_extra or {}
    found = _TYPED.search(annotation)
    type_ = (found["primitive"] or found["model"]) if found else "Boolean" if "bool" in annotation else ""
    if not extra.get("element_property") or type_ not in (*KINDS, *PRIMITIVES, "Resource"):
        return ""
    is_needed = field.is_required() or extra.get("element_required") or extra.get("one_of_many_required")
    many = "*" if "List[" in annotation else ""
    choice = f"|{extra['one_of_many']}" if "one_of_many" in extra else ""
    return f"{field.alias}:{type_}{many}{'!' if is_needed else ''}{choice}"


def names() -> list[str]:
    """The resource types that R4B has."""
    found = []
    for name in dir(fhirtypes):
        try:
            model = get_fhir_model_class(name.removesuffix("Type")) if name.endswith("Type") else None
        except (ValueError, LookupError, AttributeError):
            continue
        if model is not None and model.has_resource_base() and name not in ("ResourceType", "DomainResourceType"):
            found.append(name.removesuffix("Type"))
    return sorted(found)


def wrapped(words: list[str], indent: str, quote: str = "") -> str:
    """Words in lines of at most 118 columns."""
    lines = [""]
    for word in words:
        if len(indent) + len(lines[-1]) + len(word) > 110:
            lines.append("")
        lines[-1] += f"{word} "
    return "\n".join(
        f'{indent}"{line.rstrip()}{" " if number < len(lines) - 1 else ""}"' for number, line in enumerate(lines)
    )


def tables() -> str:
    """The two tables of the module, as Python."""
    rows = "\n".join(f'    "{kind}": (\n{wrapped(shape(kind).split(), " " * 8)}\n    ),' for kind in sorted(KINDS))
    return f"_TYPES = (\n{wrapped(names(), '    ')}\n)\nTYPES = frozenset(_TYPES.split())\n\nSHAPES = {{\n{rows}\n}}\n"
