import { expect, test } from "vitest";
import { Divergence } from "../../../src/training/loop/divergence.js";

const noise = (i: number) => Math.sin(i * 12.9898) * 0.8;

test("a loss that falls or wavers is none", () => {
  const watch = new Divergence();
  for (let i = 0; i < 500; i++) expect(watch.note(6 * Math.exp(-i / 100) + 1 + noise(i))).toBe(false);
});

test("a loss that goes back up for good is noticed", () => {
  const watch = new Divergence();
  const at = Array.from({ length: 300 }, (_, i) => (i < 100 ? 3 : 8) + noise(i)).findIndex((loss) => watch.note(loss));
  expect(at).toBeGreaterThan(100);
  expect(at).toBeLessThan(120);
});

test("what a checkpoint keeps is enough to go on", () => {
  const [whole, first, second] = [new Divergence(), new Divergence(), new Divergence()];
  const losses = Array.from({ length: 60 }, (_, i) => (i < 40 ? 2 : 4.5) + noise(i));
  const verdicts = losses.map((loss) => whole.note(loss));
  const before = losses.slice(0, 30).map((loss) => first.note(loss));
  second.state.set(first.state);
  expect([...before, ...losses.slice(30).map((loss) => second.note(loss))]).toEqual(verdicts);
});
