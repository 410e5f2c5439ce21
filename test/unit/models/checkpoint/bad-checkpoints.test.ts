import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AutoModelForCausalLM, ForetokenError } from "../../../../src/index.js";
import { temporaryFolder } from "../../../support/models.js";
import { changeHeader, type Header, lengthPrefix } from "../../../support/safetensors-files.js";

/** Damages a checkpoint directory; what the error must say. */
type Case = [name: string, damage: (folder: string) => void, says: RegExp];

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/** Changes fields of config.json; undefined removes one. */
const config = (changes: object) => (folder: string) => {
  const path = join(folder, "config.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...changes }));
};
const write = (file: string, content: string | Uint8Array) => (folder: string) =>
  writeFileSync(join(folder, file), content);
const remove = (file: string) => (folder: string) => rmSync(join(folder, file));

/** Rewrites the header of model.safetensors; the data stays. */
const header = (change: (header: Header) => unknown) => (folder: string) => changeHeader(join(folder, WEIGHTS), change);
/** Changes bytes of the data, which begins after the header. */
const data = (change: (data: Buffer) => Buffer) => (folder: string) => {
  const path = join(folder, WEIGHTS);
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE());
  writeFileSync(path, Buffer.concat([bytes.subarray(0, start), change(bytes.subarray(start))]));
};
const Q = "model.layers.0.self_attn.q_proj.weight";
const NORM = "model.norm.weight";

