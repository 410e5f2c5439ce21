import type { Tape, Value } from "../tape.js";
import { softmaxAndLogSumExp } from "./log-softmax-parts.js";

/** The sum over rows of weight KL(softmax(logits) || softmax(teacher)): both [rows, V], weights [rows, 1]. Gu et al. 2024. */
export function reverseKl(tape: Tape, logits: Value, teacher: string, weights: string): Value {
  const student = softmaxAndLogSumExp(tape, logits);
  const { logSumExp } = softmaxAndLogSumExp(tape, teacher);
  const logQ = tape.node("Sub", [logits, student.logSumExp]);
  const apart = tape.node("Sub", [logQ, tape.node("Sub", [teacher, logSumExp])]);
  const terms = tape.node("Mul", [student.p, apart]);
  const rows = tape.node("ReduceSum", [terms, tape.integers(-1)], { keepdims: 1 });
  const loss = tape.node("ReduceSum", [tape.node("Mul", [rows, weights])], { keepdims: 0 });
  return tape.record(
    loss,
    [logits],
    [
      (dy) => {
        const slope = tape.node("Mul", [student.p, tape.node("Sub", [apart, rows])]);
        return tape.node("Mul", [slope, tape.node("Mul", [weights, dy])]);
      },
    ],
  );
}
