import type { TokenId } from "../types/token.js";
import type { Sequence } from "./sequence.js";

/** What a row must give back; flags add up. Nothing else is computed or copied. */
export const Need = {
  nothing: 0,
  /** The whole row of logits. */
  logits: 1,
  /** The k likeliest ids and their logits; with k = 1 the argmax. */
  top: 2,
  /** log(sum(exp(logits))). */
  logSumExp: 4,
  /** The hidden state after the final norm. */
  hidden: 8,
  /** The residual streams that `CausalLM.capture` was told of. */
  auxiliary: 16,
} as const;

/** All flags of Need. */
export const ALL_NEEDS = Object.values(Need).reduce((all: number, need) => all | need, 0);

/** What a row of a draft layer reads beside its token: the target's residual streams one after the other, or a guess. */
export type Feature = { streams: Float32Array } | { guess: Float32Array };

/** Rows that one sequence adds to a pass. */
export interface TokenRows {
  sequence: Sequence;
  tokens: readonly TokenId[];
  /**
   * Index of each row's parent among the sequence's pending rows (rows of earlier passes that are still pending count
   * from 0, this pass's follow them); -1 for the last committed row. Default: a chain under the last pending row.
   */
  parents?: readonly number[];
  /** Flags of Need for each row. */
  needs: readonly number[];
  /** For a draft layer (config.eagle), and for no other model: each row's feature. */
  features?: readonly Feature[];
}

/** What a pass computed. Row indices are those of TokenRows. Views are valid inside the reader only. */
export interface PassResult {
  /** Logits [vocabSize] of a row that asked for them; `request` counts the TokenRows of the pass. */
  logits(row: number, request?: number): Float32Array;
  /** The likeliest token (the lowest id wins ties). */
  argmax(row: number, request?: number): TokenId;
  /** The k likeliest tokens, likeliest first, with their logits. */
  top(row: number, request?: number): { ids: TokenId[]; logits: Float32Array };
  logSumExp(row: number, request?: number): number;
  /** Hidden state [hiddenSize]. */
  hidden(row: number, request?: number): Float32Array;
  /** The residual stream [hiddenSize] after so many layers (0: the embedding), of a row with Need.auxiliary. */
  auxiliary(row: number, layers: number, request?: number): Float32Array;
}
