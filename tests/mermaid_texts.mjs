// Reads Mermaid diagrams with Mermaid's own parser: a JSON array of diagrams in each line of standard input; in a line of
// standard output, for each, the text of every box as a reader sees it, the arrows, the title and the description, or the parser's error.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(join(process.cwd(), "package.json"));
const { JSDOM } = require("jsdom");
const { window } = new JSDOM("<!doctype html><body></body>");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import(pathToFileURL(join(process.cwd(), "node_modules/mermaid/dist/mermaid.core.mjs")));
mermaid.initialize({ startOnLoad: false });

// Mermaid keeps an entity as ﬂ°°35¶ß until it draws; drawing, it is HTML.
const drawn = (text) => {
  const body = window.document.createElement("div");
  body.innerHTML = text.replace(/<br\s*\/?>/g, "\n").replace(/ﬂ°°/g, "&#").replace(/ﬂ°/g, "&").replace(/¶ß/g, ";");
  return body.textContent;
};

const read = async (text) => {
  try {
    await mermaid.parse(text);
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    const boxes = Object.fromEntries([...db.getVertices()].map(([name, box]) => [name, drawn(box.text)]));
    const arrows = db.getEdges().map(({ start, end }) => [start, end]);
    return { boxes, arrows, title: drawn(db.getAccTitle()), description: drawn(db.getAccDescription()) };
  } catch (error) {
    return { error: String(error.message) };
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  const answers = [];
  for (const text of JSON.parse(line)) answers.push(await read(text));
  process.stdout.write(JSON.stringify(answers) + "\n");
}
