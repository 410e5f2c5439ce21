import { describe, expect, test } from "vitest";
import { adapted } from "../../../src/training/gradient/low-rank.js";
import { packedBatch } from "../../../src/training/gradient/packed-batch.js";
import { add } from "../../../src/training/gradient/rules/add.js";
import { rowDots, scaledRows } from "../../../src/training/gradient/rules/along-rows.js";
import { attention } from "../../../src/training/gradient/rules/attention.js";
import { cast } from "../../../src/training/gradient/rules/cast.js";
import { crossEntropy } from "../../../src/training/gradient/rules/cross-entropy.js";
import { gather } from "../../../src/training/gradient/rules/gather.js";
import { klDivergence } from "../../../src/training/gradient/rules/kl-divergence.js";
import { linear } from "../../../src/training/gradient/rules/linear.js";
import { log } from "../../../src/training/gradient/rules/log.js";
import { matmul } from "../../../src/training/gradient/rules/matmul.js";
import { mul, scale } from "../../../src/training/gradient/rules/mul.js";
import { overlap } from "../../../src/training/gradient/rules/overlap.js";
import { reverseKl } from "../../../src/training/gradient/rules/reverse-kl.js";
import { rmsNorm } from "../../../src/training/gradient/rules/rms-norm.js";
import { rotary } from "../../../src/training/gradient/rules/rotary.js";
import { concat, reshape, split, transpose } from "../../../src/training/gradient/rules/shape.js";
import { silu } from "../../../src/training/gradient/rules/silu.js";
import { softmax } from "../../../src/training/gradient/rules/softmax.js";
import { weightedSum } from "../../../src/training/gradient/rules/weighted-sum.js";
import type { Value } from "../../../src/training/gradient/tape.js";
import { type Case, gradientError, integers, type Numbers, randomNumbers } from "../../support/gradients.js";

const r = randomNumbers;
const positive = ({ dims, data }: Numbers): Numbers => ({
  dims,
  data: (data as Float64Array).map((x) => Math.abs(x) / 4),
});
const labels = integers([5], [3, -100, 0, 6, 3]);
const turned = { cos: r([1, 3, 2], 8), sin: r([1, 3, 2], 9) };
const probabilities: Numbers = { dims: [2, 3], data: Float64Array.of(0.2, 0.5, 0.3, 0, 0.9, 0.1) };

const PACKED = {
  positions: integers([2, 5], [0, 1, 2, 0, 1, 0, 1, 2, 3, 4]),
  segments: integers([2, 5], [0, 0, 0, 1, 1, 0, 0, 0, 0, 0]),
  cos: r([7, 2], 8),
  sin: r([7, 2], 9),
};
const HEADS = { numHeads: 4, numKvHeads: 2, headDim: 4, length: 5 };

