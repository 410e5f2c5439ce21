import { expect, test } from "vitest";
import { PassTimes } from "../../../src/engine/pass-times.js";
import { type DraftContext, type Drafter, methods, type StepPlan } from "../../../src/index.js";
import { Experience } from "../../../src/methods/guard/experience.js";
import { FasterDrafter } from "../../../src/methods/guard/faster-drafter.js";
import { Forecast } from "../../../src/methods/guard/forecast.js";
import { GuardedDrafter } from "../../../src/methods/guard/guard.js";
import { TokenHistory } from "../../../src/sampling/history.js";
import { chain } from "../../../src/trees/token-tree.js";
import { DRAFT, model, TARGET } from "../../support/models.js";

/** Passes whose time is `first` ms and `more` for every further row. */
function timesOf(first: number, more: number): PassTimes {
  const times = new PassTimes();
  for (const rows of [1, 2, 4, 8]) for (let i = 0; i < 2; i++) times.observe(rows, first + (rows - 1) * more);
  return times;
}

/** Proposes tokens, four unless told otherwise, that are right for `right` of them; counts what it is asked for. */
class Four implements Drafter {
  readonly name = "four";
  asked: number[] = [];
  constructor(
    readonly free: boolean,
    private readonly right: number,
    private readonly ms = 0,
    readonly length = 4,
  ) {}
  async begin() {}
  async propose({ history, maxDepth }: DraftContext, budget: number): Promise<StepPlan> {
    const depth = Math.min(this.length, maxDepth, budget);
    this.asked.push(depth);
    const end = performance.now() + this.ms * depth;
    while (performance.now() < end);
    const last = history.at(history.length - 1);
    const tokens = Array.from({ length: depth }, (_, i) => (i < this.right ? last + i + 1 : 0));
    return { tree: chain(last, tokens, this.name), grade: 2 };
  }
  observe() {}
  fork() {
    return this;
  }
  dispose() {}
}

/** Runs steps over the text 1, 2, 3, ...; returns how many candidates each step verified. */
async function run(inner: Four, times: PassTimes, steps: number, experience = new Experience()): Promise<number[]> {
  const guard = new GuardedDrafter(inner, times, experience);
  const history = new TokenHistory([1]);
  const verified: number[] = [];
  for (let step = 0; step < steps; step++) {
    const context = { history, maxDepth: 16 } as unknown as DraftContext;
    const { tree } = await guard.propose(context, 64);
    verified.push(tree.tokens.length - 1);
    let next = history.at(history.length - 1) + 1;
    for (const token of tree.tokens.slice(1)) if (token === next) history.push(next++);
    history.push(next);
  }
  guard.dispose();
  return verified;
}

test("what comes true is verified whole where rows cost little", async () => {
  expect((await run(new Four(true, 4), timesOf(10, 0.5), 60)).slice(-20)).toEqual(new Array(20).fill(4));
});

test("what never comes true is soon left out", async () => {
  const verified = await run(new Four(true, 0), timesOf(10, 2), 60);
  expect(verified.slice(20)).toEqual(new Array(40).fill(0));
});

test("a proposal is cut where its tokens are no longer right", async () => {
  expect((await run(new Four(true, 2), timesOf(10, 1), 80)).slice(-20)).toEqual(new Array(20).fill(2));
});

test("rows that cost a pass each are worth nothing, however right", async () => {
  expect((await run(new Four(true, 4), timesOf(10, 10), 60)).slice(-20)).toEqual(new Array(20).fill(0));
});

test("a draft that costs as much as the target is left alone, and tried again ever more seldom", async () => {
  const draft = new Four(false, 4, 3);
  const experience = new Experience();
  const verified = await run(draft, timesOf(3, 0.1), 700, experience);
  const tries = verified.flatMap((count, step) => (count > 0 ? [step] : []));
  expect(tries.slice(0, 3)).toEqual([0, 1, 2]);
  expect(tries.length).toBeLessThan(7);
  // It is asked in every step, for nothing too: what it observes next are rows that it knows of.
  expect(draft.asked).toHaveLength(700);
  // What was learned holds for the next output.
  expect((await run(draft, timesOf(3, 0.1), 20, experience)).filter((count) => count > 0)).toEqual([]);
});

