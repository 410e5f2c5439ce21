import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AutoModelForCausalLM, CheckpointError } from "../../../../src/index.js";
import { command } from "../../../support/cli.js";
import { readJson, temporaryFolder } from "../../../support/models.js";
import { changeHeader, type Header } from "../../../support/safetensors-files.js";

const CHECKPOINT = "test/oracle/checkpoints/unprefixed";
const LFS =
  "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

/** Makes what a folder holds; what the error must say. */
type Case = [name: string, make: (folder: string) => void, says: RegExp];

const file =
  (name: string, content = "x") =>
  (folder: string) =>
    writeFileSync(join(folder, name), content);
const remove = (name: string) => (folder: string) => rmSync(join(folder, name));
const pipe = (name: string) => (folder: string) => {
  rmSync(join(folder, name), { force: true });
  execFileSync("mkfifo", [join(folder, name)]);
};
const all =
  (...steps: ((folder: string) => void)[]) =>
  (folder: string) => {
    for (const step of steps) step(folder);
  };
const config = (changes: object) => (folder: string) => {
  const path = join(folder, "config.json");
  writeFileSync(path, JSON.stringify({ ...readJson<object>(path), ...changes }));
};
/** Stores every product's weight otherwise. */
const packed = (suffix: string, dtype: string, shape: number[]) => (folder: string) =>
  changeHeader(join(folder, "model.safetensors"), (header) => {
    const changed: Header = {};
    let at = 0;
    for (const name of Object.keys(header).filter((key) => key !== "__metadata__")) {
      const packs = name.endsWith("_proj.weight");
      const [start, end] = header[name].data_offsets;
      const bytes = packs ? shape.reduce((a, b) => a * b, dtype.endsWith("32") ? 4 : 1) : end - start;
      changed[packs ? name.replace(/\.weight$/, suffix) : name] = {
        ...(packs ? { dtype, shape } : header[name]),
        data_offsets: [at, at + bytes],
      };
      at += bytes;
    }
    // The data that is left over belongs to a tensor that nobody asks for.
    const size = Math.max(...Object.values(header).map(({ data_offsets: [, end] = [0, 0] }) => end));
    changed.rest = { dtype: "U8", shape: [size - at], data_offsets: [at, size] };
    return JSON.stringify(changed);
  });
const noWeights = remove("model.safetensors");
const alone = (...steps: ((folder: string) => void)[]) => all(noWeights, remove("config.json"), ...steps);

