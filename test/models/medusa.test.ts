import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readPickle } from "../../src/formats/pytorch/pickle.js";
import { PytorchFile } from "../../src/formats/pytorch/pytorch.js";
import { writeSafetensors } from "../../src/formats/safetensors/writer.js";
import {
  fitMedusaHeads,
  LookupCorpus,
  loadMedusaHeads,
  MedusaModel,
  type SpeculationOptions,
  saveMedusaHeads,
} from "../../src/index.js";
import { openMedusaCheckpoint } from "../../src/models/medusa/medusa-checkpoint.js";
import { HEADS } from "../support/medusa-model.js";
import { DRAFT, model, prompts, readJson, TARGET, temporaryFolder } from "../support/models.js";

const ORACLE = "test/oracle/medusa";
interface Oracle {
  hidden: number[];
  cases: Record<string, { heads: number; ids: number[][]; logits: number[][] }>;
}
const oracle = readJson<Oracle>(`${ORACLE}/oracle.json`);

/** PyTorch files, safetensors, one and several blocks, own and shared output products. */
describe.each(Object.entries(oracle.cases))("heads %s", (name, expected) => {
  test.each(["fp32", "q8"] as const)("give PyTorch's logits in %s", async (dtype) => {
    const base = await model(TARGET, dtype);
    using heads = await loadMedusaHeads(join(ORACLE, name), base, { dtype });
    expect(heads.count).toBe(expected.heads);
    const rows = heads.logits(Float32Array.from(oracle.hidden));
    expected.ids.forEach((ids, head) => {
      ids.forEach((id, rank) => {
        const error = Math.abs(rows[head][id] - expected.logits[head][rank]) / Math.abs(expected.logits[head][0]);
        expect(error).toBeLessThan(dtype === "fp32" ? 1e-4 : 0.05);
      });
    });
    if (dtype === "fp32")
      expect(heads.top(Float32Array.from(oracle.hidden)).map(({ ids }) => ids)).toEqual(expected.ids);
  });
});

test("the base is found through config.json, and a state dict's metadata is passed over", async () => {
  await using medusa = await MedusaModel.fromPretrained(HEADS, { dtype: "fp32" });
  expect(medusa.base.config.hiddenSize).toBe(256);
  const file = await PytorchFile.open(`${ORACLE}/metadata.pt`);
  expect([...file.names()]).toHaveLength(8);
  await file.close();
});

test("medusaGenerate: lossless by default, lossy and saying so with a threshold", async () => {
  const base = await model(TARGET, "q8");
  const medusa = await MedusaModel.fromPretrained(HEADS, { base });
  const options = { maxNewTokens: 48, temperature: 0.7, seed: 2 };
  const { prompt } = prompts()[1];
  const plain = await base.generate(prompt, { ...options, speculation: { method: "none" } });
  for (const medusaChoices of [undefined, "small", [[0], [1], [0, 0]]]) {
    const fast = await medusa.medusaGenerate(prompt, {
      ...options,
      medusaChoices,
      ...(medusaChoices === undefined && { topK: 2 }),
    });
    expect(fast.tokenIds).toEqual(plain.tokenIds);
    expect(fast.stats).toMatchObject({ method: "medusa", lossless: true });
  }
  const strict = await medusa.medusaGenerate(prompt, { ...options, posteriorThreshold: 0.9, posteriorAlpha: 5 });
  const loose = await medusa.medusaGenerate(prompt, { ...options, posteriorThreshold: 0.01 });
  expect([strict.stats.lossless, loose.stats.lossless]).toEqual([false, false]);
  expect(loose.stats.meanTokensPerPass).toBeGreaterThan(strict.stats.meanTokensPerPass);
  // Greedy: typical acceptance keeps the likeliest token only.
  const greedy = await medusa.medusaGenerate(prompt, { maxNewTokens: 48, posteriorThreshold: 0.09 });
  expect(greedy.tokenIds).toEqual((await base.generate(prompt, { maxNewTokens: 48 })).tokenIds);
  const forced = await medusa.generate(prompt, { ...options, speculation: { acceptance: "greedy" } });
  expect(forced.tokenIds).toEqual(greedy.tokenIds);
});

