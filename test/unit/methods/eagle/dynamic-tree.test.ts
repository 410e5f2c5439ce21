import { expect, test } from "vitest";
import { type Candidate, DynamicTree, pathTo } from "../../../../src/methods/eagle/dynamic-tree.js";
import { KnownFeatures, RecentFeatures } from "../../../../src/methods/eagle/features.js";
import { layOut } from "../../../../src/trees/proposal-tree.js";

const next = (...pairs: [number, number][]) => ({
  ids: pairs.map(([id]) => id),
  logProbs: pairs.map(([, p]) => Math.log(p)),
});

test("a tree of the likeliest paths, whatever their level", () => {
  const tree = new DynamicTree(1);
  tree.add(tree.root, next([10, 0.6], [11, 0.3], [12, 0.1]));
  const first = tree.frontier(2, () => true);
  expect(first.map(({ token }) => token)).toEqual([10, 11]);
  tree.nextLevel();
  tree.add(first[0], next([20, 0.9], [21, 0.05]));
  tree.add(first[1], next([20, 0.5], [22, 0.4]));
  expect(tree.frontier(3, (p) => p > 0.13).map((candidate: Candidate) => pathTo(candidate))).toEqual([
    [10, 20],
    [11, 20],
  ]);
  // 0.6, 0.54, 0.3, 0.15, 0.12, 0.1, 0.03
  const of = (nodes: number) => layOut(tree.grow(nodes), "eagle").tree;
  expect(of(3)).toMatchObject({ tokens: [1, 10, 20, 11], parents: [-1, 0, 1, 0] });
  expect(of(5)).toMatchObject({ tokens: [1, 10, 20, 11, 20, 22], parents: [-1, 0, 1, 0, 3, 3] });
  expect(of(0).tokens).toEqual([1]);
  expect(of(99).tokens).toHaveLength(8);
});

test("a parent stands before its child even where the child is certain", () => {
  const tree = new DynamicTree(1);
  tree.add(tree.root, next([10, 1]));
  for (const token of [20, 30]) {
    const [deepest] = tree.frontier(1, () => true);
    tree.nextLevel();
    tree.add(deepest, next([token, 1]));
  }
  expect(layOut(tree.grow(2), "eagle").tree.tokens).toEqual([1, 10, 20]);
});

test("features are kept until they are used, the last one longer", () => {
  const features = new RecentFeatures();
  const row = (value: number) => Float32Array.of(value);
  for (let place = 0; place < 6; place++) features.learn(place, row(place));
  features.forgetBefore(4);
  expect([features.first, features.at(3), features.at(4)?.[0]]).toEqual([4, undefined, 4]);
  const copy = new RecentFeatures(features);
  // The text goes another way: what stood behind is of no text any more.
  features.learn(5, row(50));
  features.learn(4, row(40));
  expect([features.at(4)?.[0], features.at(5), copy.at(5)?.[0]]).toEqual([40, undefined, 5]);
  for (let place = 5; place < 2000; place++) features.learn(place, row(place));
  expect(features.first).toBe(2000 - 512);
  expect(new KnownFeatures([row(7)]).at(0)?.[0]).toBe(7);
});
