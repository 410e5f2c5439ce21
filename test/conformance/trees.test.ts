import { describe, expect, test } from "vitest";
import { PassTimes } from "../../src/engine/pass-times.js";
import { type Dtype, type LanguageModel, Need, type SingleOptions, type TraceStep } from "../../src/index.js";
import { Experience } from "../../src/methods/guard/experience.js";
import { GuardedDrafter } from "../../src/methods/guard/guard.js";
import { TokenHistory } from "../../src/sampling/history.js";
import { Sampler } from "../../src/sampling/sampler.js";
import { GREEDY } from "../../src/sampling/sampling-options.js";
import { DRAFT, model, prompts, readJson, TARGET } from "../support/models.js";
import { wrapped } from "../support/probe.js";
import { makePrunedDraft } from "../support/pruned-draft.js";
import { chiSquareTest } from "../support/statistics.js";
import { deepTier, some, tier } from "../support/tier.js";
import { madeDraft } from "../support/ways.js";

/**
 * Rows of a tree's side branches have the bits of a chain's and are committed at once. Where ONNX Runtime attends they round
 * differently: what they say is only foreseen, and the next step reads it again as the first path of its tree. So trees
 * give plain decoding's tokens, exactly, too.
 */
const POSITIONS = tier(500, 30);
const NEW_TOKENS = tier(32, 24);
const TREES = [[2, 2, 1], [4, 1, 1], [3, 2], [16]];
const SAMPLINGS: [name: string, options: SingleOptions][] = [
  ["greedy", {}],
  ["temperature 0.7", { temperature: 0.7, seed: 7 }],
  ["temperature 1", { temperature: 1, seed: 9 }],
];

describe.each(["fp32", "q8", "q4"] as Dtype[])("%s", (dtype) => {
  test.each(SAMPLINGS)("speculative tokens are plain tokens on every prompt: %s", async (_, sampling) => {
    const target = await model(TARGET, dtype);
    const draft = await model(DRAFT, dtype);
    const steps: TraceStep[] = [];
    for (const [i, { id, prompt }] of some(prompts(), dtype === "q8" ? 4 : 2).entries()) {
      const options = { ...sampling, maxNewTokens: NEW_TOKENS, logProbs: 0 };
      const plain = await target.generate(prompt, { ...options, speculation: { method: "none" } });
      for (const treeWidths of [TREES[i % 4], TREES[(i + 1) % 4]]) {
        const trace = (step: TraceStep) => steps.push(step);
        const speculation = { method: "draft", treeWidths };
        const fast = await target.generate(prompt, { ...options, trace, assistantModel: draft, speculation });
        expect(fast.tokenIds, `${id}, widths ${treeWidths}`).toEqual(plain.tokenIds);
        expect(fast.logProbs).toEqual(plain.logProbs);
      }
    }
    const { exactTrees } = target.model;
    const aside = steps.filter(({ path, foreseen }) =>
      exactTrees ? path.some((node, i) => node !== i) : foreseen.length > 1,
    );
    expect(aside.length, "steps that went down a side branch").toBeGreaterThan(tier(25, 3));
  });

  test("several sequences with trees of their own in the same passes", async () => {
    const target = await model(TARGET, dtype);
    const batch = some(
      prompts().filter((_, i) => i % 8 === 1),
      3,
    ).map(({ prompt }) => prompt);
    const options = { temperature: 0.9, seed: 4, maxNewTokens: NEW_TOKENS };
    const plain = await target.generate(batch, { ...options, speculation: { method: "none" } });
    const assistantModel = await model(DRAFT, dtype);
    const fast = await target.generate(batch, {
      ...options,
      assistantModel,
      speculation: { method: "draft", treeWidths: [3, 2, 1] },
    });
    expect(fast.map((result) => result.tokenIds)).toEqual(plain.map((result) => result.tokenIds));
  });

  test("a side branch's own logits are the chain's; where ONNX Runtime attends, but for rounding", async () => {
    const target = await model(TARGET, dtype);
    const largest = await largestRounding(target, text(target));
    if (target.model.exactTrees) expect(largest).toBe(0);
    else expect(largest).toBeLessThan(dtype === "fp32" ? 1e-3 : 0.5);
  });
});

const prunedDraft = madeDraft(makePrunedDraft);
const DRAFTS: [name: string, treeWidths: number[]][] = [
  ["draft", [3, 2]],
  ["draft under a guard", [3, 2]],
  ...tier<[string, number[]][]>(
    [
      ["draft", [1, 1]],
      ["draft with a vocabulary of its own", [3, 2]],
    ],
    [],
  ),
];
/** A guard that finds drafting worth its time: passes take as long for many rows as for one. */
function guarded(options: SingleOptions): SingleOptions {
  const times = new PassTimes();
  for (const rows of [1, 32]) for (let i = 0; i < 2; i++) times.observe(rows, 1000);
  const experience = new Experience();
  return wrapped("draft", options, (drafter) => new GuardedDrafter(drafter, times, experience));
}

