import type { CausalLM } from "../engine/causal-lm.js";
import { readText } from "../engine/read-text.js";
import { Need } from "../engine/rows.js";

/** What a check of row invariance found. */
export interface RowInvariance {
  /** Rows compared. */
  rows: number;
  /** Rows whose logits are the same bits in a chain as one by one. */
  identical: number;
  /** Largest difference of a logit. */
  maxDifference: number;
}

/**
 * Whether rows of a chain give the very logits of one-by-one decoding on this CPU: the foundation of exactness. Runs
 * chains of several lengths against single rows over the same tokens.
 */
export async function rowInvariance(model: CausalLM): Promise<RowInvariance> {
  const length = Math.min(96, model.contextLength - 1);
  const tokens = Array.from({ length }, (_, i) => (i * 7919 + 13) % model.vocabLimit);
  const single = await logitsOf(model, tokens, 1);
  let rows = 0;
  let identical = 0;
  let maxDifference = 0;
  for (const chunk of [2, 3, 5, 8, 32]) {
    const chained = await logitsOf(model, tokens, chunk);
    chained.forEach((row, i) => {
      let difference = 0;
      for (let v = 0; v < row.length; v++) difference = Math.max(difference, Math.abs(row[v] - single[i][v]));
      rows++;
      if (difference === 0) identical++;
      maxDifference = Math.max(maxDifference, difference);
    });
  }
  return { rows, identical, maxDifference };
}

/** Logits of every token, computed `chunk` rows at a time. */
export async function logitsOf(model: CausalLM, tokens: readonly number[], chunk: number): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  await readText(
    model,
    tokens,
    () => Need.logits,
    (result, row) => {
      rows.push(result.logits(row).slice());
    },
    { chunk },
  );
  return rows;
}
