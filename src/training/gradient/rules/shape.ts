import type { Tape, Value } from "../tape.js";

/** The same elements in another shape; one dimension may be -1. */
export function reshape(tape: Tape, x: Value, dims: readonly number[]): Value {
  // Taken now: later it would keep x alive.
  const before = x.tracked ? tape.node("Shape", [x]) : "";
  return tape.record(
    tape.node("Reshape", [x, tape.integers(...dims)]),
    [x],
    [(dy) => tape.node("Reshape", [dy, before])],
  );
}

/** Axis i of the result is axis perm[i] of x. */
export function transpose(tape: Tape, x: Value, perm: readonly number[]): Value {
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  return tape.record(
    tape.node("Transpose", [x], { perm: [...perm] }),
    [x],
    [(dy) => tape.node("Transpose", [dy], { perm: inverse })],
  );
}

/** Parts of the given sizes along an axis. */
export function split(tape: Tape, x: Value, axis: number, sizes: readonly number[]): Value[] {
  const parts = tape.nodes("Split", [x, tape.integers(...sizes)], sizes.length, { axis });
  return tape.recordAll(parts, [x], [(...dys) => tape.node("Concat", dys, { axis })]);
}

/** Parts one after the other along an axis. */
export function concat(tape: Tape, parts: readonly Value[], axis: number): Value {
  const size = (part: Value) => tape.node("Shape", [part], { start: axis, end: axis + 1 });
  // Taken now: later it would keep the parts alive.
  const sizes = parts.some((part) => part.tracked) ? tape.node("Concat", parts.map(size), { axis: 0 }) : "";
  let pieces: string[] | undefined;
  return tape.record(
    tape.node("Concat", parts, { axis }),
    parts,
    parts.map((_, i) => (dy) => {
      pieces ??= tape.nodes("Split", [dy, sizes], parts.length, { axis });
      return pieces[i];
    }),
  );
}
