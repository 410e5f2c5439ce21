/**
 * Whether a logit calls for a look at its whole row: where numbers overflowed, a row is NaN throughout, or, through
 * norms and 8-bit products that make nothing of infinities, zero throughout. So one logit tells, and it is read anyway.
 */
export function isSuspect(logit: number): boolean {
  return logit === 0 || !(Math.abs(logit) < Number.POSITIVE_INFINITY);
}

/** Whether a row of logits can be chosen by: no NaN, no +Infinity, and not all zero. */
export function areSound(row: Float32Array): boolean {
  let zero = true;
  for (const logit of row) {
    if (!(logit < Number.POSITIVE_INFINITY)) return false;
    zero &&= logit === 0;
  }
  return !zero;
}
