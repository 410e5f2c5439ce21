/**
 * Writes instructions of many kinds, a JSON line {"messages"} each, for SmolLM2 to answer: chat, explanations, lists, stories, code,
 * sums, and summaries and rewritings of passages of a text.
 *
 *   node recipes/smollm2/make-prompts.mjs --text FILE --count 4000 > prompts.jsonl
 *
 * FILE is plain text with passages of some lines; documents in it that look like "Question: ...\nAnswer: ..." give sums.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CODE, CODE_TASKS, PEOPLE, THINGS, TOPICS } from "./topics.mjs";

const { values } = parseArgs({
  options: {
    text: { type: "string" },
    count: { type: "string", default: "4000" },
    seed: { type: "string", default: "1" },
  },
});
if (!values.text) throw new Error("give --text FILE: plain text to take passages from");
const count = Number(values.count);
const text = readFileSync(values.text, "utf8");
const documents = text.split("<|endoftext|>").map((document) => document.trim());
const questions = documents.flatMap((document) => /^Question: (.*?)\nAnswer:/s.exec(document)?.[1] ?? []);
const passages = documents
  .filter((document) => !document.startsWith("Question:"))
  .flatMap((document) => document.split(/\n+/))
  .filter((paragraph) => paragraph.length > 250 && paragraph.length < 1200);

let state = Number(values.seed) >>> 0;
/** mulberry32 */
function uniform() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const one = (list) => list[Math.floor(uniform() * list.length)];
const number = (from, to) => from + Math.floor(uniform() * (to - from + 1));

const CHAT = [
  () => `What is ${one(TOPICS)}?`,
  () => `Explain ${one(TOPICS)} to ${one(PEOPLE)}.`,
  () => `Give me ${number(3, 8)} tips for ${one(THINGS)}.`,
  () => `What are the advantages and disadvantages of ${one(THINGS)}?`,
  () => `I want to learn about ${one(TOPICS)}. Where should I start?`,
  () => `Compare ${one(TOPICS)} and ${one(TOPICS)}.`,
  () => `Why is ${one(TOPICS)} important?`,
  () => `List ${number(4, 10)} interesting facts about ${one(TOPICS)}.`,
  () => `Write a short story about ${one(PEOPLE)} and ${one(TOPICS)}.`,
  () => `Write a poem of ${number(2, 4)} verses about ${one(TOPICS)}.`,
  () => `Write an email to ${one(PEOPLE)} about ${one(THINGS)}.`,
  () => `Make a plan for a week of ${one(THINGS)}.`,
  () => `What would you say to ${one(PEOPLE)} who is worried about ${one(THINGS)}?`,
];
const PASSAGE = [
  (passage) => `Summarise this text in ${number(1, 3)} sentences:\n\n${passage}`,
  (passage) => `Rewrite this text in simpler words:\n\n${passage}`,
  (passage) => `List the people and places in this text:\n\n${passage}`,
  (passage) => `What happens in this text? Answer in your own words.\n\n${passage}`,
  (passage) => `Continue this story:\n\n${passage}`,
  (passage) => `Correct any mistakes in this text and print it again:\n\n${passage}`,
  (passage) => `Give this text a title and say why it fits:\n\n${passage}`,
];
const SUM = [
  (question) => question,
  (question) => `${question} Show each step.`,
  (question) => `Solve this problem and explain your reasoning.\n\n${question}`,
];
const PROGRAM = [
  () => `Write a Python function that ${one(CODE_TASKS)}.`,
  () =>
    `Write a ${one(["JavaScript", "TypeScript", "Python", "Java"])} function that ${one(CODE_TASKS)}, with a comment on each step.`,
  () => `Explain what this code does:\n\n${one(CODE)}`,
  () => `Add a docstring and type hints to this code and print all of it:\n\n${one(CODE)}`,
  () => `Rename the function in this code to \`compute\` and print all of it:\n\n${one(CODE)}`,
  () => `Write tests for this code:\n\n${one(CODE)}`,
];

const seen = new Set();
while (seen.size < count) {
  const kind = uniform();
  if (kind < 0.4) seen.add(one(CHAT)());
  else if (kind < 0.6) seen.add(one(PASSAGE)(one(passages)));
  else if (kind < 0.8 && questions.length > 0) seen.add(one(SUM)(one(questions)));
  else seen.add(one(PROGRAM)());
}
for (const content of seen) process.stdout.write(`${JSON.stringify({ messages: [{ role: "user", content }] })}\n`);
