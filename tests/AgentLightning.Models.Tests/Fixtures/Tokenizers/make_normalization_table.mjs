// Writes src/AgentLightning.Models/Tokenizers/Normalization/normalization.txt from the Unicode data inside Node. Run from the repository root:
//   node tests/AgentLightning.Models.Tests/Fixtures/Tokenizers/make_normalization_table.mjs
// Node gives normal forms but no combining classes. A class is found by comparison with a mark of each known class: canonical ordering swaps two marks
// exactly when the first has the greater class and neither has class 0.
import { writeFileSync } from "node:fs";

const marks = [
  [1, 0x334], [6, 0x16ff0], [7, 0x93c], [8, 0x3099], [9, 0x94d], [10, 0x5b0], [11, 0x5b1], [12, 0x5b2], [13, 0x5b3], [14, 0x5b4], [15, 0x5b5], [16, 0x5b6], [17, 0x5b7],
  [18, 0x5b8], [19, 0x5b9], [20, 0x5bb], [21, 0x5bc], [22, 0x5bd], [23, 0x5bf], [24, 0x5c1], [25, 0x5c2], [26, 0xfb1e], [27, 0x64b], [28, 0x64c], [29, 0x64d], [30, 0x618],
  [31, 0x619], [32, 0x61a], [33, 0x651], [34, 0x652], [35, 0x670], [36, 0x711], [84, 0xc55], [91, 0xc56], [103, 0xe38], [107, 0xe48], [118, 0xeb8], [122, 0xec8], [129, 0xf71],
  [130, 0xf72], [132, 0xf74], [202, 0x321], [214, 0x1dce], [216, 0x31b], [218, 0x1dfa], [220, 0x316], [222, 0x59a], [224, 0x302e], [226, 0x1d16d], [228, 0x5ae], [230, 0x300],
  [232, 0x315], [233, 0x35c], [234, 0x35d], [240, 0x345],
];
const swaps = (first, second) => {
  const text = "a" + String.fromCodePoint(first, second);
  return text.normalize("NFD") !== text && text.normalize("NFD") === "a" + String.fromCodePoint(second, first);
};

function combiningClass(c) {
  if (String.fromCodePoint(c).normalize("NFD") !== String.fromCodePoint(c)) return 0;
  const low = swaps(c, 0x334), high = swaps(0x345, c);
  if (!low && !high) return 0;
  // The class whose mark swaps with c in neither order, while c does swap with marks of other classes.
  return marks.find(([, mark]) => c === mark || (!swaps(c, mark) && !swaps(mark, c)))[0];
}

const hex = (c) => c.toString(16).toUpperCase();
const points = (text) => [...text].map((c) => hex(c.codePointAt(0))).join(" ");
const lines = [`# Unicode ${process.versions.unicode}, made by make_normalization_table.mjs. Code points are hexadecimal.`, "# K class first last: canonical combining class"];
let open = null;
const ranges = [];
for (let c = 0; c < 0x110000; c++) {
  if (c >= 0xd800 && c < 0xe000) continue;
  const k = combiningClass(c);
  if (open && open[0] === k && open[2] === c - 1) open[2] = c;
  else if (k) ranges.push((open = [k, c, c]));
}
for (const [k, first, last] of ranges) lines.push(`K ${k} ${hex(first)} ${hex(last)}`);
lines.push("# C point decomposition: canonical, to be composed again; D: canonical, never composed; X: by compatibility only");
for (let c = 0; c < 0x110000; c++) {
  if ((c >= 0xd800 && c < 0xe000) || (c >= 0xac00 && c < 0xd7a4)) continue;
  const text = String.fromCodePoint(c), full = text.normalize("NFD"), wide = text.normalize("NFKD");
  if (full !== text) {
    const parts = [...full], pair = parts.slice(0, -1).join("").normalize("NFC");
    const composed = parts.length > 1 && [...pair].length === 1 && (pair + parts.at(-1)).normalize("NFC") === text;
    if (!composed && full.normalize("NFC") === text) throw new Error(`no pair for ${hex(c)}`);
    lines.push(composed ? `C ${hex(c)} ${points(pair)} ${hex(parts.at(-1).codePointAt(0))}` : `D ${hex(c)} ${points(full)}`);
  }
  if (wide !== full) lines.push(`X ${hex(c)} ${points(wide)}`);
}
writeFileSync("src/AgentLightning.Models/Tokenizers/Normalization/normalization.txt", lines.join("\n") + "\n");
