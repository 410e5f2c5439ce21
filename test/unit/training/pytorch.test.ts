import { expect, test } from "vitest";
import { OnnxGraph } from "../../../src/formats/onnx/onnx-writer.js";
import { architectureOf } from "../../../src/models/architectures.js";
import { openCheckpoint } from "../../../src/models/checkpoint/checkpoint.js";
import { medusaHeads } from "../../../src/models/medusa/medusa-heads.js";
import { rotaryTables } from "../../../src/models/rotary.js";
import { Tensor } from "../../../src/runtime/tensor.js";
import { readWeight, type TrainingWeight, trainingWeights } from "../../../src/training/checkpoint-weights.js";
import { causalLmLoss } from "../../../src/training/gradient/causal-lm-loss.js";
import { crossEntropyHead } from "../../../src/training/gradient/decoder-head.js";
import { DifferentiableOps } from "../../../src/training/gradient/differentiable-ops.js";
import { accumulateInto, GraphSession, gradientOf } from "../../../src/training/gradient/gradient-graph.js";
import { LayeredDecoder } from "../../../src/training/gradient/layered-decoder.js";
import { crossEntropy } from "../../../src/training/gradient/rules/cross-entropy.js";
import { klDivergence } from "../../../src/training/gradient/rules/kl-divergence.js";
import { Tape, type Value } from "../../../src/training/gradient/tape.js";
import { Muon } from "../../../src/training/optimiser/muon.js";
import { ParameterGroups } from "../../../src/training/optimiser/parameter-groups.js";
import { scheduleFactor } from "../../../src/training/optimiser/schedule.js";
import { ParameterSet } from "../../../src/training/parameters.js";
import { type Digest, digestError, furthest } from "../../support/digests.js";
import { readJson } from "../../support/models.js";

interface Oracle {
  llama: Record<
    string,
    Record<"ids" | "positions" | "segments" | "labels", number[][]> & {
      loss: number;
      gradients: Record<string, Digest>;
    }
  >;
  medusa: Record<"labels" | "hidden" | "block" | "bias" | "head" | "teacher" | "weights", number[]> &
    Record<"crossEntropy" | "kl", { loss: number; gradients: number[][] }> & { D: number; V: number };
  adamw: { start: number[]; gradients: number[][]; after: number[][] };
  muon: {
    rows: number;
    columns: number;
    start: number[];
    gradients: number[][];
    after: number[][];
    torch: number[][];
  }[];
}
const oracle = readJson<Oracle>("test/oracle/training/oracle.json");

const int64 = (rows: readonly (readonly number[])[]) => BigInt64Array.from(rows.flat(), BigInt);

/** Adds loss and gradients to the graph's outputs. */
function finish(tape: Tape, loss: Value, parameters: ParameterSet): void {
  tape.graph.node("Identity", [loss.name], ["loss"]);
  tape.graph.output("loss", "f32", []);
  accumulateInto(tape, tape.backward([[loss, tape.constant(1)]]), parameters.specs);
}

function bindParameters(session: GraphSession, parameters: ParameterSet): void {
  for (const { name } of parameters.specs) {
    session.bind(name, parameters.valueTensor(name));
    session.bind(gradientOf(name), parameters.gradientTensor(name));
  }
}

