import { CallbackError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";
import type { TokenHistory } from "./history.js";

/**
 * Changes what may come next, as transformers' LogitsProcessor does: after penalties, before the temperature.
 * It runs for rows of target and draft, along every path of a tree, some of which the output never takes: what it does
 * must follow from its arguments alone.
 * @param tokenIds prompt and output so far
 * @param logits one for each token of the vocabulary; -Infinity forbids one. May be changed in place
 * @returns the changed logits, where they are not in place
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is one of the two kinds.
export type LogitsProcessor = (tokenIds: readonly TokenId[], logits: Float32Array) => Float32Array | void;

/** Runs the processors over a row, in order. @throws CallbackError for what they throw or give back that is no row */
export function applyProcessors(
  processors: readonly LogitsProcessor[],
  row: Float32Array,
  history: TokenHistory,
): void {
  for (const processor of processors) {
    let result: unknown;
    try {
      result = processor(history.first(history.length), row);
    } catch (error) {
      throw CallbackError.of("logitsProcessor", error);
    }
    if (result === undefined || result === row) continue;
    if (!(result instanceof Float32Array) || result.length !== row.length) {
      throw new CallbackError(
        `logitsProcessor must give a Float32Array of ${row.length} logits, or nothing when it changed them in place`,
      );
    }
    row.set(result);
  }
  for (const value of row) {
    if (value < Number.POSITIVE_INFINITY) continue;
    throw new CallbackError(`logitsProcessor left a logit of ${value}, expected numbers below Infinity`);
  }
}
