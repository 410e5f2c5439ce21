import type { Tape, Value } from "../tape.js";

/** Rows x [n, groups, rows, width] times the row y [n, 1, rows, width] of the same place, summed: [n, groups, rows, 1]. */
export function rowDots(tape: Tape, x: Value, y: Value): Value {
  const product = tape.node("Mul", [x, y]);
  return tape.record(
    tape.node("ReduceSum", [product, tape.integers(-1)], { keepdims: 1 }),
    [x, y],
    [(dy) => tape.node("Mul", [y, dy]), (dy) => overGroups(tape, tape.node("Mul", [x, dy]))],
  );
}

/** Rows y [n, 1, rows, width], each times the numbers x [n, groups, rows, 1] of its place: [n, groups, rows, width]. */
export function scaledRows(tape: Tape, x: Value, y: Value): Value {
  return tape.record(
    tape.node("Mul", [x, y]),
    [x, y],
    [
      (dy) => tape.node("ReduceSum", [tape.node("Mul", [dy, y]), tape.integers(-1)], { keepdims: 1 }),
      (dy) => overGroups(tape, tape.node("Mul", [dy, x])),
    ],
  );
}

const overGroups = (tape: Tape, x: string) => tape.node("ReduceSum", [x, tape.integers(1)], { keepdims: 1 });
