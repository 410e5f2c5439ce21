import type { Tape, Value } from "../tape.js";
import { softmaxAndLogSumExp } from "./log-softmax-parts.js";

/**
 * For each row the sum over the vocabulary of min(p, q), [rows, 1]: p and q the softmax of teacher and logits [rows, V]. It is how
 * likely a token that is sampled from q is accepted (Leviathan et al. 2023, theorem 3.5), 1 minus their total variation.
 */
export function overlap(tape: Tape, logits: Value, teacher: string): Value {
  const { p: q } = softmaxAndLogSumExp(tape, logits);
  const { p } = softmaxAndLogSumExp(tape, teacher);
  const sum = (x: string) => tape.node("ReduceSum", [x, tape.integers(-1)], { keepdims: 1 });
  return tape.record(
    sum(tape.node("Min", [p, q])),
    [logits],
    [
      (dy) => {
        const below = tape.node("Where", [tape.node("Less", [q, p]), q, tape.constant(0)]);
        const slope = tape.node("Sub", [below, tape.node("Mul", [q, sum(below)])]);
        return tape.node("Mul", [slope, dy]);
      },
    ],
  );
}
