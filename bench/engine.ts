/**
 * t(n) with the native operators, with ONNX Runtime's own, and of a bare session over the latter's graph (what the engine
 * adds to it); and the roofline: the weights' bytes over the measured bandwidth.
 *
 *   npm run bench:engine -- [--size embedded,135M,500M] [--dtype q8,q4,fp32] [--context 1024] [--json FILE]
 */
import { type Dtype, type LanguageModel, Need } from "../src/index.js";
import { BYTES_PER_WEIGHT } from "../src/models/weight-spec.js";
import { memoryBandwidth } from "../src/runtime/bandwidth.js";
import { BareSession } from "./bare.js";
import { interleaved, listFlag, pairedRatio, report } from "./harness.js";
import { type Size, stockTargetOf, targetOf } from "./models.js";

const ROWS = [1, 2, 4, 5, 8, 16];
const PAST = 256;
const ROUNDS = 15;

const bandwidth = await memoryBandwidth();
const contextLength = Number(listFlag("context", ["1024"])[0]);
const head = [
  "size",
  "dtype",
  "rows",
  "bare ms",
  "stock ms",
  "native ms",
  "quartiles",
  "stock / bare",
  "stock / native",
];
const rows = [[...head, "t(n) / t(1)", "roofline ms", "cpu/wall"]];
const details: unknown[] = [];
for (const size of listFlag("size", ["embedded", "135M", "500M"]) as Size[]) {
  for (const dtype of listFlag("dtype", ["q8", "q4", "fp32"]) as Dtype[]) {
    if (size === "500M" && dtype === "fp32" && !process.argv.includes("--all")) continue; // 2 GB of weights, 4 GB of cache
    const [native, stock] = [
      await targetOf(size, dtype, contextLength),
      await stockTargetOf(size, dtype, contextLength),
    ];
    const bare = await BareSession.open(stock, contextLength + 256);
    const passes = new Map<LanguageModel, (n: number) => () => Promise<void>>();
    for (const lm of [native, stock]) passes.set(lm, await passesOf(lm));
    const variants = ROWS.flatMap((n) => [
      { name: `bare ${n}`, run: bare.pass(n, PAST) },
      { name: `stock ${n}`, run: passes.get(stock)!(n) },
      { name: `native ${n}`, run: passes.get(native)!(n) },
    ]);
    const timings = await interleaved(variants, ROUNDS, 2);
    const { config } = native;
    const weights = config.numLayers * layerWeights(config) + config.vocabSize * config.hiddenSize;
    const roofline = (weights * BYTES_PER_WEIGHT[dtype]) / bandwidth / 1e6;
    ROWS.forEach((n, i) => {
      const [b, s, p] = timings.slice(3 * i, 3 * i + 3);
      rows.push([
        size,
        dtype,
        String(n),
        b.median.toFixed(2),
        s.median.toFixed(2),
        p.median.toFixed(2),
        `${p.low.toFixed(2)}-${p.high.toFixed(2)}`,
        pairedRatio(s, b).toFixed(3),
        pairedRatio(s, p).toFixed(2),
        (p.median / timings[2].median).toFixed(2),
        roofline.toFixed(2),
        p.cpuOverWall.toFixed(2),
      ]);
      details.push({ size, dtype, rows: n, bare: b, stock: s, native: p, rooflineMs: roofline });
    });
    bare.dispose();
    await native.dispose();
    await stock.dispose();
  }
}
report(
  `Passes after ${PAST} tokens, context ${contextLength}; memory read at ${bandwidth.toFixed(1)} GB/s`,
  rows,
  details,
);

function layerWeights(c: {
  hiddenSize: number;
  intermediateSize: number;
  numHeads: number;
  numKvHeads: number;
  headDim: number;
}) {
  return 2 * c.hiddenSize * c.headDim * (c.numHeads + c.numKvHeads) + 3 * c.hiddenSize * c.intermediateSize;
}

/** Passes of n rows after a text of PAST tokens. */
async function passesOf({ model, config }: LanguageModel) {
  const token = (i: number) => (i * 37 + 11) % config.vocabSize;
  const sequence = model.newSequence();
  await model.prefill(
    sequence,
    Array.from({ length: PAST }, (_, i) => token(i)),
  );
  return (n: number) => {
    const tokens = Array.from({ length: n }, (_, i) => token(i));
    const needs = tokens.map(() => Need.top);
    return async () => {
      await model.forward([{ sequence, tokens, needs }], (result) => result.argmax(0));
      sequence.rollback();
    };
  };
}
