import type { Tape, Value } from "../tape.js";
import { softmaxAndLogSumExp } from "./log-softmax-parts.js";

/**
 * The sum over rows of weight KL(teacher || softmax(logits)): logits [rows, V], weights [rows, 1].
 * @param teacher its probabilities [rows, V], or its logits
 */
export function klDivergence(
  tape: Tape,
  logits: Value,
  teacher: { probabilities: string } | { logits: string },
  weights: string,
): Value {
  const { p: q, logSumExp } = softmaxAndLogSumExp(tape, logits);
  const logQ = tape.node("Sub", [logits, logSumExp]);
  const { p, logP } =
    "logits" in teacher ? ofLogits(tape, teacher.logits) : ofProbabilities(tape, teacher.probabilities);
  const terms = tape.node("Mul", [p, tape.node("Sub", [logP, logQ])]);
  const rows = tape.node("ReduceSum", [terms, tape.integers(-1)], { keepdims: 1 });
  const loss = tape.node("ReduceSum", [tape.node("Mul", [rows, weights])], { keepdims: 0 });
  return tape.record(
    loss,
    [logits],
    [(dy) => tape.node("Mul", [tape.node("Sub", [q, p]), tape.node("Mul", [weights, dy])])],
  );
}

function ofLogits(tape: Tape, logits: string) {
  const { p, logSumExp } = softmaxAndLogSumExp(tape, logits);
  return { p, logP: tape.node("Sub", [logits, logSumExp]) };
}

/** 0 log 0 counts as 0: the smallest normal number stands for 0 in the logarithm. */
function ofProbabilities(tape: Tape, p: string) {
  const tiny = tape.constant(1.2e-38);
  return { p, logP: tape.node("Log", [tape.node("Max", [p, tiny])]) };
}
