import { join } from "node:path";
import { expect, test } from "vitest";
import { toIntegers } from "../../../src/formats/integers.js";
import { PytorchFile } from "../../../src/formats/pytorch/pytorch.js";
import { SafetensorsFile } from "../../../src/formats/safetensors/safetensors.js";
import { temporaryFolder } from "../../support/models.js";
import { writeTensors } from "../../support/safetensors-files.js";

test("whole numbers of a safetensors file", async () => {
  const path = join(temporaryFolder(), "model.safetensors");
  writeTensors(path, {
    ids: { shape: [3], values: BigInt64Array.of(5n, -1n, 2n ** 40n) },
    weight: { shape: [2], values: Float32Array.of(1, 2) },
  });
  const file = await SafetensorsFile.open(path);
  expect(await file.integers("ids")).toEqual([5, -1, 2 ** 40]);
  expect(await file.integers("none")).toBeUndefined();
  await expect(file.integers("weight")).rejects.toThrow('tensor "weight" has dtype F32, expected I64 or I32');
  expect(() => file.info("ids")).toThrow("has dtype I64, expected F32, F16 or BF16");
  await file.close();
});

test("whole numbers of a PyTorch file", async () => {
  const file = await PytorchFile.open("test/oracle/eagle/safeai/pytorch_model.bin");
  const offsets = (await file.integers("d2t"))!;
  const ids = offsets.map((offset, i) => i + offset);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  expect(ids).toHaveLength(40);
  await expect(file.integers("t2d")).rejects.toThrow("expected whole numbers (long or int)");
  await expect(file.integers("fc.weight")).rejects.toThrow("is a torch HalfStorage, expected whole numbers");
  expect(await file.integers("none")).toBeUndefined();
  await file.close();
});

test("both widths", () => {
  expect(toIntegers("I32", new Uint8Array(Int32Array.of(-3, 7).buffer))).toEqual([-3, 7]);
});
