import { ELEMENT_TYPES } from "../../../formats/onnx/onnx-writer.js";
import type { Tape, Value } from "../tape.js";
import { softmaxAndLogSumExp } from "./log-softmax-parts.js";

/** The sum over rows of -log softmax(logits)[label]: logits [rows, V], labels i64 [rows]. Rows with a label below 0 are ignored. */
export function crossEntropy(tape: Tape, logits: Value, labels: string): Value {
  const { p, logSumExp } = softmaxAndLogSumExp(tape, logits);
  const column = tape.node("Unsqueeze", [labels, tape.integers(1)]);
  const counts = tape.node("Cast", [tape.node("GreaterOrEqual", [column, tape.integers(0)])], {
    to: ELEMENT_TYPES[tape.float],
  });
  const known = tape.node("Max", [column, tape.integers(0)]);
  const logit = tape.node("GatherElements", [logits, known], { axis: 1 });
  const losses = tape.node("Mul", [tape.node("Sub", [logSumExp, logit]), counts]);
  return tape.record(
    tape.node("ReduceSum", [losses], { keepdims: 0 }),
    [logits],
    [
      (dy) => {
        const weights = tape.node("Mul", [counts, dy]);
        const spread = tape.node("Mul", [p, weights]);
        const minus = tape.node("Neg", [weights]);
        return tape.node("ScatterElements", [spread, known, minus], { axis: 1, reduction: "add" });
      },
    ],
  );
}
