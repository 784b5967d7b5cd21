-- What `b12_by_hand.sql` concludes, with a record of why: for each conclusion the entries that it rests on, and for whether
-- to treat the line that decided, with the conclusions and entries behind it. That is far less than a proof (no rules, no
-- citations, nothing of what was looked for and not found), and what one would write by hand to have a trace at all.
CREATE TEMP TABLE dated AS (SELECT text, make_date(y, coalesce(m, 1), coalesce(d, 1)) AS first,
    CASE WHEN d IS NOT NULL THEN make_date(y, m, d) WHEN m IS NOT NULL THEN last_day(make_date(y, m, 1)) ELSE make_date(y, 12, 31) END AS last
  FROM (SELECT DISTINCT "when" AS text, TRY_CAST(regexp_extract("when", '^([0-9]{4})', 1) AS INTEGER) AS y,
      TRY_CAST(regexp_extract("when", '^[0-9]{4}-([0-9]{2})', 1) AS INTEGER) AS m,
      TRY_CAST(regexp_extract("when", '^[0-9]{4}-[0-9]{2}-([0-9]{2})$', 1) AS INTEGER) AS d
    FROM (SELECT "when" FROM '{data}/labs.parquet' UNION SELECT "when" FROM '{data}/findings.parquet'
          UNION SELECT "when" FROM '{data}/conditions.parquet')
    WHERE regexp_full_match("when", '[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?')));

CREATE TEMP TABLE counting AS
WITH results AS (
  SELECT l.patient, l.analyte, l.value, l.unit, l."when", l.flag, d.first, d.last, u.unit IS NULL AND l.unit IS NOT NULL AS strange, l.unit IS NULL AS bare,
    u.factor, u.low, u.high, regexp_extract(l.value, '^(<=|>=|≤|≥|<|>)', 1) AS sign,
    CASE WHEN regexp_full_match(l.value, '((<=|>=|≤|≥|<|>)\s*)?[+-]?[0-9]+(\.[0-9]+)?')
      THEN CAST(regexp_extract(l.value, '([+-]?[0-9]+(\.[0-9]+)?)$', 1) AS DECIMAL(18, 6)) END AS number
  FROM (SELECT DISTINCT * FROM '{data}/labs.parquet') AS l
  JOIN names AS a ON a.kind = 'analyte' AND a.term = 'serum_b12' AND a.name = lower(l.analyte)
  LEFT JOIN units AS u ON u.name = lower(l.unit) LEFT JOIN dated AS d ON d.text = l."when"),
judged AS (
  SELECT *, number < 0 OR (sign = '<' AND number <= 0) AS negative,
    CASE WHEN number >= 0 AND NOT (sign = '<' AND number <= 0) THEN number * factor END AS v FROM results),
classed AS (
  SELECT *, number IS NULL OR negative OR bare OR strange OR low IS NULL AS unusable,
    CASE WHEN sign IN ('<', '<=', '≤') THEN v IS NOT NULL ELSE v < low END AS below,
    CASE WHEN sign = '<' THEN v > low WHEN sign IN ('<=', '≤') THEN v >= low WHEN sign <> '' THEN v < high
         ELSE v >= low AND v < high END AS within,
    CASE WHEN sign = '<' THEN v > high WHEN sign IN ('<=', '≤') THEN v >= high WHEN sign <> '' THEN v IS NOT NULL
         ELSE v >= high END AS above FROM judged),
newest AS (
  SELECT *, coalesce(below OR within OR above, false) AS usable,
    max(first) FILTER (WHERE below OR within OR above) OVER (PARTITION BY patient) AS latest FROM classed)
SELECT *, usable AND NOT coalesce(last < latest, false) AS counts,
    below::INT + within::INT + above::INT AS classes FROM newest;

