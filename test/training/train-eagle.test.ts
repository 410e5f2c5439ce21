import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import {
  EagleModel,
  type EagleProgress,
  type LanguageModel,
  type TrainEagleOptions,
  trainEagle,
} from "../../src/index.js";
import { model, prompts, TARGET, temporaryFolder } from "../support/models.js";
import { some } from "../support/tier.js";

/** The base continues prompts: some thousand tokens of its own. */
let base: LanguageModel;
const texts: { tokens: number[] }[] = [];
beforeAll(async () => {
  base = await model(TARGET, "q8");
  const asked = prompts().slice(0, 12);
  const results = await base.generate(
    asked.map(({ prompt }) => prompt),
    { maxNewTokens: 80, speculation: { method: "none" } },
  );
  for (const [i, { prompt }] of asked.entries()) {
    texts.push({ tokens: [...base.promptIds(prompt), ...results[i].tokenIds].slice(0, 65) });
  }
});

const SMALL = { sequenceLength: 64, batchSize: 128, microBatchSize: 64, validateEvery: 6, steps: 3 } as const;
const train = (options: Partial<TrainEagleOptions> = {}, output = join(temporaryFolder(), "heads")) =>
  trainEagle(base, texts, { ...SMALL, evaluations: 1, draftVocabulary: 512, output, ...options });
const weightsIn = (directory: string) => readFileSync(join(directory, "model.safetensors")).toString("base64");

test("a layer learns, and drafts for the base at once", async () => {
  const progress: EagleProgress[] = [];
  const onProgress = (event: EagleProgress) => progress.push(event);
  const { directory, before, after, steps } = await train({ epochs: 3, learningRate: 0.003, onProgress });
  for (const [step, loss] of after.losses.entries()) expect(loss).toBeLessThan(before.losses[step] - 0.5);
  expect(after.overlaps[0]).toBeGreaterThan(before.overlaps[0] + 0.05);
  expect(after.tokensPerPass).toBeGreaterThan(before.tokensPerPass + 0.1);
  expect(progress.filter(({ stage }) => stage === "training")).toHaveLength(steps);
  const eagle = await EagleModel.fromPretrained(directory, { base });
  expect(eagle.heads.draftVocabSize).toBe(512);
  const { prompt } = prompts()[2];
  const plain = await base.generate(prompt, { maxNewTokens: 32, speculation: { method: "none" } });
  const fast = await eagle.generate(prompt, { maxNewTokens: 32 });
  expect(fast.tokenIds).toEqual(plain.tokenIds);
  await eagle.dispose();
});

test("a training that was stopped and resumed ends with the same bits", async () => {
  const whole = await train({ maxSteps: 3 });
  const output = join(temporaryFolder(), "heads");
  const stop = new AbortController();
  const onProgress = (event: EagleProgress) => {
    if (event.stage === "training" && event.step === 1) stop.abort();
  };
  await expect(train({ maxSteps: 3, onProgress, signal: stop.signal }, output)).rejects.toThrow(/abort/i);
  await expect(train({ maxSteps: 3 }, output)).rejects.toThrow("resume it");
  await expect(train({ maxSteps: 5, resume: true }, output)).rejects.toThrow("other options");
  await train({ maxSteps: 3, resume: true }, output);
  expect(weightsIn(output)).toBe(weightsIn(whole.directory));
});

const OTHERS = [
  { trainHead: true, loss: "lk", layout: "speculators", weights: "F32" },
  { optimiser: "muon", steps: 1, draftVocabulary: 4096, weights: "F16", targetLayers: [2, 3, 3] },
] as const;

test.each(some(OTHERS, 1))("other heads: %o", async (options) => {
  const { directory, before, after } = await train({ ...options, maxSteps: 3, warmupSteps: 0 });
  expect(after.losses[0]).toBeLessThan(before.losses[0]);
  const eagle = await EagleModel.fromPretrained(directory);
  expect(eagle.heads.targetLayers).toEqual("targetLayers" in options ? options.targetLayers : [2, 4, 6]);
  const { text } = await eagle.generate("Once upon a time", { maxNewTokens: 8 });
  expect(text).not.toBe("");
  await eagle.dispose();
});

test("what is wrong is said before any work", async () => {
  await expect(train({}, "/proc/heads")).rejects.toThrow("the output /proc/heads cannot be written");
  await expect(train({ batchSize: 100 })).rejects.toThrow("batchSize must be a multiple of sequenceLength (64)");
  await expect(train({ sequenceLength: 1024 })).rejects.toThrow("the context has room for 1023");
  await expect(train({ targetLayers: [2, 4] })).rejects.toThrow("three numbers of layers, each at most 6");
  await expect(train({ draftVocabulary: 5000 })).rejects.toThrow("the target has 4096 tokens");
  await expect(train({ batchSize: 64 << 10 })).rejects.toThrow("to train on, at least 65536 are needed");
  const output = join(temporaryFolder(), "heads");
  await expect(trainEagle(base, [{ tokens: [1, 99_999, 3] }], { output })).rejects.toThrow("outside the vocabulary");
});
