// Writes the tokenizers and the expected ids that TokenizerFixtureTests reads. Needs Node 20 and the packages in some folder:
//   npm install @huggingface/tokenizers@0.2.0     (in that folder)
//   node make_tokenizer_fixtures.mjs FOLDER                      writes families/*.json and cases.jsonl beside this file
//   node make_tokenizer_fixtures.mjs FOLDER COUNT SEED FILE      writes COUNT random cases per family to FILE, for looking further
// The vocabularies are learned here from corpus.txt, by a trainer that counts all pairs anew for each merge: slow, and plainly right.
// The components are those of the families' own files; only vocabularies are smaller.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const { Tokenizer } = createRequire(join(process.argv[2], "package.json"))("@huggingface/tokenizers");
const corpus = readFileSync(join(here, "corpus.txt"), "utf8");

// --- vocabularies ---------------------------------------------------------------------------------------------------
const gpt2 = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const byteChars = (() => {
  const chars = [];
  let next = 256;
  for (let b = 0; b < 256; b++) chars.push(String.fromCharCode((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? b : next++));
  return chars;
})();
const toBytes = (text) => Array.from(new TextEncoder().encode(text), (b) => byteChars[b]);

function learn(words, alphabet, count) {
  const seen = new Map();
  for (const word of words) seen.set(word.join(""), { symbols: word, count: (seen.get(word.join(""))?.count ?? 0) + 1 });
  const rows = [...seen.values()], ids = new Map(alphabet.map((token, i) => [token, i])), merges = [];
  while (merges.length < count) {
    const pairs = new Map();
    for (const { symbols, count: times } of rows)
      for (let i = 0; i + 1 < symbols.length; i++) {
        const key = symbols[i] + " " + symbols[i + 1];
        pairs.set(key, (pairs.get(key) ?? 0) + times);
      }
    let best = null;
    for (const [key, times] of pairs) {
      const pair = key.split(" "), order = pair.map((token) => ids.get(token));
      if (!best || times > best.times || (times === best.times && (order[0] < best.order[0] || (order[0] === best.order[0] && order[1] < best.order[1])))) best = { pair, order, times };
    }
    if (!best || best.times < 2) break;
    const [left, right] = best.pair;
    merges.push(best.pair);
    if (!ids.has(left + right)) ids.set(left + right, ids.size);
    for (const row of rows) {
      const next = [];
      for (let i = 0; i < row.symbols.length; i++) {
        if (row.symbols[i] === left && row.symbols[i + 1] === right) next.push(left + row.symbols[i++ + 1]);
        else next.push(row.symbols[i]);
      }
      row.symbols = next;
    }
  }
  return { vocab: Object.fromEntries(ids), merges };
}

const bytes = learn(corpus.match(gpt2).map(toBytes), [...byteChars].sort(), 500);
const pieceAlphabet = ["<unk>", "<s>", "</s>", ...Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`), ...new Set("▁" + corpus.replace(/[\s\u{10000}-\u{10ffff}]/gu, "").replace(/[^\p{ASCII}éüßжλ中日あ한]/gu, ""))];
const known = new Set(pieceAlphabet);
const pieces = learn(corpus.match(/\S+|\n/g).map((word) => Array.from("▁" + word).filter((c) => known.has(c))), pieceAlphabet, 400);

// --- families -------------------------------------------------------------------------------------------------------
const added = (first, ...tokens) => tokens.map((t, i) => ({ id: first + i, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...(typeof t === "string" ? { content: t } : t) }));
const byteLevel = (use_regex, add_prefix_space = false) => ({ type: "ByteLevel", add_prefix_space, trim_offsets: true, use_regex });
const split = (Regex, behavior = "Isolated", invert = false) => ({ type: "Split", pattern: { Regex }, behavior, invert });
const model = (learned, extra = {}) => ({ type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: false, ...extra, vocab: learned.vocab, merges: learned.merges.map((pair) => pair.join(" ")) });
const file = (parts) => ({ version: "1.0", truncation: null, padding: null, added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, ...parts });
const bos = (token, id) => ({
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: token, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
  pair: [{ SpecialToken: { id: token, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }, { SpecialToken: { id: token, type_id: 1 } }, { Sequence: { id: "B", type_id: 1 } }],
  special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
});
const llama3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const qwen2 = llama3.replace("{1,3}", "");
const pieceDecoder = { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "▁" }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 }] };
const pieceModel = model(pieces, { unk_token: "<unk>", fuse_unk: true, byte_fallback: true });
const n = Object.keys(bytes.vocab).length, m = Object.keys(pieces.vocab).length;

export const families = {
  gpt2: file({ added_tokens: added(n, "<|endoftext|>"), pre_tokenizer: byteLevel(true), post_processor: { ...byteLevel(true), trim_offsets: false }, decoder: byteLevel(true), model: model(bytes) }),
  llama3: file({
    added_tokens: added(n, "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    pre_tokenizer: { type: "Sequence", pretokenizers: [split(llama3), byteLevel(false)] },
    post_processor: { type: "Sequence", processors: [byteLevel(true), bos("<|begin_of_text|>", n)] },
    decoder: byteLevel(true),
    model: { ...model(bytes, { ignore_merges: true }), merges: bytes.merges },
  }),
  qwen2: file({
    added_tokens: added(n, "<|endoftext|>", "<|im_start|>", "<|im_end|>", { content: "<think>", special: false }, { content: "</think>", special: false }),
    normalizer: { type: "NFC" },
    pre_tokenizer: { type: "Sequence", pretokenizers: [split(qwen2), byteLevel(false)] },
    post_processor: byteLevel(false),
    decoder: byteLevel(false),
    model: model(bytes, { continuing_subword_prefix: "", end_of_word_suffix: "" }),
  }),
  llama2: file({
    added_tokens: [...added(0, "<unk>", "<s>", "</s>")],
    normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: { String: " " }, content: "▁" }] },
    post_processor: bos("<s>", 1),
    decoder: pieceDecoder,
    model: pieceModel,
  }),
  mistral: file({
    added_tokens: [...added(0, "<unk>", "<s>", "</s>"), ...added(m, "[INST]", "[/INST]")],
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false },
    post_processor: bos("<s>", 1),
    decoder: pieceDecoder,
    model: pieceModel,
  }),
  // Code models: digits one by one before bytes; and tokens that take white space along.
  digits: file({
    added_tokens: added(n, "<|endoftext|>", { content: "<mask>", lstrip: true }, { content: "<fill>", rstrip: true, special: false }),
    pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevel(true)] },
    decoder: byteLevel(true),
    model: model(bytes),
  }),
  // Several splits by the general engine, and all text normalized hard.
  splits: file({
    added_tokens: added(n, { content: "<|END|>", normalized: true, special: false }),
    normalizer: { type: "Sequence", normalizers: [{ type: "NFKC" }, { type: "Replace", pattern: { Regex: " {2,}" }, content: " " }, { type: "Strip", strip_left: true, strip_right: true }] },
    pre_tokenizer: { type: "Sequence", pretokenizers: [split("\\p{N}{1,3}"), split("[一-龥\\u3040-ゟ゠-ヿ]+"), split("[!-/:-~]?[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"), byteLevel(false)] },
    decoder: byteLevel(true),
    model: model(bytes),
  }),
};

// --- texts ----------------------------------------------------------------------------------------------------------
// Left out on purpose, because the oracle differs from the original there: U+0085 and U+FEFF (white space in one and not in the other), digits that are not ASCII
// for "digits" (the oracle only knows ASCII there).
const parts = [
  ..."abcdefghijklmnopqrstuvwxyzETAOIN", "the ", " of", " and", "token", "Tokenizer", "don't", "DON'T", "we'LL", "I'm", "'re", "'ſ", "it's", "x'd", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n ", "\u00a0", "\u2003", "\u2028", "\u3000",
  "0", "1", "12", "123", "1234", "12345", "3.14", "1,000", "½", "²", "Ⅻ", "٣٤", "é", "e\u0301", "a\u0323\u0302", "a\u0302\u0323", "ﬁ", "Å", "Å", "ß", "ſ", "İ", "ı", "ﾊﾟ", "한국어", "\u1112\u1161\u11ab", "가\u11a8", "中文", "日本語", "あいう", "漢字", "ｱ", "Ａ",
  "שלום", "مرحبا", "नमस्ते", "ไทย", "Привет", "λόγος", "Σ", "ς", "😀", "👨‍👩‍👧", "🏳️‍🌈", "🇩🇪", "👍🏽", "𝒳", "𐐷", "𠀀", "𝟘", "\u0301", "\u200b", "\u200d", "\ufe0f", "\u0000", "\u0001", "\u007f", "\ufffd", "\ue000", "\u{10ffff}",
  ".", ",", "!", "?", "...", "—", "“", "”", "«", "_", "__", "-", "--", "(", ")", "[", "]", "{", "}", "<", ">", "|", "/", "\\", "\"", "'", "`", "@", "#", "$", "€", "%", "^", "&", "*", "+", "=", "~", "▁", "Ġ", "Ċ", "<0x0A>",
  "if (x == 1) {\n    return y;\n}", "https://example.org/a?b=1", "snake_case", "CamelCase", "user@example.com",
];
const surrogates = ["\ud800", "\udc00", "\ud83d"];
const random = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
function makeText(next, tokens, name) {
  const pick = (list) => list[Math.floor(next() * list.length)];
  const lines = corpus.split("\n");
  let text = "";
  for (let i = 1 + Math.floor(next() * 12); i > 0; i--) {
    const kind = next();
    if (kind < 0.12) text += pick(tokens);
    else if (kind < 0.2) text += pick(lines).slice(0, 60);
    else if (kind < 0.23) text += pick(parts).repeat(1 + Math.floor(next() * 5));
    else if (kind < 0.24) text += pick(surrogates);
    else text += pick(parts);
  }
  return name === "digits" ? text.replace(/(?![0-9])\p{N}/gu, "") : text;
}

const fixed = ["", " ", "  ", "\n", "a", "Hello, world!", "Hello   world", " lead", "trail ", "The tokenizer's text, 12345 words; isn't it?\n\n  Yes.", "héllo wörld", "日本語のテキスト", "😀😀 👨‍👩‍👧", "a\ud800b", "\udc00", "tab\tand\r\nline", "\udc00'ſ[12345", "𝟘__'re\ud800'ſ of"];
const broken = (text) => /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
const config = { clean_up_tokenization_spaces: false };
function* casesOf(name, count, seed) {
  const tokenizer = new Tokenizer(families[name], config);
  const next = random(seed), tokens = families[name].added_tokens.map((t) => t.content);
  for (let i = 0; i < fixed.length + count; i++) {
    const text = i < fixed.length ? fixed[i] : makeText(next, tokens, name);
    // A string that is no Unicode cannot be given to the original; its bindings replace what has no partner.
    const whole = text.toWellFormed();
    const ids = tokenizer.encode(whole).ids;
    const plain = tokenizer.encode(whole, { add_special_tokens: false }).ids;
    // Numbers of UTF-16 units where the text could not stand in JSON.
    yield JSON.stringify({ family: name, ...(broken(text) ? { units: Array.from({ length: text.length }, (_, j) => text.charCodeAt(j)) } : { text }), ids, plain: plain.length === ids.length ? undefined : plain,
      decoded: ids.length === 0 ? "" : tokenizer.decode(ids, { skip_special_tokens: false }), clean: ids.length === 0 ? "" : tokenizer.decode(ids, { skip_special_tokens: true }) });
  }
}

const [, , , count, seed, output] = process.argv;
const lines = [];
for (const name of Object.keys(families)) lines.push(...casesOf(name, Number(count ?? 30), Number(seed ?? 1) * 1000 + Object.keys(families).indexOf(name)));
if (output) {
  writeFileSync(output, lines.join("\n") + "\n");
} else {
  mkdirSync(join(here, "families"), { recursive: true });
  for (const [name, content] of Object.entries(families)) writeFileSync(join(here, "families", name + ".json"), JSON.stringify(content) + "\n");
  writeFileSync(join(here, "merges.json"), JSON.stringify(bytes.merges.map((pair) => pair.join(" "))) + "\n");
  writeFileSync(join(here, "cases.jsonl"), lines.join("\n") + "\n");
}