CREATE TEMP TABLE level AS
WITH levels AS (
  SELECT patient, bool_or(usable) AS some_usable, bool_or(counts AND classes = 1) AS some_class,
    bool_or(counts AND classes = 1 AND below) AS b, bool_or(counts AND classes = 1 AND within) AS w,
    bool_or(counts AND classes = 1 AND above) AS a,
    bool_or(counts AND classes > 1 AND NOT below) AS not_b, bool_or(counts AND classes > 1 AND NOT within) AS not_w,
    bool_or(counts AND classes > 1 AND NOT above) AS not_a,
    bool_or(counts AND flag IS NOT NULL AND (regexp_matches(lower(flag), '\b(low|below)\b') OR regexp_matches(lower(flag), '^\W*ll?\b'))) AS low_flag,
    max(first) FILTER (WHERE counts) AS latest_counting, list((last, unusable)) AS doubts
  FROM counting GROUP BY patient)
SELECT patient, low_flag,
    len(list_filter(doubts, lambda x: x[2] AND NOT coalesce(x[1] < latest_counting, false))) > 0 AS doubtful,
    CASE WHEN (b::INT + w::INT + a::INT > 1) OR (b AND not_b) OR (w AND not_w) OR (a AND not_a) THEN 'conflicting'
         WHEN b THEN 'below_all_cutoffs' WHEN w THEN 'within_debated_cutoffs' WHEN a THEN 'above_all_cutoffs'
         ELSE 'uninterpretable' END AS value FROM levels;

CREATE TEMP TABLE standing AS
WITH entries AS (
  SELECT e.patient, e.name, e."when", n.term, d.first, d.last, CASE WHEN lower(e.state) IN ('present', 'absent') THEN lower(e.state) ELSE 'unknown' END AS state
  FROM (SELECT * FROM '{data}/findings.parquet' UNION ALL SELECT * FROM '{data}/conditions.parquet') AS e
  JOIN names AS n ON n.kind = 'finding' AND n.name = lower(e.name) LEFT JOIN dated AS d ON d.text = e."when"
  WHERE coalesce(lower(e.state), '') NOT IN ('resolved', 'inactive', 'in remission', 'remission', 'entered in error'))
SELECT * FROM (SELECT *, max(first) FILTER (WHERE state <> 'unknown') OVER (PARTITION BY patient, term) AS latest FROM entries)
  WHERE NOT coalesce(last < latest, false);

CREATE TEMP TABLE found AS
WITH states AS (
  SELECT patient, term, CASE WHEN p AND a THEN 'conflicting' WHEN p THEN 'present' WHEN u THEN 'unknown' ELSE 'absent' END AS state
  FROM (SELECT patient, term, bool_or(state = 'present') AS p, bool_or(state = 'absent') AS a, bool_or(state = 'unknown') AS u
        FROM standing GROUP BY patient, term))
SELECT patient, max(state) FILTER (WHERE term = 'symptoms') AS symptoms, max(state) FILTER (WHERE term = 'fatigue') AS fatigue,
    max(state) FILTER (WHERE term = 'severe_neuro_symptoms') AS severe_neuro,
    max(state) FILTER (WHERE term = 'pernicious_anaemia') AS anaemia, max(state) FILTER (WHERE term = 'severe_deficiency') AS severe,
    max(state) FILTER (WHERE term = 'significant_deficiency') AS significant,
    max(state) FILTER (WHERE term = 'diagnosed_deficiency') AS diagnosed FROM states GROUP BY patient;

CREATE TEMP TABLE ways_left AS
WITH ways AS (
  SELECT s.patient, s.name, s.state, s."when", s.first, s.last, CASE
      WHEN s.term = 'neuro_involvement' AND s.state = 'present' THEN 'for'
      WHEN s.term = 'neuro_involvement' AND s.state = 'absent' THEN 'against'
      WHEN s.term = 'severe_neuro_symptoms' AND s.state = 'present' THEN CASE WHEN f.severe_neuro = 'conflicting' THEN 'suspect' ELSE 'for' END
      WHEN s.term = 'possible_neuro_involvement' AND s.state = 'present' THEN 'suspect'
      WHEN s.term = 'possible_neuro_involvement' AND s.state = 'absent' THEN 'not possible'
      WHEN s.term <> 'severe_neuro_symptoms' THEN 'doubt' END AS way
  FROM standing AS s JOIN found AS f USING (patient)
  WHERE s.term IN ('neuro_involvement', 'possible_neuro_involvement', 'severe_neuro_symptoms'))
