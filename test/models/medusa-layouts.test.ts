import { copyFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { SafetensorsFile } from "../../src/formats/safetensors/safetensors.js";
import { writeSafetensors } from "../../src/formats/safetensors/writer.js";
import { AutoModelForCausalLM, loadMedusaHeads, MedusaModel } from "../../src/index.js";
import { openMedusaCheckpoint } from "../../src/models/medusa/medusa-checkpoint.js";
import { model, prompts, readJson, TARGET, temporaryFolder } from "../support/models.js";
import { changeHeader } from "../support/safetensors-files.js";

const HEADS = "test/oracle/medusa/shared/medusa_lm_head.safetensors";
const oracle = readJson<{ hidden: number[]; cases: Record<string, { ids: number[][] }> }>(
  "test/oracle/medusa/oracle.json",
);
const hidden = Float32Array.from(oracle.hidden);

/** The heads of the oracle, their tensors named anew, in a file of a folder. */
function renamed(folder: string, file: string, rename: (name: string) => string): string[] {
  const path = join(folder, file);
  copyFileSync(HEADS, path);
  const names: string[] = [];
  changeHeader(path, (header) => {
    for (const name of Object.keys(header).filter((key) => key !== "__metadata__")) {
      names.push(rename(name));
      header[rename(name)] = header[name];
      delete header[name];
    }
  });
  return names;
}

const vllmName = (name: string) => name.replace(/^(\d+)\.(\d+)\.linear\./, "blocks.$1.layers.$2.");

test("a base and its heads in one checkpoint", async () => {
  const folder = temporaryFolder();
  for (const file of ["tokenizer.json", "generation_config.json"]) {
    symlinkSync(resolve(TARGET, file), join(folder, file));
  }
  const config = readJson<object>(join(TARGET, "config.json"));
  // The name says where the base came from; the one beside the heads is theirs.
  const medusa = { medusa_num_heads: 2, medusa_num_layers: 1, base_model_name_or_path: "lmsys/vicuna-7b-v1.5" };
  writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, ...medusa }));
  symlinkSync(resolve(TARGET, "model.safetensors"), join(folder, "base.safetensors"));
  const weight_map: Record<string, string> = {};
  for (const name of renamed(folder, "heads.safetensors", (old) => `medusa_head.${old}`)) {
    weight_map[name] = "heads.safetensors";
  }
  const base = await AutoModelForCausalLM.fromPretrained(TARGET, { dtype: "fp32" });
  const file = await SafetensorsFile.open(join(TARGET, "model.safetensors"));
  for (const name of file.names()) weight_map[name] = "base.safetensors";
  await file.close();
  writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map }));
  await using whole = await MedusaModel.fromPretrained(folder, { dtype: "fp32" });
  expect(whole.heads.top(hidden).map(({ ids }) => ids)).toEqual(oracle.cases.shared.ids);
  const { prompt } = prompts()[0];
  const fast = await whole.generate(prompt, { maxNewTokens: 16 });
  expect(fast.stats.method).toBe("medusa");
  expect(fast.tokenIds).toEqual((await base.generate(prompt, { maxNewTokens: 16 })).tokenIds);
  await base.dispose();
});

test("vLLM's layout", async () => {
  const base = await model(TARGET, "fp32");
  for (const prefix of ["", "medusa_heads."]) {
    const folder = temporaryFolder();
    const config = { model_type: "medusa", architectures: ["MedusaModel"], num_heads: 2, num_hidden_layers: 1 };
    writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, hidden_size: 256, vocab_size: 4096 }));
    renamed(folder, "model.safetensors", (name) => prefix + vllmName(name));
    using heads = await loadMedusaHeads(folder, base, { dtype: "fp32" });
    expect(heads.top(hidden).map(({ ids }) => ids)).toEqual(oracle.cases.shared.ids);
    await expect(MedusaModel.fromPretrained(folder)).rejects.toThrow("names no base_model_name_or_path: give the base");
    writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, num_heads: 3 }));
    await expect(openMedusaCheckpoint(folder)).rejects.toThrow("has 2 heads but num_heads in config.json is 3");
  }
});

