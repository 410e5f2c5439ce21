/**
 * Writes what the embedded target itself says, a JSON line {"text"} for each of its answers: what its Medusa heads and its EAGLE-3
 * layer are trained on. Half are greedy, half at temperature 0.7 to 1. Killed and run again, it adds to what is there.
 *
 *   npm run build && node recipes/embedded/answers.mjs --text FILE --tokens 450000 --out answers.jsonl
 *
 * FILE is text of the kinds that the target was trained on (models/README.md), documents apart by <|endoftext|>. Prompts are
 * beginnings of documents and paragraphs, questions, and sentences said again. Those that are in test/golden/prompts.jsonl, which heads
 * are measured on, are left out.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { AutoModelForCausalLM } from "../../dist/index.js";

const { values } = parseArgs({
  options: { text: { type: "string" }, tokens: { type: "string", default: "450000" }, out: { type: "string" } },
});
if (!values.text || !values.out) throw new Error("give --text FILE and --out FILE");
const model = await AutoModelForCausalLM.fromPretrained("models/target");
const { tokenizer } = model;

const documents = readFileSync(values.text, "utf8")
  .split("<|endoftext|>\n")
  .filter(({ length }) => length > 100);
const questions = documents.filter((document) => document.startsWith("Question:"));
const prose = documents.filter((document) => !document.startsWith("Question:"));
const paragraphs = prose.flatMap((document) => document.split("\n").filter(({ length }) => length > 60));
const sentences = paragraphs.flatMap((paragraph) => paragraph.match(/[A-Z][^.!?"]{60,160}[.]/g) ?? []);
const measured = readFileSync("test/golden/prompts.jsonl", "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line).prompt.slice(0, 60));

let state = 12_345 + (existsSync(values.out) ? readFileSync(values.out).length : 0);
/** mulberry32 */
function uniform() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const one = (list) => list[Math.floor(uniform() * list.length)];
const beginning = (text) => tokenizer.encode(text).slice(0, Math.floor(9 + uniform() * 56));

function promptIds() {
  const kind = uniform();
  if (kind < 0.15) return tokenizer.encode(`${one(questions).split("\nAnswer:")[0]}\nAnswer:`).slice(0, 110);
  if (kind < 0.27) {
    const sentence = one(sentences);
    const start = sentence
      .split(" ")
      .slice(0, 2 + Math.floor(uniform() * 2))
      .join(" ");
    const again = `He read the story aloud: ${sentence}\nThe children asked to hear it once more, and he read the story aloud: ${start}`;
    return tokenizer.encode(uniform() < 0.5 ? again : `${sentence}\n${sentence}\n${start}`);
  }
  return beginning(one(kind < 0.62 ? prose : paragraphs));
}

/** Prompts of one call: passes take sixteen at a time. */
const PROMPTS = 64;
for (let tokens = 0; tokens < Number(values.tokens); ) {
  const sampling = uniform() < 0.5 ? {} : { temperature: one([0.7, 0.85, 1]), seed: Math.floor(uniform() * 1e9) };
  const prompts = [];
  while (prompts.length < PROMPTS) {
    const ids = promptIds();
    const text = tokenizer.decode(ids);
    if (!measured.some((known) => text.includes(known))) prompts.push(ids);
  }
  const answers = await model.generate(prompts, { ...sampling, maxNewTokens: 144, speculation: { method: "none" } });
  const lines = answers.map(({ tokenIds }, i) => {
    const ids = [...prompts[i], ...tokenIds];
    tokens += ids.length;
    return `${JSON.stringify({ text: tokenizer.decode(ids, { skipSpecialTokens: true }) })}\n`;
  });
  appendFileSync(values.out, lines.join(""));
  process.stderr.write(`\r${tokens} tokens`);
}
await model.dispose();
