import { TILE } from "../models/weight-spec.js";
import { BlockRounding } from "./block-rounding.js";
import type { Matrix, ProductSession } from "./product-session.js";

/**
 * Rounds a product's weights [count, n] to blocks of 4 bits with error compensation, in place: block by block, those
 * not yet rounded make good what the outputs lost. Frantar et al. 2022 (GPTQ), inputs in their order, as nearest plane
 * (Chen et al. 2025).
 * @param factor M [n, n] of `errorFactor`
 * @param offsets [count, n], lost: the squared error of row r is |M (weights - rounded)_r + offsets_r|^2
 */
export async function roundCompensated(
  { values: weights, dims: [count, n] }: Matrix,
  factor: Float64Array,
  { values: offsets }: Matrix,
  product: ProductSession,
  signal?: AbortSignal,
): Promise<void> {
  const rounding = new BlockRounding();
  for (let from = 0; from < n; from += TILE.inputs) {
    const length = Math.min(TILE.inputs, n - from);
    rounding.setInputs(factor, n, from, length);
    const errors = new Float32Array(count * length);
    for (let r = 0; r < count; r++) {
      rounding.round(weights, offsets, r * n + from);
      errors.set(rounding.errors.subarray(0, length), r * length);
    }
    const to = from + length;
    if (to === n) break;
    // What the block's errors do to the terms of the inputs behind it.
    const later = columns(factor, n, from, to);
    const effects = await product.run({ values: errors, dims: [count, length] }, later, signal);
    for (let r = 0, at = 0; r < count; r++) {
      for (let i = to; i < n; i++, at++) offsets[r * n + i] += effects.values[at];
    }
  }
}

/** Columns [from, to) of the rows from `to` on, turned: [to - from, n - to]. */
function columns(matrix: Float64Array, n: number, from: number, to: number): Matrix {
  const values = new Float32Array((to - from) * (n - to));
  let at = 0;
  for (let k = from; k < to; k++) for (let i = to; i < n; i++, at++) values[at] = matrix[i * n + k];
  return { values, dims: [to - from, n - to] };
}
