import type { TokenTree } from "./token-tree.js";

/** The nodes of a proposal that are worth their rows. */
export interface Likeliest {
  /** How many, the root not counted. */
  count: number;
  /** Tokens that the step is then expected to give. */
  tokens: number;
  /** What its pass takes. */
  ms: number;
}

/**
 * How many of a tree's likeliest nodes are worth their rows: each that is verified costs time, in which `rate` tokens a
 * millisecond would come elsewhere.
 * @param chances of each node to come true, the root's first; never above its parent's
 * @param msOf what a pass with so many nodes beside the root takes
 * @param toBeat tokens a millisecond that the step gives without any: where it does not give more with them, none are
 */
export function likeliest(
  chances: readonly number[],
  msOf: (nodes: number) => number,
  rate: number,
  toBeat: number,
): Likeliest {
  const sorted = chances.slice(1).sort((a, b) => b - a);
  const none = { count: 0, tokens: 1, ms: msOf(0) };
  let best = none;
  let tokens = 1;
  for (const [i, chance] of sorted.entries()) {
    tokens += chance;
    const ms = msOf(i + 1);
    if (tokens - best.tokens > rate * (ms - best.ms)) best = { count: i + 1, tokens, ms };
  }
  return best.tokens > toBeat * best.ms ? best : none;
}

/** The root and the `count` likeliest nodes, in the tree's order; of equal ones those that stand first. */
export function likeliestNodes([, ...chances]: readonly number[], count: number): number[] {
  const nodes = chances.map((_, i) => i + 1).sort((a, b) => chances[b - 1] - chances[a - 1] || a - b);
  return [0, ...nodes.slice(0, count).sort((a, b) => a - b)];
}

/** The tree of those of its nodes that are kept, parents with their children. Trees of draws are never cut. */
export function treeOfNodes(tree: TokenTree, kept: readonly number[]): TokenTree {
  const { tokens, parents, sources } = tree;
  return {
    tokens: kept.map((node) => tokens[node]),
    parents: kept.map((node) => kept.indexOf(parents[node])),
    ...(sources && { sources: kept.map((node) => sources[node]) }),
  };
}
