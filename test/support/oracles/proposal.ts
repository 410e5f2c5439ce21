import type { TokenId } from "../../../src/types/token.js";

/** The tokens from below a tree's root down to one of its nodes. */
export type TokenPath = readonly TokenId[];

/** All that a drafter may know when it proposes. */
export interface Moment {
  /** Prompt and output so far; its last token is the root of the tree. */
  text: readonly TokenId[];
  /** What the step before foresaw: the tree must begin with it. */
  foreseen: readonly TokenId[];
  maxDepth: number;
  /** Most candidates, the foreseen ones counted. */
  budget: number;
}

/** A step's rows as texts: what each of them reads after the root. */
export interface Proposal {
  /** Of the tree's nodes, depth first. */
  tree: readonly TokenPath[];
  /** Of the rows beside the tree, in order. */
  window: readonly TokenPath[];
}

/**
 * What a drafter must propose, computed the obvious way: slowly, from the whole text, without the product's caches,
 * trees and indices. One oracle follows one run, step by step.
 */
export interface ProposalOracle {
  /** The right proposals: several where the method leaves the choice open. */
  expected(moment: Moment): Promise<Proposal[]>;
  /** Told what was proposed, for methods that learn from the target's rows. */
  learn?(moment: Moment, proposed: Proposal): Promise<void>;
}

/** An oracle for a run that begins with this prompt. */
export type OracleOf = (prompt: readonly TokenId[]) => ProposalOracle;

/** The tree of the foreseen tokens with these paths, each one's parent among them or foreseen. */
export function treeOf({ foreseen }: Moment, paths: readonly TokenPath[]): Proposal {
  const stem = foreseen.map((_, i) => foreseen.slice(0, i + 1));
  return { tree: depthFirst([...stem, ...paths]), window: [] };
}

/** The tree of the foreseen tokens and a chain under them. */
export function chainOf(moment: Moment, tokens: readonly TokenId[]): Proposal {
  return treeOf(
    moment,
    tokens.map((_, i) => [...moment.foreseen, ...tokens.slice(0, i + 1)]),
  );
}

/** Candidates that may still be added under the foreseen ones, and levels of them. */
export function roomOf({ foreseen, budget, maxDepth }: Moment): { nodes: number; depth: number } {
  return { nodes: Math.max(0, budget - foreseen.length), depth: Math.max(0, maxDepth - foreseen.length) };
}

/** A path, then all below it, then its next sibling; siblings in the order given. */
function depthFirst(paths: readonly TokenPath[]): TokenPath[] {
  const under = (parent: TokenPath): TokenPath[] =>
    paths
      .filter((path) => path.length === parent.length + 1 && parent.every((token, i) => path[i] === token))
      .flatMap((path) => [path, ...under(path)]);
  return under([]);
}
