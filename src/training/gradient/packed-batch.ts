import type { Tape } from "./tape.js";

/** What attention wants to know of a batch of packed rows, by the names of its inputs. */
export interface PackedBatch {
  /** [batch, 1, T, headDim / 2] */
  cos: string;
  sin: string;
  /** [batch, 1, T, T] */
  bias: string;
  /** Cosines and sines so many positions further on. */
  further(by: number): { cos: string; sin: string };
}

/**
 * What attention wants to know of a batch of packed rows. Adds the inputs positions and segments, i64 [batch, T], and cos
 * and sin, the rotary tables [positions, headDim / 2]. A token sees the tokens up to itself that have its segment.
 */
export function packedBatch(tape: Tape, length: number, headDim: number): PackedBatch {
  const { graph } = tape;
  const positions = graph.input("positions", "i64", ["B", length]);
  const segments = graph.input("segments", "i64", ["B", length]);
  for (const name of ["cos", "sin"]) graph.input(name, tape.float, ["P", headDim / 2]);
  const further = (by: number) => {
    const at = by === 0 ? positions : tape.node("Add", [positions, tape.integers(by)]);
    const [cos, sin] = ["cos", "sin"].map((name) => {
      const rows = tape.node("Gather", [name, at], { axis: 0 });
      return tape.node("Unsqueeze", [rows, tape.integers(1)]);
    });
    return { cos, sin };
  };
  const row = tape.node("Unsqueeze", [segments, tape.integers(1, 3)]);
  const column = tape.node("Unsqueeze", [segments, tape.integers(1, 2)]);
  const past = Uint8Array.from({ length: length * length }, (_, i) => Number(i % length <= Math.floor(i / length)));
  const causal = graph.initializer(`causal ${length}`, "bool", [1, 1, length, length], past);
  const seen = tape.node("And", [tape.node("Equal", [row, column]), causal]);
  // Large enough that e^x is 0, and finite, so that nothing becomes NaN.
  const bias = tape.node("Where", [seen, tape.constant(0), tape.constant(-1e9)]);
  return { ...further(0), bias, further };
}
