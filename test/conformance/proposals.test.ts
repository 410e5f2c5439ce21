import { describe, expect, test } from "vitest";
import type { DraftContext, Drafter, GenerateOptions, StepPlan } from "../../src/index.js";
import { WAYS } from "../support/methods.js";
import { model, prompts, TARGET } from "../support/models.js";
import { plainResult } from "../support/plain.js";
import { WrappedDrafter, wrapped } from "../support/probe.js";
import { flawsIn, recordAll, wrongProposals } from "../support/proposal-checks.js";
import { CHECKED } from "../support/proposal-oracles.js";
import { tier } from "../support/tier.js";
import { assertWellFormed } from "../support/well-formed.js";

/**
 * The target's choice decides what is said, so a broken drafter says the right text, only more slowly. Here its
 * proposals themselves are checked: each against one computed the obvious way, and all against the contract of plans.
 */
const EVERY = prompts()
  .filter((_, i) => i % 6 === 2)
  .map(({ prompt }) => prompt);
const PROMPTS = tier(EVERY, [EVERY[1], EVERY[5]]);

describe("every step proposes what the oracle does", () => {
  test.each(Object.keys(CHECKED))("%s", async (name) => {
    const recordings = await recordAll(name, PROMPTS);
    expect(await wrongProposals(name, recordings)).toEqual([]);
    expect(flawsIn(recordings)).toEqual([]);
    const steps = recordings.flatMap((recording) => recording.steps);
    const candidates = steps.reduce((sum, { plan }) => sum + plan.tree.tokens.length - 1, 0);
    expect(candidates, "candidates, or nothing was checked").toBeGreaterThan(tier(50, 20));
    const isTree = steps.some(({ plan }) => plan.tree.parents.some((parent, i) => parent !== i - 1));
    expect(steps.some(({ trace }) => trace.known > 0)).toBe(isTree);
  });
});

const SAMPLINGS: Record<string, GenerateOptions> = {
  greedy: {},
  "temperature 0.7": { temperature: 0.7, seed: 7 },
  "maximal coupling": { temperature: 1, seed: 9, speculation: { coupling: "maximal" } },
};
/** Candidates that steps may have, in turn. */
const NODES = [128, 5, 1, 0, 2];

/** Gives a drafter less and less to spend and checks every plan. */
class Strict extends WrappedDrafter {
  private steps = 0;

  constructor(
    inner: Drafter,
    private readonly vocabSize: number,
  ) {
    super(inner);
  }

  override async propose(context: DraftContext, most: number): Promise<StepPlan> {
    const budget = Math.min(most, NODES[this.steps++ % NODES.length]);
    const plan = await this.inner.propose(context, budget);
    assertWellFormed(plan, context, budget, this.vocabSize);
    return plan;
  }
}

describe("every plan is well-formed, however small the budget", () => {
  test.each(Object.keys(WAYS))("%s", async (name) => {
    const target = await model(TARGET, "q8");
    const { method, options } = WAYS[name];
    const { speculation, ...rest } = await options("q8");
    for (const { speculation: rule, ...sampling } of Object.values(SAMPLINGS)) {
      const all = { ...rest, ...sampling, speculation: { ...speculation, ...rule }, maxNewTokens: 24 };
      const strict = wrapped(method, all, (drafter) => new Strict(drafter, target.model.vocabLimit));
      for (const prompt of PROMPTS.slice(tier(-2, -1))) {
        const { tokenIds } = await target.generate(prompt, strict);
        if (rule) continue;
        const plain = await plainResult("q8", prompt, { ...sampling, maxNewTokens: 24 });
        expect(tokenIds).toEqual(plain.tokenIds);
      }
    }
  });
});