test("what does not fit is refused in one line", async () => {
  const base = await model(TARGET, "q8");
  const draft = await model(DRAFT, "q8");
  const heads = await loadMedusaHeads(HEADS, base);
  const generate = (speculation: SpeculationOptions) => base.generate("x", { maxNewTokens: 2, speculation });
  await expect(MedusaModel.fromPretrained(HEADS, { base: draft })).rejects.toThrow(
    "hidden states of 256, the base's have 128",
  );
  await expect(draft.generate("x", { speculation: { method: "medusa", heads } })).rejects.toThrow(
    "belong to another model",
  );
  await expect(generate({ method: "medusa" })).rejects.toThrow('method "medusa" needs heads');
  await expect(generate({ method: "medusa", heads, treeChoices: [[0, 0]] })).rejects.toThrow("has no parent");
  await expect(
    generate({ heads, treeChoices: [[0], [0, 0], [0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0, 0]] }),
  ).rejects.toThrow("4 heads");
  await expect(generate({ heads, treeChoices: "small", treeNodes: 3 })).rejects.toThrow("leave out treeNodes");
  await expect(generate({ heads, posteriorThreshold: 0.1 })).rejects.toThrow('belong to acceptance "typical"');
  await expect(generate({ heads, acceptance: "typical", posteriorThreshold: 2 })).rejects.toThrow("(0, 1], got 2");
  await expect(openMedusaCheckpoint("models/draft")).rejects.toThrow(
    "has no medusa_lm_head.safetensors and no medusa_lm_head.pt",
  );
  heads.dispose();
});

test("choosing by itself heeds the options: heads beside a draft model", async () => {
  const base = await model(TARGET, "q8");
  const assistantModel = await model(DRAFT, "q8");
  using heads = await loadMedusaHeads(HEADS, base);
  const methodOf = async (speculation: SpeculationOptions) =>
    (await base.generate("x", { maxNewTokens: 2, assistantModel, speculation })).stats.method;
  expect(await methodOf({})).toBe("draft");
  expect(await methodOf({ heads, treeNodes: 4 })).toBe("medusa");
  await expect(methodOf({ treeNode: 4 } as never)).rejects.toThrow('method "draft" has no option "treeNode"');
  await expect(methodOf({ method: "universal" })).rejects.toThrow('the same tokenizer: use method "draft"');
  await expect(methodOf({ heads, treeChoices: "medium", treeRanks: 2 })).rejects.toThrow("ranks are 0 to 1");
  await expect(methodOf({ method: "lookahead", adaptive: "yes" } as never)).rejects.toThrow(
    "adaptive must be true or false",
  );
});

test("damaged and hostile PyTorch files are refused", async () => {
  const folder = temporaryFolder();
  const whole = readFileSync(`${ORACLE}/two-blocks/medusa_lm_head.pt`);
  const path = join(folder, "medusa_lm_head.pt");
  for (const length of [0, 10, 1000, whole.length - 30]) {
    writeFileSync(path, whole.subarray(0, length));
    await expect(openMedusaCheckpoint(folder)).rejects.toThrow(/truncated or damaged/);
  }
  // A pickle that asks for os.system: another callable in place of the one that rebuilds tensors, same length.
  const wanted = Buffer.from("torch._utils\n_rebuild_tensor_v2\n");
  const hostile = Buffer.from(whole);
  hostile.write("posix\nsystem\n".padEnd(wanted.length - 1, "x").concat("\n"), hostile.indexOf(wanted));
  writeFileSync(path, hostile);
  await expect(openMedusaCheckpoint(folder)).rejects.toThrow(/refused|damaged/);
  const execute = Buffer.from("cos\nsystem\n(X\x04\x00\x00\x00exittR.", "latin1");
  expect(() =>
    readPickle(execute, "x.pt", (callee) => {
      throw new Error(callee.name);
    }),
  ).toThrow("os system");
  const instance = Buffer.from("(ios\nsystem\n.", "latin1");
  expect(() => readPickle(instance, "x.pt", () => undefined)).toThrow("opcode 0x69 is not one that tensors need");
  for (let seed = 0; seed < 200; seed++) {
    const damaged = Buffer.from(whole);
    for (let i = 0; i < 4; i++) damaged[(seed * 7919 + i * 104_729) % 2000] = (seed * 31 + i * 17) & 255;
    writeFileSync(path, damaged);
    const opened = await openMedusaCheckpoint(folder).catch((error: Error) => error);
    if (opened instanceof Error) expect(opened.message).not.toContain("\n");
    else await opened.source.close();
  }
});

