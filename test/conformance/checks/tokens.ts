import { expect, test } from "vitest";
import type { Dtype, SingleOptions } from "../../../src/index.js";
import { model, prompts, TARGET } from "../../support/models.js";
import { plainResult, plainResults } from "../../support/plain.js";
import { some, tier } from "../../support/tier.js";
import type { Subject } from "../suite.js";

const NEW_TOKENS = tier(28, 20);
const SAMPLINGS: Record<string, SingleOptions> = {
  greedy: {},
  "temperature 0.7": { temperature: 0.7, seed: 7 },
  "top-p": { temperature: 1, topP: 0.8, seed: 2 ** 35 + 3 },
};
const OTHERS: readonly Dtype[] = tier(["fp32", "q4"], ["q4"]);

/** The promise: plain decoding's tokens and log-probabilities, exactly. */
export function tokens({ options: way }: Subject): void {
  test.each(Object.keys(SAMPLINGS))("tokens of plain decoding on every prompt: %s", async (sampling) => {
    let accepted = 0;
    // q8 on all prompts (sampled: on every second, or on one where every method drafts well), the other dtypes on some.
    const asked = prompts().map((prompt, i) => ({ ...prompt, i }));
    const sampled = tier(
      some(asked, 1).filter((_, at) => at % 2 === 0),
      [asked[sampling === "top-p" ? 12 : 10]],
    );
    const cases = sampling === "greedy" ? some(asked, 2) : sampled;
    for (const { id, prompt, i } of cases) {
      const dtypes: Dtype[] = ["q8", ...(tier(i % 10 === 4, i === cases[0].i) ? OTHERS : [])];
      for (const dtype of dtypes) {
        const target = await model(TARGET, dtype);
        const options = { ...SAMPLINGS[sampling], maxNewTokens: NEW_TOKENS };
        const plain = await plainResult(dtype, prompt, options);
        const fast = await target.generate(prompt, { ...options, ...(await way(dtype)) });
        expect(fast.tokenIds, `${id} ${dtype}`).toEqual(plain.tokenIds);
        expect(fast.text).toBe(plain.text);
        expect(fast.stats.lossless).toBe(true);
        accepted += fast.stats.acceptedTokens;
      }
    }
    expect(accepted).toBeGreaterThan(0);
  });

  test("several samples of a prompt, each plain decoding's", async () => {
    const target = await model(TARGET, "q8");
    const batch = [prompts()[0].prompt, prompts()[25].prompt];
    const options = { temperature: 0.8, seed: 12, maxNewTokens: tier(20, 12), numReturnSequences: 3 };
    const plain = await plainResults("q8", batch, options);
    const fast = await target.generate(batch, { ...options, ...(await way("q8")) });
    expect(fast.map((result) => result.tokenIds)).toEqual(plain.map((result) => result.tokenIds));
    expect(new Set(fast.map((result) => result.text)).size).toBe(6);
    const alone = await plainResults("q8", [batch[1]], { ...options, numReturnSequences: 1 });
    expect(alone[0].tokenIds).toEqual(plain[3].tokenIds);
  });

  test("prompts in the same passes, each at its own position, with processors", async () => {
    const target = await model(TARGET, "q8");
    const batch = some(
      prompts().filter((_, i) => i % 7 === 2),
      3,
    ).map(({ prompt }) => prompt);
    const cases: SingleOptions[] = [
      { temperature: 0.9, repetitionPenalty: 1.2, minNewTokens: 8, seed: 4 },
      { frequencyPenalty: 0.4, logitBias: { 300: 3 }, logProbs: 2 },
    ];
    for (const sampling of cases) {
      const options = { ...sampling, maxNewTokens: tier(NEW_TOKENS, 12) };
      const plain = await plainResults("q8", batch, options);
      const fast = await target.generate(batch, { ...options, ...(await way("q8")) });
      expect(fast.map((result) => result.tokenIds)).toEqual(plain.map((result) => result.tokenIds));
      expect(fast.map((result) => result.logProbs)).toEqual(plain.map((result) => result.logProbs));
    }
  });
}
