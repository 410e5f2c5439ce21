import type { Tape, Value } from "../tape.js";

/**
 * Heads turned by their positions, halves against each other (not pairs): x [.., T, headDim], cos and sin [.., T, headDim / 2]
 * that broadcast. The way back is the turn by the opposite angle. Su et al. 2021.
 */
export function rotary(tape: Tape, x: Value, cos: string, sin: string): Value {
  const turn = (of: Value | string, back: boolean) => {
    const [a, b] = tape.nodes("Split", [of], 2, { axis: -1, num_outputs: 2 });
    const times = (half: string, table: string) => tape.node("Mul", [half, table]);
    const [first, second] = back ? ["Add", "Sub"] : ["Sub", "Add"];
    const left = tape.node(first, [times(a, cos), times(b, sin)]);
    const right = tape.node(second, [times(b, cos), times(a, sin)]);
    return tape.node("Concat", [left, right], { axis: -1 });
  };
  return tape.record(turn(x, false), [x], [(dy) => turn(dy, true)]);
}