/** Each with the number of its outputs' elements. */
const cases: Record<string, [Case, number]> = {
  linear: [
    {
      parameters: { x: r([3, 4], 1), w: r([5, 4], 2), b: r([5], 3) },
      build: (tape, { x, w, b }) => linear(tape, x, w, b),
    },
    15,
  ],
  matmul: [
    { parameters: { a: r([2, 3, 4], 1), b: r([2, 4, 5], 2) }, build: (tape, { a, b }) => matmul(tape, a, b) },
    30,
  ],
  add: [{ parameters: { x: r([3, 4], 1), y: r([3, 4], 2) }, build: (tape, { x, y }) => add(tape, x, y) }, 12],
  mul: [{ parameters: { x: r([3, 4], 1), y: r([3, 4], 2) }, build: (tape, { x, y }) => mul(tape, x, y) }, 12],
  "a value used twice": [{ parameters: { x: r([3, 4], 1) }, build: (tape, { x }) => mul(tape, x, x) }, 12],
  scale: [{ parameters: { x: r([3, 4], 1) }, build: (tape, { x }) => scale(tape, x, 0.3) }, 12],
  silu: [{ parameters: { x: r([3, 4], 1, 3) }, build: (tape, { x }) => silu(tape, x) }, 12],
  softmax: [{ parameters: { x: r([3, 4], 1) }, build: (tape, { x }) => softmax(tape, x) }, 12],
  "RMS norm": [
    { parameters: { x: r([3, 8], 1), g: r([8], 2) }, build: (tape, { x, g }) => rmsNorm(tape, x, g, 1e-5) },
    24,
  ],
  rotary: [
    {
      parameters: { x: r([2, 3, 4], 1) },
      constants: turned,
      build: (tape, { x }) => rotary(tape, x, "cos", "sin"),
    },
    24,
  ],
  gather: [
    {
      parameters: { table: r([6, 4], 1) },
      constants: { ids: integers([5], [2, 0, 2, 5, 2]) },
      build: (tape, { table }) => gather(tape, table, "ids"),
    },
    20,
  ],
  "reshape, transpose": [
    {
      parameters: { x: r([2, 6], 1) },
      build: (tape, { x }) => transpose(tape, reshape(tape, x, [-1, 2, 3]), [2, 0, 1]),
    },
    12,
  ],
  "split, one part unused": [
    {
      parameters: { x: r([3, 6], 1) },
      build: (tape, { x }) => {
        const [a, , c] = split(tape, x, 1, [2, 2, 2]);
        return mul(tape, a, c);
      },
    },
    6,
  ],
  "concat, a part used twice": [
    {
      parameters: { x: r([3, 2], 1), y: r([3, 4], 2) },
      build: (tape, { x, y }) => silu(tape, concat(tape, [x, y, x], 1)),
    },
    24,
  ],
  "dots of rows with one row for all groups": [
    { parameters: { x: r([2, 3, 2, 4], 1), y: r([2, 1, 2, 4], 2) }, build: (tape, { x, y }) => rowDots(tape, x, y) },
    12,
  ],
  "one row for all groups, scaled": [
    { parameters: { x: r([2, 3, 2, 1], 1), y: r([2, 1, 2, 4], 2) }, build: (tape, { x, y }) => scaledRows(tape, x, y) },
    48,
  ],
  cast: [
    { parameters: { x: r([3, 4], 1) }, build: (tape, { x }) => silu(tape, cast(tape, x, tape.float, tape.float)) },
    12,
  ],
  "cross-entropy, a label ignored": [
    {
      parameters: { x: r([5, 7], 1, 4) },
      constants: { labels },
      build: (tape, { x }) => crossEntropy(tape, x, "labels"),
    },
    1,
  ],
  "KL to logits": [
    {
      parameters: { x: r([2, 3], 1, 2) },
      constants: { teacher: r([2, 3], 2, 2), weights: positive(r([2, 1], 3)) },
      build: (tape, { x }) => klDivergence(tape, x, { logits: "teacher" }, "weights"),
    },
    1,
  ],
  "KL to probabilities, one of them 0": [
    {
      parameters: { x: r([2, 3], 1, 2) },
      constants: { teacher: probabilities, weights: positive(r([2, 1], 3)) },
      build: (tape, { x }) => klDivergence(tape, x, { probabilities: "teacher" }, "weights"),
    },
    1,
  ],
  "overlap with probabilities, one of them 0": [
    {
      parameters: { x: r([2, 3], 1, 2) },
      constants: { teacher: probabilities },
      build: (tape, { x }) => overlap(tape, x, { probabilities: "teacher" }),
    },
    2,
  ],
  "attention of guesses after packed sequences": [
    {
      parameters: { qkv: r([10, 32], 1), first: r([10, 32], 2), second: r([10, 32], 3) },
      inputs: PACKED,
      build: (tape, { qkv, first, second }) => {
        const packed = packedBatch(tape, 5, 4);
        const chain = { keys: [], values: [] };
        const of = (rows: Value, at: { cos: string; sin: string }) =>
          attention(tape, rows, { ...HEADS, bias: packed.bias, cos: at.cos, sin: at.sin }, chain);
        const text = of(qkv, packed);
        return add(tape, text, mul(tape, of(first, packed.further(1)), of(second, packed.further(2))));
      },
    },
    160,
  ],
  "reverse KL": [
    {
      parameters: { x: r([2, 3], 1, 2) },
      constants: { teacher: r([2, 3], 2, 2), weights: positive(r([2, 1], 3)) },
      build: (tape, { x }) => reverseKl(tape, x, "teacher", "weights"),
    },
    1,
  ],
  "overlap of distributions": [
    {
      parameters: { x: r([3, 5], 1, 2) },
      constants: { teacher: r([3, 5], 2, 2) },
      build: (tape, { x }) => overlap(tape, x, "teacher"),
    },
    3,
  ],
  log: [{ parameters: { x: positive(r([3, 4], 1)) }, build: (tape, { x }) => log(tape, x) }, 12],
  "weighted sum": [
    {
      parameters: { x: r([3, 4], 1) },
      constants: { weights: r([3, 4], 2) },
      build: (tape, { x }) => weightedSum(tape, x, "weights"),
    },
    1,
  ],
  "an adapter of low rank": [
    {
      parameters: { x: r([3, 4], 1), y: r([3, 5], 2), a: r([2, 4], 3), b: r([5, 2], 4) },
      build: (tape, { x, y, a, b }) => adapted(tape, y, x, a, b, { rank: 2, alpha: 3 }),
    },
    15,
  ],
  "attention over packed sequences": [
    {
      parameters: { qkv: r([10, 32], 1) },
      inputs: PACKED,
      build: (tape, { qkv }) => attention(tape, qkv, { ...HEADS, ...packedBatch(tape, 5, 4) }),
    },
    160,
  ],
};

describe.each(Object.entries(cases))("%s", (_name, [example, outputs]) => {
  test("in f64", async () => {
    expect(await gradientError(example, "f64", outputs)).toBeLessThan(1e-6);
  });

  test("in f32", async () => {
    expect(await gradientError(example, "f32", outputs)).toBeLessThan(1e-3);
  });
});
