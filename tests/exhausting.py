"""Queries and rules that ask for more than there is: of time, of memory, of depth. Each must end within its limit.

The graph that they are asked of is a ring of some hundred nodes (`e:n0 e:next e:n1` …), or the knowledge base that is
being edited. They are made by family: what grows in each is known, and its size is in the first column.
"""

from __future__ import annotations

from collections.abc import Mapping

NODES = 400
PREFIX = "PREFIX e: <http://e/> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> "
CROSS = "?a e:next ?b . ?c e:next ?d . ?e e:next ?f . ?g e:next ?h"
"""400⁴ rows."""


def _nested(before: str, inner: str, after: str, times: int) -> str:
    return before * times + inner + after * times


def _growing(step: str, times: int, first: str = "'x'") -> str:
    """A value that each step makes longer; `{}` is the value before."""
    binds = " ".join(f"BIND({step.replace('{}', f'?v{n}')} AS ?v{n + 1})" for n in range(times))
    return f"SELECT (STRLEN(STR(?v{times})) AS ?n) {{ BIND({first} AS ?v0) {binds} }}"


PAIRS = "?a e:next ?b . ?c e:next ?d"


def _count(pattern: str) -> str:
    return f"SELECT (COUNT(*) AS ?n) {{ {pattern} }}"


def _each(times: int, pattern: str) -> str:
    """A pattern again and again; a # in it is the number."""
    return " ".join(pattern.replace("#", str(n)) for n in range(times))


