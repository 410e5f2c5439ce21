import { afterEach, describe, expect, test, vi } from "vitest";
import { logitsOf } from "../../src/exactness/row-invariance.js";
import { type Dtype, type LanguageModel, Need, type PassResult } from "../../src/index.js";
import { Binding } from "../../src/runtime/binding.js";
import { DRAFT, model, prompts, TARGET, withExactness } from "../support/models.js";
import { some } from "../support/tier.js";

/** What CPUs need whose products round a lone row differently, forced on whatever CPU this is. */
const CURES = [
  { leastRows: 1, leastHiddenRows: 1 },
  { leastRows: 2, leastHiddenRows: 2 },
  { leastRows: 4, leastHiddenRows: 3 },
];
const TOKENS = Array.from({ length: 40 }, (_, i) => ((i + 1) * 7919) % 4096);

afterEach(() => {
  vi.restoreAllMocks();
});

/** Everything that a row can be asked for. */
const ALL = Need.logits | Need.top | Need.logSumExp | Need.hidden;
const all = (result: PassResult, row: number, request = 0) => ({
  logits: Buffer.from(result.logits(row, request).slice().buffer),
  top: result.top(row, request).ids,
  values: [...result.top(row, request).logits],
  sum: result.logSumExp(row, request),
  hidden: Buffer.from(result.hidden(row, request).slice().buffer),
});

/** Rows of single passes, of a chain whose rows ask for different things, and of several sequences of one row each. */
async function outputsOf(lm: LanguageModel) {
  const { model } = lm;
  using sequence = model.newSequence();
  const single = [];
  for (const token of TOKENS.slice(0, 6)) {
    const request = { sequence, tokens: [token], needs: [ALL] };
    single.push(await model.forward([request], (result) => all(result, 0), { k: 3 }));
    sequence.commit([0]);
  }
  const needs = [Need.nothing, Need.hidden, ALL, Need.nothing];
  const request = { sequence, tokens: TOKENS.slice(6, 10), needs };
  const chain = await model.forward([request], (result) => [all(result, 2), result.hidden(1).slice()], { k: 3 });
  sequence.rollback();
  const side = { sequence, tokens: TOKENS.slice(6, 9), parents: [-1, -1, 0], needs: [ALL, Need.nothing, Need.nothing] };
  const tree = await model.forward([side], (result) => all(result, 0), { k: 3 });
  sequence.rollback();
  using other = sequence.fork();
  const both = [sequence, other].map((each, i) => ({
    sequence: each,
    tokens: [TOKENS[6 + i]],
    needs: [i === 0 ? Need.nothing : ALL],
  }));
  const batch = await model.forward(both, (result) => all(result, 0, 1), { k: 3 });
  return { single, chain, tree, batch };
}

describe.each(["fp32", "q8", "q4"] as Dtype[])("%s", (dtype) => {
  test("copies of rows change nothing that is read, in chains, trees, batches and without layers", async () => {
    const lm = await model(DRAFT, dtype);
    if (lm.exactness.level !== "bit-exact") return console.log(`${dtype} is ${lm.exactness.level} on this CPU`);
    const outputs = [];
    for (const cure of CURES.filter(({ leastRows }) => leastRows >= lm.exactness.leastRows)) {
      await using cured = await withExactness(lm, cure);
      const skipping = await cured.model.withoutLayers([1]);
      outputs.push({ ...(await outputsOf(cured)), skipping: await logitsOf(skipping, TOKENS.slice(0, 4), 1) });
    }
    for (const other of outputs.slice(1)) expect(other).toEqual(outputs[0]);
  });

  test.each(CURES)("passes run for at least $leastRows rows, $leastHiddenRows of hidden states", async (cure) => {
    await using lm = await withExactness(await model(DRAFT, dtype), cure);
    const rows: Record<string, number[]> = {};
    const setInput = Binding.prototype.setInput;
    vi.spyOn(Binding.prototype, "setInput").mockImplementation(function (this: Binding, index, tensor) {
      const { session } = this as unknown as { session: { inputNames: string[] } };
      rows[session.inputNames[index]] = [...tensor.dims];
      setInput.call(this, index, tensor);
    });
    using sequence = lm.model.newSequence();
    await lm.model.forward([{ sequence, tokens: [7], needs: [ALL] }], (result) => result.argmax(0));
    const { leastRows, leastHiddenRows } = cure;
    // VocabHead runs for the rows that ask it for something, be it none: its rows are exact for any number.
    const skinny = lm.model.options.manifest.product === "SkinnyMatMul";
    expect(rows).toMatchObject({ ids: [1, leastRows], head_rows: [skinny ? 1 : leastRows] });
    expect(rows).toMatchObject({ hidden_rows: [leastHiddenRows], top_rows: [1], lse_rows: [1] });
    expect(rows).toMatchObject(lm.model.exactTrees ? { rows: [leastRows, 5] } : { restore: [leastRows] });
    const zeroPoints = { zero_points: [leastRows], head_zero_points: [leastRows] };
    if (lm.model.options.manifest.product === "MatMulIntegerToFloat") expect(rows).toMatchObject(zeroPoints);
    sequence.rollback();
    const eight = { sequence, tokens: TOKENS.slice(0, 8), needs: TOKENS.slice(0, 8).map(() => Need.nothing) };
    await lm.model.forward([eight], () => undefined);
    expect(rows).toMatchObject({ ids: [1, 8], head_rows: [skinny ? 0 : 1], hidden_rows: [0] });
  });
});

test("speculation in q4 gives plain decoding's tokens with the cure forced on", async () => {
  const [lm, draft] = [await model(TARGET, "q4"), await model(DRAFT, "q4")];
  await using target = await withExactness(lm, { leastRows: 2 });
  const texts = some(
    prompts().filter((_, i) => i % 14 === 0),
    2,
  );
  for (const sampling of [{}, { temperature: 0.9, topP: 0.95, seed: 4 }]) {
    const options = { ...sampling, maxNewTokens: 24 };
    const plain = await target.generate(
      texts.map(({ prompt }) => prompt),
      { ...options, speculation: { method: "none" } },
    );
    const expected = plain.map(({ tokenIds }) => tokenIds);
    const uncured = await lm.generate(
      texts.map(({ prompt }) => prompt),
      options,
    );
    if (lm.exactness.level === "bit-exact") expect(uncured.map(({ tokenIds }) => tokenIds)).toEqual(expected);
    for (const speculation of [
      { method: "draft", numSpeculativeTokens: 5 },
      { method: "draft", treeWidths: [3, 2, 1] },
      { method: "ngram", numSpeculativeTokens: 4 },
      { method: "recycling", treeNodes: 16 },
      { method: "layer-skip" },
    ]) {
      const assistantModel = speculation.method === "draft" ? draft : undefined;
      for (const [i, { prompt, id }] of texts.entries()) {
        const fast = await target.generate(prompt, { ...options, assistantModel, speculation });
        expect(fast.tokenIds, `${id}, ${JSON.stringify(speculation)}`).toEqual(expected[i]);
      }
    }
  }
});