test.each(Object.entries(oracle.llama))("a whole Llama has PyTorch's gradients: %s", async (name, expected) => {
  const { config, source } = await openCheckpoint(`test/oracle/llama/${name}`);
  const architecture = architectureOf(config);
  const { weights, aliases } = trainingWeights(architecture.weightSpecs(config));
  const parameters = new ParameterSet(weights);
  for (const weight of weights) await readWeight(source, weight, parameters.valuesOf(weight.name));
  await source.close();
  const tape = new Tape(new OnnxGraph());
  const values = new Map(weights.map((weight) => [weight.name, tape.input(weight.name, weight.dims, true)]));
  const weightOf = (asked: string) => values.get(aliases.get(asked) ?? asked);
  const [B, T] = [expected.ids.length, expected.ids[0].length];
  finish(tape, causalLmLoss(tape, architecture, config, weightOf, T), parameters);
  const session = await GraphSession.create(tape.graph);
  bindParameters(session, parameters);
  session.bind("ids", new Tensor(int64(expected.ids), [B * T]));
  session.bind("labels", new Tensor(int64(expected.labels), [B * T]));
  session.bind("positions", new Tensor(int64(expected.positions), [B, T]));
  session.bind("segments", new Tensor(int64(expected.segments), [B, T]));
  const { cos, sin } = rotaryTables(config, T);
  session.bind("cos", new Tensor(cos, [T, config.headDim / 2]));
  session.bind("sin", new Tensor(sin, [T, config.headDim / 2]));
  const loss = new Float32Array(1);
  session.bind("loss", new Tensor(loss, []));
  // Twice: the second run adds to what the first left.
  for (let run = 1; run <= 2; run++) {
    await session.run();
    expect(Math.abs(loss[0] / expected.loss - 1)).toBeLessThan(1e-4);
    expectGradients(parameters, weights, expected.gradients, run);
  }
  session.dispose();
});

test.each(Object.entries(oracle.llama))(
  "a Llama trained layer by layer has PyTorch's gradients: %s",
  async (name, expected) => {
    const { config, source } = await openCheckpoint(`test/oracle/llama/${name}`);
    const architecture = architectureOf(config);
    const { weights } = trainingWeights(architecture.weightSpecs(config));
    const [batch, length] = [expected.ids.length, expected.ids[0].length];
    const head = crossEntropyHead(config.vocabSize);
    const decoder = await LayeredDecoder.create({ architecture, config, head, batch, length });
    for (const weight of weights) await readWeight(source, weight, decoder.parameters.valuesOf(weight.name));
    await source.close();
    for (const input of ["ids", "positions", "segments"] as const) decoder[input].set(int64(expected[input]));
    decoder.integers("labels").set(int64(expected.labels));
    const losses = await decoder.addGradients({ crossEntropy: 1 });
    expect(Math.abs(losses.crossEntropy / expected.loss - 1)).toBeLessThan(1e-4);
    expect(await decoder.measure()).toEqual(losses);
    expectGradients(decoder.parameters, weights, expected.gradients, 1);
    decoder.dispose();
  },
);

/** Gradients agree with digests, tensor by tensor of the checkpoint. */
function expectGradients(
  parameters: ParameterSet,
  weights: readonly TrainingWeight[],
  expected: Record<string, Digest>,
  times: number,
): void {
  for (const { name, parts } of weights) {
    const { from, to } = parameters.range(name);
    const rows = parts.reduce((sum, { out }) => sum + out, 0);
    let at = from;
    for (const { tensor, out } of parts) {
      const end = at + (out * (to - from)) / rows;
      expect(digestError(parameters.gradients.subarray(at, end), expected[tensor], times)).toBeLessThan(1e-4);
      at = end;
    }
  }
}

