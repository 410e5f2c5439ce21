import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { verifyCache } from "../../src/conversion/verify-cache.js";
import { AutoModelForCausalLM, type ConversionProgress } from "../../src/index.js";
import { foretoken } from "../support/cli.js";
import { copyConverted, DRAFT, TARGET, temporaryFolder } from "../support/models.js";
import { tier } from "../support/tier.js";

/** Damage to a converted model on disk: found before a token is made, and cured by making the model again. */
const cacheBefore = process.env.FORETOKEN_CACHE;
afterAll(() => {
  process.env.FORETOKEN_CACHE = cacheBefore;
});

let pristine: string;
let right: readonly number[];
beforeAll(async () => {
  pristine = join(temporaryFolder(), "pristine");
  process.env.FORETOKEN_CACHE = pristine;
  await copyConverted(DRAFT, "fp32");
  right = (await load()).tokenIds;
});

/** A copy: new inodes and times, but for the folder of digests nothing is kept. */
let cache: string;
beforeEach(() => {
  cache = join(temporaryFolder(), "cache");
  cpSync(pristine, cache, { recursive: true });
  process.env.FORETOKEN_CACHE = cache;
});

const folder = () => join(cache, "models", readdirSync(join(cache, "models"))[0]);
const weights = () => join(folder(), "packed.bin");

async function load() {
  let converted = false;
  const progressCallback = (_: ConversionProgress) => {
    converted = true;
  };
  const lm = await AutoModelForCausalLM.fromPretrained(DRAFT, { dtype: "fp32", progressCallback });
  const { tokenIds } = await lm.generate([5, 6, 7], { maxNewTokens: 8 });
  await lm.dispose();
  return { tokenIds, converted };
}

test("a damaged manifest is not used: the model is made again", async () => {
  const path = join(folder(), "model.json");
  const model = JSON.parse(readFileSync(path, "utf8"));
  model.manifest.tensors["layers.0.mlp_norm"].offset -= 4096;
  writeFileSync(path, JSON.stringify(model));
  expect(await load()).toEqual({ tokenIds: right, converted: true });
});

/** Flips one bit in the middle; size and time of change stay. */
function flipBit(path: string): void {
  const { atime, mtime } = statSync(path);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(path, bytes);
  utimesSync(path, atime, mtime);
}

test("one flipped bit is found at the next load, though size and time are the same", async () => {
  await load();
  flipBit(weights());
  expect(await load()).toEqual({ tokenIds: right, converted: true });
  expect(await load()).toEqual({ tokenIds: right, converted: false });
});

test("one flipped bit is found in a file that was put in the old one's place", async () => {
  await load();
  cpSync(weights(), `${weights()}.new`, { preserveTimestamps: true });
  flipBit(`${weights()}.new`);
  renameSync(`${weights()}.new`, weights());
  expect(await load()).toEqual({ tokenIds: right, converted: true });
});

test("a copied cache is read through once, then trusted", async () => {
  const note = join(folder(), "verified.json");
  const before = readFileSync(note, "utf8");
  expect(await load()).toEqual({ tokenIds: right, converted: false });
  const verified = readFileSync(note, "utf8");
  expect(verified).not.toBe(before);
  const { mtimeMs } = statSync(note);
  await load();
  expect(statSync(note).mtimeMs).toBe(mtimeMs);
});

test("what others keep beside the model does not matter", async () => {
  writeFileSync(join(folder(), "something-else.json"), "{");
  expect((await load()).converted).toBe(false);
  expect(await verifyCache()).toEqual({ intact: 1, skipped: 0, damaged: [] });
});

test.each([
  ["weights", () => flipBit(weights()), /packed.bin: block \d+ of \d+ is not as it was written/],
  ["missing weights", () => rmSync(weights()), /packed.bin: it is missing/],
  [
    "a damaged manifest",
    () => writeFileSync(join(folder(), "model.json"), "[]"),
    /model.json is missing or no JSON|not as it was written/,
  ],
  ["no manifest", () => rmSync(join(folder(), "model.json")), /model.json is missing/],
] as const)("the cache's verification finds and removes %s", async (_, damage, fault) => {
  const directory = folder();
  damage();
  expect(await verifyCache()).toEqual({
    intact: 0,
    skipped: 0,
    damaged: [{ directory, fault: expect.stringMatching(fault), removed: true }],
  });
  expect(existsSync(directory)).toBe(false);
  if (tier(true, fault.source.startsWith("packed.bin: block"))) {
    expect(await load()).toEqual({ tokenIds: right, converted: true });
  }
});

test("doctor --verify says what is damaged and that it was removed", async () => {
  flipBit(weights());
  const directory = folder();
  for (const dtype of ["q4", "fp32"] as const) await copyConverted(TARGET, dtype);
  const { code, stdout, stderr } = await foretoken(["doctor", "--verify", "-m", DRAFT], {
    env: { FORETOKEN_CACHE: cache },
  });
  expect(stderr).toBe("");
  expect(code).toBe(1);
  expect(stdout).toMatch(`${directory} is damaged (packed.bin: block`);
  expect(stdout).toContain("removed, made again when next loaded");
  const { intact, damaged } = await verifyCache();
  expect(damaged).toEqual([]);
  expect(intact).toBeGreaterThan(2);
});