PATHS = {
    "a path of paths": "ASK { ?a ((e:next+)+)+ ?b . ?b (e:next*/^e:next*)* ?c . ?c (e:next|^e:next)+ 1 }",
    "all pairs twice": _count("?a e:next+ ?b . ?b e:next+ ?c"),
    "all pairs three times": _count("?a e:next+ ?b . ?b e:next+ ?c . ?c e:next+ ?d"),
    "both ways without end": _count("?a (e:next|^e:next)* ?b . ?c (e:next|^e:next)* ?d"),
    "all but a name that is none": _count("?a (!e:x)+ ?b . ?b (!e:y)+ ?c"),
    "a path of four hundred steps": f"ASK {{ ?a {'/'.join(['e:next?'] * 400)} ?b FILTER(?b = 1) }}",
    "a thousand ways in a path": f"ASK {{ ?a ({'|'.join(f'e:p{n}' for n in range(1_000))}|e:next)+ ?b . ?c ?b ?a }}",
    "a path whose ends are unknown": _count("?a (e:next/e:next)* ?b . ?c (^e:next)* ?a"),
}
GROUPS = {
    "optional cross products": _count("?a ?p ?b " + _nested("OPTIONAL { ?c ?q ?d . ?e ?r ?f ", "", "}", 3)),
    "forty optional parts": _count("?a ?p ?b " + _each(40, "OPTIONAL { ?x# e:next ?y# }")),
    "optional within optional": f"SELECT * {{ ?a ?p ?b {_nested('OPTIONAL { ?x ?y ?z ', '', '}', 55)} }}",
    "less a cross product": _count(f"{PAIRS} MINUS {{ {CROSS} FILTER(?h = ?x) }} MINUS {{ ?a ?y ?z . ?q ?r ?s }}"),
    "less, thirty times": _count(f"{PAIRS} {'MINUS { ?a ?p ?b . ?c ?q ?d . ?e ?r ?f }' * 30}"),
    "something exists for each": _count(f"{PAIRS} FILTER EXISTS {{ ?e e:next ?f . ?g e:next ?h FILTER(?f = ?x) }}"),
    "nothing exists within nothing": _count(
        "?a ?p ?b " + _nested("FILTER NOT EXISTS { ?a ?q ?c . ?d ?r ?e ", "", "}", 30)
    ),
    "alternatives of cross products": _count(" UNION ".join([f"{{ {CROSS} }}"] * 50)),
    "a query within a query": _nested("SELECT * { { ", f"SELECT * {{ {CROSS} }}", " } }", 15),
    "thirty queries within each other": _nested("SELECT * { { ", "SELECT * { ?s ?p ?o }", " } }", 30),
    "a join of queries": _count(_each(8, "{ SELECT ?x# { ?x# e:next ?y } }")),
    "graphs within graphs": f"ASK {{ {_nested('GRAPH ?g { ', '?s ?p ?o', '}', 60)} }}",
}
VALUES = {
    "two lists of values": _count(f"VALUES ?a {{ {'1 ' * 20_000} }} VALUES ?b {{ {'2 ' * 20_000} }}"),
    "four lists of values": _count(_each(4, f"VALUES ?v# {{ {'1 ' * 10_000} }}")),
    "a wide list of values": _count(
        f"VALUES ({_each(200, '?v#')}) {{ {('(' + 'UNDEF ' * 200 + ')') * 60} }} ?a e:next ?v0 . ?v1 e:next ?c"
    ),
    "values that are undefined": _count(f"VALUES (?a ?b) {{ {'(UNDEF UNDEF)' * 7_000} }} {PAIRS}"),
    "one of ten thousand": _count(f"{PAIRS} FILTER(?a IN ({', '.join(map(str, range(10_000)))}))"),
}
TEXTS = {
    "a pattern of patterns": f"ASK {{ FILTER(REGEX('{'a' * 50_000}b', '((((a+)+)+)+)+$')) }}",
    "a pattern that is repeated a million times": "ASK { FILTER(REGEX('aaaa', '((a{1000}){1000}){1000}')) }",
    "a pattern of all letters": "ASK { FILTER(REGEX('aaaa', '(\\\\p{L}{500}){500}')) }",
    "a pattern with a hundred gaps": _count(f"{PAIRS} FILTER(REGEX(CONCAT(STR(?a), STR(?c)), '{'.*n' * 100}'))"),
    "a pattern for each row": _count(f"{PAIRS} FILTER(REGEX(STR(?a), CONCAT('(', STR(?c), '|x)*$')))"),
    "brackets in a pattern": f"ASK {{ FILTER(REGEX('a', '{'(' * 20_000}{')' * 20_000}')) }}",
    "what is replaced grows": _growing("REPLACE({}, 'x', 'xxxxxxxxxx')", 12),
    "what matches nothing is replaced": _growing("REPLACE({}, '', 'xxxx')", 20),
    "what is joined grows": _growing("CONCAT({}, {}, {}, {}, {}, {}, {}, {})", 14),
    "what is escaped grows": _growing("ENCODE_FOR_URI(CONCAT({}, {}, '\u00e9'))", 40),
    "large letters grow": _growing("UCASE(CONCAT({}, {}, '\u00df'))", 40),
    "a hash of what grows": _growing("CONCAT(SHA512({}), {}, {}, {}, {})", 20),
    "a hash for each row": _count(f"{CROSS} BIND(SHA512(CONCAT(STR(?a), STR(?c))) AS ?x) FILTER(?x = 'y')"),
    "all texts in one": f"SELECT (GROUP_CONCAT(?a; separator='{'y' * 1_000}') AS ?x) {{ {CROSS} }}",
    "all texts in one for each": f"SELECT ?b (GROUP_CONCAT(CONCAT(STR(?a), STR(?c))) AS ?x) {{ {CROSS} }} GROUP BY ?b",
}
NUMBERS = {
    "a number of ninety thousand digits": f"SELECT ({'9' * 90_000} * 9 AS ?x) {{}}",
    "a power of powers": _growing("({} * {})", 400, "9"),
    "a decimal power of powers": _growing("({} * {})", 400, "1.0000001"),
    "a decimal of many places": f"SELECT (1.{'3' * 90_000} / 7.0 AS ?x) {{}}",
    "a sum of everything": f"SELECT (SUM(?x) AS ?n) {{ {CROSS} BIND(STRLEN(STR(?a)) AS ?x) }}",
    "a day beyond all days": "ASK { FILTER(xsd:dateTime('999999999999999999-12-31T00:00:00Z') > NOW()) }",
    "a duration without end": "ASK { FILTER(xsd:dayTimeDuration('P99999999999999999999D') + NOW() > NOW()) }",
}
COUNTS = {
    "distinct rows of a cross product": f"SELECT DISTINCT * {{ {CROSS} }}",
    "distinct rows counted": f"SELECT (COUNT(DISTINCT *) AS ?n) {{ {CROSS} }}",
    "the last of a cross product": f"SELECT * {{ {CROSS} }} OFFSET 20000000000 LIMIT 1",
    "a number that no limit can be": f"SELECT * {{ {CROSS} }} LIMIT 99999999999999999999999999",
    "in no order": f"SELECT * {{ {CROSS} }} ORDER BY RAND() LIMIT 1",
    "in many orders": f"SELECT * {{ {CROSS} }} ORDER BY {'STR(?a) DESC(?b) ' * 500} LIMIT 1",
    "groups of each row": f"SELECT ?a ?c ?e ?g (COUNT(*) AS ?n) {{ {CROSS} }} GROUP BY ?a ?c ?e ?g",
    "a new name for each row": f"SELECT (COUNT(DISTINCT ?x) AS ?n) {{ {CROSS} BIND(UUID() AS ?x) }}",
    "a graph of everything": f"CONSTRUCT {{ {_each(500, '?a e:p# [ e:q ?c ] .')} }} {{ {CROSS} }}",
    "everything described": "DESCRIBE ?a ?b ?c { ?a ?p ?b . ?c ?q ?d . ?e ?r ?f }",
}
DEPTHS = {
    "conditions in conditions": f"SELECT ({_nested('IF(true, ', '1', ', 2)', 2_000)} AS ?x) {{}}",
    "sixty conditions": f"SELECT ({_nested('IF(true, ', '1', ', 2)', 60)} AS ?x) {{}}",
    "signs before a number": f"SELECT ({'- ' * 30_000} 1 AS ?x) {{}}",
    "ten thousand times and": f"ASK {{ FILTER({' && '.join(['true'] * 10_000)}) }}",
    "ten thousand times plus": f"SELECT ({' + '.join(['1'] * 10_000)} AS ?x) {{}}",
    "blank nodes in blank nodes": f"ASK {{ ?s ?p {_nested('[ e:p ', '1', ']', 3_000)} }}",
    "five thousand filters": f"ASK {{ ?a ?p ?b {'FILTER(?a != ?b) ' * 5_000} }}",
    "three thousand bindings": f"SELECT * {{ {_each(3_000, 'BIND(# AS ?v#)')} }}",
    "five thousand variables": f"SELECT {_each(5_000, '?v#')} {{ ?a ?p ?b . ?c ?q ?d }}",
    "three thousand prefixes": f"{_each(3_000, 'PREFIX p#: <http://e/#>')} ASK {{}}",
    "quotation marks": f"""ASK {{ FILTER('{f"{chr(92)}'" * 20_000}' = "{"'" * 20_000}") }}""",
}
LETTERS = {
    "letters upon a letter": f"ASK {{ ?a ?p 'a{chr(0x301) * 40_000}' }}",
    "letters beyond all letters": f"ASK {{ ?a ?p '{chr(92)}UFFFFFFFF' }}",
    "half a letter": f"ASK {{ ?a ?p '{chr(92)}uD800' }}",
    "a name of forty thousand letters": f"ASK {{ ?a e:{chr(0xE9) * 40_000} ?b }}",
    "letters that turn the line": f"ASK {{ ?a ?p '{(chr(0x202E) + chr(0x2066)) * 10_000}' }} # {chr(0x202E)}",
    "blanks of no width": f"ASK{chr(0x200B)}{{{chr(0xFEFF)}?a ?p ?b{chr(0x200B)}}}",
    "comments without end": "#\n" * 45_000 + "ASK {}",
    "letters that become three": _count(
        f"{PAIRS} FILTER(LCASE('{chr(0x130) * 20_000}') = UCASE(CONCAT(STR(?a), '{chr(0xFB03) * 9_000}')))"
    ),
}

