import { expect, test } from "vitest";
import { PassTimes } from "../../../src/engine/pass-times.js";
import type { DraftContext, Drafter, StepPlan } from "../../../src/index.js";
import { Calibration, calibrate, chancesOf } from "../../../src/methods/guard/calibration.js";
import { Experience } from "../../../src/methods/guard/experience.js";
import { Forecast } from "../../../src/methods/guard/forecast.js";
import { GuardedDrafter } from "../../../src/methods/guard/guard.js";
import { Outlook } from "../../../src/methods/guard/outlook.js";
import { TokenHistory } from "../../../src/sampling/history.js";
import { likeliest, likeliestNodes, treeOfNodes } from "../../../src/trees/likeliest.js";
import { chain, type TokenTree } from "../../../src/trees/token-tree.js";

const ms = (first: number, more: number) => (nodes: number) => first + more * nodes;

test("nodes are worth their rows where those bring more than their time would elsewhere", () => {
  const chances = [1, 0.9, 0.1, 0.8, 0.02];
  expect(likeliest(chances, ms(10, 1), 0.11, 0.1)).toEqual({ count: 2, tokens: 2.7, ms: 12 });
  expect(likeliest(chances, ms(10, 0), 0.1, 0.1).count).toBe(4);
  expect(likeliest(chances, ms(10, 10), 0.1, 0.1)).toEqual({ count: 0, tokens: 1, ms: 10 });
  // Sure ones are all taken, though the first alone would give the most tokens a millisecond.
  expect(likeliest([1, 0.99, 0.5, 0.4], ms(10, 1.5), 0.2, 0.1).count).toBe(3);
  // Steps elsewhere bring more.
  expect(likeliest(chances, ms(10, 1), 0.85, 0.1).count).toBe(1);
  // Others' proposal for this step gives more.
  expect(likeliest(chances, ms(10, 1), 0.25, 0.25).count).toBe(0);
  // A row that costs much, such as the first beyond a tile, may bring along what follows for nothing.
  expect(likeliest([1, 0.3, 0.3, 0.3, 0.3], (nodes) => (nodes > 0 ? 14 : 10), 0.1, 0.1).count).toBe(4);
});

test("what is kept is a tree, with its tokens and sources", () => {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 300; round++) {
    const nodes = 2 + Math.floor(uniform() * 12);
    const parents = [-1];
    const chances = [1];
    for (let node = 1; node < nodes; node++) {
      parents.push(Math.floor(uniform() * node));
      // Many are equal: a quarter of a quarter.
      chances.push(chances[parents[node]] * Math.ceil(4 * uniform()) * 0.25);
    }
    const sources = parents.map((_, node) => (node > 0 ? `drafter ${node}` : undefined));
    const tree: TokenTree = { tokens: parents.map((_, node) => 100 + node), parents, sources };
    const kept = likeliestNodes(chances, Math.floor(uniform() * nodes));
    const cut = treeOfNodes(tree, kept);
    expect(cut.parents[0]).toBe(-1);
    for (let i = 1; i < kept.length; i++) {
      expect(cut.parents[i]).toBeGreaterThanOrEqual(0);
      expect(cut.tokens[cut.parents[i]]).toBe(100 + parents[kept[i]]);
      expect(cut.sources![i]).toBe(`drafter ${kept[i]}`);
    }
    const left = chances.filter((_, node) => !kept.includes(node));
    for (const chance of left) expect(chance).toBeLessThanOrEqual(Math.min(...kept.map((node) => chances[node])));
  }
});

test("probabilities are worth what came of such ones, by rank", () => {
  const calibration = new Calibration();
  const before = calibration.chances([0.65, 0.25, 0.05]);
  expect(before.map((chance) => +chance.toFixed(3))).toEqual([0.585, 0.225, 0.045]);
  // The first of them comes true nine times out of ten, the second seldom.
  for (let i = 0; i < 400; i++) {
    calibration.observe(0.65, 0, i % 10 > 0);
    calibration.observe(0.25, 1, i % 20 === 0);
  }
  calibration.observe(Number.NaN, 0, true);
  const [first, second, third] = calibration.chances([0.65, 0.25, 0.05]);
  expect(first).toBeGreaterThan(0.85);
  expect(first).toBeLessThan(0.95);
  expect(second).toBeLessThan(0.08);
  expect(third).toBe(before[2]);
});

