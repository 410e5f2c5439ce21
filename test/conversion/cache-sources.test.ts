import {
  closeSync,
  cpSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { fileDigests } from "../../src/files/digest.js";
import { SafetensorsFile } from "../../src/formats/safetensors/safetensors.js";
import { AutoModelForCausalLM, CheckpointError, type ConversionProgress } from "../../src/index.js";
import { DRAFT, temporaryFolder } from "../support/models.js";

/** A converted model is named after its checkpoint's contents: what if these change? */
const cacheBefore = process.env.FORETOKEN_CACHE;
afterAll(() => {
  process.env.FORETOKEN_CACHE = cacheBefore;
});

let checkpoint: string;
beforeEach(() => {
  process.env.FORETOKEN_CACHE = temporaryFolder();
  checkpoint = join(temporaryFolder(), "checkpoint");
  cpSync(DRAFT, checkpoint, { recursive: true });
});
const weights = () => join(checkpoint, "model.safetensors");

/** The same tensors with other signs. */
function otherContents(): Buffer {
  const bytes = readFileSync(join(DRAFT, "model.safetensors"));
  for (let i = 9 + Number(bytes.readBigUInt64LE()); i < bytes.length; i += 2) bytes[i] ^= 0x80;
  return bytes;
}

function overwrite(bytes: Buffer): void {
  const file = openSync(weights(), "r+");
  writeSync(file, bytes, 0, bytes.length, 0);
  closeSync(file);
}

function replace(bytes: Buffer): void {
  writeFileSync(`${weights()}.new`, bytes);
  renameSync(`${weights()}.new`, weights());
}

async function load(progressCallback?: (progress: ConversionProgress) => void) {
  const lm = await AutoModelForCausalLM.fromPretrained(checkpoint, { progressCallback });
  const { tokenIds } = await lm.generate([5, 6, 7], { maxNewTokens: 8 });
  await lm.dispose();
  return tokenIds;
}

test.each([
  ["overwritten", overwrite],
  ["replaced", replace],
])("a checkpoint that is %s while it is converted is an error, and nothing is kept", async (_, put) => {
  const original = readFileSync(weights());
  let times = 0;
  const loading = load(({ stage, fraction }) => {
    if (stage === "convert" && fraction > 0.3 && times++ === 0) put(otherContents());
  });
  await expect(loading).rejects.toThrow(/model.safetensors changed while it was read/);
  await expect(loading).rejects.toThrow(CheckpointError);
  expect(readdirSync(join(process.env.FORETOKEN_CACHE!, "models"))).toEqual([]);
  // Nor where it is as before when conversion ends.
  const flicker = load(({ stage, fraction }) => {
    if (stage === "convert" && fraction > 0.3) put(fraction < 0.9 ? otherContents() : original);
  });
  await expect(flicker).rejects.toThrow(/model.safetensors changed while it was read/);
});

test("a file that changes between opening and naming is an error", async () => {
  const file = await SafetensorsFile.open(weights());
  overwrite(otherContents());
  await expect(file.digest()).rejects.toThrow(/changed while it was read/);
  await file.close();
});

test("contents that change in place while size and time are kept are other contents", async () => {
  const memo = temporaryFolder();
  const longAgo = new Date(Date.now() - 1e6);
  utimesSync(weights(), longAgo, longAgo);
  // Digests of files that changed a moment ago are not remembered.
  await new Promise((resolve) => setTimeout(resolve, 2100));
  const before = await fileDigests([weights()], memo);
  expect(readdirSync(memo)).toHaveLength(1);
  overwrite(otherContents());
  utimesSync(weights(), longAgo, longAgo);
  expect(Math.round(statSync(weights()).mtimeMs)).toBe(longAgo.getTime());
  expect(await fileDigests([weights()], memo)).not.toBe(before);
});

test("digests of files that changed a moment ago are not remembered: clocks of file systems are coarse", async () => {
  const memo = temporaryFolder();
  overwrite(otherContents());
  await fileDigests([weights()], memo);
  expect(readdirSync(memo)).toEqual([]);
});

test("a checkpoint file that disappears is named", async () => {
  const gone = join(checkpoint, "gone.safetensors");
  await expect(fileDigests([gone])).rejects.toThrow(`${gone} does not exist`);
});
