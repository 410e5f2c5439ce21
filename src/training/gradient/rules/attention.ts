import type { Tape, Value } from "../tape.js";
import { add } from "./add.js";
import { rowDots, scaledRows } from "./along-rows.js";
import { matmul } from "./matmul.js";
import { scale } from "./mul.js";
import { rotary } from "./rotary.js";
import { concat, reshape, split, transpose } from "./shape.js";
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

/**
 * Keys and values [batch kvHeads, T, headDim] that calls leave to those after them: the first call's as the bias says, of
 * each later call a row sees those of its own place alone. So guesses stand on a text that each of them sees to its place.
 */
export interface AttentionChain {
  keys: Value[];
  values: Value[];
}

/**
 * Grouped-query attention by parts over rows qkv [batch T, (heads + 2 kvHeads) headDim].
 * @param chain calls for the guesses after the same text share it; by default there are none
 * @returns [batch T, heads headDim]
 */
export function attention(
  tape: Tape,
  qkv: Value,
  inputs: AttentionInputs,
  chain: AttentionChain = { keys: [], values: [] },
): Value {
  const { numHeads: H, numKvHeads: K, headDim: d, length: T, cos, sin, bias } = inputs;
  const G = H / K;
  const heads = transpose(tape, reshape(tape, qkv, [-1, T, H + 2 * K, d]), [0, 2, 1, 3]);
  const [q, k, v] = split(tape, heads, 1, [H, K, K]);
  // Queries of one group stand under each other: one product for each pair of sequence and group.
  const grouped = (x: Value, rows: number) => reshape(tape, x, [-1, rows, d]);
  const queries = grouped(scale(tape, rotary(tape, q, cos, sin), 1 / Math.sqrt(d)), G * T);
  chain.keys.push(grouped(rotary(tape, k, cos, sin), T));
  chain.values.push(grouped(v, T));
  const [keys, ...ownKeys] = chain.keys;
  const [values, ...ownValues] = chain.values;
  const scores = matmul(tape, queries, transpose(tape, keys, [0, 2, 1]));
  const seen = add(tape, reshape(tape, scores, [-1, H, T, T]), { name: bias, tracked: false });
  // Rows of several heads over one row of keys: [batch kvHeads, heads of a group, T, headDim] and [.., 1, T, headDim].
  const byGroup = (x: Value, width: number) => reshape(tape, x, [-1, G, T, width]);
  const alone = (x: Value) => reshape(tape, x, [-1, 1, T, d]);
  const own = ownKeys.map((key) => rowDots(tape, byGroup(queries, d), alone(key)));
  const all = own.length > 0 ? concat(tape, [byGroup(seen, T), ...own], 3) : seen;
  const weights = softmax(tape, all);
  const ones = own.map(() => 1);
  const [first, ...rest] = own.length > 0 ? split(tape, weights, 3, [T, ...ones]) : [weights];
  const text = matmul(tape, reshape(tape, first, [-1, G * T, T]), values);
  const mixed = rest.reduce(
    (sum, weight, i) => add(tape, sum, scaledRows(tape, weight, alone(ownValues[i]))),
    byGroup(text, d),
  );
  return reshape(tape, transpose(tape, reshape(tape, mixed, [-1, H, T, d]), [0, 2, 1, 3]), [-1, H * d]);
}
