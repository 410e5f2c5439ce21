import type { Tape, Value } from "../tape.js";

/** Softmax along the last axis. */
export function softmax(tape: Tape, x: Value): Value {
  const p = tape.node("Softmax", [x], { axis: -1 });
  return tape.record(
    p,
    [x],
    [
      (dp) => {
        const weighted = tape.node("Mul", [dp, p]);
        const sum = tape.node("ReduceSum", [weighted, tape.integers(-1)], { keepdims: 1 });
        return tape.node("Sub", [weighted, tape.node("Mul", [p, sum])]);
      },
    ],
  );
}
