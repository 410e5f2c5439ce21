/** Largest 32-bit float. */
export const LARGEST_FLOAT = (2 - 2 ** -23) * 2 ** 127;

/** A changed logit within the range of floats: an endless penalty puts a token last, it does not forbid it. */
export function withinFloats(value: number): number {
  return Math.min(LARGEST_FLOAT, Math.max(-LARGEST_FLOAT, value));
}