const cases: Case[] = [
  ["GGUF", alone(file("model-Q4_K_M.gguf")), /found model-Q4_K_M\.gguf, the format of llama\.cpp: download/],
  ["LoRA", alone(file("adapter_config.json"), file("adapter_model.safetensors")), /a LoRA adapter.*merge_and_unload/],
  ["Meta's format", alone(file("consolidated.00.pth"), file("params.json")), /Meta's and Mistral's own programs/],
  ["Mistral's format", all(noWeights, file("consolidated.safetensors")), /Meta's and Mistral's own programs/],
  ["Medusa heads", all(noWeights, file("medusa_lm_head.pt")), /a file of Medusa heads: .*--heads/],
  ["TensorFlow", all(noWeights, file("tf_model.h5")), /TensorFlow's format: .*save_pretrained/],
  ["Flax", all(noWeights, file("flax_model.msgpack")), /Flax's format: .*save_pretrained/],
  ["ONNX", all(noWeights, file("model.onnx")), /a model exported for another runtime/],
  ["HQQ", all(noWeights, file("qmodel.pt")), /quantised by HQQ/],
  ["DeepSpeed", all(noWeights, file("zero_to_fp32.py")), /run zero_to_fp32\.py/],
  ["shards without index", all(noWeights, file("model-00001-of-00002.safetensors")), /index is missing: download the/],
  ["another name", all(noWeights, file("mymodel.safetensors")), /rename it to model\.safetensors/],
  ["a name to hide behind", all(noWeights, file("\x1b[2Ja\nb.gguf")), /found \\u001b\[2Ja\\u000ab\.gguf, the format/],
  ["a cache folder", alone((folder) => mkdirSync(join(folder, "snapshots"))), /give the folder inside snapshots/],
  ["nothing", noWeights, /no model\.safetensors, no pytorch_model\.bin and no index .*: download them/],
  ["config.json in LFS", file("config.json", LFS), /config\.json is a Git LFS pointer.*git lfs pull/],
  [
    "generation_config.json in LFS",
    file("generation_config.json", LFS),
    /generation_config\.json is a Git LFS pointer/,
  ],
  ["tokenizer.json in LFS", file("tokenizer.json", LFS), /tokenizer\.json is a Git LFS pointer/],
  ["safetensors in LFS", file("model.safetensors", LFS), /model\.safetensors is a Git LFS pointer/],
  [".bin in LFS", all(noWeights, file("pytorch_model.bin", LFS)), /pytorch_model\.bin is a Git LFS pointer/],
  ["index in LFS", all(noWeights, file("model.safetensors.index.json", LFS)), /index\.json is a Git LFS pointer/],
  [
    "old PyTorch",
    all(noWeights, (folder) =>
      writeFileSync(join(folder, "pytorch_model.bin"), Buffer.from("80028a0a6cfc9c46f9206aa8501980024de903", "hex")),
    ),
    /in the format of PyTorch before 1\.6.*torch\.save it again/,
  ],
  ["a pipe as config.json", pipe("config.json"), /config\.json cannot be read: it is a pipe or a device/],
  [
    "a device as config.json",
    all(remove("config.json"), (folder) => symlinkSync("/dev/zero", join(folder, "config.json"))),
    /config\.json cannot be read: it is a pipe or a device/,
  ],
  ["a pipe as weights", pipe("model.safetensors"), /model\.safetensors cannot be read: it is a pipe or a device/],
  ["a pipe as tokenizer.json", pipe("tokenizer.json"), /tokenizer\.json cannot be read: it is a pipe/],
  [
    "an index that names a pipe",
    all(
      noWeights,
      file("model.safetensors.index.json", '{"weight_map":{"a":"pipe.safetensors"}}'),
      pipe("pipe.safetensors"),
    ),
    /pipe\.safetensors cannot be read: it is a pipe/,
  ],
  [
    "an index that names a folder",
    all(noWeights, file("model.safetensors.index.json", '{"weight_map":{"a":"f.safetensors"}}'), (folder) =>
      mkdirSync(join(folder, "f.safetensors")),
    ),
    /f\.safetensors cannot be read \(EISDIR\)/,
  ],
  [
    "GPTQ",
    all(config({ quantization_config: { quant_method: "gptq", bits: 4 } }), packed(".qweight", "I32", [4, 32])),
    /is quantised already \(by GPTQ, 4 bits\).*download the unquantised checkpoint/,
  ],
  [
    "AWQ",
    all(config({ quantization_config: { quant_method: "awq" } }), packed(".qweight", "I32", [4, 32])),
    /by AWQ\)/,
  ],
  [
    "bitsandbytes",
    all(config({ quantization_config: { load_in_4bit: true } }), packed(".weight", "U8", [512, 1])),
    /by bitsandbytes, 4 bits/,
  ],
  [
    "FP8",
    all(config({ quantization_config: { quant_method: "fp8" } }), packed(".weight", "F8_E4M3", [8, 32])),
    /by FP8/,
  ],
  ["MLX", all(config({ quantization: { bits: 4 } }), packed(".weight", "U32", [32, 4])), /by MLX, 4 bits/],
  [
    "compressed-tensors",
    all(
      config({ quantization_config: { quant_method: "compressed-tensors" } }),
      packed(".weight_packed", "I32", [4, 32]),
    ),
    /by compressed-tensors/,
  ],
  ["AQLM", all(config({ quantization_config: { quant_method: "aqlm" } }), packed(".codes", "I8", [32, 4])), /by AQLM/],
  [
    "a method with a name to hide behind",
    all(config({ quantization_config: { quant_method: `\x9b2J${"x".repeat(1e6)}` } }), packed(".q", "U8", [32, 4])),
    /by \\u009b2Jx{20,40}\.\.\./,
  ],
  ["quantised, and no word of it", packed(".qweight", "I32", [4, 32]), /there is a tensor "model\.layers\.0.*qweight"/],
  ["tokenizer.model only", file("tokenizer.model"), /tokenizer\.model but no tokenizer\.json/],
  [
    "another architecture",
    config({ model_type: "gpt2", hidden_size: undefined }),
    /model_type "gpt2" is not supported, expected one of: llama/,
  ],
];

function folderOf(make: (folder: string) => void): string {
  const folder = join(temporaryFolder(), "checkpoint");
  cpSync(CHECKPOINT, folder, { recursive: true });
  make(folder);
  return folder;
}

test.each(cases)("%s", async (_, make, says) => {
  const error = await AutoModelForCausalLM.fromPretrained(folderOf(make)).then(
    () => expect.fail("the checkpoint was loaded"),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  expect(error.message).toMatch(says);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  expect(error.message).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  expect(error.message.length).toBeLessThan(500);
});

const inspected = cases.filter(([name]) =>
  ["GGUF", "LoRA", "Meta's format", "config.json in LFS", "GPTQ", "old PyTorch", "a pipe as weights"].includes(name),
);

test.each(inspected)("inspect says so too: %s", async (_, make, says) => {
  const { code, stdout, stderr } = await command(["inspect", folderOf(make)]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(says);
  expect(stderr.trimEnd()).not.toMatch(/\n/);
});

test("inspect: a file, weights as pytorch_model.bin, a head that is not tied", async () => {
  const path = join(temporaryFolder(), "model.gguf");
  writeFileSync(path, "GGUF");
  const asFile = await command(["inspect", path]);
  expect(asFile).toMatchObject({ code: 1, stdout: "" });
  expect(asFile.stderr).toMatch(/no checkpoint directory at .*: it is a file, the format of llama\.cpp: download/);
  const bin = await command(["inspect", "test/oracle/checkpoints/tied-bin", "--json"]);
  expect(bin).toMatchObject({ code: 0, stderr: "" });
  const { parameters, storedAs } = JSON.parse(bin.stdout);
  expect({ parameters, storedAs }).toEqual({
    parameters: 64 * 32 + 2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 48 + 3 * 32,
    storedAs: ["F32"],
  });
  const own = await command(["inspect", "test/oracle/checkpoints/own-head"]);
  expect(own.stdout).toContain("untied embeddings");
  expect(own.stderr).toMatch(/^foretoken: warning: .*lm_head of their own.*\n$/);
});
