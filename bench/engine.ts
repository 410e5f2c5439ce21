/**
 * t(n) of the product against the bare ONNX Runtime session over the same graph, and against the roofline: the weights'
 * bytes over the measured bandwidth.
 *
 *   npm run bench:engine -- [--size embedded,135M,500M] [--dtype q8,q4,fp32] [--context 1024] [--json FILE]
 */
import { type Dtype, Need } from "../src/index.js";
import { memoryBandwidth } from "../src/runtime/bandwidth.js";
import { BareSession } from "./bare.js";
import { interleaved, listFlag, pairedRatio, report } from "./harness.js";
import { type Size, targetOf } from "./models.js";

const ROWS = [1, 2, 4, 5, 8, 16];
const PAST = 256;
const ROUNDS = 15;
const BYTES_PER_WEIGHT = { fp32: 4, q8: 1, q4: 0.625 } as const;

const bandwidth = await memoryBandwidth();
const contextLength = Number(listFlag("context", ["1024"])[0]);
const rows = [
  [
    "size",
    "dtype",
    "rows",
    "bare ms",
    "product ms",
    "quartiles",
    "product / bare",
    "t(n) / t(1)",
    "roofline ms",
    "cpu/wall",
  ],
];
const details: unknown[] = [];
for (const size of listFlag("size", ["embedded", "135M", "500M"]) as Size[]) {
  for (const dtype of listFlag("dtype", ["q8", "q4", "fp32"]) as Dtype[]) {
    if (size === "500M" && dtype === "fp32" && !process.argv.includes("--all")) continue; // 2 GB of weights, 4 GB of cache
    const lm = await targetOf(size, dtype, contextLength);
    const bare = await BareSession.open(lm, contextLength + 256);
    const sequence = lm.model.newSequence();
    await lm.model.prefill(
      sequence,
      Array.from({ length: PAST }, (_, i) => (i * 37 + 11) % lm.config.vocabSize),
    );
    const variants = ROWS.flatMap((n) => {
      const tokens = Array.from({ length: n }, (_, i) => (i * 37 + 11) % lm.config.vocabSize);
      const needs = tokens.map(() => Need.top);
      const product = async () => {
        await lm.model.forward([{ sequence, tokens, needs }], (result) => result.argmax(0));
        sequence.rollback();
      };
      return [
        { name: `bare ${n}`, run: bare.pass(n, PAST) },
        { name: `product ${n}`, run: product },
      ];
    });
    const timings = await interleaved(variants, ROUNDS, 2);
    const weights = lm.config.numLayers * layerWeights(lm.config) + lm.config.vocabSize * lm.config.hiddenSize;
    const roofline = (weights * BYTES_PER_WEIGHT[dtype]) / bandwidth / 1e6;
    ROWS.forEach((n, i) => {
      const [b, p] = [timings[2 * i], timings[2 * i + 1]];
      rows.push([
        size,
        dtype,
        String(n),
        b.median.toFixed(2),
        p.median.toFixed(2),
        `${p.low.toFixed(2)}-${p.high.toFixed(2)}`,
        pairedRatio(p, b).toFixed(3),
        (p.median / timings[1].median).toFixed(2),
        roofline.toFixed(2),
        p.cpuOverWall.toFixed(2),
      ]);
      details.push({ size, dtype, rows: n, bare: b, product: p, rooflineMs: roofline });
    });
    sequence.dispose();
    bare.dispose();
    await lm.dispose();
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
