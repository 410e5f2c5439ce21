import { cpSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AutoModelForCausalLM, MedusaModel } from "../../../../src/index.js";
import { openCheckpoint } from "../../../../src/models/checkpoint/checkpoint.js";
import { openMedusaCheckpoint } from "../../../../src/models/medusa/medusa-checkpoint.js";
import { readJson, temporaryFolder } from "../../../support/models.js";
import { refusal } from "../../../support/refusal.js";
import { changeHeader } from "../../../support/safetensors-files.js";

const CHECKPOINT = "test/oracle/checkpoints/same-head";

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
