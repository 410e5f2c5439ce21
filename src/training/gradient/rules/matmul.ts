import type { Tape, Value } from "../tape.js";

/** Products of matrices, one for each of a batch: a [batch, n, k], b [batch, k, m]. */
export function matmul(tape: Tape, a: Value, b: Value): Value {
  const transposed = (x: Value) => tape.node("Transpose", [x], { perm: [0, 2, 1] });
  return tape.record(
    tape.node("MatMul", [a, b]),
    [a, b],
    [(dy) => tape.node("MatMul", [dy, transposed(b)]), (dy) => tape.node("MatMul", [transposed(a), dy])],
  );
}
