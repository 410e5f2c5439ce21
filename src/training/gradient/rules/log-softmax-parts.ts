import type { Tape, Value } from "../tape.js";

/** Softmax [rows, V] and log-sum-exp [rows, 1] of logits; nothing else as large as the logits is made. */
export function softmaxAndLogSumExp(tape: Tape, logits: Value | string): { p: string; logSumExp: string } {
  const largest = (of: Value | string) => tape.node("ReduceMax", [of, tape.integers(-1)], { keepdims: 1 });
  const p = tape.node("Softmax", [logits], { axis: -1 });
  // log p = logit - lse at the likeliest token, whose p cannot underflow.
  const logSumExp = tape.node("Sub", [largest(logits), tape.node("Log", [largest(p)])]);
  return { p, logSumExp };
}
