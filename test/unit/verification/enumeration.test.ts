import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sampleWithoutReplacement } from "../../../src/methods/draft/sampled-children.js";
import type { Distribution } from "../../../src/sampling/distribution.js";
import { TokenHistory } from "../../../src/sampling/history.js";
import type { TokenTree } from "../../../src/trees/token-tree.js";
import type { Chance } from "../../../src/verification/chance.js";
import { verifyMaximal } from "../../../src/verification/verifier.js";
import { distributionOf } from "../../support/statistics.js";
import { tier } from "../../support/tier.js";

/** Code whose random decisions are made by a Chance, and what comes out. */
type Branching = (chance: Chance) => string;

/** The exact probability of every outcome: runs the code down every branch of its decisions. */
function enumerate(run: Branching): Map<string, number> {
  const totals = new Map<string, number>();
  const visit = (decisions: number[]) => {
    let used = 0;
    let weight = 1;
    const open: number[][] = [];
    /** Takes the decision's branch, the first unless told otherwise, and notes the others for later. */
    const decide = (probabilities: number[]) => {
      const known = decisions[used];
      const possible = probabilities.map((_, i) => i).filter((i) => probabilities[i] > 0);
      const choice = known ?? possible[0];
      if (known === undefined) for (const other of possible.slice(1)) open.push([...taken, other]);
      taken.push(choice);
      used++;
      weight *= probabilities[choice];
      return choice;
    };
    const taken: number[] = [];
    const outcome = run({
      accept: (p) => decide([Math.min(1, p), 1 - Math.min(1, p)]) === 0,
      pick: (weights, total) => (total > 0 ? decide([...weights].map((w) => Math.max(0, w) / total)) : -1),
    });
    totals.set(outcome, (totals.get(outcome) ?? 0) + weight);
    for (const branch of open) visit(branch);
  };
  visit([]);
  return totals;
}

const VOCABULARY = 4;
const weights = fc
  .array(fc.integer({ min: 0, max: 20 }), { minLength: VOCABULARY, maxLength: VOCABULARY })
  .filter((w) => w.some((x) => x > 0));

/** A model whose distribution depends on the tokens before. */
type Model = (path: readonly number[]) => Distribution;
const modelOf =
  (tables: number[][]): Model =>
  (path) =>
    distributionOf(tables[path.reduce((h, t) => (h * 5 + t + 1) % tables.length, 0)]);

/** Draws the draft's tree, verifies it, and samples on plainly: the first `length` tokens of the output. */
function outcome(p: Model, q: Model, widths: number[], point: boolean, length: number): Branching {
  return (chance) => {
    const tree = draw(q, widths, point, chance);
    const history = new TokenHistory([]);
    history.push(0);
    const paths = pathsOf(tree);
    const verdict = verifyMaximal(
      tree,
      (node) => p(paths[node]),
      () => chance,
      { history, isFinal: () => false },
    );
    const tokens = [...verdict.path.slice(1).map((node) => tree.tokens[node]), verdict.next!];
    while (tokens.length < length) tokens.push(sampleWithoutReplacement(p(tokens), 1, chance)[0]);
    return tokens.slice(0, length).join();
  };
}

function draw(q: Model, widths: number[], point: boolean, chance: Chance): TokenTree {
  const tokens = [0];
  const parents = [-1];
  const draftDistributions: (Distribution | undefined)[] = [];
  const grow = (node: number, path: number[]) => {
    if (path.length >= widths.length) return;
    const distribution = q(path);
    draftDistributions[node] = point ? undefined : distribution;
    const children = point
      ? [...distribution.ids].slice(0, widths[path.length])
      : sampleWithoutReplacement(distribution, widths[path.length], chance);
    for (const child of children) {
      tokens.push(child);
      parents.push(node);
      grow(tokens.length - 1, [...path, child]);
    }
  };
  grow(0, []);
  return { tokens, parents, draftDistributions };
}

function pathsOf(tree: TokenTree): number[][] {
  const paths: number[][] = [[]];
  for (let i = 1; i < tree.tokens.length; i++) paths[i] = [...paths[tree.parents[i]], tree.tokens[i]];
  return paths;
}

describe("the maximal coupling's branches, enumerated, add up to the target's distribution", () => {
  const shapes: [name: string, widths: number[], point: boolean, runs: number][] = [
    ["chain of 1", [1], false, 300],
    ["chain of 3", [1, 1, 1], false, 40],
    ["2 sampled children", [2], false, 200],
    ["3 sampled children", [3], false, 100],
    ["4 sampled children, all there are", [4], false, 60],
    ["2 point-mass children", [2], true, 200],
    ["point-mass tree", [3, 2, 1], true, 40],
    ["sampled tree", [2, 2], false, 15],
  ];
  test.each(shapes)("%s", (_, widths, point, numRuns) => {
    const length = widths.length + 1;
    const tables = fc.array(weights, { minLength: 3, maxLength: 3 });
    const property = fc.property(tables, tables, (pTables, qTables) => {
      const [p, q] = [modelOf(pTables), modelOf(qTables)];
      const totals = enumerate(outcome(p, q, widths, point, length));
      for (const [text, probability] of totals) {
        const tokens = text.split(",").map(Number);
        let expected = 1;
        tokens.forEach((token, i) => {
          const { ids, probs } = p(tokens.slice(0, i));
          const at = ids.indexOf(token);
          expected *= at < 0 ? 0 : probs[at];
        });
        expect(Math.abs(probability - expected), text).toBeLessThan(1e-9);
      }
      expect([...totals.values()].reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
    });
    fc.assert(property, { numRuns: tier(numRuns, Math.ceil(numRuns / 4)), seed: 4 });
  });
});