QUERIES: Mapping[str, str] = {
    name: PREFIX + query
    for family in (PATHS, GROUPS, VALUES, TEXTS, NUMBERS, COUNTS, DEPTHS, LETTERS)
    for name, query in family.items()
}

HEAD = "@prefix cl: <https://w3id.org/citelog#> .\n@prefix ex: <https://example.org/short-nights#> .\n"


def rule(head: str, body: str, name: str = "hostile") -> str:
    """A rule file's rule, as an author would begin it."""
    return f'%%% @convention Reading the record.\n#[name("{name}")]\n{head} :- {body} .\n'


GROWN = """
ex:predicate-grown a cl:DerivedPredicate ; cl:signature "grown(patient: patient, number: number)" ;
    cl:sentence "it has grown to {number}" ; cl:absence "it has not grown to {number}" .
"""
"""What the drafts of rules need besides, at the end of predicates.ttl."""

GROWS = rule("grown(?p, ?n)", "patient(?p), ex:points(?s, ?n)")
WIDE = ", ".join(f"ex:points(?s{i}, ?n{i}), cl:factor(?u{i}, ?f{i})" for i in range(12))

_RULES: Mapping[str, str] = {
    "a number that doubles its digits": GROWS + rule("grown(?p, ?x)", "grown(?p, ?y), ?x = ?y * ?y + 1", "more"),
    "a number that counts on": GROWS + rule("grown(?p, ?x)", "grown(?p, ?y), ?x = ?y + 1", "more"),
    "all sums of all sums": GROWS + rule("grown(?p, ?x)", "grown(?p, ?y), grown(?p, ?z), ?x = ?y + ?z", "more"),
    "a quotient that never ends": GROWS + rule("grown(?p, ?x)", "grown(?p, ?y), grown(?p, ?z), ?x = ?y / ?z", "more"),
    "a sum that counts itself": GROWS + rule("grown(?p, #sum(?x, ?x))", "grown(?p, ?x)", "more"),
    "a count of a wide join": rule("score(?p, #count(?n0))", f"patient(?p), {WIDE}"),
    "a sum of a wide join": rule("score(?p, #sum(?n0, ?s1))", f"patient(?p), {WIDE}"),
    "a wide join that never holds": rule("judged(?p)", f"patient(?p), {WIDE}, ?n0 > ?n11, ?n11 > ?n0"),
    "five hundred premises": rule("judged(?p)", ", ".join(["patient(?p)"] * 500)),
    "three hundred unknown values": rule("judged(?p)", ", ".join(f"ex:points(?s{i}, ?n{i})" for i in range(300))),
    "four thousand rules with a name": "".join(rule("judged(?p)", "patient(?p)", f"r{n}") for n in range(2_000)),
    "rules with one name": "".join(rule("judged(?p)", "patient(?p)") for _ in range(2_000)),
    "a text of a hundred thousand letters": rule("judged(?p)", f'patient(?p), ?x = "{"x" * 100_000}"'),
    "a number of a hundred thousand digits": rule("score(?p, ?x)", f"patient(?p), ?x = {'9' * 100_000}"),
    "a product of long numbers": rule("score(?p, ?x)", f"patient(?p), ?x = {' * '.join(['9' * 4_000] * 20)}"),
    "ten thousand signs": rule("score(?p, ?x)", f"patient(?p), ?x = {'1 + ' * 10_000}1"),
    "ten thousand negations": rule("judged(?p)", "patient(?p), " + "~" * 10_000 + "patient(?p)"),
    "a sentence of placeholders": rule("judged(?p)", "patient(?p)").replace(
        "judged", '#[display(f"' + "{?p}" * 20_000 + '")]\njudged'
    ),
    "a remark without end": "%%% " + "x" * 150_000 + "\n" + rule("judged(?p)", "patient(?p)"),
    "attributes without end": '#[name("x")]\n' * 10_000 + "judged(?p) :- patient(?p) .\n",
    "statements without end": "%%% @cites " + "S01 " * 30_000 + '\n#[name("hostile")]\njudged(?p) :- patient(?p) .\n',
    "what is absent rests on itself": rule("judged(?p)", "patient(?p), ~judged(?p)"),
    "letters that turn the line": rule("judged(?p)", 'patient(?p), ?x = "' + "\u202e" * 20_000 + '"'),
    "letters upon a letter": rule("judged(?p)", 'patient(?p), ?x = "a' + "\u0301" * 40_000 + '"'),
    "quotation marks": '"' * 100_000,
    "brackets": "judged(" * 15_000,
}

RULES: Mapping[str, str] = {name: HEAD + text for name, text in _RULES.items()}
"""Drafts of a rule file; those of tests/test_playground.py are others."""
