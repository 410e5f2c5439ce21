import type { Tape, Value } from "../tape.js";

/** x sigmoid(x); its derivative is s + y (1 - s), s the sigmoid and y the result. */
export function silu(tape: Tape, x: Value): Value {
  const sigmoid = tape.node("Sigmoid", [x]);
  const y = tape.node("Mul", [x, sigmoid]);
  const slope = () => {
    const rest = tape.node("Sub", [tape.constant(1), sigmoid]);
    return tape.node("Add", [sigmoid, tape.node("Mul", [y, rest])]);
  };
  return tape.record(y, [x], [(dy) => tape.node("Mul", [dy, slope()])]);
}
