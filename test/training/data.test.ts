import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type ChatMessage, TrainingData, type TrainingDataOptions, type TrainingExample } from "../../src/index.js";
import { Tokenizer } from "../../src/tokenizer/tokenizer.js";
import { isHeldOut } from "../../src/training/data/split.js";
import { readJson, TARGET, temporaryFolder } from "../support/models.js";

const END = "<|endoftext|>";
const TEMPLATE = `{% for m in messages %}[{{ m.role }}]{{ m.content }}${END}\n{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`;
/** Leaves out what earlier answers say, as templates do with reasoning. */
const FORGETFUL = `{% for m in messages %}[{{ m.role }}]{{ m.content if loop.last or m.role == "user" else "..." }}${END}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`;

const tokenizerWith = (chat_template?: string) =>
  new Tokenizer(
    readJson(`${TARGET}/tokenizer.json`),
    { eos_token: END, ...(chat_template && { chat_template }) },
    "tokenizer.json",
  );
const plain = tokenizerWith();
const chatty = tokenizerWith(TEMPLATE);
const folder = temporaryFolder();
let warnings: string[] = [];
beforeAll(() => {
  process.env.FORETOKEN_CACHE = temporaryFolder();
  vi.spyOn(process, "emitWarning").mockImplementation((message) => void warnings.push(String(message)));
});
beforeEach(() => {
  warnings = [];
});

let files = 0;
const fileOf = (lines: readonly unknown[], name = `${files++}.jsonl`) => {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"));
  return path;
};
async function examplesIn(path: string, tokenizer = chatty, options: TrainingDataOptions = {}) {
  const examples: TrainingExample[] = [];
  for await (const example of await TrainingData.open(path, tokenizer, options)) examples.push(example);
  return examples;
}
/** The text of the labels, parts that do not touch apart. */
function learned({ tokens, lossMask }: TrainingExample): string[] {
  const parts: number[][] = [];
  tokens.forEach((token, at) => {
    if (!lossMask?.[at]) return;
    if (!lossMask[at - 1]) parts.push([]);
    parts.at(-1)!.push(token);
  });
  return parts.map((part) => plain.decode(part));
}

const chat = [
  { role: "user", content: "Who sat on the wall?" },
  { role: "assistant", content: "Humpty Dumpty sat there." },
  { role: "user", content: "And then?" },
  { role: "assistant", content: "He had a great fall." },
];
const asShareGpt = chat.map(({ role, content }) => ({ from: role === "user" ? "human" : "gpt", value: content }));

test("the assistant's answers and the tokens that end them are learned, and nothing else", async () => {
  const [example, same] = await examplesIn(fileOf([{ messages: chat }, { conversations: asShareGpt }]));
  expect(same).toEqual(example);
  expect(example.tokens).toEqual(chatty.applyChatTemplate(chat, { addGenerationPrompt: false }));
  expect(learned(example)).toEqual([`Humpty Dumpty sat there.${END}`, `He had a great fall.${END}`]);
});

test("an answer that was cut off does not teach an end", async () => {
  const [example] = await examplesIn(fileOf([{ messages: chat.slice(0, 2), finish_reason: "length" }]));
  expect(learned(example)).toEqual(["Humpty Dumpty sat there."]);
  const lines = [
    { prompt: "Once", completion: " upon a time." },
    { prompt: "Once", completion: " upon", finish_reason: "length" },
  ];
  const [whole, cut] = await examplesIn(fileOf(lines), plain);
  expect(learned(whole)).toEqual([` upon a time.${END}`]);
  expect(learned(cut)).toEqual([" upon"]);
  expect(whole.tokens.slice(0, plain.encode("Once").length)).toEqual(plain.encode("Once"));
});

test("with trainOn all there is no mask; length cuts texts into pieces and shortens conversations", async () => {
  const text = "The fox ran. ".repeat(40);
  const path = fileOf([{ messages: chat }, { text }]);
  const [conversation, ...pieces] = await examplesIn(path, chatty, { trainOn: "all", length: 20 });
  expect(conversation.lossMask).toBeUndefined();
  expect(conversation.tokens).toHaveLength(20);
  const begin = plain.encode("");
  expect(pieces.every(({ tokens }) => tokens.length <= 20 && tokens[0] === begin[0])).toBe(true);
  expect(plain.decode(pieces.flatMap(({ tokens }) => tokens.slice(begin.length)))).toBe(text);
});

const bad: [line: unknown, says: RegExp][] = [
  ["{]", /line 2 is not valid JSON/],
  ["[1]", /line 2 is \[1\], expected an object/],
  [{ question: "why" }, /line 2 has "question", expected "messages"/],
  [{ messages: [] }, /line 2 has \[\] as "messages", expected a list of turns/],
  [{ messages: [{ role: "user" }] }, /as message 1, expected \{ "role", "content" \}/],
  [{ conversations: [{ from: "cat", value: "miaow" }] }, /as turn 1, expected/],
  [{ messages: chat.slice(0, 1) }, /has no answer of the assistant/],
  [{ messages: chat.slice(1) }, /begins with the assistant/],
  [{ text: "" }, /has an empty "text"/],
  [{ prompt: "Once", completion: "" }, /has an empty "completion"/],
  [{ prompt: "Once upon a time. ".repeat(200), completion: "x" }, /prompt of more than 64 tokens/],
];
test.each(bad)("a bad line is left out and told, or with strict an error: %j", async (line, says) => {
  const path = fileOf([{ text: "A fox." }, line, { text: "A cat." }]);
  expect(await examplesIn(path, chatty, { length: 64 })).toHaveLength(2);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^1 of 3 lines of .* were left out: /);
  expect(warnings[0]).toMatch(says);
  await expect(examplesIn(path, chatty, { length: 64, strict: true })).rejects.toThrow(says);
  await expect(
    examplesIn(fileOf([line], path.replace(/(\d+)\.jsonl/, "only-$1.jsonl").slice(folder.length + 1)), chatty, {
      length: 64,
    }),
  ).rejects.toThrow(/nothing in .* can be trained on/);
});

