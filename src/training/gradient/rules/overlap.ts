import type { Tape, Value } from "../tape.js";

/**
 * For each row the sum over the vocabulary of min(p, q), [rows, 1]: p the teacher's probabilities, q the softmax of logits [rows, V]. It is how
 * likely a token that is sampled from q is accepted (Leviathan et al. 2023, theorem 3.5), 1 minus their total variation.
 */
export function overlap(tape: Tape, logits: Value, teacher: string | { probabilities: string }): Value {
  const q = tape.node("Softmax", [logits], { axis: -1 });
  const p = typeof teacher === "string" ? tape.node("Softmax", [teacher], { axis: -1 }) : teacher.probabilities;
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
