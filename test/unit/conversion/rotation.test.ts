import { describe, expect, it } from "vitest";
import { Rotation } from "../../../src/conversion/rotation.js";
import { narrow, toFloat32 } from "../../../src/formats/half-floats.js";

const noise = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * i + 1));

/** x R for a row-major R given by its transpose. */
function times(x: Float32Array, transposed: Float32Array): number[] {
  const n = x.length;
  return Array.from(x, (_, j) => x.reduce((sum, value, i) => sum + value * transposed[j * n + i], 0));
}

describe.each([1, 2, 3, 24, 64, 250, 576])("the rotation of order %i", (order) => {
  const rotation = new Rotation(order);
  const transposed = rotation.transposed();

  it("is orthogonal", () => {
    for (let i = 0; i < Math.min(order, 40); i++) {
      for (let j = 0; j < Math.min(order, 40); j++) {
        let dot = 0;
        for (let k = 0; k < order; k++) dot += transposed[i * order + k] * transposed[j * order + k];
        expect(dot).toBeCloseTo(i === j ? 1 : 0, 5);
      }
    }
  });

  it("does to rows and to columns what its matrix does", () => {
    const rows = noise(3 * order);
    const columns = new Float32Array(3 * order);
    for (let r = 0; r < 3; r++) for (let i = 0; i < order; i++) columns[i * 3 + r] = rows[r * order + i];
    const expected = [0, 1, 2].map((r) => times(rows.subarray(r * order, (r + 1) * order), transposed));
    rotation.rows(rows, 3);
    rotation.columns(columns, 3);
    for (let r = 0; r < 3; r++) {
      for (let i = 0; i < order; i++) {
        expect(rows[r * order + i]).toBeCloseTo(expected[r][i], 4);
        expect(columns[i * 3 + r]).toBe(rows[r * order + i]);
      }
    }
  });
});

it("spreads one large channel evenly", () => {
  const row = new Float32Array(512);
  row[77] = 512;
  new Rotation(512).rows(row, 1);
  for (const value of row) expect(Math.abs(value)).toBeCloseTo(Math.sqrt(512), 3);
});

it("halves are rounded to the nearest, ties to even", () => {
  const values = [0, 1, -2.5, 65_504, 1e6, 2 ** -24, 2 ** -26, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20];
  const expected = [0, 1, -2.5, 65_504, 65_504, 2 ** -24, 0, 1, 1 + 2 ** -9, 1 + 2 ** -10];
  const halves = new Uint16Array(values.length);
  narrow("F16", Float32Array.from(values), halves, 0);
  const back = new Float32Array(values.length);
  toFloat32("F16", new Uint8Array(halves.buffer), back);
  expect([...back]).toEqual(expected);
});
