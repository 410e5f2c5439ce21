import { expect, test } from "vitest";
import { type Feature, loadEagleHeads, Need, type TraceStep } from "../../src/index.js";
import { model, readJson } from "../support/models.js";

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

/** Paths of a tree's nodes, in one order for all trees of the same nodes. */
function pathsOf({ tokens, parents }: TraceStep["tree"]): string[] {
  const paths: number[][] = [[]];
  for (let node = 1; node < tokens.length; node++) paths[node] = [...paths[parents[node]], tokens[node]];
  return paths.slice(1).map(String).sort();
}

test.each(Object.entries(cases))("logits of a chain of drafts: %s", async (name, { layers, chain }) => {
  const target = await model(`${FOLDER}/target`, "fp32");
  await using heads = await loadEagleHeads(`${FOLDER}/${name}`, target);
  expect(heads.targetLayers).toEqual(layers);
  target.model.capture(heads.targetLayers);
  using text = target.model.newSequence();
  const needs = prompt.map(() => Need.auxiliary);
  const streams = await target.model.forward([{ sequence: text, tokens: prompt, needs }], (result) =>
    prompt.map((_, row) => heads.streamsOf(result, row)),
  );
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
      likeliest: heads.targetId(result.argmax(last)),
    }));
    const differences = expected.map((logit, id) => Math.abs(logit - logits[id]));
    expect(Math.max(...differences), `step ${step}`).toBeLessThan(1e-4);
    if (step < chain.tokens.length) expect(likeliest).toBe(chain.tokens[step]);
    tokens = [likeliest];
    features = [{ guess }];
  }
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
