"""From rows to pictures, in SQL: what the joint rules can see of each patient, and nothing else.

A patient's entries are brought together once. Of each entry there is its *code* (which of its facts can be seen) and
the place of its days in the order of all days of that patient, or the days themselves where rules see those. The
sorted list of these is the patient's picture: patients with equal lists get equal answers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from citelog.patient.case import LISTS, PARTS
from citelog.population.data.files import literal
from citelog.population.data.files import name as quoted
from citelog.population.data.tables import PATIENTS, Source, TableName
from citelog.population.entries import NONE

CROWD = 2_000
"""Rows of one patient that rules can see; more are answered alone, within the deadline of one patient."""

BITS = 22
"""For each day in a key: enough for every ordinal up to the year 9999."""


@dataclass(frozen=True, slots=True)
class Wordings:
    """One kind of wording: the rows that have it, and the columns that it is made of.

    Its `hash` stands for the columns and for what is known of the days; that it stands for nothing else is checked on
    the rows at hand (`clashes`).
    """

    list: TableName
    query: str
    columns: tuple[str, ...]
    days: tuple[str, ...]
    name: str

    @property
    def rows(self) -> str:
        """Every row: patient, list, row, wording, and the numbers of its days."""
        return (
            f"SELECT r.patient AS patient, {PARTS.index(self.list)}::TINYINT AS list, r.row AS row, "
            f"{self.hash} AS wording, {self._day('when')} AS w, {self._day('since')} AS s "
            f"FROM ({self.query}) AS r{self._dated}"
        )

    @property
    def visible(self) -> str:
        """The rows of which something can be seen: patient, record, and the entry as a packed number.

        Rows of one patient with the same record are the same line written twice.
        """
        ends = [seen_end("v", key, self._of(key), end) if key in self.days else "0" for key, end in ENDS]
        return (
            f"SELECT r.patient AS patient, v.content, {self._day('when')} AS w, {self._day('since')} AS s, "
            f"{packed('v.code', ends)} AS entry "
            f"FROM ({self.query}) AS r{self._dated} JOIN visible AS v ON {self.hash} = v.wording"
        )

    @property
    def _dated(self) -> str:
        return "".join(f" LEFT JOIN days AS d{i} ON d{i}.text = r.{quoted(key)}" for i, key in enumerate(self.days))

    def _of(self, key: str) -> str:
        return f"d{self.days.index(key)}" if key in self.days else ""

    def _day(self, key: str) -> str:
        return f"coalesce({self._of(key)}.id, -1)" if key in self.days else "-1::INTEGER"

    @property
    def hash(self) -> str:
        """The hash of a row's wording."""
        parts = [literal(self.name), *(f"r.{quoted(column)}" for column in self.columns)]
        parts += [f"coalesce(d{i}.readable, {NONE})" for i in range(len(self.days))]
        return f"hash({', '.join(parts)})"

    @property
    def distinct(self) -> str:
        """Each wording once: its hash, its columns as `c0`, `c1` and so on, and of each day whether it can be read."""
        columns = [f"r.{quoted(column)} AS c{i}" for i, column in enumerate(self.columns)]
        readable = [f"coalesce(d{i}.readable, {NONE}) AS readable{i}" for i in range(len(self.days))]
        shown = ", ".join([f"{self.hash} AS wording", *columns, *readable])
        return f"SELECT DISTINCT {shown} FROM ({self.query}) AS r{self._dated}"


