import { describe, expect, test } from "vitest";
import { nativeOperators } from "../../src/runtime/native-operators.js";
import { runNode, type Value } from "../support/one-node.js";
import { numbers, SkinnyProduct, tiled } from "../support/skinny.js";

const [K, N] = [64, 1000];
const ROWS = 6;

describe.runIf(nativeOperators().path).each(["q4", "q8"] as const)("VocabHead in %s", (dtype) => {
  const shape = { K, N, dtype };
  const weights = tiled(shape, numbers(N * K, 7));
  const x = numbers(ROWS * K, 3);

  interface Asked {
    logits?: readonly number[];
    top?: readonly number[];
    sum?: readonly number[];
    k?: number;
    limit?: number;
  }

  async function head(rows: Float32Array, { logits = [], top = [], sum = [], k = 3, limit = N }: Asked) {
    const count = rows.length / K;
    const list = (places: readonly number[]): Value => ({
      data: BigInt64Array.from(places, BigInt),
      dims: [places.length],
    });
    const results = {
      logits: { data: new Float32Array(logits.length * N), dims: [1, logits.length, N] },
      values: { data: new Float32Array(top.length * k), dims: [1, top.length, k] },
      ids: { data: new BigInt64Array(top.length * k), dims: [1, top.length, k] },
      sums: { data: new Float32Array(sum.length), dims: [1, sum.length] },
    };
    const type = (name: string) => (name === "ids" ? "i64" : "f32");
    await runNode(
      {
        op: "VocabHead",
        inputs: ["x", "w", "", "logit_rows", "top_rows", "sum_rows", "k"],
        outputs: Object.fromEntries(
          Object.entries(results).map(([name, { dims }]) => [name, { type: type(name), dims }]),
        ),
        attributes: { K, N, bits: dtype === "q4" ? 4 : 8, limit },
      },
      {
        x: { data: rows, dims: [1, count, K] },
        w: { data: weights.data, dims: weights.shape },
        logit_rows: list(logits),
        top_rows: list(top),
        sum_rows: list(sum),
        k: list([k]),
      },
      results,
    );
    return { logits: results.logits.data, values: results.values.data, ids: results.ids.data, sums: results.sums.data };
  }

  async function product(): Promise<Float32Array> {
    using product = await SkinnyProduct.open(shape, weights);
    return product.run(x, ROWS);
  }

  test("logits are those of SkinnyMatMul, for the rows that asked", async () => {
    const all = await product();
    const { logits } = await head(x, { logits: [4, 1] });
    expect(logits.slice(0, N)).toEqual(all.slice(4 * N, 5 * N));
    expect(logits.slice(N)).toEqual(all.slice(N, 2 * N));
  });

  test.each([
    [1, N],
    [7, N],
    [3, 2],
    [5, 901],
  ])("the %i likeliest below %i, and log-sum-exp over these", async (wanted, limit) => {
    const k = Math.min(wanted, limit);
    const all = await product();
    const { values, ids, sums } = await head(x, { top: [0, 2, 5], sum: [5, 3], k, limit });
    for (const [i, row] of [0, 2, 5].entries()) {
      const logits = [...all.slice(row * N, row * N + limit)];
      const order = logits.map((_, id) => id).sort((a, b) => logits[b] - logits[a] || a - b);
      expect([...ids.slice(i * k, (i + 1) * k)].map(Number)).toEqual(order.slice(0, k));
      expect([...values.slice(i * k, (i + 1) * k)]).toEqual(order.slice(0, k).map((id) => logits[id]));
    }
    for (const [i, row] of [5, 3].entries()) {
      const logits = all.slice(row * N, row * N + limit);
      const largest = Math.max(...logits);
      const want = largest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
      expect(Math.abs(sums[i] - want)).toBeLessThanOrEqual(2e-6 * Math.abs(want));
    }
  });

  test("a row's results have the same bits alone and in company", async () => {
    const rows = Array.from({ length: ROWS }, (_, row) => row);
    const all = await head(x, { logits: rows, top: rows, sum: rows });
    for (const row of rows) {
      const lone = await head(x.slice(row * K, (row + 1) * K), { top: [0], sum: [0] });
      expect(lone.sums[0]).toBe(all.sums[row]);
      expect(lone.values).toEqual(all.values.slice(3 * row, 3 * row + 3));
    }
  });

  test("rows that cannot be chosen by are NaN, others are not", async () => {
    const broken = Float32Array.from(x);
    broken[K] = Number.NaN;
    broken.fill(0, 2 * K, 3 * K);
    const { values, sums } = await head(broken, { top: [0, 1, 2], sum: [0, 1, 2], k: 1 });
    expect([...values].map(Number.isNaN)).toEqual([false, true, true]);
    expect([...sums].map(Number.isNaN)).toEqual([false, true, true]);
  });

  test("no rows at all, or rows that ask for nothing", async () => {
    expect((await head(new Float32Array(0), {})).logits).toHaveLength(0);
    expect((await head(x, { k: 0 })).values).toHaveLength(0);
  });

  test.each([
    ["a row that is none", { top: [ROWS] }, "none of x's"],
    ["a row twice", { sum: [1, 1] }, "twice"],
    ["more than there are", { top: [0], k: N + 1 }, "k must be"],
  ] as const)("%s is ONNX Runtime's error", async (_, asked, message) => {
    await expect(head(x, asked)).rejects.toThrow(message);
  });
});
