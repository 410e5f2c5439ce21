import type { Tape, Value } from "../tape.js";

/** x y, element by element, of one shape. */
export function mul(tape: Tape, x: Value, y: Value): Value {
  const times = (other: Value) => (dy: string) => tape.node("Mul", [dy, other]);
  return tape.record(tape.node("Mul", [x, y]), [x, y], [times(y), times(x)]);
}

/** x times a number. */
export function scale(tape: Tape, x: Value, factor: number): Value {
  const times = (of: Value | string) => tape.node("Mul", [of, tape.constant(factor)]);
  return tape.record(times(x), [x], [times]);
}
