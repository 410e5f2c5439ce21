import type { Tape, Value } from "../tape.js";

/** The rows `ids` (i64 [n]) of a table [rows, width]. Gradients of a row that is named several times add up. */
export function gather(tape: Tape, table: Value, ids: string): Value {
  return tape.record(
    tape.node("Gather", [table, ids], { axis: 0 }),
    [table],
    [
      (dy) => {
        const zeros = tape.node("Sub", [table, table]);
        const at = tape.node("Unsqueeze", [ids, tape.integers(1)]);
        return tape.node("ScatterND", [zeros, at, dy], { reduction: "add" });
      },
    ],
  );
}
