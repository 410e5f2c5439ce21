import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CausalLM } from "../../src/engine/causal-lm.js";
import { largestDifference } from "../../src/exactness/largest-difference.js";
import { logitsOf, rowInvariance } from "../../src/exactness/row-invariance.js";
import { narrow, toFloat32 } from "../../src/formats/half-floats.js";
import { AutoModelForCausalLM, type LanguageModel, loadEagleHeads, loadMedusaHeads, Need } from "../../src/index.js";
import { nativeOperators } from "../../src/runtime/native-operators.js";
import { EAGLE_HEADS } from "../support/eagle-heads.js";
import { DRAFT, model, prompts, TARGET } from "../support/models.js";
import { some, tier } from "../support/tier.js";

/** Keys and values in fewer bits: rounded as they are written, and every promise holds over what is read back. */
const NATIVE = nativeOperators().path !== undefined;
const IDS = Array.from({ length: 70 }, (_, i) => 5 + ((i * 37) % 4000));

function asHalves(x: Float32Array): Float32Array {
  const halves = new Uint16Array(x.length);
  narrow("F16", x, halves, 0);
  const out = new Float32Array(x.length);
  toFloat32("F16", new Uint8Array(halves.buffer), out);
  return out;
}

/** What native/src/narrow.h says of vectors in bytes, by 32-bit arithmetic. */
function asBytes(x: Float32Array, dim: number): Float32Array {
  const { fround } = Math;
  const toEven = (v: number) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
  return x.map((_, i) => {
    const vector = x.subarray(i - (i % dim), i - (i % dim) + dim);
    const most = Math.max(...vector.map(Math.abs));
    // An integer has no negative zero.
    return fround((toEven(fround(x[i] * fround(127 / most))) + 0) * fround(most / 127));
  });
}

describe.runIf(NATIVE).each(["fp16", "q8"] as const)("an %s cache", (cacheDtype) => {
  let lm: LanguageModel;
  beforeAll(async () => {
    lm = await AutoModelForCausalLM.fromPretrained(TARGET, { cacheDtype });
  });
  afterAll(() => lm?.dispose());

  test("holds the fp32 cache's keys and values, rounded once", async () => {
    const full = await model(TARGET, "q8");
    const { headDim } = lm.config;
    const held = await Promise.all(
      [full, lm].map(async (each) => {
        using sequence = each.model.newSequence();
        await each.model.prefill(sequence, IDS);
        // The first layer's: what later layers write has been through rounded ones.
        return [0, 1].map((index) => sequence.cache.read(index, IDS.length));
      }),
    );
    for (const [i, exact] of held[0].entries()) {
      const rounded = cacheDtype === "fp16" ? asHalves(exact) : asBytes(exact, headDim);
      expect(held[1][i].findIndex((value, at) => !Object.is(value, rounded[at]))).toBe(-1);
      expect(largestDifference(exact, rounded)).toBeGreaterThan(0);
    }
  });

  test("gives logits near the fp32 cache's", async () => {
    // In fp32, where nothing else rounds what differs a little.
    await using narrow = await AutoModelForCausalLM.fromPretrained(DRAFT, { dtype: "fp32", cacheDtype });
    const exact = await logitsOf((await model(DRAFT, "fp32")).model, IDS, 32);
    const near = await logitsOf(narrow.model, IDS, 32);
    const worst = Math.max(...near.map((row, i) => largestDifference(row, exact[i])));
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(cacheDtype === "fp16" ? 0.02 : 0.5);
  });

  test("rows of chains and trees have the bits of rows one by one", async () => {
    const { rows, identical } = await rowInvariance(lm.model);
    expect([identical, lm.exactness.level, lm.cacheDtype]).toEqual([rows, "bit-exact", cacheDtype]);
  });

  test("a fork goes on with its parent's bits, and a row that moved keeps its own", async () => {
    const next = IDS.slice(0, 3);
    const logits = async (sequence: ReturnType<CausalLM["newSequence"]>, tokens: number[], parents?: number[]) =>
      lm.model.forward([{ sequence, tokens, parents, needs: tokens.map(() => Need.logits) }], (result) =>
        tokens.map((_, row) => result.logits(row).slice()),
      );
    using alone = lm.model.newSequence();
    await lm.model.prefill(alone, IDS.slice(0, 45));
    const expected = await logits(alone, next);
    using parent = lm.model.newSequence();
    await lm.model.prefill(parent, IDS.slice(0, 45));
    using fork = parent.fork();
    await lm.model.prefill(parent, IDS.slice(50, 60));
    // Two rows on another branch, then the way that is kept.
    const tree = await logits(fork, [9, 11, next[0], next[1]], [-1, 0, -1, 2]);
    expect(tree.slice(2)).toEqual(expected.slice(0, 2));
    fork.commit([2, 3]);
    expect((await logits(fork, [next[2]]))[0]).toEqual(expected[2]);
  });

  test("every kind of drafting writes plain decoding's text, one by one and together", async () => {
    const asked = some(
      prompts().map(({ prompt }) => prompt),
      tier(12, 2),
    );
    const common = { maxNewTokens: tier(48, 16), ignoreEos: true };
    using heads = await loadMedusaHeads("models/medusa-heads", lm);
    await using eagle = await loadEagleHeads(EAGLE_HEADS, lm);
    await using draft = await AutoModelForCausalLM.fromPretrained(DRAFT, { cacheDtype });
    expect(eagle.model.cacheDtype).toBe(cacheDtype);
    const ways = [
      { speculation: { method: "eagle", heads: eagle, treeNodes: 8 } },
      { speculation: { method: "medusa", heads } },
      { speculation: { method: "layer-skip", skipLayers: [2] } },
      { speculation: { method: "lookahead" } },
      { speculation: { method: "draft", treeWidths: [2, 1, 1] }, assistantModel: draft },
    ];
    const plain = await lm.generate(asked, { ...common, speculation: { method: "none" } });
    for (const way of ways) {
      const fast = await lm.generate(asked, { ...common, ...way });
      expect(fast.map(({ tokenIds }) => tokenIds)).toEqual(plain.map(({ tokenIds }) => tokenIds));
      expect(fast.some(({ stats }) => stats.draftedTokens > 0)).toBe(true);
      if (tier(false, way !== ways[0])) continue;
      const alone = await lm.generate(asked[0], { ...common, ...way });
      expect(alone.tokenIds).toEqual(plain[0].tokenIds);
    }
  });
});

test("where ONNX Runtime attends, other caches than fp32 are refused", async () => {
  const { options } = (await model(DRAFT, "q8")).model;
  const stock = { ...options, attention: "GroupQueryAttention" } as const;
  await expect(CausalLM.load({ ...stock, cacheDtype: "q8" })).rejects.toThrow(
    /cacheDtype "q8" needs Foretoken's own operators, which do not run here \(.*\): leave it out/,
  );
});
