import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import "./support/models.js";

const EXPECTED: Record<string, RegExp> = {
  "quickstart.ts": /same tokens: true\ntokens per pass: [2-5]\.\d\d\n/,
  "streaming.ts": /\[[^\]]+\][\s\S]*ended by: stop;[\s\S]*ended by: aborted after 1\d tokens/,
  "own-drafter.ts": /same tokens: true\ntokens per pass: (1\.[1-9]|[2-6]\.)/,
  "engine.ts": /after "little": \w+; after "poor": \w+\ncommitted: \d+ -> \d+\nt\(5\) \/ t\(1\) = \d/,
};

beforeAll(() => {
  execFileSync("npx", ["tsc", "-p", "tsconfig.bench.json"]);
});

test("every example is tested", () => {
  expect(readdirSync("examples").sort()).toEqual(Object.keys(EXPECTED).sort());
});

test.each(Object.entries(EXPECTED))("examples/%s runs as written", (file, expected) => {
  const run = execFileSync(process.execPath, [`build/examples/${file.replace(/ts$/, "js")}`], { encoding: "utf8" });
  expect(run).toMatch(expected);
});

test("the README shows examples/quickstart.ts", () => {
  const block = readFileSync("README.md", "utf8").match(/```ts\n([\s\S]*?)```/)?.[1];
  expect(block).toBe(readFileSync("examples/quickstart.ts", "utf8"));
});
