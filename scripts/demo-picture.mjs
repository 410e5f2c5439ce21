/**
 * Draws docs/images/demo.svg: a speculative run of the embedded pair, tokens coloured by who proposed them.
 *
 *   npm run build && node scripts/demo-picture.mjs
 */
import { writeFileSync } from "node:fs";
import { AutoModelForCausalLM } from "../dist/index.js";

const PROMPT = "Once upon a time there was a little girl named Lily. She";
const COLUMNS = 92;
const [CHAR, LINE, MARGIN] = [8.4, 22, 24];
const COLOURS = { prompt: "#8b949e", target: "#e6edf3", draft: "#56d364", note: "#8b949e" };

const target = await AutoModelForCausalLM.fromPretrained("models/target");
const draft = await AutoModelForCausalLM.fromPretrained("models/draft");
const pieces = [{ text: PROMPT, kind: "prompt" }];
let stats;
for await (const event of target.stream(PROMPT, { assistantModel: draft, maxNewTokens: 96 })) {
  if (event.type === "finish") stats = event.stats;
  else pieces.push({ text: event.text, kind: event.source === "target" ? "target" : "draft" });
}

/** Lines of runs [text, kind, column]; words stay whole. */
const lines = [[]];
let column = 0;
const letters = pieces.flatMap(({ text, kind }) => [...text].map((letter) => ({ letter, kind })));
letters.forEach(({ letter, kind }, i) => {
  const end = letters.findIndex((other, j) => j > i && /\s/.test(other.letter));
  const tooLong = letter === " " && column + ((end < 0 ? letters.length : end) - i) > COLUMNS;
  if (letter === "\n" || tooLong) {
    lines.push([]);
    column = 0;
    return;
  }
  const line = lines[lines.length - 1];
  const last = line[line.length - 1];
  if (last?.kind === kind) last.text += letter;
  else line.push({ text: letter, kind, column });
  column++;
});
const share = Math.round((100 * stats.acceptedTokens) / stats.newTokens);
const note = `${stats.newTokens} tokens in ${stats.targetPasses} passes: ${share}% drafted (green), the same ids as plain decoding`;
lines.push([], [{ text: note, kind: "note", column: 0 }]);

const escapeXml = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
const width = Math.ceil(COLUMNS * CHAR + 2 * MARGIN);
const height = lines.length * LINE + 2 * MARGIN;
const rows = lines.map((line, i) => {
  const y = MARGIN + 16 + i * LINE;
  const spans = line.map(({ text, kind, column: at }) => {
    const x = (MARGIN + at * CHAR).toFixed(1);
    return `<tspan x="${x}" fill="${COLOURS[kind]}" textLength="${(text.length * CHAR).toFixed(1)}">${escapeXml(text)}</tspan>`;
  });
  return `<text y="${y}" xml:space="preserve">${spans.join("")}</text>`;
});
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14">
<title>A speculative run: ${note}</title>
<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>
${rows.join("\n")}
</svg>
`;
writeFileSync(new URL("../docs/images/demo.svg", import.meta.url), svg);
await target.dispose();
await draft.dispose();
