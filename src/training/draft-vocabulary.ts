import { UsageError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";

/** How often each token stands in training data: a draft's vocabulary is of those that stand there most often. */
export class TokenCounts {
  private readonly counts: Float64Array;

  /** @param vocabLimit of the target, below which all tokens are */
  constructor(vocabLimit: number) {
    this.counts = new Float64Array(vocabLimit);
  }

  add(tokens: readonly TokenId[]): void {
    for (const token of tokens) this.counts[token]++;
  }

  /** The ids that occur most often, ascending; of equally frequent ones the lower. */
  mostFrequent(size: number): TokenId[] {
    const { counts } = this;
    const ids = Array.from({ length: counts.length }, (_, id) => id);
    ids.sort((a, b) => counts[b] - counts[a] || a - b);
    return ids.slice(0, size).sort((a, b) => a - b);
  }
}

/** @throws UsageError for more tokens than the target has */
export function checkDraftVocabulary(size: number | undefined, vocabLimit: number): void {
  if (size === undefined || size <= vocabLimit) return;
  throw new UsageError(`draftVocabulary is ${size}, the target has ${vocabLimit} tokens: give at most that`);
}

/** The draft's id of each of the target's that it knows. */
export function draftIdsOf(targetIds: Int32Array): ReadonlyMap<TokenId, TokenId> {
  return new Map(Array.from(targetIds, (id, i) => [id, i]));
}

/** The rows of a table [vocabSize, width] that a draft's vocabulary has: [ids, width]. */
export function rowsOfTokens(table: Float32Array, targetIds: Int32Array, width: number): Float32Array {
  const rows = new Float32Array(targetIds.length * width);
  for (const [i, id] of targetIds.entries()) rows.set(table.subarray(id * width, (id + 1) * width), i * width);
  return rows;
}