SELECT * FROM (SELECT *, max(first) FILTER (WHERE way = 'against') OVER (PARTITION BY patient) AS against,
               max(first) FILTER (WHERE way IN ('for', 'suspect')) OVER (PARTITION BY patient) AS pro FROM ways)
  WHERE way = 'not possible' OR NOT coalesce(last < CASE WHEN way = 'against' THEN pro ELSE against END, false);

CREATE TEMP TABLE medicines AS
SELECT m.patient, m.name, m.since, lower(m.status) = 'current' AS current, CASE
      WHEN lower(m.route) = 'oral' THEN 'oral' WHEN n.term = 'cyanocobalamin' AND m.route IS NULL THEN 'unplaced'
      WHEN o.days IS NULL THEN 'unplaced' WHEN o.days >= 28 THEN 'maintenance' ELSE 'loading' END AS phase
  FROM '{data}/medications.parquet' AS m JOIN names AS n ON n.kind = 'drug' AND n.name = lower(m.name)
  LEFT JOIN (VALUES ('every 3 months', 84.0), ('three times a week', 7 / 3), ('daily', 1.0), ('twice daily', 0.5)) AS o(text, days)
    ON o.text = lower(m.frequency)
  WHERE n.term IN ('hydroxocobalamin', 'cyanocobalamin');

CREATE TEMP TABLE decided AS
WITH left_over AS (
  SELECT patient, bool_or(way = 'for') AS f, bool_or(way = 'suspect') AS s, bool_or(way = 'against') AS a,
    bool_or(way = 'doubt') AS d, bool_or(way = 'not possible') AS n FROM ways_left GROUP BY patient),
neuro AS (
  SELECT patient, CASE WHEN a AND (f OR s) THEN 'conflicting' WHEN f THEN 'present' WHEN s THEN 'possible' WHEN d THEN 'unknown'
    WHEN a THEN 'absent' WHEN n THEN 'unknown' ELSE 'not_recorded' END AS value FROM left_over),
phases AS (
  SELECT patient, CASE WHEN bool_or(current AND phase = 'maintenance') THEN 'maintenance'
    WHEN bool_or(current AND phase = 'loading') THEN 'loading' ELSE 'other' END AS phase FROM medicines GROUP BY patient),
pictures AS (
  SELECT p.patient, coalesce(s.value, 'not_assessed') AS status, coalesce(s.low_flag, false) AS low_flag,
    coalesce(s.doubtful, false) AS doubtful, CASE f.symptoms WHEN 'present' THEN 'yes' WHEN 'absent' THEN 'no'
      WHEN 'conflicting' THEN 'conflicting' WHEN 'unknown' THEN 'unknown'
      ELSE CASE WHEN f.fatigue = 'present' THEN 'unknown' ELSE 'not_recorded' END END AS symptomatic,
    coalesce(n.value, 'not_recorded') AS neuro, f.anaemia, f.severe, f.significant, f.diagnosed, m.phase
  FROM '{data}/patients.parquet' AS p LEFT JOIN level AS s USING (patient) LEFT JOIN found AS f USING (patient)
  LEFT JOIN neuro AS n USING (patient) LEFT JOIN phases AS m USING (patient))
