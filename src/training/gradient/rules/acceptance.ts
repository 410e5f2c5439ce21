import type { Tape, Value } from "../tape.js";

/**
 * The sum over rows of -weight log(sum of min(p, q)), q = softmax(logits): that sum is the chance that speculative sampling
 * accepts a token drawn from q. LK loss, arXiv 2602.23881.
 * @param p the target's probabilities [rows, V]
 * @param weights [rows, 1]
 */
export function acceptanceLoss(tape: Tape, logits: Value, p: string, weights: string): Value {
  const q = tape.node("Softmax", [logits], { axis: -1 });
  const total = (of: string) => tape.node("ReduceSum", [of, tape.integers(-1)], { keepdims: 1 });
  // Large enough that its logarithm and inverse are numbers.
  const accepted = tape.node("Max", [total(tape.node("Min", [p, q])), tape.constant(1e-12)]);
  const rows = tape.node("Neg", [tape.node("Mul", [tape.node("Log", [accepted]), weights])]);
  const gradient = (dy: string) => {
    const zero = tape.constant(0);
    const short = tape.node("Where", [tape.node("Less", [q, p]), q, zero]);
    const along = tape.node("Sub", [tape.node("Mul", [q, total(short)]), short]);
    const scale = tape.node("Div", [tape.node("Mul", [weights, dy]), accepted]);
    return tape.node("Mul", [along, scale]);
  };
  return tape.record(tape.node("ReduceSum", [rows], { keepdims: 0 }), [logits], [gradient]);
}