test("vLLM's output products: one each, and one for all under either name", async () => {
  const tensor = (name: string, seed: number) => ({
    name,
    shape: [32, 16],
    values: Float32Array.from({ length: 512 }, (_, i) => Math.sin(seed + i)),
  });
  const products = async (config: object, ...names: string[]) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    const blocks = [0, 1].map((i) => ({
      name: `blocks.${i}.layers.0.weight`,
      shape: [16, 16],
      values: new Float32Array(256),
    }));
    await writeSafetensors(join(folder, "model.safetensors"), [...blocks, ...names.map(tensor)]);
    const { heads, source, vocabSize } = await openMedusaCheckpoint(folder);
    await source.close();
    return [vocabSize, ...heads.map(({ lmHead }) => lmHead)];
  };
  const shared = { original_lm_head: true };
  expect(await products({}, "lm_heads.0.weight", "lm_heads.1.weight")).toEqual([
    32,
    "lm_heads.0.weight",
    "lm_heads.1.weight",
  ]);
  expect(await products(shared, "lm_heads.0.weight")).toEqual([32, "lm_heads.0.weight", "lm_heads.0.weight"]);
  expect(await products(shared, "lm_head.weight")).toEqual([32, "lm_head.weight", "lm_head.weight"]);
  expect(await products({})).toEqual([undefined, undefined, undefined]);
  await expect(products({}, "vocab_map")).rejects.toThrow('has a tensor "vocab_map", expected names such as blocks.0');
});

test("heads from PyTorch before 1.6", async () => {
  const folder = temporaryFolder();
  const old = Buffer.from("80028a0a6cfc9c46f9206aa8501980024de9032e", "hex");
  writeFileSync(join(folder, "medusa_lm_head.pt"), old);
  await expect(openMedusaCheckpoint(folder)).rejects.toThrow(
    /in the format of PyTorch before 1\.6 .*torch\.save it again/,
  );
});

test("heads that can name tokens which the base has not, or have products of another size, are refused", async () => {
  const base = await model(TARGET, "fp32");
  const folder = temporaryFolder();
  const tensors = (ids: number[], rows: number) => [
    { name: "0.weight", shape: [rows, 256], values: new Float32Array(rows * 256) },
    { name: "token_map", shape: [ids.length], values: BigInt64Array.from(ids, BigInt) },
  ];
  const file = join(folder, "medusa_lm_head.safetensors");
  await writeSafetensors(file, tensors([7, 5000], 2));
  const beyond = "token_map makes token 1 5000, outside the target's vocabulary of 4096";
  await expect(loadMedusaHeads(folder, base)).rejects.toThrow(beyond);
  await writeSafetensors(file, tensors([7, 9, 11], 2));
  await expect(loadMedusaHeads(folder, base)).rejects.toThrow("the heads name 2 tokens, the base has 4096");
});

test("of products that name all tokens, those in token_map are taken", async () => {
  const base = await model(TARGET, "fp32");
  const folder = temporaryFolder();
  const values = Float32Array.from({ length: 4096 * 256 }, (_, i) => (((i * 37) % 101) - 50) / 64);
  const ids = [4000, 3, 9];
  const map = { name: "token_map", shape: [3], values: BigInt64Array.from(ids, BigInt) };
  const product = { name: "0.weight", shape: [4096, 256], values };
  await writeSafetensors(join(folder, "medusa_lm_head.safetensors"), [product, map], "F32");
  const heads = await loadMedusaHeads(folder, base);
  const [row] = heads.logits(hidden);
  for (const id of ids) {
    const expected = hidden.reduce((sum, x, i) => sum + x * values[id * 256 + i], 0);
    expect(row[id]).toBeCloseTo(expected, 3);
  }
  expect(row[8]).toBe(Number.NEGATIVE_INFINITY);
  heads.dispose();
});
