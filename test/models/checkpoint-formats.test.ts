import { copyFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { logitsOf } from "../../src/exactness/row-invariance.js";
import { PytorchFile } from "../../src/formats/pytorch/pytorch.js";
import { AutoModelForCausalLM } from "../../src/index.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";
import { hasOwnHead } from "../../src/models/checkpoint/own-head.js";
import { readJson, temporaryFolder } from "../support/models.js";
import { integers, pytorchZip, stateDict, tensor } from "../support/pytorch-files.js";
import { changeHeader } from "../support/safetensors-files.js";

const ORACLE = "test/oracle/checkpoints";
interface Case {
  input_ids: number[];
  logits: Record<string, number[]>;
  tied: boolean;
}
const { models } = readJson<{ models: Record<string, Case> }>(`${ORACLE}/oracle.json`);

/** Loads a folder; its logits must be those of transformers. Returns the warnings. */
async function expectLogits(folder: string, expected: Case): Promise<string[]> {
  const warnings: string[] = [];
  const lm = await AutoModelForCausalLM.fromPretrained(folder, {
    dtype: "fp32",
    onWarning: (message) => warnings.push(message),
  });
  const rows = await logitsOf(lm.model, expected.input_ids, 7);
  let worst = 0;
  for (const [position, values] of Object.entries(expected.logits)) {
    values.forEach((value, id) => {
      worst = Math.max(worst, Math.abs(value - rows[Number(position)][id]));
    });
  }
  expect(worst).toBeLessThan(1e-4);
  expect(lm.config.tieWordEmbeddings).toBe(expected.tied);
  await lm.dispose();
  return warnings;
}

/** A copy of a case that may be changed. */
function copyOf(name: string): string {
  const folder = join(temporaryFolder(), name);
  cpSync(`${ORACLE}/${name}`, folder, { recursive: true });
  return folder;
}

test.each(Object.entries(models))("transformers' logits: %s", async (name, expected) => {
  const warnings = await expectLogits(`${ORACLE}/${name}`, expected);
  if (name !== "own-head") return expect(warnings).toEqual([]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/says tie_word_embeddings, but the weights hold an lm_head of their own, which is used/);
});

test("head and embedding are compared once for the same files", async () => {
  for (const [name, own] of [
    ["own-head", true],
    ["same-head", false],
    ["tied-bin", false],
    ["head-alone", false],
  ] as const) {
    const { source, config } = await openCheckpoint(`${ORACLE}/${name}`);
    expect(config.tieWordEmbeddings).toBe(!own);
    const memo = temporaryFolder();
    const read = vi.spyOn(source, "readRows");
    expect(await hasOwnHead(source, memo)).toBe(own);
    expect(read.mock.calls.length > 0).toBe(name !== "head-alone");
    read.mockClear();
    expect(await hasOwnHead(source, memo)).toBe(own);
    expect(read).not.toHaveBeenCalled();
    await source.close();
  }
});

test("a warning that nobody takes is Node's", async () => {
  const emit = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  await (await AutoModelForCausalLM.fromPretrained(`${ORACLE}/own-head`, { dtype: "fp32" })).dispose();
  expect(emit).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/lm_head of their own/), "ForetokenWarning");
  emit.mockRestore();
});

test.each(["model.", "model.model.", "transformer.", "language_model.", "language_model.model.", "_orig_mod.model."])(
  "tensors under %s",
  async (prefix) => {
    const folder = copyOf("unprefixed");
    changeHeader(join(folder, "model.safetensors"), (header) => {
      for (const name of Object.keys(header).filter((key) => key !== "__metadata__")) {
        header[prefix + name] = header[name];
        delete header[name];
      }
    });
    expect(await expectLogits(folder, models.unprefixed)).toEqual([]);
  },
);

