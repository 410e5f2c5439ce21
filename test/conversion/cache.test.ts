import { execFile, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, expect, test } from "vitest";
import { AutoModelForCausalLM, type ConversionProgress } from "../../src/index.js";
import { copyConverted, DRAFT, temporaryFolder } from "../support/models.js";
import { some, tier } from "../support/tier.js";

/** The cache of converted models: made once, mapped afterwards, safe and self-healing. */
let cache: string;
beforeEach(() => {
  cache = temporaryFolder();
  process.env.FORETOKEN_CACHE = cache;
});

test("work under way in another container is left alone as long as it shows signs of life", async () => {
  // The process ids there mean nothing here: this one belongs to nobody, or to somebody else.
  const [alive, dead] = ["0123.tmp-0badcafe-999999999-abcd", "4567.tmp-0badcafe-999999999-ef01"];
  for (const name of [alive, dead]) mkdirSync(join(cache, "models", name), { recursive: true });
  const hoursAgo = Date.now() / 1000 - 2 * 60 * 60;
  utimesSync(join(cache, "models", dead), hoursAgo, hoursAgo);
  await load();
  expect(models().filter((name) => name.includes(".tmp-"))).toEqual([alive]);
});

const models = () => readdirSync(join(cache, "models"));
/** A file's path in the one converted model. */
const file = (name: string) => join(cache, "models", models()[0], name);

/** Loads, generates, and tells whether it had to convert. */
async function load(directory = DRAFT, dtype: "q8" | "q4" | "fp32" = "q8") {
  const progress: ConversionProgress[] = [];
  const lm = await AutoModelForCausalLM.fromPretrained(directory, { dtype, progressCallback: (p) => progress.push(p) });
  const { tokenIds } = await lm.generate([5, 6, 7], { maxNewTokens: 8 });
  await lm.dispose();
  return { tokenIds, converted: progress.length > 0, progress };
}

test.each(some(["q8", "q4", "fp32"] as const, 2))(
  "%s: the second load maps what the first converted",
  async (dtype) => {
    const first = await load(DRAFT, dtype);
    expect(first.converted).toBe(true);
    const fractions = first.progress.filter(({ stage }) => stage === "convert").map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions[fractions.length - 1]).toBe(1);
    const second = await load(DRAFT, dtype);
    expect(second).toMatchObject({ converted: false, tokenIds: first.tokenIds });
    expect(models()).toHaveLength(1);
  },
);

test("the same contents elsewhere are the same model; other contents are not", async () => {
  const copy = join(temporaryFolder(), "copy");
  cpSync(DRAFT, copy, { recursive: true });
  await copyConverted(DRAFT);
  expect((await load(copy)).converted).toBe(false);
  const bytes = readFileSync(join(copy, "model.safetensors"));
  bytes[bytes.length - 2] ^= 0x40;
  writeFileSync(join(copy, "model.safetensors"), bytes);
  expect((await load(copy)).converted).toBe(true);
  expect(models()).toHaveLength(2);
});

const weights = () => file(readdirSync(join(cache, "models", models()[0])).find((name) => name.endsWith(".bin"))!);
const damages: [name: string, damage: () => void][] = [
  ["weights truncated", () => truncateSync(weights(), statSync(weights()).size >> 1)],
  ["weights emptied", () => truncateSync(weights(), 0)],
  ["weights overwritten", () => writeFileSync(weights(), Buffer.alloc(statSync(weights()).size, 7))],
  ["manifest truncated", () => truncateSync(file("model.json"), 50)],
  ["manifest of another kind", () => writeFileSync(file("model.json"), "[]")],
];
test.each(some(damages, 2))("a damaged model is made again: %s", async (_, damage) => {
  await copyConverted(DRAFT);
  const first = await load();
  expect(first.converted).toBe(false);
  damage();
  expect(await load()).toMatchObject({ converted: true, tokenIds: first.tokenIds });
  expect(await load()).toMatchObject({ converted: false, tokenIds: first.tokenIds });
});

const GENERATE = ["bin/foretoken.js", "generate", "One day", "-n", "4", "--method", "none", "--model", DRAFT];

test("processes that convert at once do not disturb each other", async () => {
  const run = () => promisify(execFile)(process.execPath, GENERATE, { env: process.env });
  const results = await Promise.all(Array.from({ length: tier(3, 2) }, run));
  expect(new Set(results.map(({ stdout }) => stdout)).size).toBe(1);
  expect(results.every(({ stderr }) => stderr === "")).toBe(true);
  expect(models()).toHaveLength(1);
});

test("a conversion killed half-way leaves nothing that counts, and the next one cleans up", async () => {
  for (let attempt = 0; attempt < tier(3, 1); attempt++) {
    const child = spawn(process.execPath, GENERATE, { env: process.env });
    const ended = new Promise((resolve) => child.on("close", resolve));
    while (!existsSync(join(cache, "models")) || (child.exitCode === null && models().length === 0)) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    child.kill("SIGKILL");
    await ended;
  }
  await load();
  expect(models().filter((name) => name.includes(".tmp-"))).toEqual([]);
  expect((await load()).converted).toBe(false);
});

test("a cache that is removed under a loaded model is named, and loading again mends both", async () => {
  await copyConverted(DRAFT);
  const lm = await AutoModelForCausalLM.fromPretrained(DRAFT);
  // Opens a session of its own over the same weights.
  const without = () => lm.model.withoutLayers([1]);
  rmSync(cache, { recursive: true });
  await lm.generate([5, 6, 7], { maxNewTokens: 4 });
  await expect(without()).rejects.toThrow(/was removed while it was in use: load the checkpoint again/);
  await load();
  expect(await without()).toBeDefined();
  await lm.dispose();
});

test("an abort stops the conversion and leaves nothing", async () => {
  const controller = new AbortController();
  const progressCallback = () => controller.abort();
  const loading = AutoModelForCausalLM.fromPretrained(DRAFT, { signal: controller.signal, progressCallback });
  await expect(loading).rejects.toThrow(/abort/i);
  expect(models()).toEqual([]);
});
