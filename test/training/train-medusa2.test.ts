import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  AutoModelForCausalLM,
  type LanguageModel,
  type Medusa2Progress,
  MedusaModel,
  type TrainMedusa2Options,
  trainMedusa,
  trainMedusa2,
} from "../../src/index.js";
import { model, prompts, TARGET, temporaryFolder } from "../support/models.js";
import { tier } from "../support/tier.js";

/** A tiny base with random weights, and token ids that it may read. */
let tiny: LanguageModel;
beforeAll(async () => {
  tiny = await AutoModelForCausalLM.fromPretrained("test/oracle/llama/gqa-tied", { dtype: "fp32" });
});
afterAll(() => tiny.dispose());
const noise = () =>
  Array.from({ length: 60 }, (_, i) => ({
    tokens: Array.from({ length: 9 + (i % 8) }, (_, t) => 3 + ((7 * i * t + 5 * t + i) % (tiny.vocabLimit - 3))),
  }));

const SMALL = {
  batchSize: 4,
  microBatchSize: 2,
  sequenceLength: 32,
  validateEvery: 6,
  evaluations: 1,
  heads: 2,
} as const;
const outFolder = () => join(temporaryFolder(), "joint");
const train = (options: Partial<TrainMedusa2Options> = {}, output = outFolder()) =>
  trainMedusa2(tiny, noise(), { ...SMALL, output, maxSteps: 5, ...options });
const bytesOf = (directory: string) =>
  ["medusa_lm_head.safetensors", "base/model.safetensors"].map((file) =>
    readFileSync(join(directory, file)).toString("base64"),
  );

test("stopped and resumed it ends with the same bits: a changed base, and heads that load with it", async () => {
  const whole = await train({ rank: 4, learningRate: 1e-3 });
  const output = outFolder();
  const stop = new AbortController();
  const onProgress = (event: Medusa2Progress) => {
    if (event.stage === "training" && event.step === 2) stop.abort();
  };
  const options = { rank: 4, learningRate: 1e-3 };
  await expect(train({ ...options, onProgress, signal: stop.signal }, output)).rejects.toThrow(/abort/i);
  await train({ ...options, resume: true }, output);
  expect(bytesOf(output)).toEqual(bytesOf(whole.directory));
  expect(whole.after.losses[0]).toBeLessThan(whole.before.losses[0]);
  const medusa = await MedusaModel.fromPretrained(output, { dtype: "fp32" });
  expect(medusa.base.directory).toBe(join(output, "base"));
  expect(medusa.heads.count).toBe(2);
  await medusa.dispose();
});

test.each([
  { rank: 0, baseLoss: "text", learningRate: 1e-3, maxDrift: 10 },
  { rank: 0, sharedHead: true, layers: 2, weights: "F32", learningRate: 1e-3 },
] as const)("other trainings: %o", async (options) => {
  const { directory, before, after } = await train(options);
  expect(after.losses[0]).toBeLessThan(before.losses[0]);
  const base = await AutoModelForCausalLM.fromPretrained(join(directory, "base"), { dtype: "fp32" });
  await base.dispose();
});

test("a base that drifts too far at once stops the training, and nothing is written", async () => {
  const output = outFolder();
  const far = { rank: 8, learningRate: 0.05, headWeight: 10, ramp: "none", warmupSteps: 0 } as const;
  await expect(train({ ...far, evaluations: 2 }, output)).rejects.toThrow(
    /perplexity has risen by .* over the limit of 1 %/,
  );
  expect(existsSync(join(output, "config.json"))).toBe(false);
});

test("a base that drifts later is written as the last validation within the limit found it, resumed or not", async () => {
  const far = {
    rank: 8,
    learningRate: 0.02,
    headWeight: 10,
    ramp: "none",
    warmupSteps: 0,
    decay: "constant",
  } as const;
  const options = { ...far, maxSteps: 20, epochs: 10, evaluations: 20, maxDrift: 0.03 };
  const whole = await train(options);
  const { drift, steps, before, after } = whole;
  expect(drift!.step).toBe(steps + 1);
  expect(drift!.rise).toBeGreaterThan(0.03);
  expect(after.perplexity / before.perplexity).toBeLessThanOrEqual(1.03);
  const log = readFileSync(join(whole.directory, "training.jsonl"), "utf8").trim().split("\n");
  expect(JSON.parse(log.at(-1)!)).toMatchObject({ stage: "validation", step: drift!.step });
  expect(readFileSync(join(whole.directory, "README.md"), "utf8")).toContain(`Stopped at step ${drift!.step}, where`);
  // As a training of so many steps would have written it.
  const short = await train({ ...options, maxSteps: steps });
  expect(short.drift).toBeUndefined();
  expect(bytesOf(whole.directory)).toEqual(bytesOf(short.directory));
  // Stopped before the last validation within the limit, or before the one beyond it.
  for (const at of [steps, drift!.step]) {
    const output = outFolder();
    const stop = new AbortController();
    const onProgress = (event: Medusa2Progress) => {
      if (event.stage === "training" && event.step === at) stop.abort();
    };
    await expect(train({ ...options, onProgress, signal: stop.signal }, output)).rejects.toThrow(/abort/i);
    expect(await train({ ...options, resume: true }, output)).toMatchObject({ steps, drift });
    expect(bytesOf(output)).toEqual(bytesOf(whole.directory));
  }
});

test("what is wrong is said before any work", async () => {
  await expect(train({ headsFrom: "models/medusa-heads", heads: 2 })).rejects.toThrow(
    "heads is decided by the heads of",
  );
  await expect(train({ headsFrom: "models/medusa-heads", heads: undefined })).rejects.toThrow("are of another base");
  await expect(train({ batchSize: 3 })).rejects.toThrow("a multiple of microBatchSize (2)");
  await expect(train({}, "/proc/joint")).rejects.toThrow("the output /proc/joint cannot be written");
});

describe.runIf(tier(true, false))("on a base that writes stories", () => {
  test("heads of Medusa-1 gain, and the base stays what it was", async () => {
    const base = await model(TARGET, "q8");
    const texts: { tokens: number[] }[] = [];
    for (const { prompt } of prompts().slice(0, 16)) {
      const { tokenIds } = await base.generate(prompt, { maxNewTokens: 120, speculation: { method: "none" } });
      texts.push({ tokens: [...base.promptIds(prompt), ...tokenIds] });
    }
    const output = join(temporaryFolder(), "heads");
    const common = { heads: 2, validateEvery: 6, evaluations: 2, sharedHead: true };
    await trainMedusa(base, texts, { ...common, output, batchSize: 256, microBatchSize: 128, epochs: 4 });
    const { heads: _h, sharedHead: _s, ...rest } = common;
    const options = { ...rest, headsFrom: output, output: outFolder(), sequenceLength: 128, batchSize: 4, epochs: 4 };
    const { before, after, directory } = await trainMedusa2(base, texts, options);
    expect(after.perplexity / before.perplexity).toBeLessThan(1.01);
    expect(after.tokensPerPass).toBeGreaterThanOrEqual(before.tokensPerPass);
    const medusa = await MedusaModel.fromPretrained(directory);
    const plain = await medusa.base.generate("Once upon a time", { maxNewTokens: 24, speculation: { method: "none" } });
    const fast = await medusa.generate("Once upon a time", { maxNewTokens: 24 });
    expect(fast.tokenIds).toEqual(plain.tokenIds);
    await medusa.dispose();
  });
});
