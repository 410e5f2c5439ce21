import { describe, expect, test } from "vitest";
import { toFloat32 } from "../../src/formats/half-floats.js";
import { nativeOperators } from "../../src/runtime/native-operators.js";
import { runNode, type Value } from "../support/one-node.js";
import { numbers } from "../support/skinny.js";

/** One row of one head, at position 0: what it attends to is its own value, as the pool holds it. */
const D = 16;
const SLOTS = 4;
const pool = (width: number) => [2, 1, SLOTS, width];

type Pool = Value<Float32Array | Uint16Array | Int8Array>;
const floats = (width = D): Pool => ({ data: new Float32Array(2 * SLOTS * width), dims: pool(width) });
const halves = (width = D): Pool => ({ data: new Uint16Array(2 * SLOTS * width), dims: pool(width), type: "u16" });
const bytes = (width = D + 4): Pool => ({ data: new Int8Array(2 * SLOTS * width), dims: pool(width) });

async function attend(keys: Pool, values: Pool): Promise<Float32Array> {
  const y = { data: new Float32Array(D), dims: [1, 1, D] };
  await runNode(
    {
      op: "TreeAttention",
      inputs: ["qkv", "cos", "sin", "rows", "ancestors", "pages", "keys", "values"],
      outputs: { y: { type: "f32", dims: y.dims } },
      attributes: { num_heads: 1, kv_num_heads: 1 },
    },
    {
      qkv: { data: numbers(3 * D, 5), dims: [1, 1, 3 * D] },
      cos: { data: new Float32Array(D / 2).fill(1), dims: [1, D / 2] },
      sin: { data: new Float32Array(D / 2), dims: [1, D / 2] },
      // Its slot is the second of page 1.
      rows: { data: Int32Array.from([0, 0, 1, 0, 0]), dims: [1, 5] },
      ancestors: { data: new Int32Array(0), dims: [0] },
      pages: { data: Int32Array.from([1]), dims: [1, 1] },
      keys,
      values,
    },
    { y },
  );
  return y.data;
}

describe.runIf(nativeOperators().path)("TreeAttention's pool", () => {
  const value = numbers(3 * D, 5).subarray(2 * D);
  const at = (SLOTS + 1) * D;

  test("of floats: the value is written as it is", async () => {
    const values = floats();
    expect(await attend(floats(), values)).toEqual(value);
    expect(values.data.subarray(at, at + D)).toEqual(value);
  });

  test("of 16-bit floats: in place, and read back as it was rounded", async () => {
    const values = halves();
    const y = await attend(halves(), values);
    const stored = values.data.slice(at, at + D);
    const wide = new Float32Array(D);
    toFloat32("F16", new Uint8Array(stored.buffer), wide);
    expect(y).toEqual(wide);
    y.forEach((number, d) => {
      expect(Math.abs(number - value[d])).toBeLessThanOrEqual(Math.abs(value[d]) / 2048);
    });
  });

  test("of bytes: a scale behind each vector", async () => {
    const values = bytes();
    const y = await attend(bytes(), values);
    const stored = values.data.slice((SLOTS + 1) * (D + 4), (SLOTS + 2) * (D + 4));
    const scale = new DataView(stored.buffer).getFloat32(D, true);
    const most = Math.max(...value.map(Math.abs));
    expect(scale).toBe(Math.fround(most / 127));
    y.forEach((number, d) => {
      expect(number).toBeCloseTo(stored[d] * scale, 6);
      expect(Math.abs(number - value[d])).toBeLessThanOrEqual((most / 254) * 1.0001);
    });
  });

  test.each([
    ["keys and values of two types", floats(), halves(), /must both be f32, u16 .* or i8/],
    ["another type", { data: new Int32Array(8 * D), dims: pool(D) } as never, floats(), /must both be f32, u16/],
    ["bytes without room for the scale", bytes(D), bytes(D), /for i8 channels \+ 4/],
    ["16-bit floats of another width", halves(D + 4), halves(D + 4), /must be \[pages, kv_num_heads, slots of a page/],
    ["values of another width", bytes(), bytes(D + 8), /must be \[pages, kv_num_heads, slots of a page/],
  ])("%s: refused", async (_, keys, values, message) => {
    await expect(attend(keys, values)).rejects.toThrow(message);
  });
});
