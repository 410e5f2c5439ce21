import { ELEMENT_TYPES, type ElementType } from "../../../formats/onnx/onnx-writer.js";
import type { Tape, Value } from "../tape.js";

/** x in another type of floats, such as f32 of a bf16 table; its gradient goes back in the type it came from. */
export function cast(tape: Tape, x: Value, from: ElementType, to: ElementType): Value {
  return tape.record(
    tape.node("Cast", [x], { to: ELEMENT_TYPES[to] }),
    [x],
    [(dy) => tape.node("Cast", [dy], { to: ELEMENT_TYPES[from] })],
  );
}
