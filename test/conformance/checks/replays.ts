import { expect, test } from "vitest";
import { Recording, type SingleOptions } from "../../../src/index.js";
import { model, prompts, TARGET } from "../../support/models.js";
import { tier } from "../../support/tier.js";
import type { Subject } from "../suite.js";

const SAMPLINGS: Record<string, SingleOptions> = {
  greedy: {},
  sampled: { temperature: 0.7, seed: 3, repetitionPenalty: 1.1, minNewTokens: 4 },
};
const EVERY = prompts().filter((_, i) => i % 8 === 3);
const CASES = tier(EVERY, [EVERY[0], EVERY[1]]);

/** Replays predict what a run accepts, from one plain pass over its text. */
export function replays({ method, options: way, guesses, turn }: Subject): void {
  const samplings = Object.keys(SAMPLINGS).filter((_, i) => tier(true, i === turn % 2));
  const title = guesses ? "nearly what a run accepts: %s" : "exactly what a run accepts: %s";
  test.each(samplings)(title, async (sampling) => {
    const target = await model(TARGET, "q8");
    const options = { ...SAMPLINGS[sampling], maxNewTokens: 40 };
    let [accepted, passes, predicted] = [0, 0, 0];
    for (const { prompt } of CASES) {
      // Options are made anew for every run: what token recycling remembers stays in them.
      const { stats, tokenIds: output } = await target.generate(prompt, { ...options, ...(await way("q8")) });
      const recording = await Recording.of(target, { prompt, output }, options);
      const { rows, guessedRows, ...found } = await recording.replay(await way("q8"));
      expect(guessedRows > 0).toBe(guesses ?? false);
      expect(found.newTokens).toBe(stats.newTokens);
      accepted += found.acceptedTokens;
      passes += stats.targetPasses;
      predicted += found.targetPasses;
      if (guesses) continue;
      expect(stats).toMatchObject(found);
      expect(rows.length).toBe(stats.targetPasses);
    }
    if (guesses) expect(Math.abs(predicted / passes - 1)).toBeLessThan(0.25);
    else expect(accepted > 0).toBe(method !== "none");
  });
}
