import { OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import { weightSpecs } from "../../models/eagle/weights.js";
import { logitCount } from "../../types/model-config.js";
import { type TrainingWeight, trainingWeights } from "../checkpoint-weights.js";
import { accumulateInto } from "../gradient/gradient-graph.js";
import { entropyOf, klDivergence } from "../gradient/rules/kl-divergence.js";
import { linear } from "../gradient/rules/linear.js";
import { log } from "../gradient/rules/log.js";
import { scale } from "../gradient/rules/mul.js";
import { overlap } from "../gradient/rules/overlap.js";
import { weightedSum } from "../gradient/rules/weighted-sum.js";
import { Tape, type Value } from "../gradient/tape.js";
import { rowsFurther, type TestShape, trainingTimeTest } from "./training-time-test.js";

export interface ChainShape extends TestShape {
  loss: "kl" | "lk";
  /** Whether the output product is trained; else it is the target's rows of the draft's vocabulary. */
  trainHead: boolean;
  /** The target's ids below this are tokens. */
  vocabLimit: number;
  /** The target's id of each token of the draft's vocabulary. */
  targetIds: Int32Array;
}

/** The weights that are trained: names as in models/eagle/weights.ts. */
export function trainedWeights({ config, trainHead }: Pick<ChainShape, "config" | "trainHead">): TrainingWeight[] {
  const frozen = trainHead ? ["embedding"] : ["embedding", "lm_head"];
  return trainingWeights(weightSpecs(config)).weights.filter(({ name }) => !frozen.includes(name));
}

/** A step's weighted losses are summed over rows. */
export const lossOf = (step: number) => `loss.${step}`;
/** Input [rows, 1]: what each row's loss in a step counts; 0 where its token lies beyond the sequence. */
export const weightsOf = (step: number) => `weights.${step}`;
/** Of a measuring graph: the likeliest tokens of the draft's vocabulary, i64 [rows, ranks]. */
export const idsOf = (step: number) => `ids.${step}`;
/** Of a measuring graph: the sum of min(p, q) over tokens, [rows, 1]. */
export const overlapOf = (step: number) => `overlap.${step}`;

/** Adds up the gradients of all steps' losses; inputs are those of `trainingTimeTest` and below. */
export function trainingGraph(shape: ChainShape): OnnxGraph {
  const tape = new Tape(new OnnxGraph());
  const { losses } = chainLosses(tape, shape);
  giveLosses(tape, losses);
  const one = tape.constant(1);
  accumulateInto(tape, tape.backward(losses.map((loss) => [loss, one])), trainedWeights(shape));
  return tape.graph;
}

/** Also the input head [vocabLimit, targetHiddenSize], the target's output product: what the draft lacks counts as missed. */
export function measuringGraph(shape: ChainShape, ranks: number): OnnxGraph {
  const tape = new Tape(new OnnxGraph());
  const { losses, logits, hidden } = chainLosses(tape, shape);
  giveLosses(tape, losses);
  const { config, rows: R, vocabLimit, targetIds } = shape;
  const head = { name: tape.graph.input("head", "f32", [vocabLimit, config.eagle!.targetHiddenSize]), tracked: false };
  const all = tape.node("Softmax", [linear(tape, { name: hidden, tracked: false }, head)], { axis: -1 });
  const ids = tape.integers(...targetIds);
  const p = targetIds.length === vocabLimit ? all : tape.node("Gather", [all, ids], { axis: 1 });
  for (const [step, rows] of logits.entries()) {
    const q = tape.node("Softmax", [rows], { axis: -1 });
    const least = tape.node("Min", [rowsFurther(tape, p, R, step), q]);
    tape.graph.node("ReduceSum", [least, tape.integers(-1)], [overlapOf(step)], { keepdims: 1 });
    tape.graph.output(overlapOf(step), "f32", [R, 1]);
    const [, likeliest] = tape.nodes("TopK", [rows, tape.integers(ranks)], 2, { axis: -1 });
    tape.graph.node("Identity", [likeliest], [idsOf(step)]);
    tape.graph.output(idsOf(step), "i64", [R, ranks]);
  }
  return tape.graph;
}

function giveLosses(tape: Tape, losses: readonly Value[]): void {
  for (const [step, loss] of losses.entries()) {
    tape.graph.node("Identity", [loss.name], [lossOf(step)]);
    tape.graph.output(lossOf(step), tape.float, []);
  }
}

/**
 * The losses of a training-time test against the target's distribution over the draft's vocabulary, computed from its
 * hidden states. Adds the inputs embedding, teacher (the target's output rows of that vocabulary), and those named above.
 * @param trained the weights that are trained; by default they become inputs
 */
export function chainLosses(tape: Tape, shape: ChainShape, trained = trainedInputs(tape, shape)) {
  const { config, rows: R, steps } = shape;
  const { targetHiddenSize } = config.eagle!;
  const values = new Map(trained);
  values.set("embedding", tape.input("embedding", [config.vocabSize, config.hiddenSize], false));
  const teacher = tape.input("teacher", [logitCount(config), targetHiddenSize], false);
  if (!shape.trainHead) values.set("lm_head", teacher);
  const test = trainingTimeTest(tape, shape, (name) => values.get(name));
  const said = linear(tape, { name: test.hidden, tracked: false }, teacher);
  const p = tape.node("Softmax", [said], { axis: -1 });
  const entropy = entropyOf(tape, p);
  const logits: Value[] = [];
  const losses: Value[] = [];
  for (let step = 0; step < steps; step++) {
    const weights = tape.graph.input(weightsOf(step), tape.float, [R, 1]);
    const further = (x: string) => rowsFurther(tape, x, R, step);
    logits.push(linear(tape, test.rows[step], values.get("lm_head")!));
    const probabilities = further(p);
    const loss =
      shape.loss === "lk"
        ? negativeLog(tape, overlap(tape, logits[step], { probabilities }), weights)
        : klDivergence(tape, logits[step], { probabilities, entropy: further(entropy) }, weights);
    losses.push(loss);
  }
  return { losses, logits, hidden: test.hidden };
}

function trainedInputs(tape: Tape, shape: ChainShape): ReadonlyMap<string, Value> {
  return new Map(trainedWeights(shape).map(({ name, dims }) => [name, tape.input(name, dims, true)]));
}

function negativeLog(tape: Tape, x: Value, weights: string): Value {
  return scale(tape, weightedSum(tape, log(tape, x), weights), -1);
}
