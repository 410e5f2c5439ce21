import type { Tape, Value } from "../tape.js";
import { softmaxAndLogSumExp } from "./log-softmax-parts.js";

/** Probabilities [rows, V], with their entropy [rows, 1] where it is known; or logits. */
export type Teacher = { probabilities: string; entropy?: string } | { logits: string };

/** The sum over rows of weight KL(teacher || softmax(logits)): logits [rows, V], weights [rows, 1]. */
export function klDivergence(tape: Tape, logits: Value, teacher: Teacher, weights: string): Value {
  const { p: q, logSumExp } = softmaxAndLogSumExp(tape, logits);
  const { p, entropy } = "logits" in teacher ? ofLogits(tape, teacher.logits) : ofProbabilities(tape, teacher);
  const cross = tape.node("Sub", [logSumExp, expected(tape, p, logits)]);
  const rows = tape.node("Sub", [cross, entropy]);
  const loss = tape.node("ReduceSum", [tape.node("Mul", [rows, weights])], { keepdims: 0 });
  return tape.record(
    loss,
    [logits],
    [(dy) => tape.node("Mul", [tape.node("Sub", [q, p]), tape.node("Mul", [weights, dy])])],
  );
}

/** -sum of p log p, row by row. 0 log 0 counts as 0: the smallest normal number stands for 0 in the logarithm. */
export function entropyOf(tape: Tape, p: string): string {
  const logP = tape.node("Log", [tape.node("Max", [p, tape.constant(1.2e-38)])]);
  return tape.node("Neg", [expected(tape, p, logP)]);
}

function ofLogits(tape: Tape, logits: string) {
  const { p, logSumExp } = softmaxAndLogSumExp(tape, logits);
  return { p, entropy: tape.node("Sub", [logSumExp, expected(tape, p, logits)]) };
}

function ofProbabilities(tape: Tape, { probabilities: p, entropy }: { probabilities: string; entropy?: string }) {
  return { p, entropy: entropy ?? entropyOf(tape, p) };
}

/** The mean of x [rows, V] under p, [rows, 1]. */
function expected(tape: Tape, p: string, x: Value | string): string {
  return tape.node("ReduceSum", [tape.node("Mul", [p, x]), tape.integers(-1)], { keepdims: 1 });
}
