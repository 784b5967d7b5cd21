// Tokens of a text by a TextMate grammar, as Visual Studio Code reads it: vscode-textmate, and its regular expressions.
// node vscode_tokens.mjs NODE_MODULES SYNTAXES SCOPE < text   →   [[line, start, end, [scope…]]…]
import { createRequire } from "node:module";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const [modules, syntaxes, scope] = process.argv.slice(2);
const require = createRequire(join(modules, "here.js"));
const { Registry, parseRawGrammar, INITIAL } = require("vscode-textmate");
const oniguruma = require("vscode-oniguruma");

await oniguruma.loadWASM(readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")).buffer);
const grammars = new Map();
for (const file of readdirSync(syntaxes)) {
  const path = join(syntaxes, file);
  const grammar = parseRawGrammar(readFileSync(path, "utf8"), path);
  grammars.set(grammar.scopeName, grammar);
}
const registry = new Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async (name) => grammars.get(name) ?? null,
});
const grammar = await registry.loadGrammar(scope);
const found = [];
let stack = INITIAL;
readFileSync(0, "utf8")
  .split("\n")
  .forEach((line, number) => {
    const read = grammar.tokenizeLine(line, stack);
    stack = read.ruleStack;
    for (const token of read.tokens) found.push([number, token.startIndex, token.endIndex, token.scopes.slice(1)]);
  });
process.stdout.write(JSON.stringify(found));
