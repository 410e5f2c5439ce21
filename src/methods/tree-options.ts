import type { RankTree } from "../trees/rank-tree.js";
import { treeOf } from "../trees/tree-presets.js";
import { searchTree } from "../trees/tree-search.js";
import { UsageError } from "../types/errors.js";
import { type MethodOptions, optionOf } from "./options.js";

/** How a drafter with candidates for each level lays out its tree. */
export interface TreePlan {
  /** The static tree; under a dynamic one it is used where only the order of candidates is known. */
  shape: RankTree;
  /** Nodes of a dynamic tree. */
  nodes: number;
  /** Whether trees are dynamic; where undefined, the tree was not chosen either, and may be what is best. */
  dynamic: boolean | undefined;
  /** Candidates of a level that the tree may use. */
  ranks: number;
}

/** Names of the options that `treePlan` reads. */
export const TREE_OPTIONS = ["treeChoices", "treeNodes", "treeRanks", "dynamicTree"] as const;

/**
 * The tree that the options ask for: `treeChoices` (paths of ranks, or a preset's name), else the best one of
 * `treeNodes` nodes for the accuracies; with `dynamicTree` grown anew in every step by the candidates' probabilities.
 * Candidates ranked `treeRanks` and beyond are not used.
 * @param accuracies how often each rank of each level is right
 * @param width candidates of a level
 */
export function treePlan(options: MethodOptions, accuracies: readonly (readonly number[])[], width: number): TreePlan {
  const treeChoices = optionOf(options, "treeChoices");
  const dynamicTree = optionOf(options, "dynamicTree");
  if (treeChoices !== undefined && (dynamicTree || options.treeNodes !== undefined)) {
    throw new UsageError("treeChoices says what the tree is: leave out treeNodes and dynamicTree");
  }
  const ranks = optionOf(options, "treeRanks") ?? width;
  if (ranks > width) throw new UsageError(`treeRanks must be an integer from 1 to ${width}, got ${ranks}`);
  const used = accuracies.map((level) => level.slice(0, ranks));
  const nodes = Math.min(optionOf(options, "treeNodes"), size(used));
  const shape = treeChoices === undefined ? searchTree(used, nodes) : treeOf(treeChoices);
  shape.assertFits(accuracies.length, ranks, `${accuracies.length} heads`);
  const open = treeChoices === undefined && options.dynamicTree === undefined;
  return { shape, nodes, dynamic: open ? undefined : dynamicTree, ranks };
}

/** Nodes of the full tree over these candidates. */
function size(accuracies: readonly (readonly number[])[]): number {
  return accuracies.reduceRight((below, level) => level.length * (1 + below), 0);
}

/** Medusa-1 heads on a 7B model, ranks 1 to 5 of heads 1 to 5: what trees are made for until heads tell their own. */
const TYPICAL = [
  [0.56, 0.11, 0.06, 0.03, 0.02],
  [0.32, 0.1, 0.07, 0.04, 0.03],
  [0.2, 0.09, 0.06, 0.03, 0.04],
  [0.15, 0.08, 0.04, 0.04, 0.03],
  [0.12, 0.07, 0.05, 0.03, 0.03],
];

/** Accuracies for `levels` levels, of which later ones are like the last known. */
export function typicalAccuracies(levels: number): number[][] {
  return Array.from({ length: levels }, (_, level) => TYPICAL[Math.min(level, TYPICAL.length - 1)]);
}
