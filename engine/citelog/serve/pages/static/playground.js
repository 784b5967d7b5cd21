// The playground: two editors, and what the server says of what is in them. Drafts stay in this tab.
import {
  EditorState, EditorView, HighlightStyle, StreamLanguage, bracketMatching, defaultKeymap, drawSelection,
  highlightActiveLine, highlightActiveLineGutter, highlightSelectionMatches, highlightSpecialChars, history,
  historyKeymap, indentUnit, json, keymap, lineNumbers, lintGutter, lintKeymap, search, searchKeymap, setDiagnostics,
  syntaxHighlighting, tags, yaml,
} from "./codemirror.js";

const PAUSE = 250; // milliseconds without typing until the drafts are tried
const OWN = "own.yaml"; // the case that is no file
const OWN_TEXT = "# A case of your own; it stays in this tab.\nlabs: []\nfindings: []\nconditions: []\n";

const $ = (id) => document.getElementById(id);
const shelf = `citelog-playground:${document.body.dataset.base}`;

// --- what is written ------------------------------------------------------------------------------------------------

let version = "";
const saved = new Map(); // the files as they are on the disk
const drafts = new Map(); // name → {started, text}: what was saved when the draft was begun, and what it says now
let own = OWN_TEXT;

const isCase = (name) => name.startsWith("cases/");
const textOf = (name) => (name === OWN ? own : (drafts.get(name)?.text ?? saved.get(name) ?? ""));

function draft(name, text) {
  if (name === OWN) own = text;
  else if (text === saved.get(name)) drafts.delete(name);
  else drafts.set(name, { started: drafts.get(name)?.started ?? saved.get(name), text });
  remember();
}

function remember() {
  try {
    sessionStorage.setItem(shelf, JSON.stringify({ drafts: [...drafts], own }));
  } catch (error) {
    if (error.name !== "QuotaExceededError" && error.name !== "SecurityError") throw error;
    notice("This browser keeps nothing: what you write is lost when you leave the page.");
  }
}

function recall() {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(shelf));
  } catch (error) {
    if (!(error instanceof SyntaxError) && error.name !== "SecurityError") throw error;
  }
  for (const [name, one] of kept?.drafts ?? []) if (saved.has(name) && one.text !== saved.get(name)) drafts.set(name, one);
  own = kept?.own ?? OWN_TEXT;
}

// --- languages ------------------------------------------------------------------------------------------------------

