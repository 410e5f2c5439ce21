/** A gradient as oracles keep it: its norm, sums against three waves, and some values. */
export interface Digest {
  norm: number;
  waves: number[];
  some: number[];
}

export const furthest = (got: ArrayLike<number>, expected: readonly number[]) =>
  Math.max(...expected.map((value, i) => Math.abs(value - got[i])));

/** The largest difference of a digest from `times` the expected one, relative to the gradient's norm. */
export function digestError(gradient: Float32Array, { norm, waves, some }: Digest, times = 1): number {
  const sums = [0.37, 1.13, 2.71].map((step) => gradient.reduce((sum, g, i) => sum + g * Math.cos(i * step), 0));
  const stride = Math.max(1, Math.floor(gradient.length / 8));
  const length = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
  const got = [length, ...sums, ...some.map((_, i) => gradient[i * stride])];
  const expected = [norm, ...waves, ...some].map((value) => times * value);
  return furthest(got, expected) / (times * norm);
}
