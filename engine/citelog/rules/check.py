"""From syntax to a program, or to everything that keeps it from being one.

Each finding has a word-code, the author's line, and what to do. All findings of all files come back
in one list; a rule that cannot be understood is left out of the program, and a program with errors is
not to be run. What concerns one rule alone is in lower.py; here is what concerns them together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from citelog.diagnostics import Diagnostic, Hint, Span, meant
from citelog.rules.language import Names
from citelog.rules.lower import lowered
from citelog.rules.naming import local_name
from citelog.rules.program import (
    Absent,
    Assignment,
    Component,
    Operation,
    Present,
    Program,
    Rule,
    Variable,
    variables,
)
from citelog.rules.syntax import (
    RuleFile,
    RuleSyntax,
)

if TYPE_CHECKING:
    import networkx as nx


_WORD = re.compile(r"(?<![\w@:-])[\w:-]+")


def check(files: Iterable[RuleFile], names: Names) -> tuple[Program, tuple[Diagnostic, ...]]:
    """The program of all `files`, and every finding, ordered by file and line."""
    found: list[Diagnostic] = []
    checked: list[_Checked] = []
    places: dict[str, Span] = {}
    for file in files:
        found += file.diagnostics
        nearest: dict[str, str] = {}
        for syntax in file.rules:
            one = lowered(file, syntax, names, nearest)
            found += one.found
            if one.name:
                at = next(a.span for a in syntax.attributes if a.name == "name")
                if (taken := places.setdefault(one.name, at)) is not at:
                    message = f"the name {one.name} is taken at {taken}"
                    text, about = file.line(at.line), (one.name,)
                    found.append(Diagnostic("duplicate-rule-name", at, message, "choose another", text, about=about))
            if one.rule is not None:
                checked.append(_Checked(one.rule, file, syntax))
    rules = [c.rule for c in checked]
    patient = _patient_dependent(rules, names)
    components, more = _components(checked)
    found += more
    found += _licences(checked, patient)
    fixed = tuple(c for c in components if rules[c.rules[0]].predicate not in patient)
    open_ = tuple(c for c in components if rules[c.rules[0]].predicate in patient)
    program = Program(dict(names.predicates), tuple(rules), fixed, open_)
    ordered = sorted(dict.fromkeys(found), key=lambda d: (d.span.file, d.span.line, d.span.column, d.code, d.message))
    return program, tuple(ordered)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A rule with what its author wrote, so that findings about several rules can point at a literal."""

    rule: Rule
    file: RuleFile
    syntax: RuleSyntax

    @property
    def told(self) -> str:
        """The rule, as a finding speaks of it."""
        return f"rule {self.rule.name}" if self.rule.name else "the rule"

    def literal_span(self, position: int) -> Span:
        assert self.syntax.body is not None
        return self.syntax.body[position].span

    def words(self) -> dict[str, Span]:
        """Where each word first stands in the tags of the rule; of a name with colons in it, what follows each, too."""
        lines = [(doc.span, self.file.line(doc.span.line)) for doc in self.syntax.docs]
        words = [(span, line, word.start(), word.end()) for span, line in lines for word in _WORD.finditer(line)]
        return {
            line[at:end]: Span(span.file, span.line, at + 1)
            for span, line, start, end in reversed(words)
            for at in (start, *(start + colon.end() for colon in re.finditer(":", line[start:end])))
        }

    def finding(self, code: str, span: Span, message: str, hint: Hint, *about: str) -> Diagnostic:
        return Diagnostic(code, span, message, hint, self.file.line(span.line), about=(self.rule.name, *about))


def _components(checked: list[_Checked]) -> tuple[list[Component], list[Diagnostic]]:
    """Strongly connected components of the predicates, lowest first, and the circles that cannot be run."""
    import networkx as nx

    rules = [c.rule for c in checked]
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(dict.fromkeys(rule.predicate for rule in rules))
    for rule in rules:
        graph.add_edges_from((x.predicate, rule.predicate) for x in rule.body if isinstance(x, Present | Absent))
    # Among those that do not need each other, in the order of the files: what a solver is given in that order it
    # answers in a second, and in another in minutes.
    first = {rule.predicate: i for i, rule in reversed(list(enumerate(rules)))}
    condensed = nx.condensation(graph)
    home: dict[str, int] = condensed.graph["mapping"]
    ranked = nx.lexicographical_topological_sort(
        condensed, key=lambda c: min(first.get(p, -1) for p in condensed.nodes[c]["members"])
    )
    chosen: dict[int, list[int]] = {}
    for number, rule in enumerate(rules):
        chosen.setdefault(home[rule.predicate], []).append(number)
    circular = {
        home[rule.predicate]
        for rule in rules
        for x in rule.body
        if isinstance(x, Present | Absent) and home[x.predicate] == home[rule.predicate]
    }
    components = [Component(tuple(chosen[c]), c in circular) for c in ranked if c in chosen]
    found = []
    for each in checked:
        if home[each.rule.predicate] in circular:
            found += _circles(each, graph, home)
    return components, found


