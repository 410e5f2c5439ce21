import type { Tape } from "./tape.js";

/**
 * What attention wants to know of a batch of packed rows. Adds the inputs positions and segments, i64 [batch, T], and cos
 * and sin, the rotary tables [positions, headDim / 2]. A token sees the tokens up to itself that have its segment.
 */
export function packedBatch(tape: Tape, length: number, headDim: number): { cos: string; sin: string; bias: string } {
  const { graph } = tape;
  const positions = graph.input("positions", "i64", ["B", length]);
  const segments = graph.input("segments", "i64", ["B", length]);
  const table = (name: string) => {
    const rows = tape.node("Gather", [graph.input(name, tape.float, ["P", headDim / 2]), positions], { axis: 0 });
    return tape.node("Unsqueeze", [rows, tape.integers(1)]);
  };
  const row = tape.node("Unsqueeze", [segments, tape.integers(1, 3)]);
  const column = tape.node("Unsqueeze", [segments, tape.integers(1, 2)]);
  const past = Uint8Array.from({ length: length * length }, (_, i) => Number(i % length <= Math.floor(i / length)));
  const causal = graph.initializer(`causal ${length}`, "bool", [1, 1, length, length], past);
  const seen = tape.node("And", [tape.node("Equal", [row, column]), causal]);
  // Large enough that e^x is 0, and finite, so that nothing becomes NaN.
  const bias = tape.node("Where", [seen, tape.constant(0), tape.constant(-1e9)]);
  return { cos: table("cos"), sin: table("sin"), bias };
}
