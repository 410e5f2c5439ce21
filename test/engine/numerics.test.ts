import { describe, expect, test } from "vitest";
import { weightFormat } from "../../src/conversion/weight-format.js";
import { areSound, isSuspect } from "../../src/engine/numerics.js";
import {
  DrafterError,
  type Dtype,
  type GenerateOptions,
  type LanguageModel,
  Need,
  NumericsError,
} from "../../src/index.js";
import { TokenHistory } from "../../src/sampling/history.js";
import { Sampler } from "../../src/sampling/sampler.js";
import { resolveSamplingParams } from "../../src/sampling/sampling-params.js";
import { damagedModel } from "../support/damaged.js";
import { DRAFT, model, TARGET } from "../support/models.js";

const PROMPT = [5, 9, 200, 31];
const WEIGHT = "model.layers.1.mlp.down_proj.weight";
/** SkinnyMatMul's weights are 16-bit floats times small integers: there the rows that it reads are made too large instead. */
const GAIN = "model.layers.1.post_attention_layernorm.weight";
const damaged = async (dtype: Dtype) =>
  damagedModel(DRAFT, (await weightFormat(dtype)).product === "SkinnyMatMul" ? GAIN : WEIGHT, dtype);
const OPTIONS: GenerateOptions[] = [
  {},
  { speculation: { method: "none" } },
  { speculation: { method: "ngram" } },
  { speculation: { method: "recycling" } },
  { logProbs: 1 },
  { repetitionPenalty: 1.1 },
  { temperature: 0.8, seed: 1 },
  { temperature: 0.8, seed: 1, speculation: { method: "ngram", coupling: "maximal" } },
  { temperature: 0.8, seed: 1, speculation: { method: "ngram", acceptance: "typical" } },
];

describe.each(["q8", "q4", "fp32"] as const)("a number that makes sums overflow, %s", (dtype) => {
  test("is an error that says at which token, whatever the way of decoding", async () => {
    const lm = await damaged(dtype);
    for (const options of OPTIONS) {
      const error = await lm.generate(PROMPT, { maxNewTokens: 4, ...options }).catch((e) => e);
      expect(error, JSON.stringify(options)).toBeInstanceOf(NumericsError);
      expect(error.message).toMatch(/^the logits of the token at position 3 are not finite.*try dtype "fp32"/);
    }
    using sequence = lm.model.newSequence();
    const rows = { sequence, tokens: PROMPT, needs: PROMPT.map(() => Need.top | Need.logits) };
    await expect(lm.model.forward([rows], (r) => r.argmax(2))).rejects.toThrow(/position 2 /);
    await expect(lm.model.forward([rows], (r) => r.top(1))).rejects.toThrow(/position 1 /);
    await expect(lm.model.forward([rows], (r) => r.logits(0))).rejects.toThrow(/position 0 /);
    await lm.dispose();
  });

  test("in a draft is an error that names the drafter; the target goes on", async () => {
    const target: LanguageModel = await model(TARGET, "q8");
    const draft = await damaged(dtype);
    const plain = await target.generate(PROMPT, { maxNewTokens: 4, speculation: { method: "none" } });
    const trees = { treeWidths: [3, 2] };
    for (const sampling of [{}, { temperature: 0.8, seed: 1 }]) {
      for (const speculation of [{}, trees, { coupling: "maximal" as const }, { policy: "confidence" as const }]) {
        const options = {
          maxNewTokens: 4,
          assistantModel: draft,
          speculation: { method: "draft", ...speculation },
          ...sampling,
        };
        const error = await target.generate(PROMPT, options).catch((e) => e);
        expect(error).toBeInstanceOf(DrafterError);
        expect(error.message).toMatch(/^drafter "draft" failed: the logits of the token at position 3 are not finite/);
      }
    }
    expect((await target.generate(PROMPT, { maxNewTokens: 4 })).tokenIds).toEqual(plain.tokenIds);
    await draft.dispose();
  });
});

test("a weight that a dtype cannot hold is refused, with what to do", async () => {
  if ((await weightFormat("q4")).product !== "SkinnyMatMul") return;
  await expect(damagedModel(DRAFT, WEIGHT, "q4")).rejects.toThrow(/is beyond what q8 and q4 can hold.*use dtype fp32/);
});

test("rows are suspected by one logit and judged by all", () => {
  const row = (...logits: number[]) => Float32Array.from(logits);
  for (const logit of [0, -0, Number.NaN, Number.POSITIVE_INFINITY]) expect(isSuspect(logit)).toBe(true);
  for (const logit of [1e-30, -3e38, 7]) expect(isSuspect(logit)).toBe(false);
  expect(areSound(row(0, 1, 0))).toBe(true);
  expect(areSound(row(0, -Infinity, 2))).toBe(true);
  for (const bad of [row(0, 0), row(1, Number.NaN), row(1, Infinity)]) expect(areSound(bad)).toBe(false);
});

test("a single logit that is no number is noticed wherever the row is looked through", () => {
  const history = new TokenHistory([1, 2, 3]);
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    for (const place of [0, 1, 4]) {
      const row = Float32Array.from([1, 5, 2, 3, 4]);
      row[place] = bad;
      for (const params of [{}, { temperature: 0.5 }, { temperature: 1, topK: 2 }]) {
        const sampler = new Sampler({ params: resolveSamplingParams(params), vocabSize: 5, eosTokenIds: [] });
        const looks = [
          () => sampler.choose(row, history),
          () => sampler.distribution(row, history),
          () => sampler.chooseTop(row, history, 2),
        ];
        for (const look of looks) expect(look).toThrow(/logits of the token at position 2 are not finite/);
      }
    }
  }
});
