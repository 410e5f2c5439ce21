import { expect, test } from "vitest";
import { prompts } from "../../support/models.js";
import { flawsIn, recordAll, wrongProposals } from "../../support/proposal-checks.js";
import type { Checked } from "../../support/proposal-oracles.js";
import { tier } from "../../support/tier.js";

const EVERY = prompts()
  .filter((_, i) => i % 6 === 2)
  .map(({ prompt }) => prompt);
export const PROMPTS = tier(EVERY, [EVERY[1], EVERY[3]]);

/**
 * The target's choice decides what is said, so a broken drafter says the right text, only more slowly. Here its
 * proposals themselves are checked: each against one computed the obvious way, and all against the contract of plans.
 */
export function proposals(oracles: Readonly<Record<string, Checked>>): void {
  test.each(Object.entries(oracles))("%s", async (_, checked) => {
    const recordings = await recordAll(checked, PROMPTS);
    expect(await wrongProposals(checked, recordings)).toEqual([]);
    expect(flawsIn(recordings)).toEqual([]);
    const steps = recordings.flatMap((recording) => recording.steps);
    const candidates = steps.reduce((sum, { plan }) => sum + plan.tree.tokens.length - 1, 0);
    expect(candidates, "candidates, or nothing was checked").toBeGreaterThan(tier(50, 20));
    const isTree = steps.some(({ plan }) => plan.tree.parents.some((parent, i) => parent !== i - 1));
    const wentAside = recordings.some(({ exactTrees, steps }) =>
      steps.some(({ trace }) => (exactTrees ? trace.path.some((node, i) => node !== i) : trace.known > 0)),
    );
    expect(wentAside).toBe(isTree);
  });
}