test("chances fall, and are none where probabilities are no numbers", () => {
  const calibration = new Calibration();
  for (let i = 0; i < 400; i++) calibration.observe(0.3, 1, true);
  expect(calibration.chances([0.35, 0.3])).toEqual([expect.closeTo(0.315), expect.closeTo(0.315)]);
  expect(calibration.chances([1 + 1e-7, Number.NaN, 0.5])).toEqual([expect.closeTo(0.9), 0, 0]);
  const tree: TokenTree = { tokens: [1, 2, 3, 4, 5], parents: [-1, 0, 1, 0, 3] };
  const chances = chancesOf(tree, [1, 0.5, 0.5, 0.25, Number.NaN], new Calibration());
  expect(chances.map((chance) => +chance.toFixed(3))).toEqual([1, 0.45, 0.203, 0.225, 0]);
});

test("siblings are observed along the path that came true", () => {
  const seen: unknown[] = [];
  const calibration = new Calibration();
  calibration.observe = (...observed) => seen.push(observed);
  const tree: TokenTree = { tokens: [1, 2, 3, 4, 5], parents: [-1, 0, 1, 0, 3] };
  calibrate(calibration, tree, [1, 0.5, 0.4, 0.3, 0.2], [0, 3]);
  // Node 2 stands under one that did not come true: nothing is known of it.
  expect(seen).toEqual([
    [0.5, 0, false],
    [0.3, 1, true],
    [0.2, 0, false],
  ]);
});

/** A chain of four under the text 1, 2, 3, ..., with its probabilities; right in every other step. */
class Weighing implements Drafter {
  readonly name = "weighing";
  steps = 0;
  asked = 0;
  constructor(
    private readonly probabilitiesOf: (isRight: boolean) => number[],
    private readonly rightOf: (step: number) => boolean = (step) => step % 2 === 0,
    private readonly ms = 0,
  ) {}
  async begin() {}
  async propose({ history, maxDepth }: DraftContext, budget: number): Promise<StepPlan> {
    const isRight = this.rightOf(this.steps++);
    const last = history.at(history.length - 1);
    const depth = Math.min(4, maxDepth, budget);
    if (depth > 0) this.asked++;
    const end = performance.now() + (depth > 0 ? this.ms : 0);
    while (performance.now() < end);
    const tokens = Array.from({ length: depth }, (_, i) => (isRight ? last + i + 1 : 0));
    return {
      tree: chain(last, tokens, this.name),
      probabilities: [1, ...this.probabilitiesOf(isRight).slice(0, depth)],
    };
  }
  observe() {}
  fork() {
    return this;
  }
  dispose() {}
}

/** As above, level by level: each takes time. */
class WeighingLevels extends Weighing {
  /** Levels of each step. */
  readonly levels: number[] = [];
  levelMs = 0.4;

  override async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const plan = await super.propose(context, budget);
    const most = plan.tree.tokens.length - 1;
    let levels = 0;
    let above = 1;
    while (levels < most) {
      levels++;
      const end = performance.now() + this.levelMs;
      while (performance.now() < end);
      above *= context.guidance?.chances([plan.probabilities![levels]])[0] ?? 1;
      if (context.guidance?.worthExpanding([above], levels) === 0) break;
    }
    this.levels.push(levels);
    const tokens = plan.tree.tokens.slice(1, 1 + levels);
    const probabilities = plan.probabilities!.slice(0, 1 + levels);
    return { tree: chain(plan.tree.tokens[0], tokens, this.name), probabilities };
  }
}

/** Candidates that each step verified, and whether they were right. */
async function verified(inner: Weighing, steps: number, rateToBeat = 0) {
  const times = new PassTimes();
  for (const rows of [1, 2, 4, 8]) for (let i = 0; i < 2; i++) times.observe(rows, 4 + (rows - 1) * 0.8);
  const guard = new GuardedDrafter(inner, times, new Experience());
  const history = new TokenHistory([1]);
  const counts: { count: number; isRight: boolean }[] = [];
  for (let step = 0; step < steps; step++) {
    const { tree } = await guard.propose({ history, maxDepth: 16, rateToBeat } as unknown as DraftContext, 64);
    const first = history.at(history.length - 1) + 1;
    counts.push({ count: tree.tokens.length - 1, isRight: tree.tokens[1] === first });
    let next = first;
    for (const token of tree.tokens.slice(1)) if (token === next) history.push(next++);
    history.push(next);
  }
  guard.dispose();
  return counts;
}

