"""What `b12_by_hand.sql` concludes, written by hand for Polars, from a folder of tables to a Parquet file.

It must give what citelog gives, to the last row. Polars plans the whole as one query; columns that nothing reads are
never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

SIGN = r"^(<=|>=|≤|≥|<|>)"
NUMBER = r"^(?:(?:<=|>=|≤|≥|<|>)\s*)?([+-]?[0-9]+(?:\.[0-9]+)?)$"
LOW = r"\b(low|below)\b|^\W*ll?\b"
OVER = ["resolved", "inactive", "in remission", "remission", "entered in error"]
DAYS = {"every 3 months": 84.0, "three times a week": 7 / 3, "daily": 1.0, "twice daily": 0.5}
c = pl.col


def write(names: Mapping[str, Mapping[str, str]], units: Sequence[Sequence[Any]], data: Path, out: Path) -> None:
    """Conclude the four kinds for everyone in a folder of data; `names` and `units` are those of the knowledge base."""

    def table(name: str) -> pl.LazyFrame:
        return pl.scan_parquet(data / f"{name}.parquet")

    def terms(kind: str) -> pl.LazyFrame:
        known = names[kind]
        return pl.LazyFrame({"called": list(known), "term": list(known.values())})

    level = status(table("labs"), [name for name, term in names["analyte"].items() if term == "serum_b12"], units)
    standing = entries(pl.concat([table("findings"), table("conditions")]), terms("finding"))
    found = states(standing)
    everyone = table("patients").select("patient")
    for part in (level, found, neuro(standing, found), phase(table("medications"), terms("drug"))):
        everyone = everyone.join(part, on="patient", how="left")
    kinds = ["status", "symptomatic", "neuro", "treat"]
    decided(everyone).unpivot(kinds, index="patient", variable_name="kind").sink_parquet(out, compression="zstd")


def days(column: str) -> tuple[pl.Expr, pl.Expr]:
    """The first and the last day that a text can mean: a day, a month or a year."""
    length = c(column).str.len_chars()
    day = pl.when(length == 10).then(c(column)).str.to_date("%Y-%m-%d", strict=False)
    month = pl.when(length == 7).then(c(column) + "-01").str.to_date("%Y-%m-%d", strict=False)
    year = pl.when(length == 4).then(c(column) + "-01-01").str.to_date("%Y-%m-%d", strict=False)
    return pl.coalesce(day, month, year).alias("first"), pl.coalesce(
        day, month.dt.month_end(), year.dt.offset_by("12mo").dt.offset_by("-1d")
    ).alias("last")


def earlier(latest: str) -> pl.Expr:
    """Whether an entry ends before another day; what has no day does not."""
    return (c("last") < c(latest)).fill_null(False)


def status(labs: pl.LazyFrame, called: list[str], units: Sequence[Sequence[Any]]) -> pl.LazyFrame:
    """The status of everyone who has a result, whether it is in doubt, and whether a laboratory calls it low."""
    known = pl.LazyFrame(
        {
            "unit_called": [one[0] for one in units],
            **{name: [float(one[i]) if one[i] is not None else None for one in units]
               for i, name in ((2, "factor"), (3, "low"), (4, "high"))},
        }
    )  # fmt: skip
    sign, number, v, low, high = c("sign"), c("number"), c("v"), c("low"), c("high")
    less, at_most, above = sign == "<", sign.is_in(["<=", "≤"]), sign != ""
    results = (
        labs.filter(c("analyte").str.to_lowercase().is_in(called))
        .unique()
        .with_columns(c("unit").str.to_lowercase().alias("unit_called"), *days("when"))
        .join(known, on="unit_called", how="left")
        .with_columns(
            c("value").str.extract(SIGN, 1).fill_null("").alias("sign"),
            c("value").str.extract(NUMBER, 1).cast(pl.Float64).alias("number"),
        )
        .with_columns((number * c("factor")).round(6).alias("v"), (number < 0).alias("negative"))
        .with_columns((c("negative") | (less & (number <= 0))).fill_null(False).alias("negative"))
        .with_columns(
            (number.is_null() | c("negative") | c("unit").is_null() | low.is_null()).alias("unusable"),
            pl.when(less | at_most).then(v.is_not_null()).otherwise(v < low).alias("below"),
            pl.when(less).then(v > low).when(at_most).then(v >= low).when(above).then(v < high)
            .otherwise((v >= low) & (v < high)).alias("within"),
            pl.when(less).then(v > high).when(at_most).then(v >= high).when(above).then(v.is_not_null())
            .otherwise(v >= high).alias("above"),
        )
        .with_columns(
            pl.when(~c("unusable")).then(c(way)).otherwise(False).alias(way) for way in ("below", "within", "above")
        )
        .with_columns(pl.any_horizontal("below", "within", "above").fill_null(False).alias("usable"))
    )  # fmt: skip
    latest = results.filter("usable").group_by("patient").agg(c("first").max().alias("latest"))
    flag = c("flag").str.to_lowercase()
    judged = results.join(latest, on="patient", how="left").with_columns(
        (c("usable") & ~earlier("latest")).alias("counts"),
        pl.sum_horizontal("below", "within", "above").alias("classes"),
    )
    one, several = c("counts") & (c("classes") == 1), c("counts") & (c("classes") > 1)
    ways = ("below", "within", "above")
    levels = judged.group_by("patient").agg(
        *((one & c(way)).any().alias(way) for way in ways),
        *((several & ~c(way)).any().alias(f"not_{way}") for way in ways),
        (c("counts") & flag.str.contains(LOW).fill_null(False)).any().alias("low_flag"),
        c("first").filter("counts").max().alias("latest_counting"),
    )
    doubts = (
        judged.filter("unusable")
        .select("patient", "last")
        .join(levels.select("patient", "latest_counting"), on="patient")
        .filter(~earlier("latest_counting"))
        .select("patient", pl.lit(True).alias("doubtful"))
        .unique()
    )
    disputed = pl.any_horizontal(pl.sum_horizontal(*ways) > 1, *(c(way) & c(f"not_{way}") for way in ways))
    return levels.join(doubts, on="patient", how="left").select(
        "patient",
        "low_flag",
        c("doubtful").fill_null(False),
        pl.when(disputed).then(pl.lit("conflicting"))
        .when("below").then(pl.lit("below_all_cutoffs"))
        .when("within").then(pl.lit("within_debated_cutoffs"))
        .when("above").then(pl.lit("above_all_cutoffs"))
        .otherwise(pl.lit("uninterpretable")).alias("status"),
    )  # fmt: skip


def entries(listed: pl.LazyFrame, terms: pl.LazyFrame) -> pl.LazyFrame:
    """The findings and conditions that no later one of their name takes the place of."""
    state = c("state").str.to_lowercase()
    known = (
        listed.filter(~state.fill_null("").is_in(OVER))
        .with_columns(c("name").str.to_lowercase().alias("called"))
        .join(terms, on="called")
        .select(
            "patient",
            "term",
            pl.when(state.is_in(["present", "absent"])).then(state).otherwise(pl.lit("unknown")).alias("state"),
            *days("when"),
        )
    )
    definite = known.filter(c("state") != "unknown").group_by("patient", "term").agg(c("first").max().alias("latest"))
    return known.join(definite, on=["patient", "term"], how="left").filter(~earlier("latest"))


def states(standing: pl.LazyFrame) -> pl.LazyFrame:
    """What is recorded of each name, a column each."""
    said = standing.group_by("patient", "term").agg(
        (c("state") == state).any().alias(state) for state in ("present", "absent", "unknown")
    )
    state = (
        pl.when(c("present") & c("absent")).then(pl.lit("conflicting")).when("present").then(pl.lit("present"))
        .when("unknown").then(pl.lit("unknown")).otherwise(pl.lit("absent"))
    )  # fmt: skip
    columns = {
        "symptoms": "symptoms", "fatigue": "fatigue", "severe_neuro": "severe_neuro_symptoms",
        "anaemia": "pernicious_anaemia", "severe": "severe_deficiency", "significant": "significant_deficiency",
        "diagnosed": "diagnosed_deficiency",
    }  # fmt: skip
    return (
        said.select("patient", "term", state.alias("state"))
        .group_by("patient")
        .agg(c("state").filter(c("term") == term).max().alias(name) for name, term in columns.items())
    )


def neuro(standing: pl.LazyFrame, found: pl.LazyFrame) -> pl.LazyFrame:
    """Neurological involvement: which entries are left when later ones have taken the place of others."""
    term, state = c("term"), c("state")
    involved, possible, severe = (
        term == name for name in ("neuro_involvement", "possible_neuro_involvement", "severe_neuro_symptoms")
    )
    present, absent = state == "present", state == "absent"
    ways = (
        standing.filter(involved | possible | severe)
        .join(found.select("patient", "severe_neuro"), on="patient")
        .with_columns(
            pl.when(involved & present).then(pl.lit("for")).when(involved & absent).then(pl.lit("against"))
            .when(severe & present & (c("severe_neuro") == "conflicting")).then(pl.lit("suspect"))
            .when(severe & present).then(pl.lit("for"))
            .when(possible & present).then(pl.lit("suspect")).when(possible & absent).then(pl.lit("not possible"))
            .when(~severe).then(pl.lit("doubt")).alias("way")
        )
    )  # fmt: skip
    last = ways.group_by("patient").agg(
        c("first").filter(c("way") == "against").max().alias("against"),
        c("first").filter(c("way").is_in(["for", "suspect"])).max().alias("pro"),
    )
    rival = pl.when(c("way") == "against").then(c("pro")).otherwise(c("against"))
    left = (
        ways.join(last, on="patient")
        .filter((c("way") == "not possible") | ~(c("last") < rival).fill_null(False))
        .group_by("patient")
        .agg(
            (c("way") == way).any().alias(name)
            for name, way in {"f": "for", "s": "suspect", "a": "against", "d": "doubt", "n": "not possible"}.items()
        )
    )
    return left.select(
        "patient",
        pl.when(c("a") & (c("f") | c("s"))).then(pl.lit("conflicting")).when("f").then(pl.lit("present"))
        .when("s").then(pl.lit("possible")).when("d").then(pl.lit("unknown")).when("a").then(pl.lit("absent"))
        .when("n").then(pl.lit("unknown")).otherwise(pl.lit("not_recorded")).alias("neuro"),
    )  # fmt: skip


def phase(medications: pl.LazyFrame, terms: pl.LazyFrame) -> pl.LazyFrame:
    """The phase of treatment of everyone who has a vitamin B12 medicine."""
    route = c("route").str.to_lowercase()
    named = c("frequency").str.to_lowercase().replace_strict(DAYS, default=None, return_dtype=pl.Float64)
    current = c("status").str.to_lowercase() == "current"
    return (
        medications.with_columns(c("name").str.to_lowercase().alias("called"))
        .join(terms, on="called")
        .filter(c("term").is_in(["hydroxocobalamin", "cyanocobalamin"]))
        .with_columns(
            pl.when(route == "oral").then(pl.lit("oral"))
            .when((c("term") == "cyanocobalamin") & route.is_null()).then(pl.lit("unplaced"))
            .when(named.is_null()).then(pl.lit("unplaced"))
            .when(named >= 28).then(pl.lit("maintenance")).otherwise(pl.lit("loading")).alias("way"),
            current.fill_null(False).alias("current"),
        )
        .group_by("patient")
        .agg((c("current") & (c("way") == way)).any().alias(way) for way in ("maintenance", "loading"))
        .select(
            "patient",
            pl.when("maintenance").then(pl.lit("maintenance")).when("loading").then(pl.lit("loading"))
            .otherwise(pl.lit("other")).alias("phase"),
        )
    )  # fmt: skip


def decided(everyone: pl.LazyFrame) -> pl.LazyFrame:
    """One row a patient, with the four conclusions."""
    symptoms = (
        pl.when(c("symptoms") == "present").then(pl.lit("yes")).when(c("symptoms") == "absent").then(pl.lit("no"))
        .when(c("symptoms").is_not_null()).then(c("symptoms"))
        .when(c("fatigue") == "present").then(pl.lit("unknown")).otherwise(pl.lit("not_recorded"))
    )  # fmt: skip
    said = everyone.with_columns(
        c("status").fill_null("not_assessed"),
        c("neuro").fill_null("not_recorded"),
        c("low_flag").fill_null(False),
        c("doubtful").fill_null(False),
        c("phase").fill_null("none"),
        symptoms.alias("symptomatic"),
        *(c(name).fill_null("absent") for name in ("anaemia", "severe", "significant", "diagnosed")),
    )
    below, above = c("status") == "below_all_cutoffs", c("status") == "above_all_cutoffs"
    deficient = below | (c("diagnosed") == "present")
    yes, no = c("symptomatic") == "yes", c("symptomatic") == "no"
    assessed = ("anaemia", "severe", "significant")
    no_support = pl.all_horizontal(
        c("neuro").is_in(["absent", "not_recorded"]), c("phase") == "none", ~c("doubtful"),
        *(c(name) == "absent" for name in (*assessed, "diagnosed")),
    )  # fmt: skip
    treat = (
        pl.when(yes | (deficient & c("neuro").is_in(["present", "possible", "conflicting"]))).then(pl.lit("immediate"))
        .when(c("phase").is_in(["maintenance", "loading"])).then(pl.lit("indicated"))
        .when(pl.any_horizontal(*(c(name) == "present" for name in assessed)) | deficient).then(pl.lit("indicated"))
        .when(no & ((c("status") == "within_debated_cutoffs") | (above & c("low_flag")))).then(pl.lit("judgement"))
        .when(above & no & no_support).then(pl.lit("no_basis"))
        .otherwise(pl.lit("undetermined"))
    )  # fmt: skip
    return said.with_columns(treat.alias("treat"))
