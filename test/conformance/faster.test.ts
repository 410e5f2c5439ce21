import { expect, test } from "vitest";
import { type DraftContext, type Drafter, methods, type StepPlan } from "../../src/index.js";
import { FasterDrafter } from "../../src/methods/guard/faster-drafter.js";
import { withEagleHeads } from "../support/eagle-heads.js";
import { DRAFT, model, prompts, TARGET } from "../support/models.js";
import { plainResult } from "../support/plain.js";
import { tier } from "../support/tier.js";
import { type Way, withDraft, withHeads } from "../support/ways.js";

/** Runs of three steps in which a drafter proposes, and of three in which it is asked for nothing. */
const RUN = 3;

/** A drafter that proposes in its own turns only. */
class InTurns implements Drafter {
  private step = 0;
  constructor(
    private readonly inner: Drafter,
    private readonly first: number,
  ) {}
  get name() {
    return this.inner.name;
  }
  get promptNeeds() {
    return this.inner.promptNeeds;
  }
  observePrompt: NonNullable<Drafter["observePrompt"]> = (...args) => this.inner.observePrompt?.(...args);
  readPrompt: NonNullable<Drafter["readPrompt"]> = async (...args) => this.inner.readPrompt?.(...args);
  begin: Drafter["begin"] = (prompt) => this.inner.begin(prompt);
  propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const own = (Math.floor(this.step++ / RUN) + this.first) % 2 === 0;
    return this.inner.propose(context, own ? budget : 0);
  }
  observe: Drafter["observe"] = (outcome) => this.inner.observe(outcome);
  fork(): Drafter {
    const fork = new InTurns(this.inner.fork(), this.first);
    fork.step = this.step;
    return fork;
  }
  dispose() {
    this.inner.dispose();
  }
}

const turns = (name: string) => {
  const of = (method: string) => methods.all.find((other) => other.name === method)!;
  const turn = `${name} and n-grams in turn`;
  methods.register({
    ...of(name),
    ...{ name: turn, rank: undefined },
    create: async (context) => {
      const [modelled, lookup] = [
        await of(name).create(context),
        await of("ngram").create({ ...context, options: {} }),
      ];
      return new FasterDrafter(new InTurns(modelled, 0), new InTurns(lookup, 1));
    },
  });
  return turn;
};

const eagleHeads = withEagleHeads();
const WAYS: Record<string, Way> = {
  draft: withDraft(turns("draft")),
  eagle: {
    options: async (dtype) => ({ speculation: { method: turns("eagle"), heads: await eagleHeads(dtype) } }),
  },
  medusa: withHeads(turns("medusa")),
};
const SAMPLINGS = {
  greedy: {},
  sampled: { temperature: 0.8, seed: 5 },
  "maximal coupling, which reads distributions": { temperature: 0.8, seed: 5 },
};

test.each(Object.keys(WAYS))("%s and n-grams in turn: plain decoding's tokens, and both proposed", async (name) => {
  const target = await model(TARGET, "q8");
  for (const [sampling, how] of Object.entries(SAMPLINGS)) {
    const maximal = sampling.startsWith("maximal");
    const way = await WAYS[name].options("q8");
    const options = { maxNewTokens: tier(96, 48), ignoreEos: true, ...how };
    const prompt = prompts()[3].prompt;
    const speculation = { ...way.speculation, ...(maximal && { coupling: "maximal" as const }) };
    const fast = await target.generate(prompt, { ...options, ...way, speculation });
    const { byDrafter } = fast.stats;
    for (const drafter of [name, "ngram"]) expect(byDrafter[drafter]?.drafted ?? 0, drafter).toBeGreaterThan(0);
    expect(byDrafter[name].accepted).toBeGreaterThan(0);
    if (maximal) continue;
    expect(fast.tokenIds).toEqual((await plainResult("q8", prompt, options)).tokenIds);
  }
});

test("auto with a draft has n-grams beside it, in several outputs of a pass too", async () => {
  const target = await model(TARGET, "q8");
  const assistantModel = await model(DRAFT, "q8");
  const options = { maxNewTokens: 48, ignoreEos: true };
  const asked = [prompts()[3].prompt, prompts()[25].prompt];
  const results = await target.generate(asked, { ...options, assistantModel });
  for (const [i, { tokenIds, stats }] of results.entries()) {
    expect(tokenIds).toEqual((await plainResult("q8", asked[i], options)).tokenIds);
    expect(stats.method).toBe("draft");
  }
  expect(results.some(({ stats }) => stats.byDrafter.ngram)).toBe(true);
});
