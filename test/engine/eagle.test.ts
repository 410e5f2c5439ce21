import { expect, test } from "vitest";
import { withBaseTensor } from "../../src/api/base-of-heads.js";
import { type Feature, type LanguageModel, loadEagleHeads, Need, type TraceStep } from "../../src/index.js";
import { decode } from "../../src/models/eagle/decode.js";
import { openEagleCheckpoint } from "../../src/models/eagle/eagle-checkpoint.js";
import { weightSpecs } from "../../src/models/eagle/weights.js";
import { model, readJson } from "../support/models.js";
import { PlainOps, readWeights } from "../support/plain-ops.js";

/** EAGLE-3 heads in three layouts against a re-implementation in PyTorch (test/oracle/eagle/make_eagle_oracle.py). */
interface Case {
  layers: number[];
  chain: { tokens: number[]; logits: number[][] };
  tree: number[][];
}
const FOLDER = "test/oracle/eagle";
const { prompt, levels, topK, nodes, cases } = readJson<{
  prompt: number[];
  levels: number;
  topK: number;
  nodes: number;
  cases: Record<string, Case>;
}>(`${FOLDER}/oracle.json`);

/** The target's residual streams at each token of the prompt, one after the other. */
async function streamsOf({ model: target }: LanguageModel, layers: readonly number[]): Promise<Float32Array[]> {
  target.capture(layers);
  using sequence = target.newSequence();
  const needs = prompt.map(() => Need.auxiliary);
  return await target.forward([{ sequence, tokens: prompt, needs }], (result) =>
    prompt.map((_, row) => Float32Array.from(layers.flatMap((count) => [...result.auxiliary(row, count)]))),
  );
}

/** Paths of a tree's nodes, in one order for all trees of the same nodes. */
function pathsOf({ tokens, parents }: TraceStep["tree"]): string[] {
  const paths: number[][] = [[]];
  for (let node = 1; node < tokens.length; node++) paths[node] = [...paths[parents[node]], tokens[node]];
  return paths.slice(1).map(String).sort();
}

test.each(Object.entries(cases))("logits of a chain of drafts: %s", async (name, { layers, chain }) => {
  const target = await model(`${FOLDER}/target`, "fp32");
  await using heads = await loadEagleHeads(`${FOLDER}/${name}`, target);
  const { targetIds, source } = await openEagleCheckpoint(`${FOLDER}/${name}`);
  await source.close();
  expect(heads.targetLayers).toEqual(layers);
  const streams = await streamsOf(target, layers);
  using sequence = heads.model.newSequence();
  let tokens = prompt.slice(1);
  let features: Feature[] = streams.slice(0, -1).map((row) => ({ streams: row }));
  for (const [step, expected] of chain.logits.entries()) {
    const need = heads.guessNeed | Need.logits | Need.top;
    const last = tokens.length - 1;
    const rows = { sequence, tokens, features, needs: tokens.map((_, i) => (i === last ? need : Need.nothing)) };
    const { logits, guess, likeliest } = await heads.model.forward([rows], (result) => ({
      logits: result.logits(last).slice(),
      guess: heads.guessOf(result, last),
      likeliest: result.argmax(last),
    }));
    const differences = expected.map((logit, id) => Math.abs(logit - logits[targetIds?.[id] ?? id]));
    expect(logits.filter(Number.isFinite)).toHaveLength(expected.length);
    expect(Math.max(...differences), `step ${step}`).toBeLessThan(1e-4);
    if (step < chain.tokens.length) expect(likeliest).toBe(chain.tokens[step]);
    tokens = [likeliest];
    features = [{ guess }];
  }
});

test.each(Object.entries(cases))("the computation on plain numbers: %s", async (name, { layers, chain }) => {
  const target = await model(`${FOLDER}/target`, "fp32");
  const { config, source, ownEmbedding } = await openEagleCheckpoint(`${FOLDER}/${name}`);
  const { base: _, eagle, ...layer } = config;
  const all = { ...layer, eagle: { ...eagle, targetLayers: layers } };
  const lent = { name: "embed_tokens.weight", of: () => "model.embed_tokens.weight", what: "embedding" };
  const tensors = ownEmbedding ? source : await withBaseTensor(source, target, lent);
  const weights = await readWeights(tensors, weightSpecs(all));
  await tensors.close();
  const streams = await streamsOf(target, layers);
  const features = streams.slice(0, -1).map((row) => ({ streams: row }));
  const ops = new PlainOps(weights, all, prompt.slice(1), features);
  const logits = ops.linear(decode(ops, all, [0]), "lm_head").at(-1)!;
  const differences = chain.logits[0].map((logit, id) => Math.abs(logit - logits[id]));
  expect(Math.max(...differences)).toBeLessThan(1e-4);
});

test.each(Object.entries(cases))("the dynamic tree: %s", async (name, { tree, chain }) => {
  const target = await model(`${FOLDER}/target`, "fp32");
  await using heads = await loadEagleHeads(`${FOLDER}/${name}`, target);
  const first = async (speculation: Record<string, unknown>) => {
    const steps: TraceStep[] = [];
    const all = { method: "eagle", heads, numSpeculativeTokens: levels, ...speculation };
    const trace = (step: TraceStep) => steps.push(step);
    await target.generate(prompt, { maxNewTokens: 12, ignoreEos: true, speculation: all, trace });
    return steps[0].tree;
  };
  expect(pathsOf(await first({ treeNodes: nodes, treeRanks: topK }))).toEqual(tree.map(String).sort());
  const drafted = (await first({ treeRanks: 1 })).tokens.slice(1);
  expect(drafted.slice(0, -1)).toEqual(chain.tokens);
});
