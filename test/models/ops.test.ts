import { expect, test } from "vitest";
import { logitsOf } from "../../src/exactness/row-invariance.js";
import { architectureOf } from "../../src/models/architectures.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";
import { model, readJson } from "../support/models.js";
import { PlainOps, readWeights } from "../support/plain-ops.js";

/** An architecture's own code, run by another implementation of `Ops`, says what the engine says. */
const { models } = readJson<{ models: Record<string, { input_ids: number[] }> }>("test/oracle/llama/oracle.json");

test.each(Object.entries(models))("the computation on plain numbers: %s", async (name, { input_ids }) => {
  const { config, source } = await openCheckpoint(`test/oracle/llama/${name}`);
  const tokens = input_ids.slice(0, 12);
  const architecture = architectureOf(config);
  const weights = await readWeights(source, architecture.weightSpecs(config));
  await source.close();
  const ops = new PlainOps(weights, config, tokens);
  const layers = Array.from({ length: config.numLayers }, (_, i) => i);
  const expected = ops.linear(architecture.decode(ops, config, layers), architecture.head);
  const got = await logitsOf((await model(`test/oracle/llama/${name}`, "fp32")).model, tokens, 5);
  const worst = expected.flatMap((row, r) => [...row].map((value, i) => Math.abs(value - got[r][i])));
  expect(Math.max(...worst)).toBeLessThan(1e-3);
});
