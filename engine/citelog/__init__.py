"""citelog: Datalog that cites its sources.

    kb = citelog.open()                             # the default one; or a shipped name, or a folder
    assessment = kb.assess("patient.yaml")          # a path, a dict, or FHIR as a dict
    for conclusion in assessment.conclusions:
        print(conclusion.sentence, conclusion.citations)
    assessment.why("treat:immediate")               # its proof
    assessment.why_not("treat:no_basis")            # the nearest records that would reach it
    assessment.what_if(set={"labs[0].value": 120})
    assessment.missing()                            # what to ask next

Each name is imported when it is first used, so that a command loads only what it needs.
"""

from __future__ import annotations

TYPE_CHECKING = False
"""For who checks types; `typing` would be loaded before a command can answer Ctrl-C."""

if TYPE_CHECKING:
    from typing import Any

    from citelog.assess import Assessment, Conclusion, NotConcludedError
    from citelog.checker import Checker, Fault
    from citelog.consult import KnowledgeBase
    from citelog.consult import open_base as open  # the name is the interface
    from citelog.diagnostics import CaseError, CitelogError, Diagnostic, KnowledgeError
    from citelog.explain.contrast import Contrast, PatientContrast
    from citelog.explain.missing import Missing
    from citelog.explain.what_if import WhatIf
    from citelog.explain.why_not import ReachedError, WhyNot
    from citelog.home import VERSION as __version__
    from citelog.knowledge.base import Citation
    from citelog.patient.changes import Add, Drop, Set
    from citelog.proof.graph import Proof

__all__ = [
    "Add",
    "Assessment",
    "CaseError",
    "Checker",
    "Citation",
    "CitelogError",
    "Conclusion",
    "Contrast",
    "Diagnostic",
    "Drop",
    "Fault",
    "KnowledgeBase",
    "KnowledgeError",
    "Missing",
    "NotConcludedError",
    "PatientContrast",
    "Proof",
    "ReachedError",
    "Set",
    "WhatIf",
    "WhyNot",
    "__version__",
    "open",
]


def __getattr__(name: str) -> Any:
    found: Any
    match name:
        case "open" | "KnowledgeBase":
            from citelog import consult

            found = consult.open_base if name == "open" else consult.KnowledgeBase
        case "Assessment" | "Conclusion" | "NotConcludedError":
            from citelog import assess

            found = getattr(assess, name)
        case "Citation":
            from citelog.knowledge import base

            found = base.Citation
        case "Checker" | "Fault":
            from citelog import checker

            found = getattr(checker, name)
        case "Contrast" | "PatientContrast":
            from citelog.explain import contrast

            found = getattr(contrast, name)
        case "Missing":
            from citelog.explain import missing

            found = missing.Missing
        case "WhatIf":
            from citelog.explain import what_if

            found = what_if.WhatIf
        case "ReachedError" | "WhyNot":
            from citelog.explain import why_not

            found = getattr(why_not, name)
        case "Add" | "Drop" | "Set":
            from citelog.patient import changes

            found = getattr(changes, name)
        case "Proof":
            from citelog.proof import graph

            found = graph.Proof
        case "CaseError" | "CitelogError" | "Diagnostic" | "KnowledgeError":
            from citelog import diagnostics

            found = getattr(diagnostics, name)
        case "__version__":
            from citelog import home

            found = home.VERSION
        case _:
            raise AttributeError(f"module 'citelog' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