const rules = StreamLanguage.define({
  name: "rules",
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^%%%[^@]*/) || stream.match(/^%.*/)) return "comment";
    if (stream.match(/^#\[\w+|^\]/)) return "meta";
    if (stream.match(/^@\w+/)) return "keyword";
    if (stream.match(/^"(?:\\.|[^"\\])*"?/)) return "string";
    if (stream.match(/^<[^<>\s]*>/)) return "url";
    if (stream.match(/^\?\w+/)) return "variableName";
    if (stream.match(/^#\w+(?=\()/)) return "keyword";
    if (stream.match(/^[a-zA-Z][\w-]*:(?!-)(?:[\w.-]*\w)?/)) return stream.peek() === "(" ? "propertyName" : "atom";
    if (stream.match(/^-?\d+(?:\.\d+)?/)) return "number";
    if (stream.match(/^\w+(?=\()/)) return "propertyName";
    if (stream.match(/^:-|^~|^[<>=!]+/)) return "operator";
    if (stream.match(/^\w+/)) return null;
    stream.next();
    return null;
  },
  languageData: { commentTokens: { line: "%" }, closeBrackets: { brackets: ["(", "["] } },
});

const turtle = StreamLanguage.define({
  name: "turtle",
  startState: () => ({ quote: "" }),
  token(stream, state) {
    if (state.quote) {
      while (!stream.eol()) {
        if (stream.match(state.quote)) {
          state.quote = "";
          return "string";
        }
        if (stream.next() === "\\") stream.next();
      }
      return "string";
    }
    if (stream.eatSpace()) return null;
    if (stream.match(/^#.*/)) return "comment";
    const long = stream.match(/^"""|^'''/);
    if (long) {
      state.quote = long[0];
      return "string";
    }
    if (stream.match(/^"(?:\\.|[^"\\])*"?|^'(?:\\.|[^'\\])*'?/)) return "string";
    if (stream.match(/^<[^<>\s]*>/)) return "url";
    if (stream.match(/^@\w+/) || stream.match(/^a(?=\s)/) || stream.match(/^(?:true|false)\b/)) return "keyword";
    if (stream.match(/^[\w-]*:[\w.-]*\w/) || stream.match(/^[\w-]*:/)) return stream.current().startsWith("cl:") ? "propertyName" : "atom";
    if (stream.match(/^[+-]?\d+(?:\.\d+)?/)) return "number";
    stream.next();
    return null;
  },
  languageData: { commentTokens: { line: "#" } },
});

function languageOf(name) {
  if (name.endsWith(".rls")) return rules;
  if (/\.(ttl|trig)$/.test(name)) return turtle;
  return name.endsWith(".json") ? json() : yaml();
}

// --- editors --------------------------------------------------------------------------------------------------------

const colours = HighlightStyle.define([
  { tag: [tags.comment, tags.docComment], color: "var(--comment)", fontStyle: "italic" },
  { tag: [tags.string, tags.url], color: "var(--string)" },
  { tag: [tags.keyword, tags.meta, tags.annotation], color: "var(--key)", fontWeight: "600" },
  { tag: tags.propertyName, color: "var(--name)", whiteSpace: "nowrap" },
  { tag: tags.atom, color: "var(--ink)" },
  { tag: tags.variableName, color: "var(--variable)", whiteSpace: "nowrap" },
  { tag: [tags.number, tags.bool], color: "var(--number)" },
  { tag: tags.operator, color: "var(--ink)", fontWeight: "600" },
]);

const look = EditorView.theme({
  "&": { height: "100%", maxHeight: "inherit", color: "var(--ink)", backgroundColor: "var(--field)", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { padding: "6px 0", caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--side)", color: "var(--quiet)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine, &.cm-focused .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--link) 7%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--link) 25%, transparent)",
  },
  ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--target) 40%, transparent)" },
  ".cm-panels, .cm-tooltip": { backgroundColor: "var(--side)", color: "var(--ink)", border: "1px solid var(--line)" },
  ".cm-panels button, .cm-panels input": { font: "13px var(--sans)", color: "inherit", background: "var(--field)" },
  ".cm-diagnostic": { font: "13px/1.45 var(--sans)", padding: "5px 9px", whiteSpace: "pre-wrap", maxWidth: "44rem" },
  ".cm-lintRange-error": { backgroundImage: "none", borderBottom: "2px solid var(--bad)" },
  ".cm-lintRange-warning": { backgroundImage: "none", borderBottom: "2px dotted var(--warn-line)" },
  ".cm-lint-marker": { content: "none", width: ".7em", height: ".7em", margin: ".45em 0 0 .15em", borderRadius: "50%" },
  ".cm-lint-marker-error": { background: "var(--bad)" },
  ".cm-lint-marker-warning": { background: "var(--warn-line)" },
});

/** Text typed over a selection: Chromium would give it the selection's looks as an inline style, against our policy. */
function instead(event, view) {
  if (event.inputType !== "insertText" || event.isComposing || event.data === null || view.state.selection.main.empty)
    return false;
  view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  return true;
}

/** An editor that holds one file at a time, and gives each its cursor and its history back. */
class Editor {
  constructor(place, label) {
    // in a shadow tree CodeMirror's styles are adopted sheets, which a policy without inline styles allows
    const root = place.attachShadow({ mode: "open" });
    const held = document.createElement("div");
    const fit = new CSSStyleSheet();
    fit.replaceSync(":host{min-width:0}div.held{height:100%;max-height:inherit;min-height:0;min-width:0}");
    root.adoptedStyleSheets = [fit];
    held.className = "held";
    root.append(held);
    this.label = label;
    this.name = null;
    this.states = new Map();
    this.view = new EditorView({ parent: held, root });
  }

  show(name) {
    if (this.name) this.states.set(this.name, this.view.state);
    this.name = name;
    const kept = this.states.get(name);
    const same = kept?.doc.toString() === textOf(name);
    this.view.setState(same ? kept : this.made(name));
    this.mark();
  }

  /** The text has been replaced from outside: the history goes on, and an undo brings the text back. */
  replaced() {
    const now = textOf(this.name);
    if (now !== this.view.state.doc.toString())
      this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: now } });
    for (const name of this.states.keys()) if (name !== this.name) this.states.delete(name);
  }

  made(name) {
    return EditorState.create({
      doc: textOf(name),
      extensions: [
        lineNumbers(), highlightSpecialChars(), history(), drawSelection(), bracketMatching(), highlightActiveLine(),
        highlightActiveLineGutter(), highlightSelectionMatches(), search({ top: true }), lintGutter(), indentUnit.of("    "),
        keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, ...lintKeymap]),
        languageOf(name), syntaxHighlighting(colours), look,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": `${this.label} ${name}`, spellcheck: "false", tabindex: "0" }),
        EditorView.domEventHandlers({ beforeinput: instead }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          draft(this.name, update.state.doc.toString());
          changed();
        }),
      ],
    });
  }

  /** The findings of the file that is shown, at their lines. */
  mark() {
    const { doc } = this.view.state;
    const marks = findings.filter(({ file }) => file === this.name).map(({ line, column, severity, message, hint }) => {
      const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
      const shown = at.text.length - at.text.trimStart().length;
      const from = Math.min(column ? at.from + column - 1 : at.from + shown, at.to);
      const word = column ? at.text.slice(from - at.from).match(/^[\w:?-]+/)?.[0].length || 1 : at.length;
      return {
        from, to: Math.min(from + word, at.to), severity: severity === "error" ? "error" : "warning",
        message: hint ? `${message}\n${hint}` : message,
      };
    });
    this.view.dispatch(setDiagnostics(this.view.state, marks.sort((a, b) => a.from - b.from)));
  }

  go(line, column = 0) {
    const at = this.view.state.doc.line(Math.min(Math.max(line, 1), this.view.state.doc.lines));
    const anchor = Math.min(at.from + Math.max(column - 1, 0), at.to);
    this.view.dispatch({
      selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }),
    });
    this.view.focus();
  }
}

let findings = [];
const knowledge = new Editor($("knowledge"), "Knowledge:");
const record = new Editor($("record"), "Case:");

function choose(editor, chooser, name) {
  if (editor.name !== name) {
    editor.show(name);
    chooser.value = name;
    address();
  }
}

function address() {
  const asked = new URLSearchParams();
  if (knowledge.name) asked.set("file", knowledge.name);
  if (record.name) asked.set("case", record.name.replace(/^cases\//, ""));
  window.history.replaceState(null, "", `?${asked}`);
}

function list() {
  const marked = (name) => {
    const number = findings.filter(({ file }) => file === name).length;
    const shown = isCase(name) ? name.slice(6).replace(/\.yaml$/, "") : name;
    return `${drafts.has(name) ? "● " : ""}${shown}${number ? ` (${number})` : ""}`;
  };
  const fill = (chooser, groups, chosen) => {
    chooser.replaceChildren(...groups.filter(([, names]) => names.length).map(([label, names]) => {
      const group = document.createElement("optgroup");
      group.label = label;
      group.append(...names.map((name) => new Option(name === OWN ? "a case of your own" : marked(name), name)));
      return group;
    }));
    chooser.value = chosen;
  };
  const names = [...saved.keys()];
  const cases = names.filter(isCase);
  fill($("file"), [
    ["Rules", names.filter((name) => name.endsWith(".rls"))],
    ["Statements", names.filter((name) => name.endsWith(".trig"))],
    ["Words, sources, conflicts", names.filter((name) => name.endsWith(".ttl"))],
  ], knowledge.name);
  fill($("case"), [
    ["Not of the knowledge base", [OWN]],
    ["Edited", cases.filter((name) => drafts.has(name))],
    ["Cases", cases.filter((name) => !drafts.has(name))],
  ], record.name);
  for (const id of ["back", "patch", "save"]) if ($(id)) $(id).disabled = !drafts.size;
}

// --- what the server says -------------------------------------------------------------------------------------------

class RefusedError extends Error {
  constructor(status, text) {
    const [what, remedy = ""] = text.split("\n  = ");
    super(what);
    Object.assign(this, { status, remedy: remedy.trim() });
  }
}

async function asked(path, body, signal) {
  const answer = await fetch(`/playground/${path}`, body && {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
  });
  if (!answer.ok) throw new RefusedError(answer.status, await answer.text());
  return answer.json();
}

function take({ version: now, files }) {
  version = now;
  saved.clear();
  for (const [name, text] of Object.entries(files)) saved.set(name, text);
  for (const [name, one] of drafts) if (!saved.has(name) || one.text === saved.get(name)) drafts.delete(name);
}

let timer = 0;
let asking = null;
let news = ""; // to be said until somebody types on

function changed() {
  news = "";
  clearTimeout(timer);
  asking?.abort();
  timer = setTimeout(attempt, PAUSE);
}

async function attempt() {
  list();
  asking?.abort();
  const { signal } = (asking = new AbortController());
  const slow = setTimeout(() => say("Working…", true), 500);
  const mine = Object.fromEntries([...drafts].map(([name, { text }]) => [name, text]));
  const name = record.name === OWN ? `cases/${OWN}` : record.name;
  try {
    const one = await asked("one", { version, drafts: mine, case: { name, text: textOf(record.name) } }, signal);
    clearTimeout(slow);
    showOne(one);
    if (one.derived) {
      $("every").classList.add("stale");
      const all = await asked("all", { version, drafts: mine }, signal);
      showEvery(all);
    } else $("every").hidden = true;
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status === 409) return fresh();
    say("");
    refusedNotice(error);
  } finally {
    clearTimeout(slow);
  }
}

/** The files on the disk are others than those this page knows: take them up, and keep the drafts. */
async function fresh() {
  take(await asked("files"));
  knowledge.replaced();
  record.replaced();
  news = "The saved files have changed, and this page has taken them up.";
  await attempt();
}

/** What there is to say of drafts that were begun from what is no longer saved. */
function overtaken() {
  const older = [...drafts].filter(([name, { started }]) => started !== saved.get(name)).map(([name]) => name);
  return older.length
    ? `Your drafts of ${older.join(", ")} were begun before somebody else saved other texts: they cannot be saved over ` +
        "these. Take them along as a patch, go back to saved, and apply them there."
    : "";
}

function say(text, busy = false) {
  $("status").textContent = text;
  $("status").classList.toggle("busy", busy);
}

function notice(...texts) {
  $("notice").replaceChildren(...texts.filter(Boolean).map((text) => {
    const line = document.createElement("p");
    line.textContent = text;
    return line;
  }));
  $("notice").hidden = !texts.filter(Boolean).length;
}

function refusedNotice({ message, remedy = "see whether the server still runs" }) {
  notice(`${message[0].toUpperCase()}${message.slice(1)}.`, `What to try: ${remedy}.`);
}

function showOne({ diagnostics, trouble, derived, summary, html }) {
  const about = record.name;
  findings = trouble
    ? [...diagnostics, { file: about, line: trouble.line, column: 0, severity: "error", code: "case", message: trouble.what, hint: trouble.remedy }]
    : diagnostics;
  notice(news, overtaken());
  list();
  knowledge.mark();
  record.mark();
  $("findings").hidden = !findings.length;
  $("findings").querySelector("ul").replaceChildren(...findings.map(finding));
  const opened = new Set([...$("outcome").querySelectorAll("[data-card][open]")].map((card) => card.dataset.card));
  const usable = derived && !trouble;
  $("outcome").lastElementChild.classList.toggle("stale", !usable);
  $("stale").hidden = usable || !$("outcome").lastElementChild.childElementCount;
  if (usable) {
    $("outcome").lastElementChild.innerHTML = html; // the server has escaped every value in it
    for (const card of $("outcome").querySelectorAll("[data-card]")) card.open = opened.has(card.dataset.card);
    for (const place of $("outcome").querySelectorAll(".place")) if (!place.closest("summary")) linked(place);
  }
  const errors = findings.filter(({ severity }) => severity === "error").length;
  say(usable ? `${summary}.` : `${errors} ${errors === 1 ? "error" : "errors"}: nothing can be concluded until ${errors === 1 ? "it is" : "they are"} put right.`);
}

function finding({ file, line, column, severity, code, message, hint }) {
  const item = document.createElement("li");
  item.className = severity;
  const place = document.createElement("button");
  place.type = "button";
  place.className = "place";
  place.textContent = line ? `${file}:${line}` : file;
  place.addEventListener("click", () => go(file, line, column));
  const named = document.createElement("span");
  named.className = "code";
  named.textContent = code;
  item.append(place, " ", named, ` ${message}`);
  if (hint) {
    const more = document.createElement("span");
    more.className = "hint";
    more.textContent = hint;
    item.append(more);
  }
  return item;
}

function showEvery({ summary, html }) {
  const every = $("every");
  every.hidden = !html;
  every.classList.remove("stale");
  every.querySelector("summary span").textContent = summary;
  every.lastElementChild.innerHTML = html;
}

// --- from what is shown to where it is written ----------------------------------------------------------------------

function go(file, line, column = 0) {
  if (file === record.name) return record.go(line, column);
  if (!saved.has(file) || isCase(file)) return undefined;
  choose(knowledge, $("file"), file);
  return knowledge.go(line, column);
}

/** The line of an entry of the case, as in `labs[0]`; 0 where the case is written in another way. */
function lineOf(place) {
  const [, key, number] = place.match(/^(\w+)\[(\d+)\]/) ?? [];
  const lines = textOf(record.name).split("\n");
  let at = lines.findIndex((line) => line.startsWith(`${key}:`));
  if (!key || at < 0) return 0;
  const depth = lines[at + 1]?.search(/-/) ?? -1;
  for (let left = Number(number); ++at < lines.length && !/^\w/.test(lines[at]);)
    if (lines[at].search(/-\s/) === depth && left-- === 0) return at + 1;
  return 0;
}

/** A place that is told becomes a way to it. */
function linked(place) {
  const text = place.textContent;
  const [, file, line] = text.match(/^[^/]+\/(.+\.(?:rls|ttl|trig)):(\d+)$/) ?? [];
  const entry = file ? 0 : lineOf(text);
  if (!(file && saved.has(file)) && !entry) return;
  const way = document.createElement("button");
  way.type = "button";
  way.className = "place";
  way.textContent = text;
  way.addEventListener("click", () => (file ? go(file, Number(line)) : record.go(entry)));
  place.replaceChildren(way);
}

/** Where a statement stands: the file, and the line on which it says what it is. */
function statementAt(id) {
  const begins = new RegExp(`^[ \\t]*[\\w-]*:${id.replace(/[^\w]/g, "\\$&")}\\s+(?!\\{)\\S`, "m");
  for (const name of saved.keys()) {
    if (!name.endsWith(".trig")) continue;
    const found = begins.exec(textOf(name));
    if (found) return [name, textOf(name).slice(0, found.index).split("\n").length];
  }
  return null;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-case]");
  if (button) {
    choose(record, $("case"), `cases/${button.dataset.case}`);
    attempt();
    return;
  }
  const link = event.target.closest('a[href^="#"]');
  if (!link || link.closest(".skip")) return;
  event.preventDefault();
  const target = link.getAttribute("href").slice(1);
  if (target.startsWith("quote-")) {
    const place = statementAt(target.slice(6));
    if (place) go(...place);
  } else if (target.startsWith("record-")) {
    const place = [...$("outcome").querySelectorAll(`a.entry[href="#${target}"] ~ .place`)][0]?.textContent;
    record.go((place && lineOf(place)) || 1);
  } else {
    const shown = document.getElementById(target);
    for (let around = shown; around; around = around.parentElement) if (around.tagName === "DETAILS") around.open = true;
    shown?.scrollIntoView({ block: "start" });
    (shown?.querySelector("summary") ?? shown)?.focus();
  }
});

// --- what can be done -----------------------------------------------------------------------------------------------

$("file").addEventListener("change", () => choose(knowledge, $("file"), $("file").value));
$("case").addEventListener("change", () => {
  choose(record, $("case"), $("case").value);
  attempt();
});
$("back").addEventListener("click", () => {
  drafts.clear();
  remember();
  notice();
  knowledge.replaced();
  record.replaced();
  attempt();
});
$("patch").addEventListener("click", async () => {
  const mine = Object.fromEntries([...drafts].map(([name, { text }]) => [name, text]));
  try {
    const { patch } = await asked("patch", { version, drafts: mine });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([patch], { type: "text/x-diff" }));
    link.download = `${document.body.dataset.base}.patch`;
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    if (error.status === 409) await fresh();
    else refusedNotice(error);
  }
});
$("save")?.addEventListener("click", async () => {
  const each = (key) => Object.fromEntries([...drafts].map(([name, one]) => [name, one[key]]));
  const names = [...drafts.keys()];
  try {
    take(await asked("save", { drafts: each("text"), started: each("started") }));
    remember();
    await attempt();
    say(`Saved ${names.join(", ")}. ${$("status").textContent}`);
  } catch (error) {
    if (error.status === 409) await fresh();
    refusedNotice(error);
  }
});

take(await asked("files"));
recall();
const wanted = new URLSearchParams(location.search);
const ruleFiles = [...saved.keys()].filter((name) => name.endsWith(".rls"));
// what answers before what is proved of it
const [firstRules, firstCase] = [ruleFiles.find((name) => name.includes("/")) ?? ruleFiles[0], [...saved.keys()].find(isCase)];
const known = (name, other) => (name && saved.has(name) ? name : other);
knowledge.show(known(wanted.get("file"), firstRules ?? [...saved.keys()].find((name) => !isCase(name))));
record.show(wanted.get("case") === OWN ? OWN : known(wanted.get("case") && `cases/${wanted.get("case")}`, firstCase ?? OWN));
address();
attempt();
