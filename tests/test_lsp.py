"""`citelog lsp` as an editor meets it: the real process, spoken to by pygls' client, over copies of knowledge bases."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

import citelog
from authoring import citelog as command
from citelog import home
from citelog.edit.protocol import filled
from citelog.knowledge.load import load
from citelog.trial import expectations
from commits import at_each_commit
from editor import CAPABILITIES, ROOT, Editor, edited

TREATMENT, REGIMENS = "rules/40-treatment.rls", "rules/50-regimens.rls"


def copied(base: Path, to: Path) -> Path:
    shutil.copytree(base, to)
    return to


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """An editor with a copy of the shipped knowledge base; each test leaves its texts as they were."""
    folder = copied(home.knowledge(), tmp_path_factory.mktemp("editor with blanks") / "base")
    with Editor(folder) as editor:
        for file in (TREATMENT, "statements.trig", "predicates.ttl", "terms.ttl"):
            editor.open(file)
        assert not editor.findings()
        before = fingerprint(folder)
        yield editor
        assert fingerprint(folder) == before, "the server wrote to the disk"


@pytest.fixture
def restored(shipped: Editor) -> Iterator[Editor]:
    """The same, put back after a test that types."""
    before = dict(shipped.texts)
    yield shipped
    for path, text in before.items():
        if shipped.texts.get(path) != text:
            shipped.write(path, text)
    assert not shipped.findings()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """An editor with a copy of the small knowledge base of the tutorial."""
    with Editor(copied(ROOT / "examples" / "short-nights", tmp_path_factory.mktemp("editor") / "nights")) as editor:
        yield editor


@pytest.fixture
def nights(small: Editor) -> Iterator[Editor]:
    """The same with nothing open, to be broken at will."""
    yield small
    for path in list(small.texts):
        small.close(path)
    small.open("about.ttl")
    assert not small.findings()
    small.close("about.ttl")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Editor]:
    """An editor of its own, whose folder may be destroyed."""
    with Editor(copied(ROOT / "examples" / "short-nights", tmp_path / "nights")) as editor:
        yield editor


def fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


# --- findings ------------------------------------------------------------------------------------------------------


def test_a_misspelt_name_is_underlined_while_it_is_typed_and_no_longer_when_it_is_right(restored: Editor) -> None:
    restored.type(TREATMENT, "~course_named(?p, ?r) .", "~course_name(?p, ?r) .")
    found = [f for f in restored.findings() if f.code == "undefined-predicate"]
    assert [(f.file, f.underlined, f.severity, f.hint) for f in found] == [
        (TREATMENT, "course_name", "Error", "did you mean course_named?")
    ]
    restored.type(TREATMENT, "~course_name(?p, ?r) .", "~course_named(?p, ?r) .")
    assert not restored.findings()


def test_what_one_text_breaks_in_others_is_told_there_though_they_are_not_open(restored: Editor) -> None:
    restored.type("predicates.ttl", '"regimen(patient', '"regime(patient')
    told = {f.file for f in restored.findings() if f.code == "undefined-predicate"}
    assert REGIMENS in told and restored.path(REGIMENS) not in restored.texts


def test_a_finding_names_its_code_and_where_that_is_explained(restored: Editor) -> None:
    restored.type(TREATMENT, "@cites G01 G10", "@cites G01 G99")
    (found,) = restored.published[restored.uri(TREATMENT)].diagnostics
    assert (found.code, found.source) == ("unknown-statement", "citelog")
    assert found.code_description is not None
    uri, _, line = found.code_description.href.partition("#L")
    manual = Path(uri.removeprefix("file://")).read_text(encoding="utf-8").split("\n")
    assert manual[int(line) - 1].startswith("| `unknown-statement` |")


def test_a_finding_about_two_places_leads_to_the_other(restored: Editor) -> None:
    restored.type(TREATMENT, '#[name("phase-oral")]', '#[name("course-named")]')
    (found,) = restored.published[restored.uri(TREATMENT)].diagnostics
    assert found.code == "duplicate-rule-name" and found.related_information
    (other,) = found.related_information
    assert restored.cut(other.location.uri, other.location.range).strip() == '#[name("course-named")]'


def test_a_slip_in_turtle_leaves_what_was_known_before(restored: Editor) -> None:
    restored.type("statements.trig", 'cl:kind         "recommendation (treatment trigger)" ;', "cl:kind  oh no ;")
    assert {f.code for f in restored.findings()} == {"rdf-syntax"}
    assert "regardless of the exact serum level" in restored.hover(TREATMENT, "@cites G0|1 G10")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_columns_and_lines_are_the_editors(nights: Editor, end: str) -> None:
    """𝄞 is two columns of an editor and one character; U+2028 and a form feed end a line only for Python."""
    text = nights.path("rules/10-night.rls").read_text(encoding="utf-8")
    odd = "% 𝄞 µg/L – \u2028 still this line \x0c and still\n"
    text = text.replace("\n\n%%%", f"\n\n{odd}%%% 𝄞 µ – \n%%%", 1)
    head, _, rest = text.rpartition('#[display(f"')
    text = f'{head}#[display(f"𝄞 µ – {{?no_such}} {rest}'
    nights.open("rules/10-night.rls", text.replace("\n", end))
    assert [(found.code, found.underlined) for found in nights.findings()] == [
        ("hidden-character", "line "),  # the form feed behind it has nothing to underline
        ("unknown-display-variable", "{?no_such}"),
    ]
    assert nights.cut(nights.uri("rules/10-night.rls"), _word(nights)) == "?no_such"


def _word(editor: Editor) -> lsp.Range:
    """What the editor highlights when the cursor stands in the variable that is not there."""
    answer = editor.run(
        editor.client.text_document_document_highlight_async(
            lsp.DocumentHighlightParams(**editor.at("rules/10-night.rls", "?no_|such"))
        )
    )
    assert answer
    return answer[0].range


# --- what a place is about -----------------------------------------------------------------------------------------

HOVERS = {
    "a statement shows its quote, its place, how firmly it speaks, and its review": (
        (TREATMENT, "@cites G0|1 G10"),
        [
            "**G01**",
            "> “Vitamin B12 deficiency typically requires",
            "line 20 of",
            "modality: typically",
            "review: pending human review",
        ],
    ),
    "a conflict shows both sides": (
        ("rules/70-conflicts.rls", "conflict(?p, b12:CP0|1)"),
        ["conflict **CP01**", "side A", "G01: “", "side B", "R14: “"],
    ),
    "a derived predicate shows its arguments, its sentence and its rules": (
        (TREATMENT, "treat_l|ine(?p"),
        [
            "treat_line(patient: patient, line: term, value: term)",
            "“{line} applies: {value}”",
            "derived: rules",
            "`treat-loading`",
        ],
    ),
    "a recorded predicate shows where its facts come from": (
        (TREATMENT, "medication_rou|te("),
        ["recorded: read from the patient's record"],
    ),
    "a property shows what it says": (
        (TREATMENT, "cl:days|AtLeast("),
        ["cl:daysAtLeast(subject: term, object: number)", "knowledge: "],
    ),
    "a term shows its label and codes": (("terms.ttl", "b12:serum_|b12 a"), ["**serum vitamin B12**", "LOINC 2132-9"]),
    "a rule shows its tags with their sentences": (
        (TREATMENT, "treat-symp|tomatic"),
        ["rule **treat-symptomatic**", "**G10** · *asserted*"],
    ),
    "a variable shows its type": ((TREATMENT, "medication(?p, ?r, ?dr|ug)"), ["`?drug`: term"]),
    "a tag shows what it is for": ((TREATMENT, "@unl|ess"), ["an exception that was looked for"]),
    "a passage of the document shows the statement that quotes it": (
        ("source/000_1588d50b1994512c.txt", "should be admin|istered three times a week"),
        ["**G06**", "cited by: `"],
    ),
    "a statement that no rule cites but a caveat does says so": (
        ("about.ttl", "cl:cites  b12:M|03 ."),
        ["**M03**", "cited by: the caveat “The source document is pending human review"],
    ),
}


@pytest.mark.parametrize("case", HOVERS)
def test_hover(shipped: Editor, case: str) -> None:
    (file, words), wanted = HOVERS[case]
    shown = shipped.hover(file, words)
    assert not [piece for piece in wanted if piece not in shown], shown


def test_a_definition_is_where_the_thing_is_declared(shipped: Editor) -> None:
    (statement,) = shipped.definition(TREATMENT, "@cites G0|1 G10")
    assert statement.startswith("statements.trig:") and statement.endswith(": b12:G01 a cl:Statement ;")
    (signature,) = shipped.definition(TREATMENT, "treat_l|ine(?p")
    assert signature.startswith("predicates.ttl:") and 'cl:signature "treat_line(' in signature
    (term,) = shipped.definition(TREATMENT, "b12:imm|ediate")
    assert term.startswith("predicates.ttl:")
    assert shipped.definition(TREATMENT, "cl:mainte|nance")[-1].startswith("ontology.ttl:")


def test_the_definition_of_a_quote_is_its_place_in_the_document(shipped: Editor) -> None:
    (place,) = shipped.definition("statements.trig", '"Vitamin B12 deficiency typi|cally requires immediate')
    assert place.startswith("source/000_1588d50b1994512c.txt:20:")
    assert shipped.declaration(TREATMENT, "@cites G0|1 G10") == [place]
    (back,) = shipped.definition("source/000_1588d50b1994512c.txt", "Vitamin B12 deficiency typi|cally")
    assert back.startswith("statements.trig:") and back.endswith(": b12:G01 a cl:Statement ;")


def test_references_go_across_rules_statements_segments_conflicts_cases_and_the_document(shipped: Editor) -> None:
    files = {place.split(":")[0] for place in shipped.references("statements.trig", "b12:G0|6 a cl:Statement")}
    assert files >= {"conflicts.ttl", "segments.ttl", "statements.trig", TREATMENT, "source/000_1588d50b1994512c.txt"}
    cases = [place for place in shipped.references(TREATMENT, "b12:imm|ediate") if place.startswith("cases/")]
    assert len(cases) > 30


def test_an_implementation_is_the_rules_that_derive_a_predicate(shipped: Editor) -> None:
    assert len(shipped.implementation("predicates.ttl", '"medicine_ph|ase(')) > 5


def test_the_outline_and_the_index(shipped: Editor) -> None:
    asked = lsp.DocumentSymbolParams(shipped.named(TREATMENT))
    entries = shipped.run(shipped.client.text_document_document_symbol_async(asked)) or []
    assert [e.name for e in entries][:3] == ["vitamin-b12-medicine", "current-medicine", "phase-by-course"]
    found = shipped.run(shipped.client.workspace_symbol_async(lsp.WorkspaceSymbolParams("three times a week"))) or []
    assert {e.name for e in found} == {"b12:G06"}


def test_every_coloured_stretch_is_whole(shipped: Editor) -> None:
    """The words that the server colours as variables are the variables."""
    asked = lsp.SemanticTokensParams(shipped.named(TREATMENT))
    answer = shipped.run(shipped.client.text_document_semantic_tokens_full_async(asked))
    provider = shipped.initialized.capabilities.semantic_tokens_provider
    assert answer is not None and provider is not None
    line = column = 0
    shown: dict[str, set[str]] = {}
    lines = shipped.text(shipped.path(TREATMENT)).split("\n")
    for down, right, length, kind, _ in zip(*[iter(answer.data)] * 5, strict=True):
        line, column = line + down, right if down else column + right
        shown.setdefault(provider.legend.token_types[kind], set()).add(lines[line][column : column + length])
    assert all(word.startswith("?") for word in shown["variable"])
    assert {"treat_line", "cl:daysAtLeast", "medication"} <= shown["function"]
    assert {"@cites", "@unless", "@prefix"} <= shown["keyword"]


# --- what can be written -------------------------------------------------------------------------------------------

OFFERS = {
    "tags": ("%%% @ci|", "@cites"),
    "statements after @cites": ("%%% @cites G01, G0|", "G04"),
    "what is negated after @unless": (
        '%%% @unless |\n#[name("x")]\ntreated(?p) :- patient(?p), ~deficiency(?p) .',
        "deficiency",
    ),
    "premises after @through": (
        '%%% @through |\n#[name("x")]\ntreated(?p) :- patient(?p), ~deficiency(?p) .',
        "patient",
    ),
    "predicates in a body": ("treated(?p) :- medication_ro|", "medication_route"),
    "only derived predicates in a head": ("tre|", "treat"),
    "terms that fit the place": ("treated(?p) :- result(?p, ?r, |) .", "b12:holotranscobalamin"),
    "variables of the rule": ("treated(?patient) :- result(?|", "?patient"),
    "variables of the sentence": ('#[display(f"… {?d|")]\ntreated(?p) :- medication(?p, ?r, ?drug) .', "?drug"),
    "attributes": ("\n#|", '#[display(f"…")]'),
    "aggregates": ("score(?p, #s|", "#sum"),
}


@pytest.mark.parametrize("case", at_each_commit(OFFERS))
def test_completion_offers(restored: Editor, case: str) -> None:
    written, wanted = OFFERS[case]
    start = restored.text(restored.path(TREATMENT)).split("\n\n")[1]
    restored.write(TREATMENT, f"{start}\n\n{written.replace('|', '')}")
    labels = [item.label for item in restored.complete(TREATMENT, written)]
    assert wanted in labels[:5], labels[:10]


def test_no_term_is_offered_first_where_it_does_not_fit(restored: Editor) -> None:
    restored.type(TREATMENT, "medication_route(?p, ?r, ?route)", "medication_route(?p, ?r, )")
    labels = [item.label for item in restored.complete(TREATMENT, "medication_route(?p, ?r, |)")]
    assert labels[:3] == ["cl:deep_subcutaneous", "cl:intramuscular", "cl:intravenous"], labels[:8]


def test_a_predicate_is_offered_with_its_arguments(restored: Editor) -> None:
    restored.type(
        TREATMENT,
        "medicine_phase(?p, ?r, b12:unplaced) :- route_needed(?p, ?r) .",
        "medicine_phase(?p, ?r, b12:unplaced) :- medication_fr",
    )
    item = restored.complete(TREATMENT, "medication_fr|")[0]
    assert isinstance(item.text_edit, lsp.TextEdit)
    text = item.text_edit.new_text
    assert item.insert_text_format == lsp.InsertTextFormat.Snippet
    assert filled(text) == "medication_frequency(?p, ?record, ?times, ?period, ?unit)"
    shown = restored.run(restored.client.completion_item_resolve_async(item)).documentation
    assert isinstance(shown, lsp.MarkupContent) and "recorded" in shown.value


def test_the_arguments_of_a_predicate_are_told_while_they_are_written(shipped: Editor) -> None:
    place = shipped.at(TREATMENT, "~course_named(?p, |?r) .")
    told = shipped.run(shipped.client.text_document_signature_help_async(lsp.SignatureHelpParams(**place)))
    assert told is not None and told.signatures[0].label == "course_named(patient: patient, record: record)"
    assert told.active_parameter == 1


def test_the_name_that_would_be_changed_is_told_before_and_in_words_where_there_is_none(shipped: Editor) -> None:
    def asked(words: str) -> object:
        place = lsp.PrepareRenameParams(**shipped.at(TREATMENT, words))
        return shipped.run(shipped.client.text_document_prepare_rename_async(place))

    found = asked("~course|_named(?p, ?r) .")
    assert isinstance(found, lsp.PrepareRenamePlaceholder) and found.placeholder == "course_named"
    with pytest.raises(JsonRpcException, match="no name"):
        asked("%%|% @unless course_named")


def test_a_quote_goes_on_as_the_document_does(restored: Editor) -> None:
    restored.type("statements.trig", 'cl:quote        "Educational purpose only"', 'cl:quote        "For patients wi"')
    (item,) = restored.complete("statements.trig", 'For patients wi|"')
    assert "hydroxocobalamin 1 mg intramuscularly should be administered" in item.label


def test_a_blank_alone_asks_for_nothing_outside_of_a_list(shipped: Editor) -> None:
    assert not shipped.complete(TREATMENT, "course_named(?p, ?r) :- |medication_course", typed=" ")


# --- another name --------------------------------------------------------------------------------------------------


def conclusions(folder: Path) -> list[str]:
    assessment = citelog.open(folder).assess(ROOT / "examples" / "patient.yaml")
    return sorted(c.id for c in assessment.conclusions)


@pytest.mark.long
def test_renamed_all_over_it_still_loads_derives_the_same_and_passes_its_cases(tmp_path: Path) -> None:
    """A predicate, a term, a statement, a rule and a variable, each applied as the editor does, and saved."""
    folder = copied(home.knowledge(), tmp_path / "kb")
    before = conclusions(folder)
    with Editor(folder) as editor:
        editor.open(TREATMENT)
        for words, new in (
            ("treat_l|ine(?p", "treat_row"),
            ("b12:imm|ediate", "at-once"),
            ("@cites G0|1 G10", "G01_first"),
            ("treat-symp|tomatic", "treat-because-of-symptoms"),
            ("medication(?p, ?r, ?dr|ug)", "medicine"),
        ):
            editor.apply(editor.rename(TREATMENT, words, new), save=True)
            assert not editor.findings(), words
    opened = load(folder, home.ontology())
    assert not opened.diagnostics and opened.knowledge is not None
    assert conclusions(folder) == sorted(c.replace("immediate", "at-once") for c in before)
    files = [
        f for f in expectations.case_files(folder) if "proofs:" not in f.read_text(encoding="utf-8")
    ]  # kept as text
    wrong = [t.case for f in files[::8] for t, _ in [expectations.tried(opened.knowledge, f)] if t.failures]
    assert not wrong
    treatment = (folder / TREATMENT).read_text(encoding="utf-8")
    assert "<https://w3id.org/citelog/b12#at-once>" in treatment, "a hyphen in a rule's prefixed name would be a minus"
    assert "G01" not in opened.knowledge.statements and "G01_first" in opened.knowledge.statements


REFUSED = {
    "a word of the ontology": ((TREATMENT, "cl:mainte|nance", "upkeep"), "a word of citelog's ontology"),
    "a predicate of the record": ((TREATMENT, "medication_st|atus(", "state"), "a word of citelog's ontology"),
    "a word of another vocabulary": (
        ("terms.ttl", "skos:pref|Label", "name"),
        "not yours to rename|another vocabulary",
    ),
    "a name that is taken": ((TREATMENT, "treat_l|ine(?p", "status"), r"the name status is taken: base/\S+:\d+"),
    "a variable that is there": (
        (TREATMENT, "medication(?p, ?r, ?dr|ug)", "p"),
        r"the rule has a variable \?p already",
    ),
    "what is no name": ((TREATMENT, "treat_l|ine(?p", "Treat Line"), "small letters, digits and _"),
    "the document": (
        ("source/000_1588d50b1994512c.txt", "Vitamin B12 defi|ciency typically", "x"),
        "letter for letter",
    ),
    "nothing": ((TREATMENT, "|% The phase of treatment", "x"), "there is no name here"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_rename_refuses_in_words(shipped: Editor, case: str) -> None:
    (file, words, new), said = REFUSED[case]
    with pytest.raises(JsonRpcException, match=said):
        shipped.rename(file, words, new)


# --- changes that put a finding right ------------------------------------------------------------------------------

FIXES = {
    "a misspelt predicate": (TREATMENT, "~course_named(?p, ?r) .", "~course_name(?p, ?r) .", "undefined-predicate"),
    "a misspelt term": (TREATMENT, "b12:cyanocobalamin)", "b12:cyanocobalamine)", "undefined-term"),
    "a misspelt tag": (TREATMENT, "%%% @unless", "%%% @unles", "unknown-tag"),
    "an absence without a licence": (TREATMENT, "%%% @unless course_named\n", "", "unlicensed-negation"),
    "a licence too many": (
        TREATMENT,
        "%%% @unless course_named\n",
        "%%% @unless course_named, medication_dose\n",
        "unused-licence",
    ),
    "a rule without a name": (TREATMENT, '#[name("phase-oral")]\n', "", "unnamed-rule"),
    "a prefix that is not declared": (
        TREATMENT,
        "@prefix b12: <https://w3id.org/citelog/b12#> .\n",
        "",
        "undefined-prefix",
    ),
    "a sign from a word processor": (TREATMENT, "?span >= ?limit", "?span ≥ ?limit", "syntax"),
    "a quote that is not the document's": (
        "statements.trig",
        "should be administered three",
        "should be given three",
        "quote-not-found",
    ),
    "a place that is wrong": ("statements.trig", "cl:start 80", "cl:start 81", "offset-wrong"),
    "a misspelt property": ("statements.trig", "cl:reviewedFor", "cl:reviewdFor", "undefined-property"),
}


@pytest.mark.parametrize("case", at_each_commit(FIXES))
def test_a_fix_puts_it_right(restored: Editor, case: str) -> None:
    file, old, new, code = FIXES[case]
    restored.type(file, old, new)
    best, *_ = restored.fixes(file, code)
    assert best.edit is not None
    restored.apply(best.edit)
    assert code not in [f.code for f in restored.findings()], best.title


def test_a_predicate_can_be_declared_from_its_first_use(restored: Editor) -> None:
    restored.type(TREATMENT, "course_named(?p, ?r) :-", "named_somehow(?p, ?r) :-")
    declare = next(f for f in restored.fixes(TREATMENT, "undefined-predicate") if f.title.startswith("declare"))
    assert declare.title == "declare named_somehow(patient: patient, r: record)"
    assert declare.edit is not None and restored.apply(declare.edit) == ["predicates.ttl"]
    assert "named_somehow" not in str([f for f in restored.findings() if f.code == "undefined-predicate"])


def test_a_text_is_laid_out_as_fmt_lays_it_out(nights: Editor) -> None:
    def laid(file: str) -> list[lsp.TextEdit] | None:
        options = lsp.FormattingOptions(tab_size=4, insert_spaces=True)
        asked = lsp.DocumentFormattingParams(nights.named(file), options)
        answer = nights.run(nights.client.text_document_formatting_async(asked))
        return None if answer is None else list(answer)

    for file in ("rules/10-night.rls", "statements.trig"):
        nights.open(file)
        right = nights.texts[nights.path(file)]
        nights.write(file, right.replace(" :-", ":-").replace(" ;\n", ";\n").replace("(?p, ", "( ?p ,  "))
        edits = laid(file)
        assert edits and edited(nights.texts[nights.path(file)], edits) == right
        nights.write(file, right)
    nights.type("rules/10-night.rls", " .\n", " \n")
    assert laid("rules/10-night.rls") is None
    assert "not laid out, because of an error at nights/rules/10-night.rls:" in nights.messages[-1]


# --- what may go wrong ---------------------------------------------------------------------------------------------


def test_rules_outside_of_any_knowledge_base_are_checked_for_their_form_alone(tmp_path: Path) -> None:
    (tmp_path / "alone.rls").write_text("a(?x) :- b(?x)\n", encoding="utf-8")
    with Editor(tmp_path) as editor:
        editor.open("alone.rls")
        assert [(f.severity, f.code) for f in editor.findings()] == [
            ("Error", "syntax"),
            ("Information", "no-knowledge-base"),
        ]
        assert editor.hover("alone.rls", "b|(") == ""
        with pytest.raises(JsonRpcException, match="in no knowledge base"):
            editor.rename("alone.rls", "b|(", "c")
        client, place, whole = editor.client, editor.at("alone.rls", "b|("), editor.named("alone.rls")
        with pytest.raises(JsonRpcException, match="in no knowledge base"):
            editor.run(client.text_document_prepare_rename_async(lsp.PrepareRenameParams(**place)))
        here, everywhere = lsp.Range(place["position"], place["position"]), lsp.ReferenceContext(True)
        for asked in (
            client.text_document_definition_async(lsp.DefinitionParams(**place)),
            client.text_document_declaration_async(lsp.DeclarationParams(**place)),
            client.text_document_implementation_async(lsp.ImplementationParams(**place)),
            client.text_document_references_async(lsp.ReferenceParams(everywhere, **place)),
            client.text_document_document_highlight_async(lsp.DocumentHighlightParams(**place)),
            client.text_document_document_symbol_async(lsp.DocumentSymbolParams(whole)),
            client.text_document_semantic_tokens_full_async(lsp.SemanticTokensParams(whole)),
            client.text_document_completion_async(lsp.CompletionParams(**place)),
            client.text_document_signature_help_async(lsp.SignatureHelpParams(**place)),
            client.text_document_code_action_async(lsp.CodeActionParams(whole, here, lsp.CodeActionContext([]))),
            client.text_document_formatting_async(lsp.DocumentFormattingParams(whole, lsp.FormattingOptions(4, True))),
        ):
            assert editor.run(asked) is None


@pytest.mark.skipif(sys.platform != "linux", reason="root has to do without its rights, by a call of Linux")
def test_a_folder_that_may_not_be_looked_into_is_told_when_all_names_are_asked_for(tmp_path: Path) -> None:
    """A knowledge base in it was passed over, and nothing said so."""
    for name in ("nights", "shut"):
        copied(ROOT / "examples" / "short-nights", tmp_path / name)
    unprivileged = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); import faults; faults.unprivileged()"
    code = f"{unprivileged}; from citelog.cli.app import main; main()"
    with Editor(tmp_path, command=(sys.executable, "-c", code, "lsp")) as editor:

        def asked() -> set[str]:
            found = editor.run(editor.client.workspace_symbol_async(lsp.WorkspaceSymbolParams("night"))) or []
            return {one.location.uri.removeprefix(tmp_path.as_uri()).split("/")[1] for one in found}

        (tmp_path / "shut").chmod(0)
        assert asked() == {"nights"}
        editor.wait("file-missing", "shut")
        (tmp_path / "shut").chmod(0o755)
        (found,) = editor.published[editor.uri("shut")].diagnostics
        assert found.severity == lsp.DiagnosticSeverity.Information
        assert found.message.startswith("Permission denied\n= let it be read")
        assert asked() == {"nights", "shut"}
        editor.wait("", "shut")


def test_a_folder_that_vanishes_takes_its_findings_along(fresh: Editor) -> None:
    fresh.open("rules/10-night.rls")
    fresh.type("rules/10-night.rls", " .\n", " \n")
    assert fresh.findings()
    shutil.rmtree(fresh.root)
    fresh.client.workspace_did_change_watched_files(
        lsp.DidChangeWatchedFilesParams([lsp.FileEvent(fresh.uri("about.ttl"), lsp.FileChangeType.Deleted)])
    )
    fresh.wait("", "rules/10-night.rls")
    assert fresh.hover("rules/10-night.rls", "%|") == ""


def test_a_change_on_the_disk_is_read(fresh: Editor) -> None:
    fresh.open("rules/10-night.rls")
    assert [r.method for r in fresh.registered] == ["workspace/didChangeWatchedFiles"]
    statements = fresh.path("statements.trig")
    statements.write_text(
        statements.read_text(encoding="utf-8").replace(" a cl:Statement", " a cl:Statment", 1), "utf-8"
    )
    fresh.client.workspace_did_change_watched_files(
        lsp.DidChangeWatchedFilesParams([lsp.FileEvent(statements.as_uri(), lsp.FileChangeType.Changed)])
    )
    fresh.wait("undefined-property", "statements.trig")


def test_what_is_closed_unsaved_is_forgotten(nights: Editor) -> None:
    nights.open("rules/10-night.rls")
    nights.open("rules/20-tired.rls")
    nights.type("rules/10-night.rls", " .\n", " \n")
    assert nights.findings("rules/10-night.rls")
    nights.close("rules/10-night.rls")
    nights.wait("", "rules/10-night.rls")


def test_a_huge_text_is_answered(nights: Editor) -> None:
    text = nights.path("rules/10-night.rls").read_text(encoding="utf-8")
    nights.open("rules/10-night.rls", "% " + "x – 𝄞 " * 200_000 + "\n" + text)
    assert not nights.findings()
    assert nights.hover("rules/10-night.rls", "@ci|tes").startswith("`@cites`")


def test_nothing_but_the_protocol_reaches_the_editor(tmp_path: Path) -> None:
    """Whatever prints, in our code or in a library, must not break the stream."""
    noisy = (
        "from citelog.edit import hover; told = hover.hover; hover.hover = lambda *at: (print('noise'), told(*at))[1]"
    )
    program = f"{noisy}; import os; os.write(1, b''); from citelog.cli.app import main; main()"
    folder = copied(ROOT / "examples" / "short-nights", tmp_path / "nights")
    with Editor(folder, command=(sys.executable, "-c", program, "lsp")) as editor:
        editor.open("rules/10-night.rls")
        assert editor.hover("rules/10-night.rls", "@ci|tes")


def test_an_editor_that_shows_little_is_given_little(tmp_path: Path) -> None:
    """No snippets, no Markdown, no versions: plain text, and changes by file."""
    folder = copied(ROOT / "examples" / "short-nights", tmp_path / "nights")
    with Editor(folder, lsp.ClientCapabilities()) as editor:
        editor.open("rules/10-night.rls")
        assert "*" not in editor.hover("rules/10-night.rls", "@ci|tes")
        items = editor.complete("rules/10-night.rls", ":-| ")
        assert all(item.insert_text_format == lsp.InsertTextFormat.PlainText for item in items)
        assert not any("${" in item.text_edit.new_text for item in items if isinstance(item.text_edit, lsp.TextEdit))
        name = editor.texts[folder / "rules/10-night.rls"].split('#[name("')[1].split('"')[0]
        answer = editor.rename("rules/10-night.rls", f'"{name[:2]}|{name[2:]}"', "another-name")
        assert answer.changes is not None and answer.document_changes is None


def test_an_editor_that_goes_away_ends_the_server() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from citelog.cli.app import main; main()", "lsp"],
        input=b"", capture_output=True, timeout=60, env={"PYTHONPATH": str(ROOT / "engine"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, b"")


def test_without_pygls_it_says_what_to_install() -> None:
    without = "import sys; sys.modules['pygls'] = None; from citelog.cli.app import main; main(['lsp'])"
    ended = subprocess.run(
        [sys.executable, "-c", without], input="", capture_output=True, text=True, timeout=60,
        env={"PYTHONPATH": str(ROOT / "engine"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "lsp needs pygls" in ended.stderr and "pip install 'citelog[edit]'" in ended.stderr


def test_it_says_how_to_be_run() -> None:
    assert "engine/EDITORS.md" in command("lsp", "--help").out
    assert CAPABILITIES.text_document is not None


def test_a_fault_of_ours_is_told_and_the_next_change_is_read(tmp_path: Path) -> None:
    fault = "from citelog.edit import folder; real = folder.read; calls = []"
    fault += "\ndef read(*at): calls.append(1); return real(*at) if len(calls) > 1 else 1 / 0"
    program = f"{fault}\nfolder.read = read\nfrom citelog.cli.app import main; main()"
    folder = copied(ROOT / "examples" / "short-nights", tmp_path / "nights")
    with Editor(folder, command=(sys.executable, "-c", program, "lsp")) as editor:
        path, text = folder / "rules/10-night.rls", (folder / "rules/10-night.rls").read_text(encoding="utf-8")
        editor.texts[path], editor.versions[path] = text, 1
        opened = lsp.TextDocumentItem(path.as_uri(), "citelog", 1, text)
        editor.client.text_document_did_open(lsp.DidOpenTextDocumentParams(opened))
        editor.catch_up(path)
        editor.type("rules/10-night.rls", "~judged(?p) .", "~judge(?p) .")
        assert [f.code for f in editor.findings()] == ["undefined-predicate"]
        assert any("a fault of its own: ZeroDivisionError" in message for message in editor.messages)


def test_advice_is_told_as_a_warning_and_can_be_accepted_with_a_reason(nights: Editor) -> None:
    nights.open("statements.trig")
    nights.open("rules/30-advice.rls")
    nights.type("rules/30-advice.rls", "%%% @cites S13\n", "%%% @convention Nothing.\n")
    (found,) = nights.findings()
    assert (found.file, found.severity, found.code) == ("statements.trig", "Warning", "statement-without-rule")
    (accept,) = nights.fixes("statements.trig", "statement-without-rule")
    assert accept.title == "accept statement-without-rule, with a reason" and accept.edit is not None
    nights.apply(accept.edit)
    assert not nights.findings()
