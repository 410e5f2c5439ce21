import { expect, test } from "vitest";
import { convertedModel, decoderBlueprint } from "../../src/conversion/converted-model.js";
import { stockFormat } from "../../src/conversion/weight-format.js";
import { CausalLM } from "../../src/engine/causal-lm.js";
import { AutoModelForCausalLM, type Feature, Need } from "../../src/index.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";
import { withEagleHeads } from "../support/eagle-heads.js";
import { model, prompts, TARGET } from "../support/models.js";

/** The residual streams that rows may ask for, and what draft layers read. */
const heads = withEagleHeads();

async function streamsOf(lm: CausalLM, tokens: readonly number[], layers: readonly number[]): Promise<Float32Array[]> {
  lm.capture(layers);
  using sequence = lm.newSequence();
  const needs = tokens.map(() => Need.auxiliary);
  return await lm.forward([{ sequence, tokens, needs }], (result) =>
    layers.flatMap((count) => tokens.map((_, row) => result.auxiliary(row, count).slice())),
  );
}

test("streams are those of the checkpoint's basis, whatever basis the weights have", async () => {
  const { source, config } = await openCheckpoint(TARGET);
  const converted = await convertedModel(source, decoderBlueprint(config), await stockFormat("q8"));
  await source.close();
  expect(Object.keys(converted.manifest.tensors)).toContain("hidden_basis");
  await using rotated = await CausalLM.load({
    ...{ config, ...converted, contextLength: 64, vocabLimit: config.vocabSize },
  });
  const target = await model(TARGET, "fp32");
  const tokens = target.promptIds(prompts()[0].prompt).slice(0, 12);
  const layers = Array.from({ length: config.numLayers + 1 }, (_, i) => i);
  const exact = await streamsOf(target.model, tokens, layers);
  const rounded = await streamsOf(rotated, tokens, layers);
  for (const [i, row] of exact.entries()) {
    const norm = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    const error = Math.sqrt(row.reduce((sum, x, c) => sum + (x - rounded[i][c]) ** 2, 0));
    expect(error / norm, `row ${i}`).toBeLessThan(0.08);
  }
});

test("a row's other outputs are the same bits with streams and without", async () => {
  for (const dtype of ["fp32", "q8", "q4"] as const) {
    const { model: lm } = await model(TARGET, dtype);
    const tokens = [5, 900, 17, 80, 1200, 3];
    lm.capture([1, 4]);
    const rows: number[][] = [];
    for (const more of [Need.nothing, Need.auxiliary]) {
      using sequence = lm.newSequence();
      const needs = tokens.map(() => Need.logits | Need.hidden | more);
      await lm.forward([{ sequence, tokens, needs }], (result) => {
        rows.push(tokens.flatMap((_, row) => [...result.logits(row), ...result.hidden(row)]));
      });
    }
    expect(rows[1]).toEqual(rows[0]);
  }
});

test("what no pass can do is said in one line", async () => {
  await using own = await AutoModelForCausalLM.fromPretrained(TARGET);
  const target = own.model;
  const layer = (await heads("q8")).model;
  expect(() => target.capture([7])).toThrow("residual streams are taken after 0 to 6 layers, got 7");
  const pass = (lm: CausalLM, features?: Feature[], need: number = Need.top) => {
    const sequence = lm.newSequence();
    const read = lm.forward([{ sequence, tokens: [5], needs: [need], features }], (result) => result.auxiliary(0, 6));
    return read.finally(() => sequence.dispose());
  };
  const guess = new Float32Array(256);
  await expect(pass(target, [{ guess }])).rejects.toThrow("rows came with features, which only draft layers read");
  await expect(pass(target, undefined, Need.auxiliary)).rejects.toThrow(
    /no residual stream.* capture it before|captured/,
  );
  await expect(pass(layer)).rejects.toThrow("1 rows came with NaN features: give one for each row");
  await expect(pass(layer, [{ guess: guess.subarray(1) }])).rejects.toThrow("has 255 numbers, expected 256");
  await expect(pass(layer, [{ streams: guess }])).rejects.toThrow("has 256 numbers, expected 768");
});

test("a layer's rows are the same bits alone and beside others, whatever features those read", async () => {
  const { model: layer } = await heads("q8");
  const row = (seed: number, length: number) => Float32Array.from({ length }, (_, i) => Math.sin(seed + i));
  const tokens = [5, 900, 17];
  const features: Feature[] = [{ streams: row(1, 768) }, { guess: row(2, 256) }, { streams: row(3, 768) }];
  const needs = tokens.map(() => Need.logits);
  using together = layer.newSequence();
  const all = await layer.forward([{ sequence: together, tokens, features, needs }], (result) =>
    tokens.map((_, i) => [...result.logits(i)]),
  );
  using alone = layer.newSequence();
  for (const [i, token] of tokens.entries()) {
    const rows = { sequence: alone, tokens: [token], features: [features[i]], needs: [Need.logits] };
    expect(await layer.forward([rows], (result) => [...result.logits(0)])).toEqual(all[i]);
  }
});
