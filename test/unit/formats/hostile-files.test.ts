import { cpSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PytorchFile } from "../../../src/formats/pytorch/pytorch.js";
import { SafetensorsFile } from "../../../src/formats/safetensors/safetensors.js";
import { AutoModelForCausalLM, CheckpointError, MedusaModel } from "../../../src/index.js";
import { openCheckpoint } from "../../../src/models/checkpoint/checkpoint.js";
import { openMedusaCheckpoint } from "../../../src/models/medusa/medusa-checkpoint.js";
import { readJson, temporaryFolder } from "../../support/models.js";
import {
  global,
  integer,
  integers,
  PROTOCOL,
  pytorchZip,
  STOP,
  stateDict,
  tensor,
  text,
  tuple,
  type ZipFile,
  zip,
} from "../../support/pytorch-files.js";
import { changeHeader, lengthPrefix } from "../../support/safetensors-files.js";

const CHECKPOINT = "test/oracle/checkpoints/same-head";
/** Far more than any of these takes, far less than any took that had no bound. */
const SECONDS = 10;

/** What was thrown: the product's own error, one line without control characters, not long, in time. */
async function refusal(work: () => Promise<unknown>): Promise<string> {
  const begin = performance.now();
  const error = await work().then(
    () => expect.fail("it was accepted"),
    (reason) => reason,
  );
  expect(performance.now() - begin).toBeLessThan(SECONDS * 1000);
  expect(error).toBeInstanceOf(CheckpointError);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  expect(error.message).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/);
  expect(error.message.length).toBeLessThan(500);
  return error.message;
}

const pytorch = (bytes: Uint8Array) => {
  const path = join(temporaryFolder(), "x.bin");
  writeFileSync(path, bytes);
  return PytorchFile.open(path);
};
const bytes = (content: string) => Buffer.from(content, "latin1");
const pickle = (...parts: Buffer[]) => Buffer.concat([PROTOCOL, ...parts, STOP]);
const memo = (index: number) => bytes(`q${String.fromCharCode(index)}`);
const recall = (index: number) => bytes(`h${String.fromCharCode(index)}`);

/** A list of two of a list of two of ..., 2 ** 30 texts when it is joined, and asked for as a global's name. */
const doubled = pickle(
  ...[bytes("]"), text("a"), bytes("a"), memo(0)],
  ...Array.from({ length: 30 }, (_, i) =>
    Buffer.concat([bytes("]"), recall(i), bytes("a"), recall(i), bytes("a"), memo(i + 1)]),
  ),
  ...[recall(30), recall(30), bytes("\x93")],
);
const zeros = tuple(bytes("K\0".repeat(90_000)));
const remembered = tensor({ shape: Buffer.concat([zeros, bytes("q\x01")]), strides: recall(1) });
const again = tensor({ shape: recall(1), strides: recall(1) });

test.each<[name: string, pickle: Buffer, says: RegExp]>([
  ["lists that double", doubled, /names a global by what is no text/],
  ["a shape of 90,000 sizes", stateDict([["w", tensor({ shape: zeros, strides: zeros })]]), /not described as PyTorch/],
  [
    "one such shape for many tensors",
    stateDict([["w", remembered], ...Array.from({ length: 2000 }, (_, i): [string, Buffer] => [`${i}`, again])]),
    /not described as PyTorch/,
  ],
  ["strides of another length", stateDict([["w", tensor({ strides: integers(1) })]]), /not described as PyTorch/],
  ["a negative size", stateDict([["w", tensor({ shape: integers(2, -2) })]]), /not described as PyTorch/],
  ["a list that holds itself", pickle(bytes("]q\0h\0a")), /holds no dictionary of tensors/],
  ["tuples 90,000 deep", pickle(bytes(`)${"\x85".repeat(90_000)}`)), /holds no dictionary of tensors/],
  ["a deep tuple as a name", pickle(bytes(`)${"\x85".repeat(90_000)})\x93`)), /names a global by what is no text/],
  ["a stack without end", pickle(bytes("]".repeat(150_000))), /nests too deep/],
  ["a million opcodes", pickle(bytes(`(${"]".repeat(90_000)}t`.repeat(12))), /more than 600000 opcodes/],
  [
    "a list that grows",
    pickle(bytes(`](${"N".repeat(90_000)}e`), bytes(`(${"N".repeat(90_000)}e`.repeat(12))),
    /opcodes/,
  ],
  ["a pickle of 9 MB", pickle(text("x".repeat(9 << 20))), /"x\/data\.pkl" has 9437\d+ bytes, at most 8388608/],
  ["a number of 255 bytes", pickle(bytes(`\x8a\xff${"\x01".repeat(255)}`)), /number of 255 bytes/],
  ["a text longer than the file", pickle(bytes("X\xff\xff\xff\x7f")), /longer than the file/],
  ["a call", pickle(global("os", "system"), tuple(text("exit")), bytes("R")), /calls "os system".*refused/],
  [
    "a call with a name to hide behind",
    pickle(global("\x1b[2J\u009b", "x".repeat(1e6)), tuple(), bytes("R")),
    /calls "\\u001b\[2J\\u009b x{20,80}\.\.\., which/,
  ],
  [
    "a rebuilding function that calls itself",
    stateDict([
      [
        "w",
        Buffer.concat([
          global("torch._tensor", "_rebuild_from_type_v2"),
          bytes("q\0"),
          tuple(recall(0), integer(0), tuple(recall(0))),
          bytes("R"),
        ]),
      ],
    ]),
    /calls "torch\._tensor _rebuild_from_type_v2"/,
  ],
])("pickles: %s", async (_, content, says) => {
  expect(await refusal(() => pytorch(pytorchZip(content, [new Uint8Array(16)])))).toMatch(says);
});

