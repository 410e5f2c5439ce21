import type { Tape, Value } from "../tape.js";

/** x / sqrt(mean(x^2) + epsilon) * gain, row by row: x [rows, width], gain [width]. Zhang & Sennrich 2019. */
export function rmsNorm(tape: Tape, x: Value, gain: Value, epsilon: number): Value {
  const mean = (of: string) => tape.node("ReduceMean", [of, tape.integers(-1)], { keepdims: 1 });
  const variance = tape.node("Add", [mean(tape.node("Mul", [x, x])), tape.constant(epsilon)]);
  const inverse = tape.node("Reciprocal", [tape.node("Sqrt", [variance])]);
  const unit = tape.node("Mul", [x, inverse]);
  return tape.record(
    tape.node("Mul", [unit, gain]),
    [x, gain],
    [
      (dy) => {
        const d = tape.node("Mul", [dy, gain]);
        const along = tape.node("Mul", [unit, mean(tape.node("Mul", [d, unit]))]);
        return tape.node("Mul", [tape.node("Sub", [d, along]), inverse]);
      },
      (dy) => tape.node("ReduceSum", [tape.node("Mul", [dy, unit]), tape.integers(0)], { keepdims: 0 }),
    ],
  );
}
