import type { Tape, Value } from "../tape.js";

/** The natural logarithm of what is not negative; numbers below the smallest normal one count as it. */
export function log(tape: Tape, x: Value): Value {
  const known = tape.node("Max", [x, tape.constant(1.2e-38)]);
  return tape.record(tape.node("Log", [known]), [x], [(dy) => tape.node("Div", [dy, known])]);
}