const good: ZipFile[] = [
  { name: "x/data.pkl", data: stateDict([["w", tensor()]]) },
  { name: "x/data/0", data: new Uint8Array(16) },
];
const changed = (change: Partial<ZipFile>) => zip([good[0], { ...good[1], ...change }]);
const patched = (archive: Buffer, offsetFromEnd: number, value: number, wide = false) => {
  const copy = Buffer.from(archive);
  if (wide) copy.writeBigUInt64LE(BigInt(value), copy.length - offsetFromEnd);
  else copy.writeUInt32LE(value, copy.length - offsetFromEnd);
  return copy;
};

test.each<[name: string, archive: Buffer, says: RegExp]>([
  ["a size beyond the file", changed({ size: 0xffff_fff0 }), /ends beyond the file's entries/],
  ["a size that reaches into the directory", changed({ size: 20 }), /runs into|ends beyond/],
  ["two entries over the same bytes", changed({ header: 0 }), /ends beyond the next one's start/],
  ["one name twice", zip([...good, good[1]]), /the entry "x\/data\/0" is there twice/],
  ["compressed", changed({ method: 8 }), /"x\/data\/0" is compressed/],
  [
    "a name to hide behind",
    changed({ method: 8, name: "\x1b]0;\u202e\n" }),
    /entry "\\u001b\]0;\\u202e\\n" is compressed/,
  ],
  ["no pickle", zip([good[1]]), /has no data\.pkl/],
  ["a header elsewhere", zip([{ ...good[0], header: 3 }, good[1]]), /"x\/data\.pkl" is missing/],
  ["a directory beyond the file", patched(zip(good), 6, 0x7fff_ffff), /directory lies outside the file/],
  ["a directory of 4 GB", patched(zip(good), 10, 0xffff_fff0), /directory lies outside the file/],
  [
    "zip64: entries without number",
    patched(zip(good, true), 42 + 24, 2 ** 52, true),
    /directory lies outside the file/,
  ],
  ["zip64: a directory nowhere", patched(zip(good, true), 42 + 8, 2 ** 60, true), /directory lies outside the file/],
  [
    "zip64: a record nowhere",
    patched(zip(good, true), 22 + 12, 2 ** 60, true),
    /zip64 directory is missing|cannot be read/,
  ],
])("zip archives: %s", async (_, archive, says) => {
  const work = async () => {
    const file = await pytorch(archive);
    await file.readRows("w", 0, 2, new Float32Array(4)).finally(() => file.close());
  };
  expect(await refusal(work)).toMatch(says);
});

test("the same archives undamaged are read", async () => {
  for (const zip64 of [false, true]) {
    const file = await pytorch(zip(good, zip64));
    expect(file.info("w")).toEqual({ dtype: "F32", shape: [2, 2] });
    await file.close();
  }
});

const entry = (more = "") => `{"dtype":"F32","shape":[0],"data_offsets":[0,0]${more}}`;

test.each<[name: string, header: string, says: RegExp]>([
  ["depth", `{"a":${"[".repeat(1e6)}`, /the header nests deeper than 64 levels/],
  ["a million objects", `{"a":[${"{},".repeat(1e6)}1]}`, /the header holds more than 105000 objects/],
  ["a million values", `{"__metadata__":{${'"a":"",'.repeat(1e6)}"z":""}}`, /the header holds more than 250000 values/],
  ["a name twice", `{"a":${entry()},"a":${entry()}}`, /the header names a tensor twice/],
  ["many sizes", `{"a":{"dtype":"F32","shape":[${"0,".repeat(1000)}0],"data_offsets":[0,0]}}`, /at most 64 sizes/],
  [
    "sizes that overflow",
    `{"a":{"dtype":"F32","shape":[${"9007199254740991,".repeat(40)}2],"data_offsets":[0,0]}}`,
    /takes .* bytes/,
  ],
  [
    "a name to hide behind",
    `{"\x9b2J\\u001b\\n${"x".repeat(1e6)}":5}`,
    /tensor "\\u009b2J\\u001b\\nx+\.\.\. is described by 5/,
  ],
])("safetensors headers: %s", async (_, header, says) => {
  const path = join(temporaryFolder(), "model.safetensors");
  const content = Buffer.from(header);
  writeFileSync(path, Buffer.concat([lengthPrefix(content.length), content]));
  expect(await refusal(() => SafetensorsFile.open(path))).toMatch(says);
});

/** A checkpoint with another config.json. */
function withConfig(change: (json: Record<string, unknown>) => unknown): string {
  const folder = join(temporaryFolder(), "checkpoint");
  cpSync(CHECKPOINT, folder, { recursive: true });
  const path = join(folder, "config.json");
  const json = readJson<Record<string, unknown>>(path);
  const changed = change(json);
  writeFileSync(path, typeof changed === "string" ? changed : JSON.stringify(json));
  return folder;
}
const set = (field: string, value: unknown) => (json: Record<string, unknown>) =>
  void Object.assign(json, { [field]: value });

test.each<[name: string, change: (json: Record<string, unknown>) => unknown, says: RegExp]>([
  ["depth", () => `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`, /nests deeper than 64 levels/],
  ["17 MB", () => `{"a":"${"x".repeat(17 << 20)}"}`, /has 178\d+ bytes, at most 16777216 are read/],
  ["a long value", set("hidden_act", "x".repeat(1e6)), /hidden_act is "x{20,80}\.\.\., expected "silu"/],
  ["a long list", set("hidden_size", Array(1000).fill(7)), /hidden_size is \[7, 7.*\.\.\., expected/],
  [
    "a value to hide behind",
    set("model_type", "\u009b2J\u001b[1m\nllama"),
    /model_type "\\u009b2J\\u001b\[1m\\nllama" is not/,
  ],
  ["a rope to hide behind", set("rope_parameters", { rope_type: "\u001b\u2028" }), /of type "\\u001b\\u2028" is not/],
  ["a billion layers", set("num_hidden_layers", 1e9), /num_hidden_layers is 1000000000, but the weights have 1 layers/],
  ["a vocabulary of two billions", set("vocab_size", 2e9), /vocab_size is 2000000000, but .* has 64 rows/],
  ["an MLP of two billions", set("intermediate_size", 2e9), /expected \[2000000000, 32\] from config\.json/],
  ["a width of two billions", set("hidden_size", 2 ** 31 - 16), /expected \[64, 2147483632\] from config\.json/],
  [
    "a billion heads",
    set("num_attention_heads", 2 ** 30),
    /expected \[17179869184, 32\]|expected a divisor|multiple of 16/,
  ],
])("config.json: %s", async (_, change, says) => {
  const folder = withConfig(change);
  expect(await refusal(() => AutoModelForCausalLM.fromPretrained(folder))).toMatch(says);
});

test("an index with names to hide behind", async () => {
  const folder = withConfig(() => undefined);
  const index = join(folder, "model.safetensors.index.json");
  const open = async (weight_map: object) => {
    writeFileSync(index, JSON.stringify({ weight_map }));
    return refusal(() => openCheckpoint(folder));
  };
  renameSync(join(folder, "model.safetensors"), join(folder, "a.safetensors"));
  expect(await open({ "\x1b[2J": "a.safetensors" })).toMatch(/has no tensor "\\u001b\[2J", which/);
  expect(await open({ a: "\x1b.safetensors" })).toMatch(/is in "\\u001b\.safetensors", expected the name/);
  expect(await open({ a: `${"x".repeat(1e6)}.safetensors` })).toMatch(/is in "x+\.\.\., expected the name/);
  expect(await open({ a: "/dev/zero.safetensors" })).toMatch(/is in "\/dev\/zero\.safetensors", expected/);
  expect(await open({ a: "b\u202e.safetensors" })).toMatch(/names the shard b\\u202e\.safetensors, which is missing/);
});

test("heads with names to hide behind", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "medusa_lm_head.safetensors");
  cpSync("test/oracle/medusa/shared/medusa_lm_head.safetensors", path);
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({ medusa_num_heads: "\x1b\n", base_model_name_or_path: "" }),
  );
  expect(await refusal(() => openMedusaCheckpoint(folder))).toMatch(/medusa_num_heads in config\.json is "\\u001b\\n"/);
  writeFileSync(join(folder, "config.json"), JSON.stringify({ base_model_name_or_path: `\x1b[2J${"x".repeat(1e6)}` }));
  expect(await refusal(() => MedusaModel.fromPretrained(folder))).toMatch(
    /are for \\u001b\[2Jx+\.\.\., which is no folder/,
  );
  changeHeader(path, (header) => {
    header["0.0.linear.\x9b"] = header["0.0.linear.bias"];
    delete header["0.0.linear.bias"];
  });
  expect(await refusal(() => openMedusaCheckpoint(folder))).toMatch(
    /has a tensor "0\.0\.linear\.\\u009b", expected names/,
  );
});
