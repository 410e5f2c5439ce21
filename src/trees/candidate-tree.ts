import type { TokenId } from "../types/token.js";
import { type ProposalNode, proposalNode } from "./proposal-tree.js";
import type { RankTree } from "./rank-tree.js";

/** Candidates for one level of a tree, likeliest first, whatever stands above them. */
export interface LevelCandidates {
  ids: readonly TokenId[];
  /** Absent: nothing is known but the order. */
  probabilities?: readonly number[];
  /** What is thought of them, falling too. Default: the probabilities. */
  chances?: readonly number[];
}

export interface TreeLimits {
  depth: number;
  budget: number;
}

/** Adds a static tree under `leaf`: rank r of level d is that level's r-th candidate, whatever its parent. */
export function fillStatic(
  leaf: ProposalNode,
  levels: readonly LevelCandidates[],
  shape: RankTree,
  limits: TreeLimits,
) {
  const depth = Math.min(limits.depth, levels.length);
  const nodes = shape.fill(leaf, { depth, budget: limits.budget }, (_, rank, level) => levels[level].ids[rank]);
  for (const [i, node] of nodes.entries()) {
    const path = shape.paths[i];
    if (node) node.probability = levels[path.length - 1].probabilities?.[path[path.length - 1]];
  }
}

/**
 * Adds the `budget` likeliest nodes under `leaf` when probabilities multiply along a path (EAGLE-2's dynamic tree over
 * Medusa's levels). Children stand in order of probability.
 * @param ranks candidates of a level that may be used
 */
export function fillDynamic(
  leaf: ProposalNode,
  levels: readonly LevelCandidates[],
  limits: TreeLimits,
  ranks = Number.POSITIVE_INFINITY,
): void {
  const depth = Math.min(limits.depth, levels.length);
  const open: { parent: ProposalNode; level: number; rank: number; above: number; value: number }[] = [];
  const offer = (parent: ProposalNode, level: number, rank: number, above: number) => {
    if (level >= depth || rank >= ranks) return;
    const { probabilities, chances = probabilities } = levels[level];
    const chance = chances?.[rank];
    if (chance !== undefined) open.push({ parent, level, rank, above, value: above * chance });
  };
  offer(leaf, 0, 0, 1);
  for (let left = limits.budget; left > 0 && open.length > 0; left--) {
    let best = 0;
    for (let i = 1; i < open.length; i++) if (open[i].value > open[best].value) best = i;
    const [{ parent, level, rank, above, value }] = open.splice(best, 1);
    const node = proposalNode(levels[level].ids[rank], parent);
    node.probability = levels[level].probabilities?.[rank];
    offer(parent, level, rank + 1, above);
    offer(node, level + 1, 0, value);
  }
}
