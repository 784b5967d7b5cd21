// Builds the editor into the package, and puts Pico CSS beside it as it is; `node build.mjs FOLDER` does so elsewhere.
// The same sources give the same bytes.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "..", "citelog", "serve", "pages", "static");

const built = await build({
  entryPoints: [join(here, "editor.js")],
  absWorkingDir: here,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  metafile: true,
  write: false,
});
const inputs = Object.keys(built.metafile.inputs);
const held = [...new Set(inputs.map((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]))]
  .filter(Boolean)
  .sort()
  .map((name) => join(here, "node_modules", name))
  .map((folder) => ({
    ...JSON.parse(readFileSync(join(folder, "package.json"), "utf8")),
    licence: readFileSync(join(folder, "LICENSE"), "utf8").replace(/\r/g, "").trim(),
  }));
const head = [
  "Built from these packages by engine/editor/build.mjs; not to be edited.",
  "",
  ...held.map(({ name, version }) => `${name} ${version}`),
  ...[...new Set(held.map(({ licence }) => licence))].flatMap((licence) => ["", ...licence.split("\n")]),
];
mkdirSync(target, { recursive: true });
writeFileSync(
  join(target, "codemirror.js"),
  `/*!\n${head.map((line) => ` * ${line}`.trimEnd()).join("\n")}\n */\n${built.outputFiles[0].text}`,
);
const pico = join(here, "node_modules", "@picocss", "pico", "css", "pico.fluid.classless.min.css");
copyFileSync(pico, join(target, "pico.css"));
