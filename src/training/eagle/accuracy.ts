import { expectedAccepted, searchTree } from "../../trees/tree-search.js";

/** Candidates of each step that are looked at: what EAGLE's trees use. */
export const RANKS = 10;
/** Nodes of the tree that tokens per pass are given for: what an EagleModel uses by default. */
const TREE_NODES = 8;

/** What EAGLE-3 heads are worth, on text that they were not trained on; tokens of the text stand for those drafted. */
export interface EagleAccuracy {
  /** Mean loss of each step, nats. */
  losses: number[];
  /** For each step and rank, how often that candidate is the target's likeliest token. */
  accuracies: number[][];
  /** For each step, 1 - total variation: how often speculative sampling accepts. */
  overlaps: number[];
  /** Expected tokens of a pass with a greedy chain of as many tokens as there are steps, the target's own counted. */
  chainTokensPerPass: number;
  /** The same with the best tree of 8 nodes, were steps independent. */
  tokensPerPass: number;
}

/** Counts of a measure, filled step by step. */
export interface StepCounts {
  rows: number;
  loss: number;
  overlap: number;
  right: number[];
  /** Rows whose candidates were right in this step and all before it. */
  chain: number;
}

export function accuracyOf(steps: readonly StepCounts[]): EagleAccuracy {
  const share = (count: number, { rows }: StepCounts) => Number((count / Math.max(1, rows)).toFixed(4));
  const accuracies = steps.map((step) => step.right.map((count) => share(count, step)));
  const tree = searchTree(accuracies, Math.min(TREE_NODES, accuracies[0].length));
  return {
    losses: steps.map(({ loss, rows }) => loss / Math.max(1, rows)),
    accuracies,
    overlaps: steps.map((step) => share(step.overlap, step)),
    chainTokensPerPass: 1 + steps.reduce((sum, step) => sum + share(step.chain, step), 0),
    tokensPerPass: 1 + expectedAccepted(tree, accuracies),
  };
}
