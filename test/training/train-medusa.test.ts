import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import {
  type LanguageModel,
  MedusaModel,
  type MedusaProgress,
  type TrainMedusaOptions,
  trainMedusa,
  trainMedusa2,
} from "../../src/index.js";
import { openMedusaCheckpoint } from "../../src/models/medusa/medusa-checkpoint.js";
import { model, prompts, TARGET, temporaryFolder } from "../support/models.js";
import { some } from "../support/tier.js";

/** The base continues prompts: some thousand tokens of its own. */
let base: LanguageModel;
const texts: { tokens: number[] }[] = [];
beforeAll(async () => {
  base = await model(TARGET, "q8");
  for (const { prompt } of prompts().slice(0, 12)) {
    const { promptTokenIds, tokenIds } = await textOf(prompt);
    texts.push({ tokens: [...promptTokenIds, ...tokenIds] });
  }
});

async function textOf(prompt: string) {
  const promptTokenIds = base.promptIds(prompt);
  const { tokenIds } = await base.generate(prompt, { maxNewTokens: 100, speculation: { method: "none" } });
  return { promptTokenIds, tokenIds };
}

const SMALL = { batchSize: 128, microBatchSize: 64, validateEvery: 6, heads: 2, evaluations: 1 } as const;
const train = (options: Partial<TrainMedusaOptions> = {}, output = join(temporaryFolder(), "heads")) =>
  trainMedusa(base, texts, { ...SMALL, output, ...options });
const weightsIn = (directory: string) => readFileSync(join(directory, "medusa_lm_head.safetensors")).toString("base64");

test("heads learn, and generate with the base at once", async () => {
  const progress: MedusaProgress[] = [];
  const result = await train({ epochs: 3, onProgress: (event) => progress.push(event) });
  expect(result.after.tokensPerPass).toBeGreaterThan(result.before.tokensPerPass + 0.1);
  expect(result.after.losses[0]).toBeLessThan(result.before.losses[0]);
  expect(progress.filter(({ stage }) => stage === "training")).toHaveLength(result.steps);
  const medusa = await MedusaModel.fromPretrained(result.directory, { base });
  const { prompt } = prompts()[2];
  const plain = await base.generate(prompt, { maxNewTokens: 32, speculation: { method: "none" } });
  const fast = await medusa.generate(prompt, { maxNewTokens: 32 });
  expect(fast.tokenIds).toEqual(plain.tokenIds);
  await medusa.dispose();
});

test("a training that was stopped and resumed ends with the same bits", async () => {
  const whole = await train({ maxSteps: 6 });
  const output = join(temporaryFolder(), "heads");
  const stop = new AbortController();
  const onProgress = (event: MedusaProgress) => {
    if (event.stage === "training" && event.step === 3) stop.abort();
  };
  await expect(train({ maxSteps: 6, onProgress, signal: stop.signal }, output)).rejects.toThrow(/abort/i);
  await expect(train({ maxSteps: 6 }, output)).rejects.toThrow("resume it");
  await expect(train({ maxSteps: 7, resume: true }, output)).rejects.toThrow("other options");
  const otherData = Object.assign([...texts], { fingerprint: "other" });
  const resumed = trainMedusa(base, otherData, { ...SMALL, output, maxSteps: 6, resume: true });
  await expect(resumed).rejects.toThrow("the data, or how it is read, has changed since this training began");
  const steps: number[] = [];
  const note = (event: MedusaProgress) => event.stage === "training" && steps.push(event.step);
  await train({ maxSteps: 6, resume: true, onProgress: note }, output);
  expect(steps).toEqual([4, 5, 6]);
  expect(weightsIn(output)).toBe(weightsIn(whole.directory));
  await expect(train({}, output)).rejects.toThrow("holds medusa_lm_head.safetensors already");
});

const OTHERS = [
  { sharedHead: true, layers: 2 },
  { layers: 0, optimiser: "muon", learningRate: 0.003 },
  { weights: "BF16" },
] as const;

