import { expect, test } from "vitest";
import { pieces } from "../../../src/training/pieces.js";
import { type PackedSequence, Packer } from "../../../src/training/sequences/packed-sequence.js";

const LENGTH = 64;
const lengths = [10, 3, 30, 64, 7, 100, 1, 20, 33, 5];
const examples = lengths.map((length, i) => ({
  tokens: Array.from({ length }, (_, t) => 100 * i + t),
  ...(i % 2 === 0 && { lossMask: Array.from({ length }, (_, t) => t > 1) }),
}));

test("packed sequences hold every token once, with its own row, and labels within its text", async () => {
  const seen = new Map<number, number>();
  let count = 0;
  const look = async (sequence: PackedSequence) => {
    count++;
    const { ids, positions, segments, rows, used } = sequence;
    for (let at = 0; at < used; at++) {
      seen.set(ids[at], (seen.get(ids[at]) ?? 0) + 1);
      expect(rows[at]).toBe(ids[at] / 2);
      const begins = at === 0 || segments[at - 1] !== segments[at];
      expect(positions[at]).toBe(begins ? 0 : positions[at - 1] + 1);
      const follows = at + 1 < used && segments[at + 1] === segments[at];
      const counts = follows && (Math.floor(ids[at] / 100) % 2 === 1 || ids[at] % 100 > 0);
      expect(sequence.label(at, 1)).toBe(counts ? ids[at + 1] : -100);
    }
    for (let at = used; at < LENGTH; at++) expect(sequence.label(at, 1)).toBe(-100);
  };
  const packer = new Packer(LENGTH, 1, look);
  for (const example of examples) {
    for (const { tokens, lossMask } of pieces(example, LENGTH, 10_000)) {
      await packer.add(
        tokens,
        lossMask,
        Float32Array.from(tokens, (id) => id / 2),
      );
    }
  }
  await packer.end();
  expect(seen.size).toBe(lengths.reduce((sum, length) => sum + length, 0));
  expect([...seen.values()].every((times) => times === 1)).toBe(true);
  expect(count).toBeLessThanOrEqual(6);
});

test("a mask has one value for each token", () => {
  expect(() => [...pieces({ tokens: [1, 2], lossMask: [true] }, 8, 10)]).toThrow("one for each");
});
