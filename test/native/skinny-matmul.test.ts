import { describe, expect, test } from "vitest";
import { nativeOperators } from "../../src/runtime/native-operators.js";
import { numbers, reference, SkinnyProduct, type SkinnyShape, tiled, untiled } from "../support/skinny.js";
import { tier } from "../support/tier.js";

/** Rows of the passes that are compared: all that the kernels take at a time, and beyond the largest step. */
const MOST_ROWS = 65;
const SHAPES: [K: number, N: number][] = [
  [64, 48],
  [1, 1],
  [31, 17],
  [33, 16],
  [100, 250],
  [576, 130],
];

describe.runIf(nativeOperators().path)("SkinnyMatMul", () => {
  describe.each(SHAPES)("%i inputs, %i outputs", (K, N) => {
    for (const dtype of ["q4", "q8"] as const) {
      const shape: SkinnyShape = { K, N, dtype };
      const weights = tiled(shape, numbers(N * K, 7));

      test.each([false, true])(`${dtype}: the sums in double precision, bias: %s`, async (biased) => {
        const bias = biased ? numbers(N, 5) : undefined;
        using product = await SkinnyProduct.open(shape, weights, bias);
        const rows = 5;
        const x = numbers(rows * K, 3);
        const want = reference(shape, x, rows, untiled(shape, weights), bias);
        const y = product.run(x, rows);
        const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        y.forEach((value, i) => {
          expect(Math.abs(value - want[i])).toBeLessThanOrEqual(1e-5 * largest);
        });
      });

      test(`${dtype}: a row has the same bits in passes of 0 to ${MOST_ROWS} rows`, async () => {
        using product = await SkinnyProduct.open(shape, weights);
        const x = numbers(MOST_ROWS * K, 3);
        const all = product.run(x, MOST_ROWS);
        for (let rows = 0; rows <= MOST_ROWS; rows += tier(1, rows < 18 ? 1 : 7)) {
          const first = (rows * 13) % (MOST_ROWS - rows + 1);
          const some = product.run(x.subarray(first * K), rows);
          expect(Buffer.from(some.buffer).equals(Buffer.from(all.slice(first * N, (first + rows) * N).buffer))).toBe(
            true,
          );
        }
      });
    }
  });

  test("what is no number stays in its own rows", async () => {
    const shape: SkinnyShape = { K: 64, N: 16, dtype: "q4" };
    using product = await SkinnyProduct.open(shape, tiled(shape, numbers(16 * 64)));
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const x = numbers(3 * 64);
      x[64 + 40] = bad;
      const y = product.run(x, 3);
      expect([...y.subarray(16, 32)].every(Number.isNaN)).toBe(true);
      expect([...y.subarray(0, 16), ...y.subarray(32)].some(Number.isNaN)).toBe(false);
    }
  });

  test("weights, biases and rows that do not fit are ONNX Runtime's errors", async () => {
    const shape: SkinnyShape = { K: 64, N: 16, dtype: "q4" };
    const weights = tiled(shape, numbers(16 * 64));
    const refused = async (open: Promise<SkinnyProduct>, width: number) => {
      using product = await open;
      product.run(numbers(2 * width), 2);
    };
    await expect(refused(SkinnyProduct.open({ ...shape, N: 17 }, weights), 64)).rejects.toThrow("weights must be");
    await expect(refused(SkinnyProduct.open({ ...shape, K: 96 }, weights), 96)).rejects.toThrow("weights must be");
    await expect(refused(SkinnyProduct.open({ ...shape, dtype: "q8" }, weights), 64)).rejects.toThrow(
      "weights must be",
    );
    await expect(refused(SkinnyProduct.open(shape, weights, numbers(15)), 64)).rejects.toThrow("bias must be");
    await expect(refused(SkinnyProduct.open({ ...shape, N: 0 }, weights), 64)).rejects.toThrow("must be positive");
  });
});

describe("weights in tiles", () => {
  test("4 bits keep weights that are scale times 0 to 15 plus a minimum, exactly", () => {
    const shape: SkinnyShape = { K: 96, N: 20, dtype: "q4" };
    const scales = numbers(3 * 20, 9).map((value) => Math.round(1024 * (1 + Math.abs(value % 1))) / 2 ** 14);
    const weights = Float32Array.from({ length: 20 * 96 }, (_, i) => {
      const block = Math.floor(i / 32);
      const q = i % 32 === 0 ? 0 : i % 32 === 1 ? 15 : (i * 7) % 16;
      return scales[block] * q - scales[(block + 1) % scales.length] * 8;
    });
    expect(untiled(shape, tiled(shape, weights))).toEqual(weights);
  });

  test.each([
    ["q4", 0.1],
    ["q8", 0.01],
  ] as const)("%s is near to any weights", (dtype, relative) => {
    const shape: SkinnyShape = { K: 320, N: 33, dtype };
    const weights = numbers(33 * 320);
    const kept = untiled(shape, tiled(shape, weights));
    const error = Math.hypot(...kept.map((value, i) => value - weights[i])) / Math.hypot(...weights);
    expect(error).toBeLessThan(relative);
    expect(error).toBeGreaterThan(relative / 20);
  });

  test("weights beyond 16-bit floats are refused", () => {
    expect(() => tiled({ K: 1, N: 1, dtype: "q4" }, Float32Array.of(1e6))).toThrow("use dtype fp32");
  });
});