test.each(["crossEntropy", "kl"] as const)("a Medusa head has PyTorch's gradients: %s", async (kind) => {
  const { D, V, labels, hidden, block, bias, head, teacher, weights, [kind]: expected } = oracle.medusa;
  const parameters = new ParameterSet([
    { name: "heads.0.blocks.0", dims: [D, D] },
    { name: "heads.0.blocks.0.bias", dims: [D] },
    { name: "heads.0.lm_head", dims: [V, D] },
  ]);
  parameters.values.set([...block, ...bias, ...head]);
  const tape = new Tape(new OnnxGraph());
  const values = new Map(parameters.specs.map(({ name, dims }) => [name, tape.input(name, dims, true)]));
  const ops = new DifferentiableOps(tape, (name) => values.get(name));
  const shape = { heads: [{ blocks: [{ weight: "" }], lmHead: "own" }], hiddenSize: D, vocabSize: V };
  const [logits] = medusaHeads(ops, shape, tape.input("hidden", [6, D], false));
  tape.graph.input("labels", "i64", [6]);
  tape.input("teacher", [6, V], false);
  tape.input("weights", [6, 1], false);
  const loss =
    kind === "kl" ? klDivergence(tape, logits, { logits: "teacher" }, "weights") : crossEntropy(tape, logits, "labels");
  finish(tape, loss, parameters);
  const session = await GraphSession.create(tape.graph);
  bindParameters(session, parameters);
  session.bind("hidden", new Tensor(Float32Array.from(hidden), [6, D]));
  session.bind("labels", new Tensor(BigInt64Array.from(labels, BigInt), [6]));
  session.bind("teacher", new Tensor(Float32Array.from(teacher), [6, V]));
  session.bind("weights", new Tensor(Float32Array.from(weights), [6, 1]));
  const out = new Float32Array(1);
  session.bind("loss", new Tensor(out, []));
  await session.run();
  expect(Math.abs(out[0] - expected.loss) / expected.loss).toBeLessThan(1e-5);
  expect(furthest(parameters.gradients, expected.gradients.flat())).toBeLessThan(1e-4);
  session.dispose();
});

test("AdamW with clipping takes PyTorch's steps, in place", async () => {
  const { start, gradients, after } = oracle.adamw;
  const parameters = new ParameterSet([{ name: "w", dims: [9] }]);
  parameters.values.set(start);
  const options = { beta2: 0.95, weightDecay: 0.1 };
  const group = { names: ["w"], optimiser: "adamw", learningRate: 0.01, options } as const;
  const groups = await ParameterGroups.create(parameters, [group], 2.5);
  gradients.forEach((gradient, i) => {
    parameters.gradients.set(gradient);
    groups.update(i + 1, 1);
    expect(furthest(parameters.values, after[i])).toBeLessThan(1e-6);
  });
  groups.dispose();
});

test.each(oracle.muon)("Muon takes the reference's steps: $rows x $columns", async (expected) => {
  const { rows, columns, start, gradients, after } = expected;
  const stretch = { values: Float32Array.from(start), gradients: new Float32Array(rows * columns) };
  const muon = await Muon.create(stretch, [rows, columns]);
  gradients.forEach((gradient, i) => {
    stretch.gradients.set(gradient);
    muon.update(i + 1, 0.02, 1);
    expect(furthest(stretch.values, after[i])).toBeLessThan(1e-5);
    // torch.optim.Muon iterates in bfloat16: three digits.
    expect(furthest(stretch.values, expected.torch[i])).toBeLessThan(0.02 * 0.05 * (i + 1));
  });
  muon.dispose();
});

test("gradients that are no numbers change nothing", async () => {
  const parameters = new ParameterSet([{ name: "w", dims: [3] }]);
  const group = { names: ["w"], optimiser: "adamw", learningRate: 0.01 } as const;
  const groups = await ParameterGroups.create(parameters, [group], 1);
  parameters.gradients.set([1, Number.NaN, 0]);
  expect(groups.update(1, 1)).toBeNaN();
  expect([...parameters.values, ...parameters.gradients]).toEqual([0, 0, 0, 0, 0, 0]);
  groups.dispose();
});

test("the schedule warms up, then falls to nothing", () => {
  const factors = [1, 2, 4, 8, 12].map((step) => scheduleFactor(step, 12, 4, "linear"));
  expect(factors).toEqual([0.25, 0.5, 1, 0.5, 0]);
  expect(scheduleFactor(8, 12, 4, "cosine")).toBeCloseTo(0.5);
  expect(scheduleFactor(12, 12, 4, "cosine")).toBeCloseTo(0);
  expect(scheduleFactor(9, 12, 0, "constant")).toBe(1);
});
