import { cholesky } from "../training/cholesky.js";
import { ForetokenError } from "../types/errors.js";

/** Part of the mean of a Gram matrix's diagonal that is added to it (Frantar et al. 2022: percdamp). */
const DAMPING = 0.01;

/**
 * Adds to the diagonal, in place: then the matrix is definite, however few the rows were that it was made of.
 * @throws ForetokenError where the rows were not finite
 */
export function damp(gram: Float64Array, n: number): void {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += gram[i * n + i];
  if (!Number.isFinite(trace)) {
    throw new ForetokenError("the rows of a layer are not finite: the weights overflow or are damaged");
  }
  const added = DAMPING * (trace / n) || 1;
  for (let i = 0; i < n; i++) gram[i * n + i] += added;
}

/**
 * The lower triangle M [n, n] with M^T M = gram, a definite matrix X^T X: errors e of a row of weights change its outputs by
 * |X e|^2 = |M e|^2, and the errors of the first inputs alone decide the first terms of that. A row of M over its diagonal
 * says what Cholesky of the inverse matrix says (Frantar et al. 2022), without the inverse.
 */
export function errorFactor(gram: Float64Array, n: number): Float64Array {
  // Cholesky from the last input to the first.
  const l = cholesky(gram.toReversed(), n);
  const m = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let k = 0; k <= i; k++) m[i * n + k] = l[(n - 1 - k) * n + (n - 1 - i)];
  return m;
}

/** The inverse [n, n], as 32-bit floats, of a lower triangle. */
export function inverseOfTriangle(m: Float64Array, n: number): Float32Array {
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = inverse.subarray(i * n, i * n + i + 1);
    for (let k = 0; k < i; k++) {
      const factor = m[i * n + k];
      for (let j = 0, from = k * n; j <= k; j++, from++) row[j] -= factor * inverse[from];
    }
    row[i] = 1;
    for (let j = 0; j <= i; j++) row[j] /= m[i * n + i];
  }
  return Float32Array.from(inverse);
}
