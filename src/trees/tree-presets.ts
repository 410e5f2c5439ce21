import { nearest, UsageError } from "../types/errors.js";
import { type RankPath, RankTree } from "./rank-tree.js";

/** A full tree: `widths[d]` candidates under every node of depth d. */
function full(...widths: number[]): RankPath[] {
  const paths: RankPath[] = [];
  const visit = (path: RankPath) => {
    for (let rank = 0; rank < (widths[path.length] ?? 0); rank++) {
      paths.push([...path, rank]);
      visit([...path, rank]);
    }
  };
  visit([]);
  return paths;
}

/** The first `count` ranks below a path. */
function below(path: RankPath, count: number): RankPath[] {
  return Array.from({ length: count }, (_, rank) => [...path, rank]);
}

/** Static trees by name. */
export const TREE_PRESETS: Readonly<Record<string, readonly RankPath[]>> = {
  /** One candidate a head. */
  chain: [[0], [0, 0], [0, 0, 0], [0, 0, 0, 0]],
  /** Four nodes, three deep. */
  small: [[0], [0, 0], [0, 1], [0, 0, 0]],
  /** Two candidates of the later heads under the first head's best. */
  binary: [[0], ...full(2, 2).map((path) => [0, ...path])],
  /** Twelve nodes for CPUs, where each row costs. */
  medium: [...below([], 3), ...below([0], 3), ...below([1], 1), ...below([0, 0], 2), [0, 1, 0], ...below([0, 0, 0], 2)],
  /** The 63 nodes of Medusa's repository for a 7B model (mc_sim_7b_63). */
  "medusa-63": [
    ...below([], 10),
    ...below([0], 10),
    ...below([1], 7),
    ...below([2], 3),
    ...below([3], 2),
    ...[4, 5, 6, 7, 8, 9].map((rank) => [rank, 0]),
    ...below([0, 0], 10),
    ...below([0, 1], 3),
    ...below([0, 2], 2),
    ...[3, 4, 5, 6, 7].map((rank) => [0, rank, 0]),
    ...below([1, 0], 2),
    [2, 0, 0],
    ...below([0, 0, 0], 2),
  ],
};

/** The rows that a step may spend on candidates. */
const MOST_NODES = 128;

/** A tree by the name of a preset, or from choices. @throws UsageError that says what is wrong */
export function treeOf(choices: unknown): RankTree {
  if (typeof choices !== "string") {
    const tree = new RankTree(choices as readonly RankPath[]);
    if (tree.paths.length <= MOST_NODES) return tree;
    throw new UsageError(`a tree has at most ${MOST_NODES} nodes, these choices are ${tree.paths.length}`);
  }
  const preset = TREE_PRESETS[choices];
  if (preset) return new RankTree(preset);
  const names = Object.keys(TREE_PRESETS);
  const guess = nearest(choices, names);
  throw new UsageError(
    `unknown tree "${choices}", expected one of: ${names.join(", ")}${guess ? `. Did you mean "${guess}"?` : ""}`,
  );
}