def wordings(source: Source, known_context: Iterable[str]) -> list[Wordings]:
    """The kinds of wording that a source has."""
    found = []
    known = set(known_context)
    for list_ in LISTS:
        relation = source.relations.get(list_)
        if relation is not None:
            dated = ("when", "since") if list_ == "medications" else ("when",)
            days = tuple(key for key in dated if key in relation.columns)
            columns = tuple(column for column in relation.columns if column not in days)
            found.append(Wordings(list_, relation.query, columns, days, list_))
    people = source.relations.get(PATIENTS)
    if people is not None:
        read = tuple(column for column in people.columns if column in known)
        if read:
            found.append(Wordings(PATIENTS, people.query, read, (), PATIENTS))
        for column in people.columns:
            if column not in known:
                query = f"SELECT * FROM ({people.query}) WHERE {quoted(column)} IS NOT NULL"
                found.append(Wordings(PATIENTS, query, (column,), (), f"{PATIENTS}.{column}"))
    return found


def day_texts(source: Source) -> str:
    """Every text that stands where a day should."""
    parts = []
    for list_ in LISTS:
        relation = source.relations.get(list_)
        for key in ("when", "since") if list_ == "medications" else ("when",):
            if relation is not None and key in relation.columns:
                parts.append(f"SELECT DISTINCT {quoted(key)} AS text FROM ({relation.query})")
    return f"SELECT DISTINCT text FROM ({' UNION ALL '.join(parts)}) WHERE text IS NOT NULL" if parts else ""


# --- keys --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shape:
    """How days stand in a key: those of an entry's own day and of its start, as themselves or by their order."""

    when_exact: bool = False
    since_exact: bool = False
    at: int = 0
    """The day of the assessment as an ordinal, where it takes part in the order; else 0."""

    @property
    def document(self) -> list[int]:
        """The same as plain numbers."""
        return [self.when_exact, self.since_exact, self.at]

    def key(self, days: str, code: str, fields: Mapping[str, str]) -> str:
        """An entry as one number, given the list of a patient's days, its code, and its own days, `0` where none is."""
        placed = []
        for name, field in fields.items():
            is_itself = field == "0" or (self.when_exact if name[0] == "w" else self.since_exact)
            placed.append(field if is_itself else f"coalesce(list_position({days}, {field}), 0)")
        return packed(code, placed)


def packed(code: str, days: Sequence[str]) -> str:
    """A code and four days as one number."""
    made = f"({code}::HUGEINT << {BITS * 4})"
    for i, one in enumerate(days):
        made += f" | ({one}::HUGEINT << {BITS * (3 - i)})" if one != "0" else ""
    return f"({made})"


ENDS = (("when", "first"), ("when", "last"), ("since", "first"), ("since", "last"))
"""The four days of an entry, in the order in which they are packed."""


def seen_end(said: str, key: str, day: str, end: str) -> str:
    """An end of a day of an entry as an ordinal, 0 where it cannot be seen; `said` and `day` are rows about them."""
    return f"CASE WHEN {said}.sees_{key} THEN coalesce({day}.{end}, 0) ELSE 0 END"


DAY_FIELDS: Mapping[str, str] = {
    name: seen_end("s", key, f"d{name[0]}", end)
    for name, (key, end) in zip(("wf", "wl", "sf", "sl"), ENDS, strict=True)
}
"""The days of an entry that can be seen, as ordinals; `s` is its row of `said`, `dw` and `ds` its rows of `days`."""


def every_row(parts: Sequence[Wordings], share: str) -> str:
    """All rows of a share, which is a condition on `patient`, or empty."""
    queries = (f"SELECT * FROM ({one.rows}) WHERE {share}" if share else one.rows for one in parts)
    nothing = (
        "SELECT NULL::VARCHAR AS patient, NULL::TINYINT AS list, NULL::BIGINT AS row, NULL::UBIGINT AS wording, "
        "NULL::INTEGER AS w, NULL::INTEGER AS s WHERE false"
    )
    return " UNION ALL ".join(queries) or nothing


def visible(parts: Sequence[Wordings], share: str) -> str:
    """The rows of a share of which something can be seen (`Wordings.visible`), each record once."""
    where = f" WHERE {share}" if share else ""
    return " UNION ALL ".join(f"SELECT DISTINCT * FROM ({one.visible}){where}" for one in parts)


