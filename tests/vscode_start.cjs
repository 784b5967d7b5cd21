// The extension as Visual Studio Code would start it, with a stand-in for the editor and for the client.
// node vscode_start.cjs EXTENSION FAILS   →   what it asked for, as JSON
const Module = require("node:module");
const [extension, fails] = process.argv.slice(2);
const seen = { clients: [], commands: [], errors: [], stopped: 0 };
const settings = { command: ["/a clone/citelog", "lsp"] };
let configured;

const vscode = {
  workspace: {
    isTrusted: true,
    getConfiguration: () => ({ get: (name) => settings[name] }),
    onDidChangeConfiguration: (listen) => ((configured = listen), { dispose() {} }),
  },
  window: {
    showErrorMessage: async (text, choice) => (seen.errors.push(text), choice),
  },
  commands: {
    registerCommand: (name) => (seen.commands.push(name), { dispose() {} }),
    executeCommand: async (...all) => seen.commands.push(all.join(" ")),
  },
};
class LanguageClient {
  constructor(id, name, server, texts) {
    seen.clients.push({ id, name, server, texts });
  }
  async start() {
    if (fails === "true") throw new Error("spawn ENOENT");
  }
  needsStop() {
    return true;
  }
  async stop() {
    seen.stopped += 1;
  }
}
const load = Module._load;
Module._load = (name, ...rest) =>
  name === "vscode" ? vscode : name === "vscode-languageclient/node" ? { LanguageClient } : load(name, ...rest);

(async () => {
  const { activate, deactivate } = require(extension);
  await activate({ subscriptions: [] });
  settings.command = ["citelog", "lsp"];
  await configured({ affectsConfiguration: (name) => name === "citelog.command" });
  await deactivate();
  process.stdout.write(JSON.stringify(seen));
})();
