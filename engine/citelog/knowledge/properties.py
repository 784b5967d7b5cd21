"""The safety properties that a knowledge base declares, and that no answer rests on what their rules conclude."""

from __future__ import annotations

from citelog.diagnostics import Diagnostic
from citelog.knowledge.base import SafetyProperty
from citelog.knowledge.triples import SKOS, Triples
from citelog.rules.program import Absent, Constant, Present, Program, Rule
from citelog.values import Iri
from citelog.vocab import CL

PROPERTIES = "properties.rls"
"""The file, beside the folder of the rules, in which the rules of safety properties stand."""

VIOLATION = "violation"
"""The predicate that such a rule concludes, of a patient and the property that is broken."""


def is_of_property(rule: Rule) -> bool:
    """Whether a rule says when a property is broken, or is there for such rules."""
    return rule.span.file.endswith(f"/{PROPERTIES}")


def check_apart(program: Program, found: list[Diagnostic]) -> None:
    """Rules that answer and rules of properties that rest on each other: no answer may change with a property."""
    made = {rule.predicate for rule in program.rules if is_of_property(rule)} | {VIOLATION}
    for rule in program.rules:
        if is_of_property(rule):
            continue
        message = ""
        if rule.predicate in made:
            message = f"rule {rule.name} concludes {Iri(rule.predicate).local}, which {PROPERTIES} concludes"
        elif read := next((x for x in rule.body if isinstance(x, Present | Absent) and x.predicate in made), None):
            message = f"rule {rule.name} reads {Iri(read.predicate).local}, which {PROPERTIES} concludes"
        if message:
            hint = "answers may not depend on properties: conclude something of another name here"
            text = rule.text.partition("\n")[0]
            found.append(Diagnostic("property-apart", rule.span, message, hint, text, about=(rule.name,)))


def read_properties(triples: Triples, program: Program, found: list[Diagnostic]) -> tuple[SafetyProperty, ...]:
    """The declared properties, in the order of their ids; each has a rule that says when it is broken, or a reason."""
    ruled = {
        arg.value
        for rule in program.rules
        if rule.predicate == VIOLATION
        for arg in rule.args[1:]
        if isinstance(arg, Constant)
    }
    unread = any(d.span.file.endswith(f"/{PROPERTIES}") for d in found)  # a rule there may be the one that is missed
    properties = []
    for subject in triples.instances(CL + "SafetyProperty"):
        iri, undecided = Iri(subject), triples.text(subject, CL + "undecided")
        message = ""
        if iri in ruled and undecided:
            message = f"{iri.local} has a rule in {PROPERTIES}, and a reason for none"
        elif iri not in ruled and not undecided and not unread:
            message = f"nothing says when {iri.local} is broken"
        if message:
            hint = f"a rule in {PROPERTIES} that concludes {VIOLATION} of it, or cl:undecided with the reason for none"
            found.append(triples.finding("incomplete", (subject,), message, hint))
        properties.append(SafetyProperty(iri.local, iri, triples.text(subject, SKOS + "definition"), undecided))
    known = {one.iri for one in properties}
    for rule in program.rules:
        if rule.predicate == VIOLATION and not (isinstance(rule.args[1], Constant) and rule.args[1].value in known):
            message = f"rule {rule.name} breaks no property that is declared"
            hint, text = "name one in the head, and declare it as a cl:SafetyProperty", rule.text.partition("\n")[0]
            found.append(Diagnostic("incomplete", rule.span, message, hint, text, about=(rule.name,)))
    return tuple(sorted(properties, key=lambda one: one.id))
