import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HEADS_FILES } from "../../../src/training/medusa/layouts.js";
import { readJson } from "../../support/models.js";
import { HEADS, LAYERS, NAMED, VOCABULARY, values, WIDTH, written } from "../../support/written-heads.js";

const ORACLE = "test/oracle/medusa";
/** What the engines' own code made of the folders in `engines` (make_engines_oracle.py): a row's logits, by head; null: -infinity. */
const { hidden, logits } = readJson<{ hidden: number[]; logits: Record<string, (number | null)[][]> }>(
  `${ORACLE}/engines.json`,
);

const product = (name: string, x: number[], rows: number) =>
  Array.from({ length: rows }, (_, i) =>
    x.reduce((sum, each, j) => sum + each * values.get(name)![i * x.length + j], 0),
  );

function logitsOf(head: number, shared: boolean): number[] {
  let x = hidden;
  for (let layer = 0; layer < LAYERS; layer++) {
    const name = `heads.${head}.blocks.${layer}`;
    const inner = product(name, x, WIDTH).map((each, i) => each + values.get(`${name}.bias`)![i]);
    x = x.map((each, i) => each + inner[i] / (1 + Math.exp(-inner[i])));
  }
  return product(shared ? "base" : `heads.${head}.lm_head`, x, VOCABULARY);
}

const layouts = ["vllm", "tensorrt-llm"] as const;
const cases = [
  ...layouts.flatMap((layout) => [false, true].map((shared) => ({ layout, shared, some: false }))),
  ...[false, true].map((shared) => ({ layout: "vllm" as const, shared, some: true })),
];
test.each(cases)("an engine's own code reads what is written: %o", async ({ layout, shared, some }) => {
  const name = [layout, ...(shared ? ["shared"] : []), ...(some ? ["some"] : [])].join("-");
  const directory = await written(layout, shared, "F16", some ? NAMED : undefined);
  for (const file of [HEADS_FILES[layout], "config.json"]) {
    if (process.env.FORETOKEN_WRITE_ORACLE) cpSync(join(directory, file), join(ORACLE, "engines", name, file));
    const read = readFileSync(join(ORACLE, "engines", name, file));
    expect(readFileSync(join(directory, file)).equals(read), `${file} is what the engine read`).toBe(true);
  }
  for (let head = 0; head < HEADS; head++) {
    const theirs = logits[name][head];
    expect(theirs.filter((logit) => logit !== null)).toHaveLength(VOCABULARY);
    for (const [i, logit] of logitsOf(head, shared).entries()) {
      expect(theirs[some ? NAMED[i] : i]).toBeCloseTo(logit, 2);
    }
  }
});
