import type { Ops } from "../../models/ops.js";
import type { ParameterSpec } from "../parameters.js";
import { crossEntropy } from "./rules/cross-entropy.js";
import type { Tape, Value } from "./tape.js";

/** A decoder's last rows, as its head finds them. */
export interface FinalRows {
  /** The final normed rows [R, hiddenSize]. */
  readonly hidden: Value;
  /** Their logits [R, vocabSize] by the decoder's output product: the same value whenever asked for. */
  logits(): Value;
  /** Computes with the decoder's weights and the head's. */
  readonly ops: Ops<Value>;
}

/** What a head reads of each row: one number, or `width` of them. */
export interface HeadInput {
  type: "f32" | "i64";
  width?: number;
}

/** What stands on a decoder's final rows: losses, and the weights and inputs that they need. */
export interface DecoderHead {
  /** Weights that the decoder has not, and whether they are trained. */
  readonly weights: readonly (ParameterSpec & { trained: boolean })[];
  /** Other names for weights, the head's or the decoder's. */
  readonly aliases?: ReadonlyMap<string, string>;
  readonly inputs: Readonly<Record<string, HeadInput>>;
  /** Numbers of a row's largest intermediate results together: rows that are computed at once follow from it. */
  readonly rowSize: number;
  /** Adds the losses, sums over rows, each of which is trained with a weight of its own. Inputs are values by their names. */
  losses(tape: Tape, rows: FinalRows): Readonly<Record<string, Value>>;
  /** Adds what is measured of each row: f32 [R]. */
  measures?(tape: Tape, rows: FinalRows): Readonly<Record<string, string>>;
}

/** The loss `crossEntropy` of the next token: input labels, below 0 where there is nothing to learn. */
export function crossEntropyHead(vocabSize: number): DecoderHead {
  return {
    weights: [],
    inputs: { labels: { type: "i64" } },
    rowSize: vocabSize,
    losses: (tape, rows) => ({ crossEntropy: crossEntropy(tape, rows.logits(), "labels") }),
  };
}