test.each(DRAFTS)(
  "maximal coupling, real models, %s, widths %j: the target's distribution",
  async (name, treeWidths) => {
    const target = await model(TARGET, "q8");
    const draft = await model(name.includes("vocabulary") ? await prunedDraft() : DRAFT, "q8");
    const prompt = target.tokenizer!.encode(prompts()[2].prompt);
    const sampling = { doSample: true, temperature: 1.3, topK: 3 };
    const counts = new Map<string, number>();
    const samples = deepTier(1500, 600, 150);
    const speculation = { method: "draft", coupling: "maximal" as const, treeWidths };
    const own = { ...sampling, maxNewTokens: 3, ignoreEos: true, assistantModel: draft, speculation };
    const options = name.includes("guard") ? guarded(own) : own;
    let drafted = 0;
    for (let seed = 0; seed < samples; seed++) {
      const { tokenIds, stats } = await target.generate(prompt, { ...options, seed });
      const [a, b] = tokenIds;
      drafted += stats.draftedTokens;
      counts.set(`${a},${b}`, (counts.get(`${a},${b}`) ?? 0) + 1);
    }
    expect(drafted).toBeGreaterThan(samples);
    const expected = await firstTwo(target, prompt, sampling);
    expect([...counts.keys()].every((key) => expected.has(key))).toBe(true);
    const keys = [...expected.keys()];
    const p = chiSquareTest(
      keys.map((key) => counts.get(key) ?? 0),
      keys.map((key) => expected.get(key)!),
    );
    expect(p).toBeGreaterThan(1e-4 / 2);
  },
);

/** Token ids of running text. */
function text(target: LanguageModel): number[] {
  const { cases } = readJson<{ cases: { input_ids: number[] }[] }>("test/golden/golden.json");
  const golden = cases.flatMap((c) => c.input_ids);
  const ids = [...golden, ...prompts().flatMap(({ prompt }) => target.tokenizer!.encode(prompt))];
  expect(ids.length).toBeGreaterThan(POSITIONS);
  return ids.slice(0, POSITIONS + 1);
}

/** The largest difference between logits of a token as a side branch and as the next of a chain. */
async function largestRounding({ model: lm }: LanguageModel, ids: number[]): Promise<number> {
  let largest = 0;
  using sequence = lm.newSequence();
  for (let i = 0; i + 1 < ids.length; i++) {
    const [root, next] = [ids[i], ids[i + 1]];
    const other = (next + 1) % lm.vocabLimit;
    const needs = [Need.nothing, Need.nothing, Need.nothing, Need.logits];
    const parents = [-1, 0, 1, 0];
    const branch = await lm.forward([{ sequence, tokens: [root, other, other, next], parents, needs }], (r) =>
      r.logits(3).slice(),
    );
    sequence.rollback();
    const chain = await lm.forward([{ sequence, tokens: [root, next], needs: [Need.nothing, Need.logits] }], (r) =>
      r.logits(1).slice(),
    );
    sequence.commit([0]);
    for (let v = 0; v < chain.length; v++) largest = Math.max(largest, Math.abs(chain[v] - branch[v]));
  }
  return largest;
}

async function lastRow({ model: lm }: LanguageModel, ids: number[]): Promise<Float32Array> {
  using sequence = lm.newSequence();
  await lm.prefill(sequence, ids.slice(0, -1));
  return await lm.forward([{ sequence, tokens: ids.slice(-1), needs: [Need.logits] }], (r) => r.logits(0).slice());
}

/** Exact probabilities of the first two tokens. */
async function firstTwo(target: LanguageModel, prompt: number[], sampling: SingleOptions) {
  const { temperature, topK } = sampling as { temperature: number; topK: number };
  const probabilities = new Map<string, number>();
  const after = async (output: number[]) => {
    const params = { ...GREEDY, doSample: true, temperature, topK };
    const sampler = new Sampler({ params, vocabSize: target.model.vocabLimit, eosTokenIds: [] });
    return sampler.distribution(await lastRow(target, [...prompt, ...output]), new TokenHistory(prompt));
  };
  const first = await after([]);
  for (let i = 0; i < first.count; i++) {
    const second = await after([first.ids[i]]);
    for (let j = 0; j < second.count; j++) {
      probabilities.set(`${first.ids[i]},${second.ids[j]}`, first.probs[i] * second.probs[j]);
    }
  }
  return probabilities;
}
