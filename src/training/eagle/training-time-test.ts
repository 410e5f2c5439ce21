import { ELEMENT_TYPES } from "../../formats/onnx/onnx-writer.js";
import { decode } from "../../models/eagle/decode.js";
import type { ModelConfig } from "../../types/model-config.js";
import type { Weights } from "../gradient/differentiable-ops.js";
import { packedBatch } from "../gradient/packed-batch.js";
import type { Tape, Value } from "../gradient/tape.js";
import { ChainOps, type SharedSteps } from "./chain-ops.js";

export interface TestShape {
  /** Of the draft layer. */
  config: ModelConfig;
  /** Rows that are computed at once: whole sequences. */
  rows: number;
  /** Rows of a sequence. */
  length: number;
  /** Tokens that are drafted after each row, the first one counted. */
  steps: number;
}

/** The inputs of a training-time test, and its rows. */
export interface TrainingTimeTest {
  /** The layer's normed rows in each step: row j of step s names the token s + 2 places after that of its streams. */
  rows: Value[];
  /** The target's hidden states [rows, targetHiddenSize] at the token that row j reads in step 0. */
  hidden: string;
}

/**
 * A draft layer over packed sequences, step after step: step 0 reads the target's streams at token j with token j + 1; step s
 * its own output of step s - 1 with token j + 1 + s. So it learns from its own guesses (Li et al. 2025, EAGLE-3, section
 * 3.2; SafeAILab/EAGLE cnets.py). Rows whose token lies beyond their sequence compute something that must not be counted.
 *
 * Adds the inputs features f16 [rows, streams and hidden state], tokens i64 [rows], and those of `packedBatch`.
 */
export function trainingTimeTest(tape: Tape, shape: TestShape, weights: Weights): TrainingTimeTest {
  const { config, rows: R, length, steps } = shape;
  const { targetHiddenSize: width, targetLayers, normOutput } = config.eagle!;
  const parts = targetLayers.length + 1;
  const stored = tape.graph.input("features", "f16", [R, parts * width]);
  const features = tape.node("Cast", [stored], { to: ELEMENT_TYPES[tape.float] });
  const sizes = tape.integers(...new Array<number>(parts).fill(width));
  const names = tape.nodes("Split", [features, sizes], parts, { axis: 1 });
  const tokens = tape.graph.input("tokens", "i64", [R]);
  const shared: SharedSteps = {
    config,
    length,
    packed: packedBatch(tape, length, config.headDim),
    streams: names.slice(0, -1).map((name) => ({ name, tracked: false })),
    chain: { keys: [], values: [] },
  };
  const rows: Value[] = [];
  let guesses: Value | undefined;
  for (let step = 0; step < steps; step++) {
    const ops = new ChainOps(tape, weights, rowsFurther(tape, tokens, R, step), shared, step, guesses);
    const streams: Value[] = [];
    const normed = decode(ops, config, [0], streams);
    guesses = normOutput ? normed : streams[1];
    rows.push(normed);
  }
  return { rows, hidden: names[parts - 1] };
}

/** Row j of the result is row j + by; rows beyond the last one are the last. */
export function rowsFurther(tape: Tape, x: string, rows: number, by: number): string {
  if (by === 0) return x;
  const at = tape.integers(...Array.from({ length: rows }, (_, i) => Math.min(i + by, rows - 1)));
  return tape.node("Gather", [x, at], { axis: 0 });
}
