import type { Exactness, LanguageModel, SingleOptions } from "../../index.js";
import type { Way } from "./ways.js";

export const NEW_TOKENS = 96;
/** Tokens proposed in a step: passes of four rows cost little more than those of one on every CPU tried. */
export const DRAFTED = 3;
const ROUNDS = 5;

/** What a method gained on a model. */
export interface Outcome {
  model: string;
  method: string;
  sameTokens: boolean;
  exactness: Exactness;
  tokensPerPass: number;
  plainTokensPerSecond: number;
  speculativeTokensPerSecond: number;
  speedUp: number;
}

/** Plain decoding and every method in turn, after a warm-up; medians of the rounds. */
export async function compare(
  model: string,
  target: LanguageModel,
  ways: readonly Way[],
  prompt: string,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const generate = (options: SingleOptions) =>
    target.generate(prompt, { maxNewTokens: NEW_TOKENS, signal, ...options });
  const plainRates: number[] = [];
  const found = ways.map(() => ({ rates: [] as number[], sameTokens: true, tokensPerPass: 0 }));
  for (let round = 0; round <= ROUNDS; round++) {
    const plain = await generate({ speculation: { method: "none" } });
    if (round > 0) plainRates.push(plain.stats.tokensPerSecond);
    for (const [i, { options }] of ways.entries()) {
      const fast = await generate(options);
      found[i].sameTokens &&= plain.tokenIds.join() === fast.tokenIds.join();
      found[i].tokensPerPass = fast.stats.meanTokensPerPass;
      if (round > 0) found[i].rates.push(fast.stats.tokensPerSecond);
    }
  }
  return found.map(({ rates, ...rest }, i) => ({
    model,
    method: ways[i].method,
    exactness: target.exactness,
    ...rest,
    plainTokensPerSecond: median(plainRates),
    speculativeTokensPerSecond: median(rates),
    speedUp: median(rates.map((rate, round) => rate / plainRates[round])),
  }));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
