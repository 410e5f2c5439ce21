import type { Distribution } from "../../src/sampling/distribution.js";

/** A distribution over ids 0 .. n-1 from weights; zero weights are left out. */
export function distributionOf(weights: readonly number[]): Distribution {
  const ids = weights.map((_, i) => i).filter((i) => weights[i] > 0);
  const total = weights.reduce((a, b) => a + b, 0);
  return {
    ids: Int32Array.from(ids),
    probs: Float64Array.from(ids, (i) => weights[i] / total),
    count: ids.length,
  };
}

/** Upper tail probability of a chi-square statistic: the regularised incomplete gamma function Q(k/2, x/2). */
export function chiSquareTail(statistic: number, freedom: number): number {
  const a = freedom / 2;
  const x = statistic / 2;
  if (x <= 0) return 1;
  const front = Math.exp(-x + a * Math.log(x) - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 10_000 && term > sum * 1e-17; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return Math.max(0, 1 - front * sum);
  }
  // Lentz's continued fraction.
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 10_000; i++) {
    const an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return front * h;
}

/** p-value of counts against expected probabilities; categories expected fewer than 5 times are pooled. */
export function chiSquareTest(counts: readonly number[], probabilities: readonly number[]): number {
  const n = counts.reduce((a, b) => a + b, 0);
  let statistic = 0;
  let categories = 0;
  let pooledCount = 0;
  let pooledExpected = 0;
  counts.forEach((count, i) => {
    const expected = n * probabilities[i];
    if (expected < 5) {
      pooledCount += count;
      pooledExpected += expected;
      return;
    }
    statistic += (count - expected) ** 2 / expected;
    categories++;
  });
  if (pooledExpected === 0 && pooledCount > 0) return 0; // something impossible happened
  if (pooledExpected > 0) {
    statistic += (pooledCount - pooledExpected) ** 2 / pooledExpected;
    categories++;
  }
  return chiSquareTail(statistic, Math.max(1, categories - 1));
}

function logGamma(x: number): number {
  // Lanczos approximation, g = 7.
  const g = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  let sum = g[0];
  for (let i = 1; i < 9; i++) sum += g[i] / (x - 1 + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}