test("a head beside prefixed tensors, and two models in one file", async () => {
  const folder = copyOf("own-head");
  const path = join(folder, "model.safetensors");
  changeHeader(path, (header) => {
    for (const name of Object.keys(header).filter((key) => key !== "__metadata__")) {
      header[`language_model.${name}`] = header[name];
      delete header[name];
    }
  });
  expect(await expectLogits(folder, models["own-head"])).toHaveLength(1);
  changeHeader(path, (header) => {
    header["vision.embed_tokens.weight"] = header["language_model.lm_head.weight"];
    delete header["language_model.lm_head.weight"];
  });
  await expect(openCheckpoint(folder)).rejects.toThrow(/holds several models, with ".*" and "vision\.embed_tokens/);
});

test("safetensors win over pytorch_model.bin, whose contents the digest covers", async () => {
  const folder = copyOf("unprefixed");
  writeFileSync(join(folder, "pytorch_model.bin"), "not even a zip");
  await expectLogits(folder, models.unprefixed);
  const digest = async (name: string) => {
    const { source } = await openCheckpoint(copyOf(name));
    await source.close();
    return source.digest();
  };
  const before = await digest("sharded-bin");
  expect(await digest("sharded-bin")).toBe(before);
  const other = copyOf("sharded-bin");
  const shard = join(other, "pytorch_model-00002-of-00002.bin");
  const bytes = readFileSync(shard);
  bytes[bytes.indexOf("data/1") + 100] ^= 1;
  writeFileSync(shard, bytes);
  const { source } = await openCheckpoint(other);
  expect(await source.digest()).not.toBe(before);
  await source.close();
});

test("adapters and quantisation that are not applied are said", async () => {
  const folder = copyOf("unprefixed");
  writeFileSync(join(folder, "adapter_config.json"), "{}");
  const path = join(folder, "config.json");
  const quantization_config = { quant_method: "bitsandbytes", load_in_4bit: true };
  writeFileSync(path, JSON.stringify({ ...readJson<object>(path), quantization_config }));
  expect(await expectLogits(folder, models.unprefixed)).toEqual([
    expect.stringMatching(/asks for quantisation by bitsandbytes, 4 bits, which is left out/),
    expect.stringMatching(/the adapter in .* is not applied/),
  ]);
});

test("PyTorch archives in zip64, and tensors that cannot be weights", async () => {
  const path = join(temporaryFolder(), "pytorch_model.bin");
  const pickle = stateDict([
    ["whole", tensor()],
    ["moved", tensor({ offset: 2, shape: integers(2), strides: integers(1) })],
    ["column", tensor({ shape: integers(2, 1), strides: integers(1, 7) })],
    ["transposed", tensor({ strides: integers(1, 2) })],
    ["doubles", tensor({ storage: "DoubleStorage" })],
    ["beyond", tensor({ offset: 1 })],
    ["nowhere", tensor({ key: "7" })],
  ]);
  writeFileSync(path, pytorchZip(pickle, [new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer)], true));
  const file = await PytorchFile.open(path);
  const read = async (name: string, count: number, size: number) => {
    const into = new Float32Array(size);
    await file.readRows(name, 0, count, into);
    return [...into];
  };
  expect(await read("whole", 2, 4)).toEqual([1, 2, 3, 4]);
  expect(await read("moved", 2, 2)).toEqual([3, 4]);
  expect(await read("column", 2, 2)).toEqual([1, 2]);
  expect(() => file.info("transposed")).toThrow('tensor "transposed" is a transposed view: call .contiguous()');
  expect(() => file.info("doubles")).toThrow("is a torch DoubleStorage, expected float, half or bfloat16");
  for (const name of ["beyond", "nowhere"]) expect(() => file.info(name)).toThrow("has no data, or less than");
  expect(file.info("absent")).toBeUndefined();
  await file.close();
});

test("tokenizer.model alone", async () => {
  const folder = copyOf("unprefixed");
  writeFileSync(join(folder, "tokenizer.model"), "x");
  await expect(openCheckpoint(folder)).rejects.toThrow(/has tokenizer\.model but no tokenizer\.json.*save_pretrained/);
  copyFileSync("models/draft/tokenizer.json", join(folder, "tokenizer.json"));
  await (await openCheckpoint(folder)).source.close();
});
