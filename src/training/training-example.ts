import type { TokenId } from "../types/token.js";

/** One text to train on. */
export interface TrainingExample {
  tokens: readonly TokenId[];
  /** For each token, whether it counts as a label. Default: all do. */
  lossMask?: readonly boolean[];
}

/**
 * Texts in their order, read once from the beginning whenever they are needed: the same each time. A training is resumed only with
 * the fingerprint that it began with, where there is one.
 */
export type TrainingExamples = (AsyncIterable<TrainingExample> | Iterable<TrainingExample>) & {
  readonly fingerprint?: string;
};
