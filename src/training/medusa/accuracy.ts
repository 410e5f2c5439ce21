import { expectedAccepted, searchTree } from "../../trees/tree-search.js";

/** Candidates of each head that are looked at: what Medusa's trees use. */
export const RANKS = 10;
/** Nodes of the tree that tokens per pass are given for: what a MedusaModel uses by default. */
export const TREE_NODES = 8;

/** What heads are worth, on text that they were not trained on. */
export interface MedusaAccuracy {
  /** Mean cross-entropy of each head, nats, over the tokens that it can name. */
  losses: number[];
  /** For each head and rank, how often that candidate is the right one. */
  accuracies: number[][];
  /** Expected tokens of a pass with the best tree of 8 nodes, the base's own counted. */
  tokensPerPass: number;
}

/** The measure from counts of right candidates. */
export function accuracyOf(
  heads: readonly { loss: number; right: readonly number[]; labels: number; named?: number }[],
): MedusaAccuracy {
  const accuracies = heads.map(({ right, labels }) => right.map((n) => Number((n / Math.max(1, labels)).toFixed(4))));
  const tree = searchTree(accuracies, Math.min(TREE_NODES, accuracies[0].length));
  return {
    losses: heads.map(({ loss, labels, named = labels }) => loss / Math.max(1, named)),
    accuracies,
    tokensPerPass: 1 + expectedAccepted(tree, accuracies),
  };
}
