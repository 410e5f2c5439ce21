import { beforeAll, describe, expect, test } from "vitest";
import type { Run } from "../../src/generation/run.js";
import { Scheduler } from "../../src/generation/scheduler.js";
import type { Drafter, GenerateOptions, LanguageModel, StepPlan } from "../../src/index.js";
import { DRAFT, model, prompts, TARGET } from "../support/models.js";
import { WrappedDrafter } from "../support/probe.js";
import { Random } from "../support/random.js";
import { newRun, outcomes } from "../support/runs.js";
import { tier } from "../support/tier.js";

/** Requests come, go, fail and are cancelled between steps; each output is its own plain decoding's all the same. */
const SCHEDULES = tier(1000, 10);

let target: LanguageModel;
let draft: LanguageModel;
let texts: number[][];

beforeAll(async () => {
  target = await model(TARGET, "q8");
  draft = await model(DRAFT, "q8");
  const long = prompts().flatMap(({ prompt }) => target.tokenizer!.encode(prompt));
  texts = prompts()
    .slice(0, 6)
    .map(({ prompt }) => target.tokenizer!.encode(prompt));
  texts.push(long.slice(0, 300), long.slice(20, 21));
});

/** Fails in its third step. */
class Failing extends WrappedDrafter {
  private steps = 0;

  override propose(...given: Parameters<Drafter["propose"]>): Promise<StepPlan> {
    if (++this.steps === 3) throw new Error("a planted fault");
    return super.propose(...given);
  }
}

const WAYS: readonly (() => GenerateOptions)[] = [
  () => ({ speculation: { method: "none" } }),
  () => ({ speculation: { method: "ngram" } }),
  () => ({ assistantModel: draft, speculation: { method: "draft" } }),
  () => ({ assistantModel: draft, speculation: { method: "draft", treeWidths: [2, 2, 1] } }),
  () => ({ speculation: { method: "lookahead" } }),
];

const plains = new Map<string, number[]>();
async function plain(text: number, maxNewTokens: number, seed: number | undefined): Promise<number[]> {
  const key = [text, maxNewTokens, seed].join();
  const sampling = seed === undefined ? {} : { temperature: 0.8, seed };
  const options = { ...sampling, maxNewTokens, speculation: { method: "none" } };
  const tokens = plains.get(key) ?? (await target.generate(texts[text], options)).tokenIds;
  plains.set(key, tokens);
  return tokens;
}

test(`${SCHEDULES} random schedules`, async () => {
  const random = new Random(11);
  const pick = (n: number) => random.int(0, n - 1);
  let failed = 0;
  let cancelled = 0;
  for (let schedule = 0; schedule < SCHEDULES; schedule++) {
    const scheduler = new Scheduler(target.model, { maxRunning: 1 + pick(8) });
    const expected = new Map<Run, { text: number; maxNewTokens: number; seed: number | undefined; faulty: boolean }>();
    const gone = new Set<Run>();
    const add = () => {
      const given = {
        text: pick(texts.length),
        maxNewTokens: pick(12),
        seed: [undefined, 3][pick(2)],
        faulty: pick(6) === 0,
      };
      const sampling = given.seed === undefined ? {} : { temperature: 0.8, seed: given.seed };
      const options = { ...WAYS[pick(WAYS.length)](), ...sampling, maxNewTokens: given.maxNewTokens };
      const run = newRun(target, texts[given.text], options, (d) => (given.faulty ? new Failing(d) : d));
      expected.set(run, given);
      scheduler.add(run);
    };
    for (let i = 0; i < 3; i++) add();
    const results = await outcomes(scheduler, (step) => {
      if (step < 20 && pick(4) === 0) add();
      if (pick(8) > 0) return;
      const run = [...expected.keys()][pick(expected.size)];
      scheduler.cancel(run);
      gone.add(run);
    });
    for (const [run, given] of expected) {
      const result = results.get(run)!;
      const whole = await plain(given.text, given.maxNewTokens, given.seed);
      expect(result.tokenIds).toEqual(whole.slice(0, result.tokenIds.length));
      if (result.error) {
        expect((result.error as Error).message).toMatch(/a planted fault$/);
        expect(given.faulty).toBe(true);
        failed++;
      } else if (result.finish === "aborted") {
        expect(gone.has(run)).toBe(true);
        cancelled++;
      } else expect(result.tokenIds).toEqual(whole);
    }
    scheduler.dispose();
  }
  expect(failed).toBeGreaterThan(SCHEDULES / 20);
  expect(cancelled).toBeGreaterThan(SCHEDULES / 20);
});

