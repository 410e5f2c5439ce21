import { expect, test } from "vitest";
import { narrow } from "../../../src/formats/half-floats.js";
import { rotaryTables } from "../../../src/models/rotary.js";
import { Tensor } from "../../../src/runtime/tensor.js";
import { TokenCounts } from "../../../src/training/draft-vocabulary.js";
import {
  type ChainShape,
  chainLosses,
  lossOf,
  trainedWeights,
  trainingGraph,
  weightsOf,
} from "../../../src/training/eagle/chain-graphs.js";
import { draftConfig } from "../../../src/training/eagle/draft-config.js";
import { GraphSession, gradientOf } from "../../../src/training/gradient/gradient-graph.js";
import { add } from "../../../src/training/gradient/rules/add.js";
import { ParameterSet } from "../../../src/training/parameters.js";
import type { ModelConfig } from "../../../src/types/model-config.js";
import { type Case, gradientError, integers, type Numbers } from "../../support/gradients.js";
import { readJson } from "../../support/models.js";

type Sizes = Record<
  | "hiddenSize"
  | "intermediateSize"
  | "vocabSize"
  | "draftVocabSize"
  | "numHeads"
  | "numKvHeads"
  | "headDim"
  | "rows"
  | "length"
  | "steps",
  number
>;
interface Oracle {
  sizes: Sizes;
  weights: Record<string, number[]>;
  counts: number[][];
  cases: Record<"kl" | "lk", { losses: number[]; gradients: Record<string, number[]> }>;
  features: number[];
  embedding: number[];
  teacher: number[];
  tokens: number[];
  positions: number[];
  segments: number[];
}
const oracle = readJson<Oracle>("test/oracle/training/eagle.json");
const { rows: R, length: T, steps, draftVocabSize, vocabSize, hiddenSize: D, headDim } = oracle.sizes;

const target = {
  ...oracle.sizes,
  ...{ numLayers: 6, rmsNormEps: 1e-5, ropeTheta: 10_000, ropeScaling: null, attentionBias: false, mlpBias: false },
} as unknown as ModelConfig;
const config = draftConfig(target, { targetLayers: [2, 4, 6], draftVocabSize });
const shapeOf = (loss: "kl" | "lk"): ChainShape => {
  const targetIds = Int32Array.from({ length: draftVocabSize }, (_, i) => i);
  return { config, rows: R, length: T, steps, loss, trainHead: true, vocabLimit: vocabSize, targetIds };
};
const halves = (values: readonly number[]) => {
  const packed = new Uint16Array(values.length);
  narrow("F16", Float32Array.from(values), packed, 0);
  return packed;
};
const furthest = (got: ArrayLike<number>, expected: readonly number[]) =>
  Math.max(...expected.map((value, i) => Math.abs(value - got[i])));

test.each(["kl", "lk"] as const)(
  "three steps of a training-time test have PyTorch's losses and gradients: %s",
  async (loss) => {
    const shape = shapeOf(loss);
    const session = await GraphSession.create(trainingGraph(shape));
    const parameters = new ParameterSet(trainedWeights(shape));
    for (const { name } of parameters.specs) {
      parameters.valuesOf(name).set(oracle.weights[name]);
      session.bind(name, parameters.valueTensor(name));
      session.bind(gradientOf(name), parameters.gradientTensor(name));
    }
    const { embedding, teacher, features, tokens, positions, segments, counts, cases } = oracle;
    session.bind("features", new Tensor(halves(features), [R, 4 * D], "f16"));
    session.bind("embedding", new Tensor(Float32Array.from(embedding), [vocabSize, D]));
    session.bind("teacher", new Tensor(Float32Array.from(teacher), [draftVocabSize, D]));
    for (const [name, values, dims] of [
      ["tokens", tokens, [R]],
      ["positions", positions, [R / T, T]],
      ["segments", segments, [R / T, T]],
    ] as const) {
      session.bind(name, new Tensor(BigInt64Array.from(values, BigInt), dims));
    }
    const { cos, sin } = rotaryTables(config, T + steps);
    session.bind("cos", new Tensor(cos, [T + steps, headDim / 2]));
    session.bind("sin", new Tensor(sin, [T + steps, headDim / 2]));
    const outputs = counts.map((values, step) => {
      session.bind(weightsOf(step), new Tensor(Float32Array.from(values), [R, 1]));
      const output = new Float32Array(1);
      session.bind(lossOf(step), new Tensor(output, []));
      return output;
    });
    await session.run();
    const expected = cases[loss];
    expect(
      furthest(
        outputs.map(([value]) => value),
        expected.losses,
      ),
    ).toBeLessThan(1e-4);
    for (const { name } of parameters.specs) {
      const { from, to } = parameters.range(name);
      expect(furthest(parameters.gradients.subarray(from, to), expected.gradients[name]), name).toBeLessThan(1e-4);
    }
    session.dispose();
  },
);

/** The same as a case of directional derivatives. */
function chainCase(loss: "kl" | "lk"): Case {
  const numbers = (dims: readonly number[], values: ArrayLike<number>): Numbers => ({
    dims,
    data: Float64Array.from(values),
  });
  const shape = shapeOf(loss);
  const weights = trainedWeights(shape).map(({ name, dims }) => [name, numbers(dims, oracle.weights[name])]);
  const { cos, sin } = rotaryTables(config, T + steps);
  const counts = oracle.counts.map((values, step) => [weightsOf(step), numbers([R, 1], values)]);
  return {
    parameters: Object.fromEntries(weights),
    inputs: {
      embedding: numbers([vocabSize, D], oracle.embedding),
      teacher: numbers([draftVocabSize, D], oracle.teacher),
      tokens: integers([R], oracle.tokens),
      positions: integers([R / T, T], oracle.positions),
      segments: integers([R / T, T], oracle.segments),
      cos: numbers([T + steps, headDim / 2], cos),
      sin: numbers([T + steps, headDim / 2], sin),
      ...Object.fromEntries(counts),
    },
    build: (tape, values) => {
      // An input with a value of its own need not be given.
      tape.graph.initializer("features", "f16", [R, 4 * D], halves(oracle.features));
      return chainLosses(tape, shape, new Map(Object.entries(values))).losses.reduce((sum, one) => add(tape, sum, one));
    },
  };
}

test.each(["kl", "lk"] as const)("gradients are the losses' directional derivatives: %s", async (loss) => {
  expect(await gradientError(chainCase(loss), "f64", 1)).toBeLessThan(1e-6);
  expect(await gradientError(chainCase(loss), "f32", 1)).toBeLessThan(1e-3);
});

test("the draft's vocabulary is what occurs most often", () => {
  const counts = new TokenCounts(5);
  counts.add([0, 2, 2, 3, 2, 0]);
  counts.add([2, 3, 0, 3, 4, 2]);
  expect(counts.mostFrequent(3)).toEqual([0, 2, 3]);
  expect(counts.mostFrequent(1)).toEqual([2]);
  expect(new TokenCounts(3).mostFrequent(2)).toEqual([0, 1]);
});