test("a draft that costs little is used, as deep as it is right", async () => {
  expect((await run(new Four(false, 4, 0.1), timesOf(10, 0.5), 60)).slice(-20)).toEqual(new Array(20).fill(4));
});

/** Runs two guarded drafters over the text 1, 2, 3, ...; returns the name of the one that proposed in each step. */
async function runBoth(modelled: Four, lookup: Four, times: PassTimes, steps: number): Promise<string[]> {
  const guard = (inner: Four) => new GuardedDrafter(inner, times, new Experience());
  const faster = new FasterDrafter(guard(modelled), guard(lookup));
  const history = new TokenHistory([1]);
  const by: string[] = [];
  for (let step = 0; step < steps; step++) {
    const context = { history, maxDepth: 16 } as unknown as DraftContext;
    const { tree, needs } = await faster.propose(context, 64);
    by.push(tree.tokens.length === 1 ? "nobody" : tree.tokens.length === 1 + lookup.length ? "lookup" : "model");
    expect(needs).toHaveLength(tree.tokens.length);
    history.push(history.at(history.length - 1) + 1);
  }
  faster.dispose();
  return by;
}

test("of two drafters the one that is expected to be faster proposes", async () => {
  const times = timesOf(10, 0.1);
  // Right four times out of four for 0.4 ms, and right twice for nothing.
  const better = await runBoth(new Four(false, 4, 0.1), new Four(true, 2, 0, 2), times, 60);
  expect(new Set(better.slice(-20))).toEqual(new Set(["model"]));
  // As right, and slow: the lookup does.
  const modelled = new Four(false, 4, 3);
  const slower = await runBoth(modelled, new Four(true, 2, 0, 2), times, 60);
  expect(new Set(slower.slice(-20))).toEqual(new Set(["lookup"]));
  expect(modelled.asked).toHaveLength(60);
  // Neither is right.
  const neither = await runBoth(new Four(false, 0, 0.1), new Four(true, 0, 0, 2), times, 60);
  expect(new Set(neither.slice(-20))).toEqual(new Set(["nobody"]));
});

test("a forecast follows what it sees", () => {
  const forecast = new Forecast(() => 0.5);
  expect(forecast.chance(1, 1)).toBe(0.5);
  for (let i = 0; i < 50; i++) forecast.observe(1, 2, 1);
  expect(forecast.chance(1, 0)).toBeGreaterThan(0.95);
  expect(forecast.chance(1, 1)).toBeLessThan(0.1);
  expect(forecast.chance(1, 7)).toBe(forecast.chance(1, 1));
  expect(forecast.chance(2, 0)).toBe(0.5);
});

test("times between known sizes lie on a line, others are not known", () => {
  const times = timesOf(10, 1);
  expect(times.at(3)).toBeCloseTo(12);
  expect([times.knows(8), times.knows(9)]).toEqual([true, false]);
  expect(() => times.at(9)).toThrow("no pass of 9 rows was measured");
});

test("auto alone is guarded n-grams: plain decoding's text, in fewer passes where it repeats itself", async () => {
  const target = await model(TARGET, "q8");
  const options = { maxNewTokens: 96, ignoreEos: true };
  const plain = await target.generate("Once upon a time", { ...options, speculation: { method: "none" } });
  const { tokenIds, stats } = await target.generate("Once upon a time", options);
  expect(tokenIds).toEqual(plain.tokenIds);
  expect(stats.method).toBe("ngram");
  expect(methods.all.find(({ name }) => name === "ngram")?.rank).toBeGreaterThan(0);
});

test("auto with a draft as slow as its target says how often it held back", async () => {
  const target = await model(TARGET, "fp32");
  const assistantModel = await model(DRAFT, "fp32");
  const options = { maxNewTokens: 96, ignoreEos: true };
  const plain = await target.generate("Once upon a time", { ...options, speculation: { method: "none" } });
  const { tokenIds, stats } = await target.generate("Once upon a time", { ...options, assistantModel });
  expect(tokenIds).toEqual(plain.tokenIds);
  expect(stats.method).toBe("draft");
  expect(stats.guardedSteps).toBeLessThanOrEqual(stats.targetPasses);
});
