"""Why a mutant that nothing notices changes no conclusion: read off the rules by a person, for want of a proof.

A reason is for one edit, named by its rule and the words of the edit, of which a part is enough. It is asked for only
where no check, case, property or drawn record has told a difference.
"""

from __future__ import annotations

from mutants.edits import Mutant

_AFTER = "asked only of what the rule that asks has found already"
_OTHER = "another rule gives the same conclusion from the same entries then"
_FIRST = "a phase that goes before it is given as well, and the phase is the first of them"
_ALWAYS = "there is always one, and another rule of the conclusion rests on it"
_LINE_3 = "loading under way is line 3 of the treat table"
_LINE_4 = "pernicious anaemia is line 4 of the treat table, and another rule of the conclusion rests on the treatment"
_NEURO = "the step is shown with involvement only, and to every patient who is treated and has it"
_ORAL = "regimen-oral-preferred gives the same: the phase rests on the medicine"
_CERTAIN = "what is not contradicted is for involvement, which goes before a suspicion"
_UNSHOWN = "the rule is asked for its absence only, so that no proof of a conclusion cites it"

REASONS: tuple[tuple[str, str, str], ...] = (
    ("replaced-unusable-result", "without unusable(", _AFTER),
    ("class-above-less-than", "cl:less_than, ?value, ?range) → level_bound(?p, ?r, _",
     "a bound above the high end allows the highest class whatever its sign"),
    ("neuro-suspect-severe", "without state(", _CERTAIN),
    ("neuro-suspect-severe", "b12:conflicting) → state(?p, b12:severe_neuro_symptoms, _", _CERTAIN),
    ("neuro-superseded-by-against", "without neuro_for_or_suspect(", _AFTER),
    ("neuro-doubt-superseded", "without neuro_doubt(", _AFTER),
    ("left-not-possible", "→ standing(?p, ?r, b12:possible_neuro_involvement, _",
     "where possible involvement is not absent, something else is left, and decides"),
    ("neuro-conflicting-for", "with ~neuro_left(?p, b12:suspect)", _OTHER),
    ("neuro-conflicting-suspect", "with ~neuro_left(?p, b12:for)", _OTHER),
    ("phase-oral", "without ", _FIRST),
    ("phase-oral", "cl:oral) → medication_route(?p, ?r, _", _FIRST),
    ("route-needed", "without ~course_named(", _FIRST),
    ("phase-loading-by-frequency", "?span < ?limit → ?span <= ?limit", _FIRST),
    ("phase-unplaced", "without ~medication_frequency(", _FIRST),
    ("treat-maintenance-pernicious-anaemia", "without neuro(", _ALWAYS),
    ("line-outranked", "without treat_line(?p, ?line", _AFTER),
    ("no-basis", "without ~some_line(", _AFTER),
    ("treat-undetermined-symptoms", "without status(", _ALWAYS),
    ("treat-undetermined-support", "without status(", _ALWAYS),
    ("during-course", "without medicine_phase(", "a phase is that of some medicine"),
    ("standard-loading-incomplete", "without loading_medicine(", _AFTER),
    ("standard-loading-incomplete", "?elapsed < ?needed → ?elapsed <= ?needed",
     "on the last day the course is complete as well, and that goes before"),
    ("standard-loading-incomplete", "cites", _UNSHOWN),
    ("regimen-neuro-loading-improving", "without treated(", _LINE_3),
    ("regimen-neuro-maintenance-while-improving", "without treated(", _LINE_3),
    ("regimen-oral-preferred", "without phase(", _ALWAYS),
    ("regimen-oral-preferred", "with ", _OTHER),
    ("regimen-oral-preferred-under-treatment", "", _ORAL),
    ("conflict-trigger", "with treated(", "symptoms are line 1 of the treat table"),
    ("conflict-neuro-interval", "with neuro(?p, cl:present)", _NEURO),
    ("conflict-neuro-duration", "with neuro(?p, cl:present)", _NEURO),
    ("conflict-loading-neurological", "HYD-NEURO-MAINT", _NEURO),
    ("conflict-route-severe-neurological", "HYD-NEURO-MAINT", _NEURO),
    ("conflict-loading-pernicious-anaemia", "without treated(", _LINE_4),
    ("conflict-for-life-pernicious-anaemia", "without treated(", _LINE_4),
    ("ask-level-open", "without counts(", "the status rests on every result, whichever count"),
    ("ask-level-open", "without open_result(", "a result that counts where the level cannot be interpreted is open"),
)  # fmt: skip
"""The rule, a part of the words of the edit, and the reason."""


def reason(mutant: Mutant) -> str:
    """The reason for one mutant; empty where there is none."""
    return next((why for rule, part, why in REASONS if rule == mutant.rule and part in mutant.what), "")