SELECT *, CASE
      WHEN symptomatic = 'yes' THEN 'immediate'
      WHEN (status = 'below_all_cutoffs' OR diagnosed = 'present') AND neuro IN ('present', 'possible', 'conflicting') THEN 'immediate'
      WHEN phase IN ('maintenance', 'loading') THEN 'indicated'
      WHEN 'present' IN (anaemia, severe, significant) THEN 'indicated'
      WHEN status = 'below_all_cutoffs' OR diagnosed = 'present' THEN 'indicated'
      WHEN symptomatic = 'no' AND (status = 'within_debated_cutoffs' OR (status = 'above_all_cutoffs' AND low_flag)) THEN 'judgement'
      WHEN status = 'above_all_cutoffs' AND symptomatic = 'no' AND neuro IN ('absent', 'not_recorded') AND phase IS NULL AND NOT doubtful
        AND coalesce(anaemia, 'absent') = 'absent' AND coalesce(severe, 'absent') = 'absent'
        AND coalesce(significant, 'absent') = 'absent' AND coalesce(diagnosed, 'absent') = 'absent' THEN 'no_basis'
      ELSE 'undetermined' END AS treat,
    CASE WHEN symptomatic = 'yes' THEN 1
      WHEN (status = 'below_all_cutoffs' OR diagnosed = 'present') AND neuro IN ('present', 'possible', 'conflicting') THEN 2
      WHEN phase IN ('maintenance', 'loading') THEN 3
      WHEN 'present' IN (anaemia, severe, significant) THEN 4
      WHEN status = 'below_all_cutoffs' OR diagnosed = 'present' THEN 5
      WHEN symptomatic = 'no' AND (status = 'within_debated_cutoffs' OR (status = 'above_all_cutoffs' AND low_flag)) THEN 6
      ELSE 0 END AS line FROM pictures;

COPY (SELECT patient, unnest(['status', 'symptomatic', 'neuro', 'treat']) AS kind, unnest([status, symptomatic, neuro, treat]) AS value
FROM decided) TO '{out}/conclusions.parquet' (FORMAT parquet, COMPRESSION zstd);

COPY (
SELECT c.patient, 'status' AS kind, d.status AS conclusion, NULL AS line, CASE WHEN counts THEN 'counts' ELSE 'cannot be used' END AS because,
  c.analyte AS name, c.value AS said, c.unit, c."when"
FROM counting AS c JOIN decided AS d USING (patient)
WHERE counts OR (unusable AND d.status IN ('uninterpretable', 'not_assessed'))
UNION ALL
SELECT patient, 'symptomatic', d.symptomatic, NULL, s.term, s.name, s.state, NULL, s."when"
FROM standing AS s JOIN decided AS d USING (patient) WHERE s.term IN ('symptoms', 'fatigue')
UNION ALL
SELECT patient, 'neuro', d.neuro, NULL, w.way, w.name, w.state, NULL, w."when"
FROM ways_left AS w JOIN decided AS d USING (patient) WHERE w.way IS NOT NULL
UNION ALL
SELECT patient, 'treat', treat, line, 'status', NULL, status, NULL, NULL FROM decided WHERE line IN (0, 2, 5, 6)
UNION ALL
SELECT patient, 'treat', treat, line, 'symptomatic', NULL, symptomatic, NULL, NULL FROM decided WHERE line IN (0, 1, 6)
UNION ALL
SELECT patient, 'treat', treat, line, 'neuro', NULL, neuro, NULL, NULL FROM decided WHERE line IN (0, 2)
UNION ALL
SELECT patient, 'treat', d.treat, d.line, s.term, s.name, s.state, NULL, s."when"
FROM standing AS s JOIN decided AS d USING (patient) WHERE d.line IN (0, 2, 4, 5)
  AND s.term IN ('pernicious_anaemia', 'severe_deficiency', 'significant_deficiency', 'diagnosed_deficiency')
UNION ALL
SELECT patient, 'treat', d.treat, d.line, m.phase, m.name, NULL, NULL, m.since
FROM medicines AS m JOIN decided AS d USING (patient) WHERE d.line IN (0, 3)
) TO '{out}/reasons.parquet' (FORMAT parquet, COMPRESSION zstd);