describe("a batch in which one fails, one aborts and one runs out of time", () => {
  test("leaves the fourth alone", async () => {
    const scheduler = new Scheduler(target.model);
    const stop = new AbortController();
    const options = { maxNewTokens: 24, assistantModel: draft, speculation: { method: "draft" } };
    const runs = [
      newRun(target, texts[0], options, (drafter) => new Failing(drafter)),
      newRun(target, texts[1], { ...options, signal: stop.signal }),
      newRun(target, texts[2], { ...options, maxTime: 1e-9 }),
      newRun(target, texts[3], options),
    ];
    for (const run of runs) scheduler.add(run);
    const results = await outcomes(scheduler, (step) => step === 2 && stop.abort());
    expect(results.get(runs[0])!.error).toMatchObject({ message: expect.stringMatching(/a planted fault$/) });
    expect(results.get(runs[1])!.finish).toBe("aborted");
    expect(results.get(runs[2])!.finish).toBe("time");
    expect(results.get(runs[3])!.tokenIds).toEqual(await plain(3, 24, undefined));
  });
});

test("a drafter that cannot be disposed of is the end of its own output only", async () => {
  class Clinging extends WrappedDrafter {
    override dispose(): void {
      super.dispose();
      throw new Error("it clings");
    }
  }
  const scheduler = new Scheduler(target.model);
  const options = { assistantModel: draft, speculation: { method: "draft" } };
  const clinging = newRun(target, texts[0], { ...options, maxNewTokens: 3 }, (drafter) => new Clinging(drafter));
  const other = newRun(target, texts[3], { ...options, maxNewTokens: 24 });
  for (const run of [clinging, other]) scheduler.add(run);
  const results = await outcomes(scheduler);
  expect(results.get(clinging)!.error).toMatchObject({ message: expect.stringMatching(/it clings$/) });
  expect(results.get(clinging)!.tokenIds).toEqual(await plain(0, 3, undefined));
  expect(results.get(other)!.tokenIds).toEqual(await plain(3, 24, undefined));
});

test("outputs go on while a long prompt is read", async () => {
  const scheduler = new Scheduler(target.model);
  const short = newRun(target, texts[0], { maxNewTokens: 40, ignoreEos: true, speculation: { method: "none" } });
  const long = newRun(target, texts[6], { maxNewTokens: 2, speculation: { method: "none" } });
  scheduler.add(short);
  const results = await outcomes(scheduler, (step) => step === 3 && scheduler.add(long));
  const firstOfLong = results.get(long)!.steps[0];
  const meanwhile = results.get(short)!.steps.filter((step) => step >= 3 && step < firstOfLong);
  expect(meanwhile.length).toBeGreaterThan(5);
  expect(meanwhile.length).toBe(firstOfLong - 3);
});

test("more outputs than a pass takes go round", async () => {
  const options = { maxNewTokens: 12, ignoreEos: true, speculation: { method: "none" } };
  const few = Object.create(target.model, { maxSequences: { value: 4 } });
  const scheduler = new Scheduler(few);
  const runs = Array.from({ length: 10 }, () => newRun(target, texts[0], options));
  for (const run of runs) scheduler.add(run);
  const results = await outcomes(scheduler);
  const ends = runs.map((run) => results.get(run)!.steps.at(-1)!);
  // 120 tokens, four a step: one after the other the first would end in step 12.
  expect(Math.min(...ends)).toBeGreaterThan(20);
});

test("drafters of several sequences read in the same passes", async () => {
  const batch = texts.slice(0, 4);
  const options = { maxNewTokens: 16, ignoreEos: true };
  let passes = 0;
  const counted = Object.create(draft.model, {
    forward: {
      value: (...given: Parameters<typeof draft.model.forward>) => {
        passes++;
        return draft.model.forward(...given);
      },
    },
  });
  const assistantModel = { model: counted, tokenizer: draft.tokenizer };
  const alone: number[][] = [];
  for (const prompt of batch) alone.push((await target.generate(prompt, { ...options, assistantModel })).tokenIds);
  const one = passes;
  passes = 0;
  const together = await target.generate(batch, { ...options, assistantModel });
  expect(together.map(({ tokenIds }) => tokenIds)).toEqual(alone);
  expect(passes).toBeLessThan(one / 2);
});
