import type { Architecture } from "../../models/architecture.js";
import type { ModelConfig } from "../../types/model-config.js";
import { DifferentiableOps, type Weights } from "./differentiable-ops.js";
import { crossEntropy } from "./rules/cross-entropy.js";
import type { Tape, Value } from "./tape.js";

/**
 * The cross-entropy of a decoder over packed sequences, summed over rows whose label is not negative. Adds the inputs ids
 * and labels, i64 [batch T], and those of `packedBatch`.
 * @param length T, the tokens of each row of the batch
 */
export function causalLmLoss(
  tape: Tape,
  architecture: Architecture,
  config: ModelConfig,
  weights: Weights,
  length: number,
): Value {
  const ids = tape.graph.input("ids", "i64", ["R"]);
  const labels = tape.graph.input("labels", "i64", ["R"]);
  const ops = new DifferentiableOps(tape, weights, ids, { config, length });
  const layers = Array.from({ length: config.numLayers }, (_, i) => i);
  const logits = ops.linear(architecture.decode(ops, config, layers), architecture.head);
  return crossEntropy(tape, logits, labels);
}