const cases: Case[] = [
  ["no directory", (folder) => rmSync(folder, { recursive: true }), /no checkpoint directory at .*: give a folder/],
  ["no config.json", remove("config.json"), /config\.json does not exist/],
  ["config.json is no JSON", write("config.json", '{"a":\n\n1,,}'), /config\.json is not valid JSON/],
  ["config.json is a list", write("config.json", "[1]"), /config\.json holds \[1\], expected a JSON object/],
  ["config.json is a folder", asFolder("config.json"), /config\.json cannot be read \(EISDIR\)/],
  ["no hidden_size", config({ hidden_size: undefined }), /hidden_size is missing, expected a positive integer/],
  ["negative layers", config({ num_hidden_layers: -2 }), /num_hidden_layers is -2, expected a positive integer/],
  ["huge vocabulary", config({ vocab_size: 1e18 }), /vocab_size is 1000000000000000000, expected/],
  [
    "heads do not divide",
    config({ num_attention_heads: 3, head_dim: undefined }),
    /num_key_value_heads is 2, expected a divisor/,
  ],
  ["odd heads", config({ head_dim: 20 }), /heads of 20 dimensions are not supported, expected a multiple of 16/],
  ["unknown model_type", config({ model_type: "lama" }), /model_type "lama".*expected.*llama/],
  ["model_type of a prototype", config({ model_type: "constructor" }), /model_type "constructor"/],
  ["other activation", config({ hidden_act: "gelu" }), /hidden_act is "gelu", expected "silu"/],
  [
    "unknown rope",
    config({ rope_scaling: { rope_type: "yarn", factor: 2 } }),
    /rope_scaling of type "yarn" is not supported/,
  ],
  ["rope without factor", config({ rope_scaling: { type: "linear" } }), /factor is missing/],
  ["rope is text", config({ rope_scaling: "linear" }), /rope_scaling must be an object/],
  [
    "eos outside",
    write("generation_config.json", '{"eos_token_id":[1,112]}'),
    /generation_config\.json: eos_token_id is 112, expected a token id below vocab_size/,
  ],
  [
    "generation_config.json is no JSON",
    write("generation_config.json", "{"),
    /generation_config\.json is not valid JSON/,
  ],
  ["flag is text", config({ tie_word_embeddings: "no" }), /tie_word_embeddings is "no", expected true or false/],
  ["no weights", remove(WEIGHTS), /has no model\.safetensors/],
  ["other weights", both(remove(WEIGHTS), write("tf_model.h5", "x")), /found tf_model\.h5, TensorFlow's format/],
  ["weights are a folder", asFolder(WEIGHTS), /model\.safetensors.*(EISDIR|cannot be read)/],
  ["empty weights", write(WEIGHTS, ""), /model\.safetensors has 0 bytes, too few/],
  [
    "Git LFS pointer",
    write(WEIGHTS, "version https://git-lfs.github.com/spec/v1\n"),
    /is a Git LFS pointer.*git lfs pull/,
  ],
  ["truncated data", (folder) => truncateSync(join(folder, WEIGHTS), 20_000), /ends at byte .* truncated/],
  [
    "truncated header",
    (folder) => truncateSync(join(folder, WEIGHTS), 100),
    /header claims .* bytes but the file has 100/,
  ],
  [
    "header too long",
    write(WEIGHTS, Buffer.concat([lengthPrefix(1n << 60n), Buffer.alloc(64)])),
    /claims 1152921504606846976 bytes, at most/,
  ],
  ["header is no JSON", header(() => "{not json"), /the header is not valid JSON/],
  ["header is a list", header(() => "[]"), /the header does not begin with "\{"/],
  [
    "header is no UTF-8",
    write(WEIGHTS, Buffer.concat([lengthPrefix(2), Buffer.from([0x7b, 0xff])])),
    /header is not UTF-8/,
  ],
  ["overlap", header((h) => shift(h, Q, -64)), /begins at byte .* overlaps another tensor/],
  ["hole", header((h) => shift(h, Q, 64)), /begins at byte|leaves a hole/],
  ["offsets beyond the file", header((h) => grow(h)), /ends at byte .* truncated/],
  ["bytes left over", data((d) => Buffer.concat([d, Buffer.alloc(8)])), /its tensors end at byte .* damaged/],
  ["offsets backwards", header((h) => h[Q].data_offsets.reverse()), /has data_offsets .* expected \[begin, end\]/],
  [
    "offsets and shape disagree",
    header((h) => Object.assign(h[Q], { shape: [1, 1] })),
    /takes 4 bytes but its data_offsets span/,
  ],
  ["unknown dtype", header((h) => Object.assign(h[Q], { dtype: "constructor" })), /has unknown dtype "constructor"/],
  ["integer weights", header((h) => Object.assign(h[Q], { dtype: "I32" })), /has dtype I32, expected F32, F16 or BF16/],
  ["entry is a number", header((h) => Object.assign(h, { [Q]: 5 })), /is described by 5, expected \{dtype, shape/],
  [
    "wrong shape",
    header((h) => h[Q].shape.unshift(h[Q].shape.pop()! / 2, 2)),
    /q_proj\.weight" has shape .* expected \[64, 64\]/,
  ],
  ["missing tensor", header((h) => rename(h, NORM, "model.norm.wait")), /has no tensor "model\.norm\.weight"/],
  ["not a number", data((d) => fill(d, [0, 0, 0xc0, 0x7f])), /holds NaN: the checkpoint is damaged/],
  ["infinite", data((d) => fill(d, [0, 0, 0x80, 0x7f])), /holds Infinity: the checkpoint is damaged/],
];

const sharded: Case[] = [
  ["shard missing", remove("model-00002-of-00003.safetensors"), /names the shard model-00002.* missing/],
  ["index is no JSON", write(INDEX, "nope"), /index\.json is not valid JSON/],
  ["no weight_map", write(INDEX, "{}"), /has no weight_map/],
  [
    "shard outside",
    write(INDEX, JSON.stringify({ weight_map: { a: "../evil.safetensors" } })),
    /expected the name of a \.safetensors file/,
  ],
  ["shard is the parent", write(INDEX, JSON.stringify({ weight_map: { a: ".." } })), /is in "\.\.", expected the name/],
  [
    "tensor in another shard",
    write(
      INDEX,
      JSON.stringify({
        weight_map: { "lm_head.weight": "model-00001-of-00003.safetensors", nope: "model-00001-of-00003.safetensors" },
      }),
    ),
    /has no tensor/,
  ],
  ["tensor left out", (folder) => dropFromIndex(folder, NORM), /has no tensor "model\.norm\.weight"/],
];

const tokenizers: Case[] = [
  ["tokenizer.json is no JSON", write("tokenizer.json", "{"), /tokenizer\.json is not valid JSON/],
  ["tokenizer.json is a list", write("tokenizer.json", "[]"), /tokenizer\.json must hold a JSON object/],
  ["tokenizer without model", write("tokenizer.json", "{}"), /tokenizer\.json has no "model"/],
  [
    "unknown tokenizer model",
    write("tokenizer.json", '{"model":{"type":"Nope","vocab":{}}}'),
    /tokenizer\.json cannot be used/,
  ],
  [
    "tokenizer_config.json is no JSON",
    both(copyTokenizer, write("tokenizer_config.json", "{")),
    /tokenizer_config\.json is not valid JSON/,
  ],
];

test.each(cases)("%s", (_, damage, says) => refuses("gqa-tied", damage, says));
test.each(sharded)("sharded: %s", (_, damage, says) => refuses("sharded", damage, says));
test.each(tokenizers)("%s", (_, damage, says) => refuses("gqa-tied", damage, says));

/** Loads a damaged copy of a tiny checkpoint: the error must be the product's own, and one line. */
async function refuses(name: string, damage: (folder: string) => void, says: RegExp): Promise<void> {
  const folder = join(temporaryFolder(), name);
  cpSync(join("test/oracle/llama", name), folder, { recursive: true });
  damage(folder);
  const error = await AutoModelForCausalLM.fromPretrained(folder, { dtype: "q8" }).then(
    () => expect.fail("the checkpoint was loaded"),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(ForetokenError);
  expect(error.message).toMatch(says);
  expect(error.message).not.toMatch(/\n/);
  expect(error.message.length).toBeLessThan(500);
}

function both(first: (folder: string) => void, second: (folder: string) => void) {
  return (folder: string) => {
    first(folder);
    second(folder);
  };
}

function asFolder(file: string) {
  return (folder: string) => {
    rmSync(join(folder, file));
    mkdirSync(join(folder, file));
  };
}

function copyTokenizer(folder: string): void {
  cpSync("models/draft/tokenizer.json", join(folder, "tokenizer.json"));
}

function shift(h: Header, name: string, bytes: number): void {
  h[name].data_offsets = h[name].data_offsets.map((offset) => offset + bytes);
}

/** Doubles the tensor that comes last. */
function grow(h: Header): void {
  const tensors = Object.values(h).filter((entry) => Array.isArray(entry.data_offsets));
  const last = tensors.reduce((a, b) => (b.data_offsets[1] > a.data_offsets[1] ? b : a));
  last.shape = [2, ...last.shape];
  last.data_offsets[1] = 2 * last.data_offsets[1] - last.data_offsets[0];
}

function rename(h: Header, from: string, to: string): void {
  h[to] = h[from];
  delete h[from];
}

function fill(bytes: Buffer, pattern: number[]): Buffer {
  return Buffer.from(bytes).fill(Buffer.from(pattern), 0, 4096);
}

function dropFromIndex(folder: string, name: string): void {
  const path = join(folder, INDEX);
  const index = JSON.parse(readFileSync(path, "utf8"));
  delete index.weight_map[name];
  writeFileSync(path, JSON.stringify(index));
}
