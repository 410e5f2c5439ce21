import { describe, expect, test } from "vitest";
import { nativeOperators } from "../../src/runtime/native-operators.js";
import { runNode, type Value } from "../support/one-node.js";
import { numbers, reference, tiled, untiled } from "../support/skinny.js";

const EPSILON = 1e-5;
const [K, N] = [100, 50];

describe.runIf(nativeOperators().path).each(["q4", "q8"] as const)(
  "SkinnyMatMul in %s with what it takes in",
  (dtype) => {
    const weight = (seed: number, outputs = N) => tiled({ K, N: outputs, dtype }, numbers(outputs * K, seed));
    const [gate, up] = [weight(7), weight(8)];
    const [bias, upBias, gain] = [numbers(N, 5), numbers(N, 6), numbers(K, 9)];
    const tiles = ({ data, shape }: ReturnType<typeof tiled>): Value => ({ data, dims: shape });

    interface Taken {
      gated?: boolean;
      normed?: boolean;
      updated?: boolean;
    }
    const WAYS: [string, Taken][] = [
      ["a norm", { normed: true }],
      ["a residual update", { updated: true }],
      ["a gate", { gated: true }],
      ["all of it", { gated: true, normed: true, updated: true }],
    ];

    async function run(taken: Taken, x: Float32Array, update: Float32Array, rows: number) {
      const { gated, normed, updated } = taken;
      const inputs: Record<string, Value> = { x: { data: x, dims: [1, rows, K] }, w: tiles(gate), b: vector(bias) };
      if (gated) Object.assign(inputs, { up: tiles(up), ub: vector(upBias) });
      if (normed) inputs.gain = vector(gain);
      if (updated) inputs.update = { data: update, dims: [1, rows, K] };
      const names = ["x", "w", "b", "up", "ub", "gain", "update"].map((name) => (name in inputs ? name : ""));
      const y = new Float32Array(rows * N);
      const sum = new Float32Array(rows * K);
      const out = { y: { type: "f32", dims: [1, rows, N] }, sum: { type: "f32", dims: [1, rows, K] } } as const;
      await runNode(
        {
          op: "SkinnyMatMul",
          inputs: names,
          outputs: updated ? out : { y: out.y },
          attributes: { K, N, bits: dtype === "q4" ? 4 : 8, epsilon: { float: EPSILON } },
        },
        inputs,
        { y: { data: y, dims: out.y.dims }, sum: { data: sum, dims: out.sum.dims } },
      );
      return { y, sum };
    }

    test.each(WAYS)("%s: as in double precision", async (_, taken) => {
      const rows = 3;
      const [x, update] = [numbers(rows * K, 3), numbers(rows * K, 4)];
      const { y, sum } = await run(taken, x, update, rows);
      const stream = x.map((value, i) => (taken.updated ? value + update[i] : value));
      if (taken.updated) expect(sum).toEqual(stream);
      const multiplied = taken.normed ? normedRows(stream, gain) : stream;
      const product = (w: typeof gate, b: Float32Array) =>
        reference({ K, N, dtype }, multiplied, rows, untiled({ K, N, dtype }, w), b);
      let want = product(gate, bias);
      if (taken.gated) {
        const ups = product(up, upBias);
        want = want.map((value, i) => (value / (1 + Math.exp(-value))) * ups[i]);
      }
      const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // Norms in single precision may round a number at the edge of two steps to the other.
      const tolerance = taken.normed ? 2e-3 : 1e-5;
      y.forEach((value, i) => {
        expect(Math.abs(value - want[i])).toBeLessThanOrEqual(tolerance * largest);
      });
    });

    test.each(WAYS)("%s: a row has the same bits alone and in company", async (_, taken) => {
      const rows = 9;
      const [x, update] = [numbers(rows * K, 3), numbers(rows * K, 4)];
      const all = await run(taken, x, update, rows);
      for (let r = 0; r < rows; r++) {
        const of = (values: Float32Array) => values.slice(r * K, (r + 1) * K);
        const lone = await run(taken, of(x), of(update), 1);
        expect(lone.y).toEqual(all.y.slice(r * N, (r + 1) * N));
        expect(lone.sum).toEqual(all.sum.slice(r * K, (r + 1) * K));
      }
    });

    test("gains and updates that do not fit are ONNX Runtime's errors", async () => {
      const x: Value = { data: numbers(K), dims: [1, 1, K] };
      const y = { y: { data: new Float32Array(N), dims: [1, 1, N] } };
      const outputs = { y: { type: "f32", dims: [1, 1, N] } } as const;
      const attributes = { K, N, bits: dtype === "q4" ? 4 : 8 };
      const refused = (inputs: string[], more: Record<string, Value>) =>
        runNode({ op: "SkinnyMatMul", inputs, outputs, attributes }, { x, w: tiles(gate), ...more }, y);
      const short = vector(numbers(K - 1));
      await expect(refused(["x", "w", "", "", "", "gain"], { gain: short })).rejects.toThrow("gain must be [K]");
      await expect(refused(["x", "w", "", "", "", "", "update"], { update: short })).rejects.toThrow("update must be");
      await expect(refused(["x", "w", "", "up"], { up: tiles(weight(8, N + 16)) })).rejects.toThrow("weights must be");
    });
  },
);

function vector(data: Float32Array): Value {
  return { data, dims: [data.length] };
}

function normedRows(x: Float32Array, gain: Float32Array): Float32Array {
  return x.map((value, i) => {
    const row = x.subarray(i - (i % K), i - (i % K) + K);
    const squares = row.reduce((sum, each) => sum + each * each, 0);
    return (value / Math.sqrt(squares / K + EPSILON)) * gain[i % K];
  });
}
