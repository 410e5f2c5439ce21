import { logitsOf } from "../../src/exactness/row-invariance.js";
import type { LanguageModel } from "../../src/index.js";
import { logSumExp } from "../../src/sampling/log-probability.js";

/** How a quantised model's distributions compare with the exact one's. */
export interface Quality {
  positions: number;
  /** Mean Kullback-Leibler divergence from the exact model, in nats. */
  kl: number;
  /** Positions where the exact model's best token leads by more than half a nat. */
  clear: number;
  /** Share of those where the quantised model has the same best token. */
  agreement: number;
}

export async function quality(
  exact: LanguageModel,
  rough: LanguageModel,
  texts: readonly (readonly number[])[],
): Promise<Quality> {
  let [kl, positions, clear, agree] = [0, 0, 0, 0];
  for (const ids of texts) {
    const p = await logitsOf(exact.model, ids, 64);
    const q = await logitsOf(rough.model, ids, 64);
    for (const i of ids.keys()) {
      kl += divergence(p[i], q[i]);
      positions++;
      const [best, second] = topTwo(p[i]);
      if (p[i][best] - p[i][second] <= 0.5) continue;
      clear++;
      if (topTwo(q[i])[0] === best) agree++;
    }
  }
  return { positions, kl: kl / positions, clear, agreement: agree / clear };
}

function topTwo(row: Float32Array): [number, number] {
  let [first, second] = row[1] > row[0] ? [1, 0] : [0, 1];
  for (let i = 2; i < row.length; i++) {
    if (row[i] > row[first]) [first, second] = [i, first];
    else if (row[i] > row[second]) second = i;
  }
  return [first, second];
}

function divergence(p: Float32Array, q: Float32Array): number {
  const [zp, zq] = [logSumExp(p, p.length), logSumExp(q, q.length)];
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += Math.exp(p[i] - zp) * (p[i] - zp - (q[i] - zq));
  return sum;
}
