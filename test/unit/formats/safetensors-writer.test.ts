import { join } from "node:path";
import { expect, test } from "vitest";
import { SafetensorsFile } from "../../../src/formats/safetensors/safetensors.js";
import { writeSafetensors } from "../../../src/formats/safetensors/writer.js";
import { temporaryFolder } from "../../support/models.js";

/** 1 + 2^-8 lies half-way between two bfloat16 numbers and goes to the even one; 1 + 3 * 2^-8 goes up. */
const VALUES = [1 + 2 ** -8, 1 + 3 * 2 ** -8, -(1 + 2 ** -7), 0];

test.each([
  ["F32", VALUES],
  ["F16", VALUES],
  ["BF16", [1, 1 + 2 ** -6, -(1 + 2 ** -7), 0]],
] as const)("tensors are written as %s and read back", async (dtype, expected) => {
  const path = join(temporaryFolder(), "x.safetensors");
  await writeSafetensors(path, [{ name: "x", shape: [2, 2], values: Float32Array.from(VALUES) }], dtype);
  const file = await SafetensorsFile.open(path);
  const read = new Float32Array(4);
  await file.readRows("x", 0, 2, read);
  await file.close();
  expect(file.info("x")).toEqual({ dtype, shape: [2, 2] });
  expect([...read]).toEqual([...expected]);
});
