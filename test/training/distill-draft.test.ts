import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  AutoModelForCausalLM,
  type DistillDraftOptions,
  type DistillProgress,
  distillDraft,
  type LanguageModel,
  Need,
} from "../../src/index.js";
import { readEvents } from "../support/event-files.js";
import { model, prompts, TARGET, temporaryFolder } from "../support/models.js";

/** A target that writes stories, and a tiny one with random weights. */
let target: LanguageModel;
let tiny: LanguageModel;
const texts: { tokens: number[] }[] = [];
beforeAll(async () => {
  target = await model(TARGET, "q8");
  tiny = await AutoModelForCausalLM.fromPretrained("test/oracle/llama/gqa-tied", { dtype: "fp32" });
  for (const { prompt } of prompts().slice(0, 6)) {
    const { tokenIds } = await target.generate(prompt, { maxNewTokens: 64, speculation: { method: "none" } });
    texts.push({ tokens: [...target.promptIds(prompt), ...tokenIds] });
  }
});
afterAll(() => tiny.dispose());

/** Token ids that the tiny target may read. */
const noise = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    tokens: Array.from({ length: 9 + (i % 8) }, (_, t) => 3 + ((7 * i * t + 5 * t + i) % (tiny.vocabLimit - 3))),
  }));
const SMALL = { batchSize: 4, microBatchSize: 2, sequenceLength: 32, validateEvery: 6, evaluations: 1 } as const;
const distilTiny = (options: Partial<DistillDraftOptions> = {}, output = join(temporaryFolder(), "draft")) =>
  distillDraft(tiny, noise(60), { ...SMALL, output, layers: 1, ...options });
const weightsIn = (directory: string) => readFileSync(join(directory, "model.safetensors")).toString("base64");

test("two of the target's layers learn from it, and draft for it at once", async () => {
  const progress: DistillProgress[] = [];
  const output = join(temporaryFolder(), "draft");
  const onProgress = (event: DistillProgress) => progress.push(event);
  const options = { ...SMALL, sequenceLength: 64, microBatchSize: 4, epochs: 4, output, onProgress };
  const result = await distillDraft(target, texts, options);
  const { before, after } = result;
  expect(after.validationLoss).toBeLessThan(before.validationLoss);
  expect(after.acceptance).toBeGreaterThan(before.acceptance + 0.1);
  expect(after.tokensPerPass).toBeGreaterThan(1);
  expect(progress.filter(({ stage }) => stage === "training")).toHaveLength(result.steps);
  const draft = await AutoModelForCausalLM.fromPretrained(result.directory);
  expect(draft.config.numLayers).toBe(2);
  const prompt = "Once upon a time";
  const plain = await target.generate(prompt, { maxNewTokens: 24, speculation: { method: "none" } });
  const speculation = { method: "draft" } as const;
  const fast = await target.generate(prompt, { maxNewTokens: 24, assistantModel: draft, speculation });
  expect(fast.tokenIds).toEqual(plain.tokenIds);
  expect(fast.stats.acceptedTokens).toBeGreaterThan(0);
  await draft.dispose();
});

test("a training that was stopped and resumed ends with the same bits", async () => {
  const whole = await distilTiny({ maxSteps: 5, tensorboard: true });
  const output = join(temporaryFolder(), "draft");
  const stop = new AbortController();
  const onProgress = (event: DistillProgress) => {
    if (event.stage === "training" && event.step === 3) stop.abort();
  };
  const stopped = { maxSteps: 5, tensorboard: true, onProgress, signal: stop.signal };
  await expect(distilTiny(stopped, output)).rejects.toThrow(/abort/i);
  await expect(distilTiny({ maxSteps: 5 }, output)).rejects.toThrow("resume it");
  await expect(distilTiny({ maxSteps: 6, resume: true }, output)).rejects.toThrow("other options");
  await distilTiny({ maxSteps: 5, resume: true, tensorboard: true }, output);
  expect(weightsIn(output)).toBe(weightsIn(whole.directory));
  const losses = (directory: string) => {
    const scalars = new Map<number, number>();
    for (const { step, status, scalars: said } of readEvents(directory)) {
      if (status !== undefined) for (const known of scalars.keys()) if (known >= step) scalars.delete(known);
      if (said["training/loss"] !== undefined) scalars.set(step, said["training/loss"]);
    }
    return [...scalars];
  };
  expect(losses(whole.directory).map(([step]) => step)).toEqual([1, 2, 3, 4, 5]);
  expect(losses(output)).toEqual(losses(whole.directory));
  await expect(distilTiny({}, output)).rejects.toThrow("holds model.safetensors already");
});

