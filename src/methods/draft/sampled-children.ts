import type { Distribution } from "../../sampling/distribution.js";
import type { TokenId } from "../../types/token.js";
import type { Chance } from "../../verification/chance.js";

/** Less than this is rounding, not probability. */
const NOTHING = 1e-12;

/** Up to k different tokens, one after the other from what is left of the distribution. */
export function sampleWithoutReplacement({ ids, probs, count }: Distribution, k: number, chance: Chance): TokenId[] {
  const left = probs.slice(0, count);
  let mass = 1;
  const tokens: TokenId[] = [];
  while (tokens.length < k && mass > NOTHING) {
    const index = chance.pick(left, mass);
    if (index < 0) break;
    tokens.push(ids[index]);
    left[index] = 0;
    mass = left.reduce((sum, p) => sum + p, 0);
  }
  return tokens;
}
