import { expect, test } from "vitest";
import type { StepPlan } from "../../../src/index.js";
import { TokenHistory } from "../../../src/sampling/history.js";
import { assertWellFormed, flawsOf } from "../../support/well-formed.js";

/** Every clause of the contract of plans is checked: a sound plan passes, and each thing wrong with it is named. */
const CONTEXT = { history: new TokenHistory([7, 5]), maxDepth: 3 };
const BUDGET = 4;
const VOCABULARY = 10;
const SOUND: StepPlan = {
  tree: { tokens: [5, 1, 2, 3, 4], parents: [-1, 0, 1, 2, 1] },
  extra: { tokens: [6, 7], parents: [1, 5] },
  needs: [0, 0, 0, 0, 0, 2, 2],
  probabilities: [1, 0.9, 0.5, 1, 0.5],
};
const DRAWN = { ids: Int32Array.of(1), probs: Float64Array.of(1), count: 1 };
const tree = (tokens: number[], parents: number[]): StepPlan => ({
  ...SOUND,
  tree: { tokens, parents },
  probabilities: undefined,
});

const FLAWS: [flaw: RegExp, plan: StepPlan][] = [
  [/5 nodes have 4 parents/, tree([5, 1, 2, 3, 4], [-1, 0, 1, 2])],
  [/the root is 4/, tree([4, 1, 2, 3, 4], [-1, 0, 1, 2, 1])],
  [/the root has parent 0/, tree([5, 1, 2, 3, 4], [0, 0, 1, 2, 1])],
  [/node 2 has parent 3/, tree([5, 1, 2, 3, 4], [-1, 0, 3, 2, 1])],
  [/node 4 under 2 is not laid out depth first/, tree([5, 1, 2, 3, 4], [-1, 0, 1, 1, 2])],
  [/siblings 2 and 4 carry the same token/, tree([5, 1, 2, 3, 2], [-1, 0, 1, 2, 1])],
  [/the tree is 4 deep, at most 3/, tree([5, 1, 2, 3, 4], [-1, 0, 1, 2, 3])],
  [/5 candidates for a budget of 4/, tree([5, 1, 2, 3, 4, 6], [-1, 0, 1, 2, 1, 1])],
  [/sources are not one for each node/, { ...SOUND, tree: { ...SOUND.tree, sources: [undefined, "draft"] } }],
  [/token 10 is outside the vocabulary/, tree([5, 1, 2, 3, 10], [-1, 0, 1, 2, 1])],
  [/token -1 is outside the vocabulary/, { ...SOUND, extra: { tokens: [6, -1], parents: [1, 5] } }],
  [/extra rows and their parents differ/, { ...SOUND, extra: { tokens: [6, 7], parents: [1] } }],
  [/extra row 1 has parent 6/, { ...SOUND, extra: { tokens: [6, 7], parents: [1, 6] } }],
  [/5 needs for 7 rows/, { ...SOUND, needs: [0, 0, 0, 0, 0] }],
  [/topK is 0/, { ...SOUND, topK: 0 }],
  [/probabilities are not one for each node/, { ...SOUND, probabilities: [1, 0.9, 0.5, 1] }],
  [/probabilities are not one for each node/, { ...SOUND, probabilities: [0.9, 0.9, 0.5, 1, 0.5] }],
  [/probabilities are not from 0 to 1/, { ...SOUND, probabilities: [1, 1.1, 0.5, 1, 0.5] }],
  [/probabilities are not from 0 to 1/, { ...SOUND, probabilities: [1, Number.NaN, 0.5, 1, 0.5] }],
  [/node 4 is likelier than its sibling before it/, { ...SOUND, probabilities: [1, 0.9, 0.5, 1, 0.6] }],
  [
    /candidates that were drawn have probabilities/,
    { ...SOUND, tree: { ...SOUND.tree, draftDistributions: [DRAWN, undefined, undefined, undefined, undefined] } },
  ],
];

test("a sound plan has no flaw", () => {
  expect(flawsOf(SOUND, CONTEXT, BUDGET, VOCABULARY)).toEqual([]);
  expect(() => assertWellFormed(SOUND, CONTEXT, BUDGET, VOCABULARY)).not.toThrow();
});

test.each(FLAWS)("%s", (flaw, plan) => {
  expect(() => assertWellFormed(plan, CONTEXT, BUDGET, VOCABULARY)).toThrow(flaw);
});
