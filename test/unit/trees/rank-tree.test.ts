import { describe, expect, test } from "vitest";
import { layOut, proposalNode } from "../../../src/trees/proposal-tree.js";
import { type RankPath, RankTree } from "../../../src/trees/rank-tree.js";
import { TREE_PRESETS, treeOf } from "../../../src/trees/tree-presets.js";
import { expectedAccepted, searchTree } from "../../../src/trees/tree-search.js";
import { readJson } from "../../support/models.js";

/** Buffers that Medusa's repository makes of choices; rows in the order of the sorted choices, after the root. */
interface Buffers {
  sorted: number[][];
  mask: number[][];
  tree_indices: number[];
  position_ids: number[];
  retrieve_indices: number[][];
}

/** Candidates of Medusa's flat list: the root, then ten of each head. */
const TOP = 10;

describe.each(Object.entries(readJson<Record<string, Buffers>>("test/golden/medusa-buffers.json")))(
  "%s",
  (_, golden) => {
    const shape = new RankTree([...golden.sorted].reverse());
    const root = proposalNode(-1);
    const filled = shape.fill(root, { depth: 9, budget: 99 }, (_parent, rank, level) => 1 + level * TOP + rank);
    const { tree, nodes } = layOut(root, "medusa");
    const row = [0, ...filled.map((node) => nodes.indexOf(node!))];

    test("choices are sorted, parents before children", () => {
      expect(shape.paths).toEqual(golden.sorted);
      expect(shape.parents.every((parent, i) => parent < i)).toBe(true);
    });

    test("tokens, positions and mask are Medusa's", () => {
      const ancestors = (node: number): number[] => (node < 0 ? [] : [node, ...ancestors(tree.parents[node])]);
      expect(row.map((node) => (node === 0 ? 0 : tree.tokens[node]))).toEqual(golden.tree_indices);
      expect(row.map((node) => ancestors(node).length - 1)).toEqual(golden.position_ids);
      const mask = row.map((node) => row.map((other) => (ancestors(node).includes(other) ? 1 : 0)));
      expect(mask).toEqual(golden.mask);
    });

    test("leaves and their paths are Medusa's, without its padding", () => {
      const path = (node: number): number[] => (node < 0 ? [] : [...path(tree.parents[node]), row.indexOf(node)]);
      const leaves = tree.tokens.map((_token, node) => node).filter((node) => !tree.parents.includes(node));
      const sort = (paths: number[][]) => paths.map((p) => p.join()).sort();
      expect(sort(leaves.map(path))).toEqual(sort(golden.retrieve_indices.map((p) => p.filter((i) => i >= 0))));
    });
  },
);

test("the preset of 63 nodes is the repository's", () => {
  const golden = readJson<Record<string, Buffers>>("test/golden/medusa-buffers.json");
  expect(new RankTree(TREE_PRESETS["medusa-63"]).paths).toEqual(golden.mc_sim_7b_63.sorted);
  expect(new RankTree(TREE_PRESETS.small).paths).toEqual(golden.depth3.sorted);
  expect(new RankTree(TREE_PRESETS.binary).paths).toEqual(golden.aggressive.sorted);
  for (const name of Object.keys(TREE_PRESETS)) expect(treeOf(name).paths.length).toBeGreaterThan(3);
});

test.each([
  [[[0, 0]], "tree choice [0,0] has no parent: [0] must be among the choices as well"],
  [[[0], [0]], "tree choice [0] stands twice: leave one out"],
  [[[0], [-1]], "tree choice [-1] has a negative rank"],
  [[], "tree choices must be a list of paths"],
  [[[0], []], "tree choices must be a list of paths"],
  [[[0.5]], "tree choices must be a list of paths"],
  ["smal", 'unknown tree "smal", expected one of: chain, small, binary, medium, medusa-63. Did you mean "small"?'],
])("choices %j are explained", (choices, message) => {
  expect(() => treeOf(choices)).toThrow(message);
});

test("too deep or too wide for the heads", () => {
  const tree = new RankTree([[0], [0, 0], [0, 0, 3]]);
  expect(() => tree.assertFits(2, 10, "2 heads")).toThrow("tree choice [0,0,3] is 3 deep but 2 heads reach 2");
  expect(() => tree.assertFits(3, 3, "3 heads")).toThrow("tree choice [0,0,3] has a rank of 3 or more");
});

test("the search finds the best tree of every small size", () => {
  const accuracies = [
    [0.5, 0.2, 0.1],
    [0.4, 0.3, 0.05],
    [0.3, 0.1, 0.1],
  ];
  for (let nodes = 1; nodes <= 5; nodes++) {
    const found = expectedAccepted(searchTree(accuracies, nodes), accuracies);
    const best = Math.max(...allTrees(nodes).map((tree) => expectedAccepted(new RankTree(tree), accuracies)));
    expect(found).toBeCloseTo(best, 12);
  }
  expect(() => searchTree(accuracies, 40)).toThrow("1 to 39 nodes, got 40");
  expect(() => searchTree([[1.2]], 1)).toThrow("accuracies in [0, 1]");
});

/** Every tree of `nodes` nodes over three levels of three ranks. */
function allTrees(nodes: number): RankPath[][] {
  let trees = new Map<string, RankPath[]>([["", []]]);
  for (let n = 0; n < nodes; n++) {
    const larger = new Map<string, RankPath[]>();
    for (const tree of trees.values()) {
      for (const parent of [[], ...tree]) {
        if (parent.length === 3) continue;
        for (let rank = 0; rank < 3; rank++) {
          const path = [...parent, rank];
          if (tree.some((other) => other.join() === path.join())) continue;
          const grown = [...tree, path].sort((a, b) => a.length - b.length || a.join().localeCompare(b.join()));
          larger.set(JSON.stringify(grown), grown);
        }
      }
    }
    trees = larger;
  }
  return [...trees.values()];
}
