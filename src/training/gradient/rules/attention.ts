import type { Tape, Value } from "../tape.js";
import { add } from "./add.js";
import { matmul } from "./matmul.js";
import { scale } from "./mul.js";
import { rotary } from "./rotary.js";
import { reshape, split, transpose } from "./shape.js";
import { softmax } from "./softmax.js";

export interface AttentionInputs {
  numHeads: number;
  numKvHeads: number;
  headDim: number;
  /** Tokens of each sequence. */
  length: number;
  /** [batch, 1, T, headDim / 2] at each token's position. */
  cos: string;
  sin: string;
  /** [batch, 1, T, T], added to scores: 0 where a row sees a column. */
  bias: string;
}

/** Grouped-query attention by parts over rows qkv [batch T, (heads + 2 kvHeads) headDim]. @returns [batch T, heads headDim] */
export function attention(tape: Tape, qkv: Value, inputs: AttentionInputs): Value {
  const { numHeads: H, numKvHeads: K, headDim: d, length: T, cos, sin, bias } = inputs;
  const heads = transpose(tape, reshape(tape, qkv, [-1, T, H + 2 * K, d]), [0, 2, 1, 3]);
  const [q, k, v] = split(tape, heads, 1, [H, K, K]);
  // Queries of one group stand under each other: one product for each pair of sequence and group.
  const grouped = (x: Value, rows: number) => reshape(tape, x, [-1, rows, d]);
  const queries = grouped(scale(tape, rotary(tape, q, cos, sin), 1 / Math.sqrt(d)), (H / K) * T);
  const keys = grouped(rotary(tape, k, cos, sin), T);
  const scores = matmul(tape, queries, transpose(tape, keys, [0, 2, 1]));
  const seen = add(tape, reshape(tape, scores, [-1, H, T, T]), { name: bias, tracked: false });
  const weights = reshape(tape, softmax(tape, seen), [-1, (H / K) * T, T]);
  const mixed = reshape(tape, matmul(tape, weights, grouped(v, T)), [-1, H, T, d]);
  return reshape(tape, transpose(tape, mixed, [0, 2, 1, 3]), [-1, H * d]);
}