test.each(some(OTHERS, 1))("other heads: %o", async (options) => {
  const { directory, before, after } = await train({ ...options, maxSteps: 5 });
  expect(after.losses[0]).toBeLessThan(before.losses[0]);
  const medusa = await MedusaModel.fromPretrained(directory, { base });
  expect(medusa.heads.count).toBe(2);
  await medusa.dispose();
});

const NARROW = [
  { sharedHead: true, layout: "original" },
  { sharedHead: false, layout: "original" },
  { sharedHead: true, layout: "vllm" },
  { sharedHead: false, layout: "vllm" },
] as const;

test.each(some(NARROW, 2))("heads that name the data's most frequent tokens: %o", async (options) => {
  const draftVocabulary = 300;
  const { directory, before, after } = await train({ ...options, draftVocabulary, epochs: 3 });
  expect(after.losses[0]).toBeLessThan(before.losses[0]);
  const { source, targetIds } = await openMedusaCheckpoint(directory);
  await source.close();
  expect(targetIds).toHaveLength(draftVocabulary);
  const counts = new Map<number, number>();
  for (const { tokens } of texts) for (const id of tokens) counts.set(id, (counts.get(id) ?? 0) + 1);
  const rarest = Math.min(...Array.from(targetIds!, (id) => counts.get(id) ?? 0));
  const left = [...counts].filter(([id]) => !targetIds!.includes(id));
  for (const [, count] of left) expect(count).toBeLessThanOrEqual(rarest);
  const medusa = await MedusaModel.fromPretrained(directory, { base });
  for (const sampling of [{}, { temperature: 0.8, seed: 3 }]) {
    const speculation = { treeNodes: 8, treeRanks: 4 };
    const { prompt } = prompts()[2];
    const fast = await medusa.generate(prompt, { ...sampling, maxNewTokens: 64, speculation });
    const plain = await base.generate(prompt, { ...sampling, maxNewTokens: 64, speculation: { method: "none" } });
    expect(fast.tokenIds).toEqual(plain.tokenIds);
    expect(fast.stats.acceptedTokens).toBeGreaterThan(0);
  }
  const hidden = new Float32Array(base.config.hiddenSize).fill(0.3);
  const rows = medusa.heads.logits(hidden).map((row) => row.slice());
  for (const [head, { ids }] of medusa.heads.top(hidden).entries()) {
    expect(rows[head]).toHaveLength(base.config.vocabSize);
    const ranked = Array.from(targetIds!).sort((a, b) => rows[head][b] - rows[head][a]);
    expect(ids).toEqual(ranked.slice(0, ids.length));
    expect(rows[head].filter((logit) => logit !== Number.NEGATIVE_INFINITY)).toHaveLength(draftVocabulary);
  }
  await medusa.dispose();
  const joint = trainMedusa2(base, texts, { output: join(temporaryFolder(), "joint"), headsFrom: directory });
  await expect(joint).rejects.toThrow("name 300 of the 4096 tokens: give others as headsFrom");
});

test("what is wrong is said before any work", async () => {
  await expect(train({}, "/proc/heads")).rejects.toThrow("the output /proc/heads cannot be written");
  await expect(train({ sharedHead: true, layers: 0 })).rejects.toThrow("nothing to train");
  await expect(train({ draftVocabulary: 5000 })).rejects.toThrow("the target has 4096 tokens");
  await expect(train({ draftVocabulary: 300, layout: "tensorrt-llm" })).rejects.toThrow("leave out draftVocabulary");
  await expect(train({ batchSize: 100 })).rejects.toThrow("batchSize must be a multiple of 32");
  await expect(train({ batchSize: 1 << 20 })).rejects.toThrow("to train on, at least 1048576 are needed");
  const output = join(temporaryFolder(), "heads");
  await expect(trainMedusa(base, [{ tokens: [1, 99_999] }], { output })).rejects.toThrow("outside the vocabulary");
});

test("divergence stops the training and keeps its checkpoint", async () => {
  await expect(train({ learningRate: 1e30, maxGradientNorm: 1e9, maxSteps: 3, warmupSteps: 0 })).rejects.toThrow(
    "no finite number",
  );
});