test.each([
  { loss: "reverse-kl", textWeight: 0.1 },
  { loss: "tv", keepLayers: [1] },
  { loss: "tv", draftVocabulary: 64, fromScratch: true },
  { loss: "lk", fromScratch: true, hiddenSize: 32, numHeads: 2, numKvHeads: 1, weights: "F32" },
  { optimiser: "muon", learningRate: 0.003, fromScratch: true, layers: 2 },
] as const)("other drafts: %o", async (options) => {
  const { directory, before, after } = await distilTiny({ ...options, epochs: 4 });
  expect(after.validationLoss).toBeLessThan(before.validationLoss);
  const draft = await AutoModelForCausalLM.fromPretrained(directory, { dtype: "fp32" });
  expect(draft.config.vocabSize).toBe(tiny.config.vocabSize);
  await draft.dispose();
});

test("a draft with a vocabulary of its own names the data's most frequent tokens, and drafts", async () => {
  const options = { ...SMALL, sequenceLength: 64, epochs: 2, draftVocabulary: 256, textWeight: 0.1 };
  const { directory, before, after } = await distillDraft(target, texts, {
    ...options,
    output: join(temporaryFolder(), "draft"),
  });
  expect(after.acceptance).toBeGreaterThan(before.acceptance);
  await using draft = await AutoModelForCausalLM.fromPretrained(directory);
  const { targetIds } = draft.model.options;
  expect(targetIds).toHaveLength(256);
  const known = new Set(targetIds);
  const counts = new Map<number, number>();
  for (const { tokens } of texts) for (const id of tokens) counts.set(id, (counts.get(id) ?? 0) + 1);
  const frequency = (id: number) => counts.get(id) ?? 0;
  expect(Math.min(...[...known].map(frequency))).toBeGreaterThanOrEqual(
    Math.max(...[...counts.keys()].filter((id) => !known.has(id)).map(frequency)),
  );
  using sequence = draft.model.newSequence();
  const needs = [Need.logits | Need.top];
  const [logits, best] = await draft.model.forward([{ sequence, tokens: [texts[0].tokens[0]], needs }], (rows) => [
    rows.logits(0).slice(),
    rows.argmax(0),
  ]);
  expect(logits).toHaveLength(draft.config.vocabSize);
  expect([...logits.keys()].filter((id) => Number.isFinite(logits[id]))).toEqual([...targetIds!]);
  expect(logits.indexOf(Math.max(...logits))).toBe(best);
  expect(draft.model.options.manifest.tensors).toSatisfy(
    (tensors: Record<string, { length: number }>) =>
      Object.entries(tensors).find(([name]) => name.startsWith("lm_head"))![1].length <
      300 * draft.config.hiddenSize * 2,
  );
  const prompt = "Once upon a time";
  for (const sampling of [{}, { temperature: 0.8, seed: 3 }]) {
    const plain = await target.generate(prompt, { ...sampling, maxNewTokens: 24, speculation: { method: "none" } });
    const speculation = { method: "draft" } as const;
    const fast = await target.generate(prompt, { ...sampling, maxNewTokens: 24, assistantModel: draft, speculation });
    expect(fast.tokenIds).toEqual(plain.tokenIds);
    expect(fast.stats.acceptedTokens).toBeGreaterThan(0);
  }
});

test("what is wrong is said before any work", async () => {
  await expect(distilTiny({}, "/proc/draft")).rejects.toThrow("the output /proc/draft cannot be written");
  await expect(distilTiny({ draftVocabulary: 5000 })).rejects.toThrow(
    `draftVocabulary is 5000, the target has ${tiny.vocabLimit} tokens`,
  );
  await expect(distilTiny({ layers: 9 })).rejects.toThrow("9 are to be kept: give fewer layers");
  await expect(distilTiny({ layers: undefined, keepLayers: [1, 0] })).rejects.toThrow("in rising order, got [1, 0]");
  await expect(distilTiny({ hiddenSize: 64 })).rejects.toThrow("set fromScratch");
  await expect(distilTiny({ fromScratch: true, hiddenSize: 40, numHeads: 2 })).rejects.toThrow("a multiple of 16");
  await expect(distilTiny({ batchSize: 3 })).rejects.toThrow("a multiple of microBatchSize (2)");
  await expect(distilTiny({ batchSize: 512 })).rejects.toThrow("to train on, at least 512 are needed");
  const output = join(temporaryFolder(), "draft");
  await expect(distillDraft(tiny, [{ tokens: [1, 99_999] }], { output })).rejects.toThrow("outside the vocabulary");
});
