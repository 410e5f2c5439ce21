import { UsageError } from "../types/errors.js";
import { everyItem, number } from "../types/option-kinds.js";
import { shown } from "../types/shown.js";
import { type RankPath, RankTree } from "./rank-tree.js";

/**
 * The tree of `nodes` nodes that accepts the most tokens when accuracies multiply along a path (Medusa, section 3.3):
 * grown by the candidate of largest product, again and again.
 * @param accuracies for each level (head), for each rank: how often that candidate is the right one
 */
export function searchTree(accuracies: readonly (readonly number[])[], nodes: number): RankTree {
  const isLevel = (level: unknown) => Array.isArray(level) && everyItem(level, number("[0, 1]").accepts);
  const valid = Array.isArray(accuracies) && accuracies.length > 0 && everyItem(accuracies, isLevel);
  if (!valid) throw new UsageError("searchTree needs accuracies in [0, 1] for each rank of each level");
  const ranks = accuracies.reduceRight((below, level) => level.length * (1 + below), 0);
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > ranks) {
    throw new UsageError(`a tree over these accuracies has 1 to ${ranks} nodes, got ${shown(nodes)}`);
  }
  const chosen: RankPath[] = [];
  // A node's next sibling and first child are never likelier than itself, when ranks are in order of accuracy.
  const open: { path: RankPath; value: number }[] = [];
  const offer = (path: RankPath, above: number) => {
    const accuracy = accuracies[path.length - 1]?.[path[path.length - 1]];
    if (accuracy !== undefined) open.push({ path, value: above * accuracy });
  };
  offer([0], 1);
  while (chosen.length < nodes && open.length > 0) {
    const best = open.reduce((a, b) => (b.value > a.value ? b : a));
    open.splice(open.indexOf(best), 1);
    chosen.push(best.path);
    const rank = best.path[best.path.length - 1];
    const own = accuracies[best.path.length - 1][rank];
    offer([...best.path.slice(0, -1), rank + 1], own > 0 ? best.value / own : 0);
    offer([...best.path, 0], best.value);
  }
  return new RankTree(chosen);
}

/** Tokens that a tree accepts a pass beside the target's own, when accuracies multiply along a path. */
export function expectedAccepted(tree: RankTree, accuracies: readonly (readonly number[])[]): number {
  const chance = (path: RankPath) =>
    path.reduce((product, rank, level) => product * (accuracies[level]?.[rank] ?? 0), 1);
  return tree.paths.reduce((sum, path) => sum + chance(path), 0);
}