def visible_again(rows: str) -> str:
    """The same of rows that are read already."""
    ends = [seen_end("v", key, f"d{key[0]}", end) for key, end in ENDS]
    return (
        f"SELECT DISTINCT r.patient AS patient, v.content, r.w, r.s, {packed('v.code', ends)} AS entry "
        f"FROM ({rows}) AS r JOIN visible AS v ON r.wording = v.wording "
        "LEFT JOIN days AS dw ON dw.id = r.w LEFT JOIN days AS ds ON ds.id = r.s"
    )


def keys(seen: str, shape: Shape, dated: Collection[str]) -> str:
    """Of each patient in rows that can be seen: the picture's key, and the rank of the day of the assessment.

    `dated` are the keys of days that can be seen of any of these rows: with none of them, no day is looked at.
    A crowd of rows (more than `CROWD`) is nobody's record, and shares no picture: its key is null. A day's rank is its
    first place among all days of the patient, each as often as it stands there.
    """
    parts = unpacked("x")
    fields = {name: parts[name] if key in dated else "0" for name, (key, _) in zip(DAY_FIELDS, ENDS, strict=True)}
    exact = {"when": shape.when_exact, "since": shape.since_exact}
    listed = [f"[{shape.at}]"] if shape.at and not all(exact.values()) else []
    listed += [
        f"list_transform(seen, lambda x: {fields[name]})"
        for name, (key, _) in zip(DAY_FIELDS, ENDS, strict=True)
        if key in dated and not exact[key]
    ]
    days = f"list_sort(list_filter(flatten([{', '.join(listed)}]), lambda d: d > 0))" if listed else "[]::INTEGER[]"
    key = shape.key("days", parts["code"], fields)
    return f"""
WITH together AS (SELECT patient, list(entry) AS seen FROM ({seen}) GROUP BY patient),
ordered AS (
  SELECT patient, CASE WHEN len(seen) <= {CROWD} THEN seen END AS seen, {days} AS days FROM together
)
SELECT patient, days, coalesce(list_position(days, {shape.at}), 0)::INTEGER AS at_rank,
       list_sort(list_transform(seen, lambda x: {key})) AS key FROM ordered
"""


def oddities(rows: str) -> str:
    """The patients who have two rows of which the wordings or days are odd: each alone would do no harm."""
    return f"""
SELECT patient FROM ({rows}) AS r
LEFT JOIN (SELECT DISTINCT wording, odd FROM said WHERE odd) AS s ON r.wording = s.wording
LEFT JOIN days AS dw ON dw.id = r.w AND dw.odd LEFT JOIN days AS ds ON ds.id = r.s AND ds.odd
WHERE s.odd OR dw.odd OR ds.odd
GROUP BY patient HAVING count(DISTINCT (r.wording, r.w, r.s)) > 1"""


def unpacked(number: str) -> Mapping[str, str]:
    """What a packed number is made of."""
    mask = (1 << BITS) - 1
    found = {"code": f"({number} >> {BITS * 4})::INTEGER"}
    for i, name in enumerate(("wf", "wl", "sf", "sl")):
        found[name] = f"(({number} >> {BITS * (3 - i)}) & {mask})::INTEGER"
    return found


def records(of: str = "pictures") -> str:
    """Of each picture in a table, its entries: their number (-1, -2, …), code and days."""
    fields = ", ".join(f"{sql} AS {name}" for name, sql in unpacked("k").items())
    return (
        f"SELECT picture AS unit, (-i)::INTEGER AS entry, {fields} FROM "
        f"(SELECT picture, unnest(key) AS k, unnest(range(1, len(key) + 1)) AS i FROM {of})"
    )


__all__ = [
    "DAY_FIELDS", "Shape", "Wordings", "day_texts", "every_row", "keys", "oddities",
    "records", "visible", "visible_again", "wordings",
]  # fmt: skip