test("a drafter that knows when it is right is verified then, and not otherwise", async () => {
  const knows = new Weighing((isRight) => (isRight ? [0.9, 0.95, 0.95, 1] : [0.1, 0.1, 0.1, 0.1]));
  const counts = (await verified(knows, 120)).slice(-60);
  expect(counts.filter(({ isRight }) => isRight).map(({ count }) => count)).toEqual(new Array(30).fill(4));
  expect(counts.filter(({ count }) => count === 0)).toHaveLength(30);
});

test("chances that promise too much are trusted less, and in the end nothing is drafted", async () => {
  const boasts = new Weighing(
    () => [0.9, 0.9, 0.9, 0.9],
    () => false,
    0.3,
  );
  const counts = await verified(boasts, 400);
  expect(counts.slice(0, 10).some(({ count }) => count > 0)).toBe(true);
  expect(counts.slice(200).every(({ count }) => count === 0)).toBe(true);
  expect(boasts.asked).toBeLessThan(140);
});

test("drafting that takes as long as a pass is left alone, and tried again seldom, one step at a time", async () => {
  const slow = new WeighingLevels(() => [0.9, 0.9, 0.9, 0.9]);
  slow.levelMs = 5;
  await verified(slow, 300);
  // Three that measure it, and one after 128 more.
  expect(slow.asked).toBeLessThan(6);
});

test("a drafter that did not pay and now does is taken again", async () => {
  const learns = new Weighing(
    (isRight) => (isRight ? [0.9, 0.9, 0.9, 0.9] : [0.2, 0.2, 0.2, 0.2]),
    (step) => step > 150,
    0.5,
  );
  const counts = await verified(learns, 500);
  expect(counts.slice(60, 140).every(({ count }) => count === 0)).toBe(true);
  expect(counts.slice(-20).map(({ count }) => count)).toEqual(new Array(20).fill(4));
});

test("nothing is verified where others propose what gives more", async () => {
  const knows = new Weighing(() => [0.5, 0.6, 0.6, 0.5]);
  expect((await verified(knows, 80, 1)).slice(20).every(({ count }) => count === 0)).toBe(true);
});

test("levels are drafted as long as those above them are likely to come true", async () => {
  const knows = new WeighingLevels((isRight) => (isRight ? [0.9, 0.95, 0.95, 1] : [0.1, 0.5, 0.8, 0.8]));
  const counts = (await verified(knows, 120)).slice(-60);
  expect(counts.filter(({ isRight }) => isRight).map(({ count }) => count)).toEqual(new Array(30).fill(4));
  expect(knows.levels.slice(-60).sort()).toEqual([...new Array(30).fill(1), ...new Array(30).fill(4)]);
});

test("of a level's candidates those are expanded that bring more than their rows take", () => {
  const times = new PassTimes();
  for (const rows of [1, 8]) for (let i = 0; i < 2; i++) times.observe(rows, 4 + (rows - 1) * 0.4);
  const experience = new Experience();
  const forecast = new Forecast(() => 0.8);
  const outlook = new Outlook(times, experience, forecast);
  // Before anything was measured all are.
  expect(outlook.worthExpanding([0.5, 0.01], 1, {})).toBe(2);
  for (let i = 0; i < 3; i++) experience.learn(0.6, 1);
  // Four fifths of them go on; a row takes a tenth of a token's time, a level 0.15.
  expect(outlook.worthExpanding([0.6, 0.3, 0.1, 0.02], 1, {})).toBe(2);
  expect(outlook.worthExpanding([0.2, 0.1], 1, {})).toBe(0);
  // Others bring more in that time.
  expect(outlook.worthExpanding([0.6, 0.3, 0.1, 0.02], 1, { rateToBeat: 1 })).toBe(0);
  // Two sequences take twice as long.
  expect(outlook.worthExpanding([0.5], 1, { sequences: 1 })).toBe(1);
  expect(outlook.worthExpanding([0.5], 1, { sequences: 2 })).toBe(0);
});
