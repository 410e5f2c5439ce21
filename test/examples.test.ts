import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import "./support/models.js";
import { tier } from "./support/tier.js";

const EXPECTED: Record<string, RegExp> = {
  "quickstart.ts": /same tokens: true\ntokens per pass: [2-5]\.\d\d\n/,
  "streaming.ts": /\[[^\]]+\][\s\S]*ended by: stop;[\s\S]*ended by: aborted after 1\d tokens/,
  "own-drafter.ts": /same tokens: true\ntokens per pass: (1\.[1-9]|[2-6]\.)/,
  "own-tree.ts": /same tokens: true\ntokens per pass: (1\.[1-9]|[2-6]\.)/,
  "algorithm.ts": /^Once upon a time[\s\S]*\ntokens per pass: [2-4]\.\d\d\n$/,
  "tuning.ts":
    /draft, K = 2: 2\.\d\d tokens per pass, \d\.\d\dx\n[\s\S]*W 7, N 5: \d\.\d\d .*about: rows off[\s\S]*ngram: [1-4]\./,
  "batch.ts": /^One day, a fox.* \[[1-5]\.\d\d tokens per pass\]\n[\s\S]*as alone: true\n3 different samples\n$/,
  "medusa.ts": /same tokens: true\ntokens per pass: [12]\.\d\d\ntypical acceptance: [12]\.\d\d, lossless: false/,
  "lookahead.ts": /tokens per pass: [23]\.\d\d/,
  "lookup.ts": /prompt lookup: 1\.\d\d[\s\S]*document: 1\.\d\d[\s\S]*round 1: [12]\.\d\d\n.*round 2: [23]\.\d\d/,
  "hybrid.ts":
    /draft-medusa: [2-4]\.\d\d tokens per pass\nmerged: [3-4]\.\d\d tokens per pass\n {2}draft: \d+ of \d+ accepted/,
  "choosing.ts": /llama-7B is 10\.0 times smaller[\s\S]*K = 2: 2\.\d\d[\s\S]*K = 8: [4-6]\.\d\d/,
  "medusa-heads.ts": /tokens per pass: [1-3]\.\d\d/,
  "json.ts": /^\{"animal": "(fox|crow|cat)", "age": -?\d+\}?/,
  "engine.ts": /after "little": \w+; after "poor": \w+\ncommitted: \d+ -> \d+\nt\(5\) \/ t\(1\) = \d/,
};

beforeAll(() => {
  // Types are checked by npm run typecheck.
  execFileSync("npx", ["tsc", "-p", "tsconfig.bench.json", "--noCheck"]);
  if (tier(false, true)) runTogether();
});

const node = (...args: string[]) => execFileSync(process.execPath, args, { encoding: "utf8" });
const built = (file: string) => `./build/examples/${file.replace(/ts$/, "js")}`;

/** What each example printed, in the fast tier: all run in one process, one after another. */
const printed = new Map<string, string>();
function runTogether(): void {
  const files = Object.keys(EXPECTED);
  const lines = files.map((file) => `console.log("\\0"); await import(${JSON.stringify(built(file))});`);
  const parts = node("--input-type=module", "-e", lines.join("\n")).split("\0\n").slice(1);
  files.forEach((file, i) => {
    printed.set(file, parts[i]);
  });
}

test("every example is tested", () => {
  expect(
    readdirSync("examples")
      .filter((file) => file.endsWith(".ts"))
      .sort(),
  ).toEqual(Object.keys(EXPECTED).sort());
});

test.each(Object.entries(EXPECTED))("examples/%s runs as written", (file, expected) => {
  expect(printed.get(file) ?? node(built(file))).toMatch(expected);
});

test("the README shows examples/quickstart.ts", () => {
  const block = readFileSync("README.md", "utf8").match(/```ts\n([\s\S]*?)```/)?.[1];
  expect(block).toBe(readFileSync("examples/quickstart.ts", "utf8"));
});
