import type { Tape, Value } from "../tape.js";

/** x W^T + b: x [rows, in], W [out, in] as in checkpoints, b [out]. */
export function linear(tape: Tape, x: Value, weight: Value, bias?: Value): Value {
  const inputs = bias ? [x, weight, bias] : [x, weight];
  const y = tape.node("Gemm", inputs, { transB: 1 });
  return tape.record(y, inputs, [
    (dy) => tape.node("Gemm", [dy, weight]),
    (dy) => tape.node("Gemm", [dy, x], { transA: 1 }),
    (dy) => tape.node("ReduceSum", [dy, tape.integers(0)], { keepdims: 0 }),
  ]);
}
