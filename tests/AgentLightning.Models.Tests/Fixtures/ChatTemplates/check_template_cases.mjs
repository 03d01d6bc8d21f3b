// Runs cases.jsonl through @huggingface/jinja and lists where it differs from Jinja itself (which decides). Needs Node 20:
//   npm install @huggingface/jinja@0.5.11     (in some folder)
//   node check_template_cases.mjs FOLDER
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const { Template } = createRequire(join(process.argv[2], "package.json"))("@huggingface/jinja");
const data = JSON.parse(readFileSync(join(here, "data.json"), "utf8"));
let same = 0;
for (const line of readFileSync(join(here, "cases.jsonl"), "utf8").trimEnd().split("\n")) {
  const { name, family, template, values, expected } = JSON.parse(line);
  let seen;
  try {
    // Dates come from the clock there, and a few names are taken.
    const { none, ...given } = values ?? data;
    seen = new Template(template ?? readFileSync(join(here, "families", family + ".jinja"), "utf8")).render({ ...given, date_string: "05 Mar 2026" });
  } catch (e) {
    seen = expected === undefined ? undefined : `error: ${e.message}`;
  }
  if (seen === expected) same++;
  else console.log(`${name}: Jinja ${JSON.stringify(expected)}, npm ${JSON.stringify(seen)}`);
}
console.log(`${same} the same`);
