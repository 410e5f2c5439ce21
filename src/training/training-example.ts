import type { TokenId } from "../types/token.js";

/** One text to train on. */
export interface TrainingExample {
  tokens: readonly TokenId[];
  /** For each token, whether it counts as a label. Default: all do. */
  lossMask?: readonly boolean[];
}

/** Texts in their order, read once from the beginning whenever they are needed: the same each time. */
export type TrainingExamples = AsyncIterable<TrainingExample> | Iterable<TrainingExample>;