test("where the template writes a beginning otherwise than in the whole, the line is left out", async () => {
  const lines = [{ messages: chat }, { messages: chat.slice(0, 2) }];
  const examples = await examplesIn(fileOf(lines), tokenizerWith(FORGETFUL));
  expect(examples.map(learned)).toEqual([[`Humpty Dumpty sat there.${END}`]]);
  expect(warnings[0]).toMatch(/line 1 cannot be masked: the chat template writes the part up to message 2 otherwise/);
});

const GENERATION = readJson<{
  cases: { name: string; template: string; messages: ChatMessage[]; tokens: number[]; mask: number[] }[];
}>("test/oracle/chat-templates/generation.json");
test.each(GENERATION.cases)("marks of a template give transformers' mask: $name", async (made) => {
  const [example] = await examplesIn(fileOf([{ messages: made.messages }]), tokenizerWith(made.template));
  expect(example.tokens).toEqual(made.tokens);
  expect(example.lossMask!.map(Number)).toEqual(made.mask);
});

test("of an answer that was cut off the marked end is not learned; a template that marks nothing says so", async () => {
  const { template } = GENERATION.cases[0];
  const cut = fileOf([{ messages: chat, finish_reason: "length" }]);
  const [whole] = await examplesIn(fileOf([{ messages: chat }]), tokenizerWith(template));
  const [example] = await examplesIn(cut, tokenizerWith(template));
  expect(learned(whole).map((part) => part.endsWith(END))).toEqual([true, true]);
  expect(learned(example).map((part) => part.endsWith(END))).toEqual([true, false]);
  const never = tokenizerWith(
    `${TEMPLATE}{% if messages | length > 9 %}{% generation %}{% endgeneration %}{% endif %}`,
  );
  await expect(examplesIn(fileOf([{ messages: chat }], "never.jsonl"), never)).rejects.toThrow("template marks");
});

test("conversations need a chat template", async () => {
  await expect(examplesIn(fileOf([{ messages: chat }]), plain)).rejects.toThrow(/the model has no chat template/);
});

test("a folder is read by names, whatever lies in it", async () => {
  const place = join(folder, "several");
  mkdirSync(join(place, "b"), { recursive: true });
  writeFileSync(join(place, "c.txt"), "\ufeffThird.\r\n");
  writeFileSync(join(place, "b", "x.jsonl"), '{"text": "Second."}\n\n');
  writeFileSync(join(place, "a.md"), "First.");
  writeFileSync(join(place, "picture.png"), "no text");
  const texts = (await examplesIn(place, plain)).map(({ tokens }) => plain.decode(tokens, { skipSpecialTokens: true }));
  expect(texts).toEqual(["First.\n", "Second.", "Third.\n"]);
  const without = join(folder, "without");
  mkdirSync(without);
  await expect(TrainingData.open(without, plain)).rejects.toThrow("holds no file that ends in");
});

test("tokens are kept once all were read; changed contents are noticed, a new time alone is not", async () => {
  const path = fileOf([{ messages: chat }, "{]", { text: "A fox." }]);
  const kept = () => readdirSync(join(process.env.FORETOKEN_CACHE!, "tokens"));
  const data = await TrainingData.open(path, chatty);
  for await (const _ of data) break;
  expect(kept()).not.toContain(data.fingerprint);
  warnings = [];
  const examples = await examplesIn(path);
  expect(kept()).toContain(data.fingerprint);
  // Those used longest ago are removed, and what was not finished.
  expect(kept().length).toBeLessThanOrEqual(16);
  const tokens = join(process.env.FORETOKEN_CACHE!, "tokens", data.fingerprint, "tokens");
  expect(await examplesIn(path)).toEqual(examples);
  expect(warnings).toHaveLength(2);
  utimesSync(path, 1, 1);
  expect((await TrainingData.open(path, chatty)).fingerprint).toBe(data.fingerprint);
  expect((await TrainingData.open(path, chatty, { length: 99 })).fingerprint).not.toBe(data.fingerprint);
  expect((await TrainingData.open(path, plain)).fingerprint).not.toBe(data.fingerprint);
  // A damaged cache is none.
  writeFileSync(tokens, readFileSync(tokens).subarray(4));
  expect(await examplesIn(path)).toEqual(examples);
  writeFileSync(path, `${readFileSync(path, "utf8")}\n{"text": "A cat."}`);
  expect((await TrainingData.open(path, chatty)).fingerprint).not.toBe(data.fingerprint);
});

test("what is held out stays held out when data is added", () => {
  const places = Array.from({ length: 40 }, (_, place) => place).filter((place) => isHeldOut(place, 20));
  expect(places).toEqual([19, 39]);
});
