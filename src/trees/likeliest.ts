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
 * How many of a tree's likeliest nodes give the most tokens a millisecond.
 * @param chances of each node to come true, the root's first; never above its parent's
 * @param trust how far they are to be trusted: of 1 they promise, so much comes true
 * @param msOf what a pass with so many nodes beside the root takes
 * @param toBeat tokens a millisecond that the step gives without any
 */
export function likeliest(
  chances: readonly number[],
  trust: number,
  msOf: (nodes: number) => number,
  toBeat: number,
): Likeliest {
  const sorted = chances.slice(1).sort((a, b) => b - a);
  let best = { count: 0, tokens: 1, ms: msOf(0) };
  let bestRate = toBeat;
  let tokens = 1;
  for (const [i, chance] of sorted.entries()) {
    tokens += trust * chance;
    const ms = msOf(i + 1);
    if (tokens / ms <= bestRate) continue;
    best = { count: i + 1, tokens, ms };
    bestRate = tokens / ms;
  }
  return best;
}

/** Chances as nodes of a tree can have them: none above its parent's, what is no number 0. */
export function fallingChances({ parents }: TokenTree, chances: readonly number[]): number[] {
  const falling = [1];
  for (let node = 1; node < parents.length; node++) {
    falling.push(Math.max(0, Math.min(falling[parents[node]], chances[node] || 0)));
  }
  return falling;
}

/** The root and the `count` likeliest nodes, in the tree's order; of equal ones those that stand first. */
export function likeliestNodes([, ...chances]: readonly number[], count: number): number[] {
  const nodes = chances.map((_, i) => i + 1).sort((a, b) => chances[b - 1] - chances[a - 1] || a - b);
  return [0, ...nodes.slice(0, count).sort((a, b) => a - b)];
}

/** The tree of those of its nodes that are kept, parents with their children. */
export function treeOfNodes(tree: TokenTree, kept: readonly number[]): TokenTree {
  const { tokens, parents, draftDistributions, sources } = tree;
  return {
    tokens: kept.map((node) => tokens[node]),
    parents: kept.map((node) => kept.indexOf(parents[node])),
    ...(draftDistributions && { draftDistributions: kept.map((node) => draftDistributions[node]) }),
    ...(sources && { sources: kept.map((node) => sources[node]) }),
  };
}

/** The `most` likeliest nodes beside the root, with their chances. */
export function likeliestPart(
  tree: TokenTree,
  chances: readonly number[],
  most: number,
): { tree: TokenTree; chances: readonly number[] } {
  if (chances.length - 1 <= most) return { tree, chances };
  const kept = likeliestNodes(chances, most);
  return { tree: treeOfNodes(tree, kept), chances: kept.map((node) => chances[node]) };
}
