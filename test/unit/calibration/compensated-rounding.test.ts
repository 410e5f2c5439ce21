import { afterAll, beforeAll, expect, test } from "vitest";
import { roundCompensated } from "../../../src/calibration/compensated-rounding.js";
import { damp, errorFactor, inverseOfTriangle } from "../../../src/calibration/gram-factor.js";
import { ProductSession } from "../../../src/calibration/product-session.js";
import { areBlocks } from "../../../src/conversion/on-grid.js";
import { Random } from "../../support/random.js";
import { tiled, untiled } from "../../support/skinny.js";

const [ROWS, IN, OUT] = [300, 72, 20];
const random = new Random(3);
const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
const matrix = (rows: number, columns: number, value: () => number) =>
  Float32Array.from({ length: rows * columns }, value);

let product: ProductSession;
beforeAll(async () => {
  product = await ProductSession.create(false);
});
afterAll(() => product.dispose());

/** Rows whose columns depend on each other, as activations do, with some large ones. */
function activations(rows: number): Float32Array {
  const x = matrix(rows, IN, normal);
  for (let r = 0; r < rows; r++) {
    for (let i = 1; i < IN; i++) x[r * IN + i] = 0.8 * x[r * IN + i - 1] + 0.6 * x[r * IN + i] * (i % 20 === 0 ? 6 : 1);
  }
  return x;
}

/** X^T Y, added up one product after the other. */
function gramOf(x: Float32Array, y: Float32Array): Float64Array {
  const gram = new Float64Array(IN * IN);
  for (let r = 0; r < x.length; r += IN)
    for (let i = 0; i < IN; i++) for (let k = 0; k < IN; k++) gram[i * IN + k] += x[r + i] * y[r + k];
  return gram;
}

/** |X0 W^T - X Q^T|^2 */
function outputError(x0: Float32Array, weights: Float32Array, x: Float32Array, rounded: Float32Array): number {
  let error = 0;
  for (let r = 0; r < x.length; r += IN) {
    for (let o = 0; o < OUT; o++) {
      let off = 0;
      for (let i = 0; i < IN; i++) off += x0[r + i] * weights[o * IN + i] - x[r + i] * rounded[o * IN + i];
      error += off * off;
    }
  }
  return error;
}

function nearest(weights: Float32Array): Float32Array {
  const shape = { K: IN, N: OUT, dtype: "q4" } as const;
  return untiled(shape, tiled(shape, weights));
}

async function compensated(weights: Float32Array, gram: Float64Array, offsets = new Float32Array(OUT * IN)) {
  const rounded = weights.slice();
  const factor = errorFactor(gram, IN);
  await roundCompensated({ values: rounded, dims: [OUT, IN] }, factor, { values: offsets, dims: [OUT, IN] }, product);
  return rounded;
}

test("the factor of a Gram matrix gives it again, and its inverse undoes it", () => {
  const x = activations(ROWS);
  const gram = gramOf(x, x);
  const m = errorFactor(gram, IN);
  const inverse = inverseOfTriangle(m, IN);
  let [farthest, offUnit] = [0, 0];
  for (let i = 0; i < IN; i++) {
    for (let k = 0; k < IN; k++) {
      let [product, unit] = [0, 0];
      for (let j = 0; j < IN; j++) {
        product += m[j * IN + i] * m[j * IN + k];
        unit += inverse[i * IN + j] * m[j * IN + k];
      }
      farthest = Math.max(farthest, Math.abs(product - gram[i * IN + k]));
      offUnit = Math.max(offUnit, Math.abs(unit - Number(i === k)));
    }
  }
  expect(farthest).toBeLessThan(1e-8);
  expect(offUnit).toBeLessThan(1e-5);
});

test("compensated weights change outputs much less than those that are rounded to nearest, and q4 keeps them", async () => {
  const x = activations(ROWS);
  const weights = matrix(OUT, IN, () => 0.05 * normal());
  const rounded = await compensated(weights, gramOf(x, x));
  const error = outputError(x, weights, x, rounded);
  expect(error).toBeLessThan(0.5 * outputError(x, weights, x, nearest(weights)));
  expect(areBlocks(rounded, IN)).toBe(true);
  expect(nearest(rounded)).toEqual(rounded);
});

test("what inputs have lost already is made good too", async () => {
  const x0 = activations(ROWS);
  const x = x0.map((value) => 0.97 * value + 0.05 * normal());
  const weights = matrix(OUT, IN, () => 0.05 * normal());
  const gram = gramOf(x, x);
  const drift = gramOf(
    x0.map((value, i) => value - x[i]),
    x,
  );
  const inverse = inverseOfTriangle(errorFactor(gram, IN), IN);
  const offsets = new Float32Array(OUT * IN);
  for (let o = 0; o < OUT; o++) {
    for (let i = 0; i < IN; i++)
      for (let k = 0; k < IN; k++)
        for (let j = 0; j < IN; j++)
          offsets[o * IN + i] += weights[o * IN + k] * drift[k * IN + j] * inverse[j * IN + i];
  }
  const aware = await compensated(weights, gram, offsets);
  const unaware = await compensated(weights, gram);
  expect(outputError(x0, weights, x, aware)).toBeLessThan(0.7 * outputError(x0, weights, x, unaware));
});

test("fewer rows than inputs, inputs that are always zero, and weights that no step tells apart are rounded all the same", async () => {
  const x = activations(5);
  for (let r = 0; r < 5; r++) x[r * IN + 7] = 0;
  const gram = gramOf(x, x);
  damp(gram, IN);
  const weights = matrix(OUT, IN, () => 1 + 1e-7 * random.next());
  weights.fill(0, 0, IN);
  const rounded = await compensated(weights, gram);
  expect(rounded.every(Number.isFinite)).toBe(true);
  expect(nearest(rounded)).toEqual(rounded);
});

test("rows that are not finite are an error", () => {
  expect(() => damp(Float64Array.of(1, 0, 0, Number.NaN), 2)).toThrow(/rows of a layer are not finite/);
});