test("names and numbers that heads do not have", async () => {
  const folder = temporaryFolder();
  const write = (names: string[]) =>
    writeSafetensors(
      join(folder, "medusa_lm_head.safetensors"),
      names.map((name) => ({ name, shape: [2, 2], values: new Float32Array(4) })),
    );
  await write(["0.99999999.linear.weight", "0.1.weight"]);
  await expect(openMedusaCheckpoint(folder)).rejects.toThrow("is in layer 99999999, heads have at most 16");
  await write(["0.0.weight", "0.1.weight"]);
  await expect(openMedusaCheckpoint(folder)).rejects.toThrow(
    "head 0 has two output products, 0.0.weight and 0.1.weight",
  );
  await write(["0.0.weight"]);
  for (const medusa_accuracies of [[], [[]], [[0.5], [0.5]], [[2]]]) {
    writeFileSync(join(folder, "config.json"), JSON.stringify({ medusa_accuracies }));
    const { accuracies, source } = await openMedusaCheckpoint(folder);
    await source.close();
    expect(accuracies).toBeUndefined();
  }
});

test("what does not belong together is told before anything runs", async () => {
  const target = await model(TARGET, "q8");
  const medusa = await MedusaModel.fromPretrained(HEADS, { base: target });
  const assistantModel = await model(DRAFT, "q8");
  await expect(medusa.generate("x", { assistantModel })).rejects.toThrow("a MedusaModel drafts for itself");
  const chosen = await medusa.generate("x", { maxNewTokens: 2, speculation: { method: "auto" } });
  expect(chosen.stats.method).toBe("medusa");
  medusa.heads.dispose();
  const lookupCorpus = new LookupCorpus([1, 50_000]);
  await expect(target.generate("x", { speculation: { method: "suffix", lookupCorpus } })).rejects.toThrow(
    "lookupCorpus has token 50000, the target knows 4096",
  );
  const treeChoices = Array.from({ length: 129 }, (_, rank) => [rank]);
  await expect(target.generate("x", { speculation: { method: "recycling", treeChoices } })).rejects.toThrow(
    "at most 128 nodes, these choices are 129",
  );
  await expect(target.generate("x", { logitBias: { 5: Number.POSITIVE_INFINITY } })).rejects.toThrow(
    "logitBias maps 5 to Infinity",
  );
  await expect(target.generate([4097])).rejects.toThrow("token id 4097 of the prompt is outside the vocabulary");
  await expect(target.generate("x", { speculation: { method: 5 as unknown as string } })).rejects.toThrow(
    "method must be text, got 5",
  );
});

test("config.json that says something else than the file", async () => {
  const folder = temporaryFolder();
  copyFileSync(`${ORACLE}/shared/medusa_lm_head.safetensors`, join(folder, "medusa_lm_head.safetensors"));
  writeFileSync(join(folder, "config.json"), JSON.stringify({ medusa_num_heads: 5 }));
  await expect(openMedusaCheckpoint(folder)).rejects.toThrow("has 2 heads but medusa_num_heads in config.json is 5");
  writeFileSync(join(folder, "config.json"), JSON.stringify({ base_model_name_or_path: "lmsys/vicuna-7b" }));
  await expect(MedusaModel.fromPretrained(folder)).rejects.toThrow("are for lmsys/vicuna-7b, which is no folder here");
});

test("heads made by regression are right more often than chance, and read back as saved", async () => {
  const target = await model(TARGET, "fp32");
  const asked = prompts()
    .slice(0, 16)
    .map(({ prompt }) => target.promptIds(prompt));
  const answers = await target.generate(asked, { maxNewTokens: 80, ignoreEos: true });
  const texts = asked.map((ids, i) => [...ids, ...answers[i].tokenIds]);
  const fitted = await fitMedusaHeads(target, texts, { heads: 2 });
  expect(fitted.accuracies[0][0]).toBeGreaterThan(0.05);
  const folder = temporaryFolder();
  await saveMedusaHeads(folder, fitted, TARGET);
  using heads = await loadMedusaHeads(folder, target);
  expect(heads.options.accuracies).toEqual(fitted.accuracies);
  const hidden = Float32Array.from(oracle.hidden);
  const [row] = heads.logits(hidden);
  const expected = fitted.weights[0].subarray(0, 256).reduce((sum, weight, i) => sum + weight * hidden[i], 0);
  expect(Math.abs(row[0] - expected)).toBeLessThan(0.02 * (1 + Math.abs(expected)));
});
