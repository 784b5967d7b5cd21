// Starts `citelog lsp` and hands it what is typed. Everything that is known about rules and statements, it knows;
// nothing is decided here.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

const LANGUAGES = ["citelog", "trig", "turtle"];
// the document that a knowledge base quotes, so that a passage shows its statements
const SOURCES = "**/source/*.txt";

let client;

/** The command of the settings, and the options of the client: which texts are citelog's. */
function options() {
  const [command, ...args] = vscode.workspace.getConfiguration("citelog").get("command");
  const selector = LANGUAGES.map((language) => ({ scheme: "file", language }));
  selector.push({ scheme: "file", pattern: SOURCES });
  return [{ command, args }, { documentSelector: selector }];
}

async function start() {
  const [server, texts] = options();
  client = new LanguageClient("citelog", "citelog", server, texts);
  try {
    await client.start();
  } catch (error) {
    const settings = "Open the setting";
    const said = `citelog: “${[server.command, ...server.args].join(" ")}” does not start (${error.message}). Is citelog installed, with pip install 'citelog[edit]', or does the setting citelog.command name a clone's?`;
    if ((await vscode.window.showErrorMessage(said, settings)) === settings) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "citelog.command");
    }
  }
}

async function stop() {
  const running = client;
  client = undefined;
  if (running && running.needsStop()) {
    await running.stop();
  }
}

async function restart() {
  await stop();
  await start();
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("citelog.restart", restart),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("citelog.command")) {
        return restart();
      }
    }),
  );
  if (vscode.workspace.isTrusted) {
    await start();
  } else {
    context.subscriptions.push(vscode.workspace.onDidGrantWorkspaceTrust(start));
  }
}

module.exports = { activate, deactivate: stop };
