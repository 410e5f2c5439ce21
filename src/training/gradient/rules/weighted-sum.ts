import type { Tape, Value } from "../tape.js";

/** The sum of all x times weights, of one shape. */
export function weightedSum(tape: Tape, x: Value, weights: string): Value {
  const sum = tape.node("ReduceSum", [tape.node("Mul", [x, weights])], { keepdims: 0 });
  return tape.record(sum, [x], [(dy) => tape.node("Mul", [weights, dy])]);
}
