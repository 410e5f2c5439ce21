import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readText } from "../../src/engine/read-text.js";
import { Need } from "../../src/engine/rows.js";
import { cacheHiddenRows } from "../../src/training/medusa/hidden-rows.js";
import { medusaSettings } from "../../src/training/medusa/settings.js";
import { model, TARGET, temporaryFolder } from "../support/models.js";

const HEADS = 2;
/** Texts of several lengths: some share a pass, one takes several. */
const lengths = [40, 3, 90, 17, 1, 400, 64, 8];
const texts = lengths.map((length, i) => ({
  tokens: Array.from({ length }, (_, t) => (7 * t * (i + 3) + i) % 4000),
  // Every second text counts its second half alone.
  ...(i % 2 === 1 && { lossMask: Array.from({ length }, (_, t) => t >= length / 2) }),
}));

test("hidden states read in groups are those of each text alone, and only rows with labels are kept", async () => {
  const { model: base } = await model(TARGET, "fp32");
  const folder = temporaryFolder();
  const options = { output: folder, heads: HEADS, validateEvery: 100, batchSize: 32, microBatchSize: 32 };
  const note = await cacheHiddenRows(base, texts, folder, "key", medusaSettings(options, base.contextLength));
  const expected: { hidden: Float32Array; labels: number[] }[] = [];
  for (const { tokens, lossMask } of texts) {
    const label = (at: number) => (at < tokens.length && (lossMask?.[at] ?? true) ? tokens[at] : -100);
    await readText(
      base,
      tokens,
      () => Need.hidden,
      (result, row, place) => {
        const labels = Array.from({ length: HEADS }, (_, head) => label(place + head + 2));
        if (labels.some((id) => id >= 0)) expected.push({ hidden: result.hidden(row).slice(), labels });
      },
    );
  }
  const kept = 32 * note.trainingBlocks;
  expect(kept).toBe(expected.length - (expected.length % 32));
  expect(kept).toBeGreaterThan(300);
  const read = (name: string) => new Uint8Array(readFileSync(join(folder, name))).buffer;
  const { hiddenSize } = base.config;
  const hidden = new Float32Array(read("training.hidden"));
  const labels = new Int32Array(read("training.labels"));
  for (let row = 0; row < kept; row++) {
    expect([...labels.subarray(row * HEADS, (row + 1) * HEADS)]).toEqual(expected[row].labels);
    const difference = expected[row].hidden.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - hidden[row * hiddenSize + i])),
      0,
    );
    expect(difference).toBeLessThan(1e-4);
  }
});
