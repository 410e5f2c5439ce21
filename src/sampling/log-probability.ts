import type { TokenId } from "../types/token.js";

/** log(sum(exp(row))) over the first `limit` logits, in 64-bit floats. */
export function logSumExp(row: Float32Array, limit: number): number {
  let max = -Infinity;
  for (let i = 0; i < limit; i++) if (row[i] > max) max = row[i];
  let sum = 0;
  for (let i = 0; i < limit; i++) sum += Math.exp(row[i] - max);
  return max + Math.log(sum);
}

/** Natural logarithm of a token's probability under unprocessed logits. */
export function logProbability(row: Float32Array, token: TokenId, limit: number): number {
  return row[token] - logSumExp(row, limit);
}

/** The k likeliest tokens with their log-probabilities, likeliest first. */
export function topLogProbabilities(
  row: Float32Array,
  k: number,
  limit: number,
): { tokenId: TokenId; logProb: number }[] {
  const top: { tokenId: TokenId; logProb: number }[] = [];
  for (let id = 0; id < limit; id++) {
    if (top.length === k && row[id] <= top[k - 1].logProb) continue;
    const at = top.findIndex((other) => row[id] > other.logProb);
    top.splice(at < 0 ? top.length : at, 0, { tokenId: id, logProb: row[id] });
    if (top.length > k) top.pop();
  }
  const total = logSumExp(row, limit);
  return top.map(({ tokenId, logProb }) => ({ tokenId, logProb: logProb - total }));
}

/** What a result tells of a token's probability. */
export interface LogProbs {
  logProb?: number;
  topLogProbs?: { tokenId: TokenId; logProb: number }[];
}

/** @param wanted nothing (undefined), the token's own (0), or also those of as many likeliest tokens */
export function logProbsOf(
  row: () => Float32Array,
  token: TokenId,
  wanted: number | undefined,
  limit: number,
): LogProbs {
  if (wanted === undefined) return {};
  const logProb = logProbability(row(), token, limit);
  return wanted === 0 ? { logProb } : { logProb, topLogProbs: topLogProbabilities(row(), wanted, limit) };
}
