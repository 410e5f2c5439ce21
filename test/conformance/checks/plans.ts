import { expect, test } from "vitest";
import type { DraftContext, Drafter, SingleOptions, StepPlan } from "../../../src/index.js";
import { model, TARGET } from "../../support/models.js";
import { plainResult } from "../../support/plain.js";
import { WrappedDrafter, wrapped } from "../../support/probe.js";
import { tier } from "../../support/tier.js";
import { assertWellFormed } from "../../support/well-formed.js";
import type { Subject } from "../suite.js";
import { PROMPTS } from "./proposals.js";

const SAMPLINGS: Record<string, SingleOptions> = {
  greedy: {},
  "temperature 0.7": { temperature: 0.7, seed: 7 },
  "maximal coupling": { temperature: 1, seed: 9, speculation: { coupling: "maximal" } },
};
/** Candidates that steps may have, in turn. */
const NODES = [128, 5, 1, 0, 2];

/** As a guard asks: of each level the better half is expanded, and the third not at all. */
const guidance: DraftContext["guidance"] = {
  chances: (probabilities) => probabilities.map((probability) => probability / 2),
  worthExpanding: (chances, depth) => {
    expect(chances).toEqual([...chances].sort((a, b) => b - a));
    return depth === 3 ? 0 : Math.ceil(chances.length / 2);
  },
};

/** Gives a drafter less and less to spend, in every other step as a guard does, and checks every plan. */
class Strict extends WrappedDrafter {
  private steps = 0;

  constructor(
    inner: Drafter,
    private readonly vocabSize: number,
  ) {
    super(inner);
  }

  override async propose(context: DraftContext, most: number): Promise<StepPlan> {
    const budget = Math.min(most, NODES[this.steps % NODES.length]);
    const guarded = this.steps++ % 2 === 1;
    const plan = await this.inner.propose(guarded ? { ...context, guidance } : context, budget);
    assertWellFormed(plan, context, budget, this.vocabSize);
    return plan;
  }
}

/** Every plan keeps to the contract of plans. */
export function plans({ method, options }: Subject): void {
  test("every plan is well-formed, however small the budget", async () => {
    const target = await model(TARGET, "q8");
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
}
