"""The checker: is a proof, or a whole assessment, what the knowledge and the record give, all of it and nothing else?

It believes neither the reasoner nor the explainer, and imports neither. It derives everything again (`model`), writes
down what each step must say (`steps`), and compares: a proof (`proof`), an assessment with its proofs (`certificate`).

    check_proof(document, knowledge, case)           # () or every wrong step
    certify(document, proofs, knowledge, case)       # () or every wrong conclusion and step
    check_quotes(knowledge, {"leaflet.txt": text})   # () or every statement that does not stand in its source

Taken on trust: the knowledge as it was loaded (but for `check_quotes`), and the facts that `citelog.patient` reads in
a record. Not looked at: how ids are spelt, and the order in which firings and conclusions are listed; of an
assessment, which of several conclusions with one id is `#1`, and the versions of the engine and the reasoner.
"""

from __future__ import annotations

from citelog.checker.certificate import Checker, certify, check_proof
from citelog.checker.proof import Fault, check_quotes

__all__ = ["Checker", "Fault", "certify", "check_proof", "check_quotes"]
