"""What the rule language has: its tags, attributes, aggregates and types, and every code of its checker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from citelog.rules.program import Predicate
from citelog.values import Iri

CODES: Mapping[str, str] = {
    "syntax": "the text is not a rule",
    "undefined-prefix": "a prefix is used that the file does not declare",
    "undefined-predicate": "a predicate that nothing declares",
    "undefined-term": "a term that nothing declares",
    "not-derivable": "a rule derives what only a record or a statement can say",
    "wrong-arity": "a predicate with too many or too few arguments",
    "wrong-type": "a value or variable of another type than the place asks for",
    "unsafe-variable": "a variable that no positive literal binds",
    "not-stratified": "a rule that depends on its own absence, or on its own count",
    "unbounded-recursion": "a recursive rule that makes new numbers and could go on for ever",
    "uncited-rule": "a rule that names no statement and gives no reason for it",
    "unknown-statement": "a statement that the knowledge base does not hold",
    "clinical-number": "a number other than 0 and 1 in a rule, or any number in its sentence",
    "unknown-display-variable": "a sentence that shows a variable which the rule does not bind",
    "unlicensed-negation": "an absence in a record used without the rule saying so",
    "unused-licence": "a tag that names a predicate which the rule does not use so",
    "unnamed-rule": "a rule without a name",
    "duplicate-rule-name": "two rules with one name",
    "unknown-tag": "a tag or attribute that the language does not have",
}
"""Every code of this module, with its meaning. The knowledge loader adds its own (knowledge/load.py)."""

TAGS: Mapping[str, str] = {
    "cites": "name the statements that the rule encodes: %%% @cites S01 S02",
    "convention": "say why the rule cites no statement",
    "through": "name the premise whose sentence and citations are the conclusion's own",
    "assumes": "name the predicates on whose absence the conclusion rests as an assumption",
    "unless": "name the predicates whose absence is an exception that was looked for",
    "mute": "the step is left out of what is shown",
    "accept": "name the advice of `citelog check` that is accepted, and why: %%% @accept rule-subsumed: the reason",
}
"""Every tag, with what it is for."""

ATTRIBUTES = ("name", "display")
AGGREGATES = ("count", "sum", "min", "max")
NUMERIC = ("number", "integer")
TERMS = ("term", "patient", "record")
ORDERED = (*NUMERIC, "date")


@dataclass(frozen=True, slots=True)
class Names:
    """What rules may speak of: declared predicates by written or full name, terms, and statements by id."""

    predicates: Mapping[str, Predicate]
    terms: frozenset[Iri]
    statements: frozenset[str]
