import type { Distribution } from "../sampling/distribution.js";
import type { TokenId } from "../types/token.js";

/**
 * Candidate tokens under the last committed token (node 0, the root, which the target has not read yet).
 * A chain is a tree. Parents stand before children; the likeliest path comes first, depth first, because the
 * rows of the first path are bit-exact (docs/exactness.md).
 */
export interface TokenTree {
  /** tokens[0] is the last committed token; the rest are candidates. */
  readonly tokens: readonly TokenId[];
  /** Index of each node's parent; -1 for the root only. Siblings carry different tokens. */
  readonly parents: readonly number[];
  /**
   * The drafter's distribution that node i's children were sampled from, without replacement, in the order in which
   * they stand. Absent: the children were proposed deterministically (a point mass). Only coupling "maximal" reads it.
   */
  readonly draftDistributions?: readonly (Distribution | undefined)[];
  /** Name of the drafter that proposed node i; absent for the root. Read by statistics and provenance. */
  readonly sources?: readonly (string | undefined)[];
}

/** A tree with the root only: plain decoding. */
export function rootOnly(token: TokenId): TokenTree {
  return { tokens: [token], parents: [-1] };
}

/** The chain root -> tokens[0] -> tokens[1] ... */
export function chain(
  root: TokenId,
  tokens: readonly TokenId[],
  source?: string,
  draftDistributions?: readonly (Distribution | undefined)[],
): TokenTree {
  const all = [root, ...tokens];
  const sources = source === undefined ? undefined : [undefined, ...tokens.map(() => source)];
  return { tokens: all, parents: all.map((_, i) => i - 1), draftDistributions, sources };
}

/** Levels below the root. */
export function depthOf({ parents }: TokenTree): number {
  const depths: number[] = [0];
  for (let node = 1; node < parents.length; node++) depths[node] = depths[parents[node]] + 1;
  return Math.max(...depths);
}

/** The children of a node, in the order in which they were proposed. */
export function childrenOf(tree: TokenTree, node: number): number[] {
  const children: number[] = [];
  for (let i = node + 1; i < tree.parents.length; i++) if (tree.parents[i] === node) children.push(i);
  return children;
}