def _circles(checked: _Checked, graph: nx.DiGraph[str], home: Mapping[str, int]) -> list[Diagnostic]:
    """What keeps a recursive rule from being run: its own absence or count, or numbers without end."""
    rule, found = checked.rule, []
    inside = [
        (i, x)
        for i, x in enumerate(rule.body)
        if isinstance(x, Present | Absent) and home[x.predicate] == home[rule.predicate]
    ]
    for position, literal in inside:
        if isinstance(literal, Absent) or rule.aggregate is not None:
            story = " → ".join(map(local_name, _path(graph, rule.predicate, literal.predicate, home)))
            what = "negates" if isinstance(literal, Absent) else "counts"
            found.append(
                checked.finding(
                    "not-stratified",
                    checked.literal_span(position),
                    f"{checked.told} {what} {local_name(literal.predicate)},"
                    f" which itself depends on {local_name(rule.predicate)}: {story} → {local_name(rule.predicate)}",
                    f"what is {'negated' if what == 'negates' else 'counted'} must be settled before: break the circle",
                )
            )
    made = _made(rule)
    if inside and any(isinstance(a, Variable) and a.name in made for a in rule.args):
        found.append(
            checked.finding(
                "unbounded-recursion",
                checked.syntax.heads[0].span,
                f"{checked.told} feeds a computed value back into itself, and might never end",
                "compute outside the recursion, or count with an aggregate",
            )
        )
    return found


def _path(graph: nx.DiGraph[str], start: str, goal: str, home: Mapping[str, int]) -> list[str]:
    """A shortest way from one predicate to another of its component; always the same one."""
    came: dict[str, str] = {start: ""}
    for at in (queue := [start]):
        for following in sorted(graph.successors(at)):
            if following not in came and home[following] == home[start]:
                came[following] = at
                queue.append(following)
    path = [goal]
    while path[-1] != start:
        path.append(came[path[-1]])
    return path[::-1]


def _made(rule: Rule) -> set[str]:
    """Variables whose values are computed, directly or by way of another."""
    made: set[str] = set()
    assigned = [x for x in rule.body if isinstance(x, Assignment)]
    for _ in assigned:
        made = {x.variable for x in assigned if isinstance(x.expression, Operation) or variables(x.expression) & made}
    return made


def _patient_dependent(rules: Iterable[Rule], names: Names) -> set[str]:
    """The predicates that a patient's record can change."""
    readers: dict[str, set[str]] = {}
    for rule in rules:
        for literal in rule.body:
            if isinstance(literal, Present | Absent):
                readers.setdefault(literal.predicate, set()).add(rule.predicate)
    queue = [name for name, p in names.predicates.items() if p.layer == "patient"]
    dependent = set(queue)
    for name in queue:
        more = readers.get(name, set()) - dependent
        dependent |= more
        queue += more
    return dependent


def _licences(checked: Iterable[_Checked], dependent: set[str]) -> list[Diagnostic]:
    """Negation over what a record says, or fails to say, must be named by the rule; and a licence must be used."""
    found = []
    for each in checked:
        rule = each.rule
        negated = {x.predicate: i for i, x in reversed(list(enumerate(rule.body))) if isinstance(x, Absent)}
        for predicate, position in negated.items():
            if predicate in dependent and predicate not in rule.licences:
                local = local_name(predicate)
                found.append(
                    each.finding(
                        "unlicensed-negation",
                        each.literal_span(position),
                        f"{each.told} rests on the absence of {local}, which comes from the patient's record",
                        f"say so: %%% @assumes {local} (reaches the answer as an assumption), or %%% @unless {local}"
                        " (an exception among what is recorded)",
                        local,
                    )
                )
        unused = [local_name(name) for name in dict.fromkeys(rule.licences) if name not in negated]
        places = each.words() if unused else {}
        found += [
            each.finding(
                "unused-licence",
                places.get(local, each.syntax.span),
                f"{each.told} has a licence for the absence of {local}, which it does not negate",
                meant(local, map(local_name, negated)) or "remove the tag",
            )
            for local in unused
        ]
    return found
