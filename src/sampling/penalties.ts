import type { SamplingParams } from "../types/sampling-params.js";
import type { TokenId } from "../types/token.js";
import { withinFloats } from "./float-range.js";
import type { TokenHistory } from "./history.js";

/** Whether any processor before temperature applies at all. */
export function changesLogits(params: SamplingParams): boolean {
  return (
    params.repetitionPenalty !== 1 ||
    params.presencePenalty !== 0 ||
    params.frequencyPenalty !== 0 ||
    params.logitBias.size > 0 ||
    params.badWordsIds.length > 0
  );
}

/**
 * Changes `logits` in place, in transformers' order: repetition penalty (prompt and output), presence and frequency
 * penalty (output), logit bias, bad words, no end of sequence before minNewTokens. Touches only tokens concerned.
 */
export function applyPenalties(
  logits: Float32Array,
  history: TokenHistory,
  params: SamplingParams,
  eosTokenIds: readonly TokenId[],
): void {
  const { repetitionPenalty: r, presencePenalty, frequencyPenalty } = params;
  if (r !== 1) {
    const penalise = (token: TokenId) => {
      change(logits, token, logits[token] < 0 ? logits[token] * r : logits[token] / r);
    };
    for (const token of history.promptTokens) penalise(token);
    for (const token of history.outputCounts.keys()) if (!history.promptTokens.has(token)) penalise(token);
  }
  if (presencePenalty !== 0 || frequencyPenalty !== 0) {
    for (const [token, count] of history.outputCounts) {
      change(logits, token, logits[token] - (presencePenalty + frequencyPenalty * count));
    }
  }
  for (const [token, bias] of params.logitBias) {
    if (bias === -Infinity) logits[token] = -Infinity;
    else change(logits, token, logits[token] + bias);
  }
  for (const words of params.badWordsIds) {
    if (endsWith(history, words)) logits[words[words.length - 1]] = -Infinity;
  }
  if (history.newTokens < params.minNewTokens) for (const token of eosTokenIds) logits[token] = -Infinity;
}

/** Sets a logit that is not forbidden, within the range of floats: neither forbidden nor endless by mere arithmetic. */
function change(logits: Float32Array, token: TokenId, value: number): void {
  if (logits[token] !== -Infinity) logits[token] = withinFloats(value);
}

/** Whether the history ends with all of `words` but the last. */
function endsWith(history: TokenHistory, words: readonly TokenId[]): boolean {
  const prefix = words.length - 1;
  if (prefix > history.length) return false;
  for (let i = 0; i < prefix; i++) if (history.at(history.length - prefix + i) !== words[i]) return false;
  return true;
}
