import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AutoModelForCausalLM, EagleModel, loadEagleHeads, loadMedusaHeads, methods } from "../../../../src/index.js";
import { openEagleCheckpoint } from "../../../../src/models/eagle/eagle-checkpoint.js";
import { model, readJson, TARGET, temporaryFolder } from "../../../support/models.js";
import { writeTensors } from "../../../support/safetensors-files.js";

const ORACLE = "test/oracle/eagle";
const V = 96;
const D = 32;

type Tensors = Parameters<typeof writeTensors>[1];

/** Small heads of zeros, as a folder; tests change what config.json says and which tensors there are. */
function heads(config: object = {}, tensors: Record<string, Tensors[string] | undefined> = {}): string {
  const folder = temporaryFolder();
  const zeros = (...shape: number[]) => ({ shape, values: new Float32Array(shape.reduce((a, b) => a * b)) });
  const layer = "midlayer.";
  const all: Record<string, Tensors[string] | undefined> = {
    "fc.weight": zeros(D, 3 * D),
    "norm.weight": zeros(D),
    "lm_head.weight": zeros(V, D),
    [`${layer}hidden_norm.weight`]: zeros(D),
    [`${layer}input_layernorm.weight`]: zeros(D),
    [`${layer}post_attention_layernorm.weight`]: zeros(D),
    [`${layer}self_attn.q_proj.weight`]: zeros(32, 2 * D),
    [`${layer}self_attn.k_proj.weight`]: zeros(16, 2 * D),
    [`${layer}self_attn.v_proj.weight`]: zeros(16, 2 * D),
    [`${layer}self_attn.o_proj.weight`]: zeros(D, 32),
    [`${layer}mlp.gate_proj.weight`]: zeros(48, D),
    [`${layer}mlp.up_proj.weight`]: zeros(48, D),
    [`${layer}mlp.down_proj.weight`]: zeros(D, 48),
    ...tensors,
  };
  const given = Object.entries(all).filter((entry): entry is [string, Tensors[string]] => entry[1] !== undefined);
  writeTensors(join(folder, "model.safetensors"), Object.fromEntries(given));
  const sizes = { hidden_size: D, intermediate_size: 48, num_attention_heads: 2, num_key_value_heads: 1, head_dim: 16 };
  const said = { model_type: "llama", vocab_size: V, draft_vocab_size: V, num_hidden_layers: 1, ...sizes, ...config };
  writeFileSync(join(folder, "config.json"), JSON.stringify(said));
  return folder;
}

const d2t = (...offsets: number[]) => ({ shape: [offsets.length], values: BigInt64Array.from(offsets, BigInt) });

test.each([
  ["another model", TARGET, "is not of EAGLE heads: it has no draft_vocab_size"],
  [
    "EAGLE-1, which says nothing of itself",
    heads({ draft_vocab_size: undefined }, { "midlayer.hidden_norm.weight": undefined }),
    "EAGLE-1 and EAGLE-2 are not supported",
  ],
  ["EAGLE-1 and 2", heads({}, { "midlayer.hidden_norm.weight": undefined }), "EAGLE-1 and EAGLE-2 are not supported"],
  ["speculators' EAGLE-1", heads({ speculators_model_type: "eagle" }), 'is "eagle", expected "eagle3"'],
  ["two layers", heads({ num_hidden_layers: 2 }), "num_hidden_layers is 2, expected 1"],
  [
    "tensors of two layers",
    heads({}, { "layers.1.self_attn.q_proj.weight": d2t(0) }),
    "heads of several layers are not",
  ],
  [
    "another tensor",
    heads({}, { "midlayer.self_attn.q_norm.weight": d2t(0) }),
    'q_norm.weight": expected names such as',
  ],
  ["one tensor twice", heads({}, { "layers.0.hidden_norm.weight": d2t(0) }), "which are one tensor"],
  ["no map", heads({ draft_vocab_size: 40 }), "has no d2t, which a vocabulary of 40 of 96 tokens needs"],
  [
    "a short map",
    heads({ draft_vocab_size: 2 }, { d2t: d2t(0) }),
    "d2t has 1 entries, expected one for each of 2 tokens",
  ],
  ["a map beyond", heads({ draft_vocab_size: 2 }, { d2t: d2t(0, 95) }), "d2t makes token 1 96, outside the target's"],
  ["a map below", heads({ draft_vocab_size: 1 }, { d2t: d2t(-1) }), "d2t makes token 0 -1, outside"],
  ["a map to one token", heads({ draft_vocab_size: 2 }, { d2t: d2t(1, 0) }), "d2t makes two tokens 1"],
  ["a large vocabulary", heads({ draft_vocab_size: 97 }), "draft_vocab_size is 97, expected at most vocab_size (96)"],
  ["two streams", heads({ eagle_aux_hidden_state_layer_ids: [1, 2] }), "expected three layers such as [2, 16, 29]"],
  [
    "the last hidden state alone",
    heads({ eagle_config: { use_aux_hidden_state: false } }),
    "use_aux_hidden_state is false",
  ],
  ["two norms before fc", heads({ norm_before_fc: true, fc_norm: true }), "fc_norm is true, expected false"],
  ["another layer", heads({ transformer_layer_config: { model_type: "qwen3" } }), 'layer of model_type "qwen3"'],
  ["no folder", "test/oracle/none", "no EAGLE heads at test/oracle/none"],
])("%s is refused in one line", async (_, folder, message) => {
  await expect(openEagleCheckpoint(folder)).rejects.toThrow(message);
});

test("heads that say nothing of a vocabulary have the target's", async () => {
  const { config, source } = await openEagleCheckpoint(heads({ draft_vocab_size: undefined }));
  await source.close();
  expect(config.draftVocabSize).toBe(V);
});

test("loading them as Medusa's says what they are", async () => {
  const target = await model(`${ORACLE}/target`, "fp32");
  await expect(loadMedusaHeads(heads(), target)).rejects.toThrow("holds EAGLE heads, not Medusa's");
});

describe("heads and target", () => {
  const target = () => model(`${ORACLE}/target`, "fp32");

  test.each([
    ["a missing tensor", heads({}, { "norm.weight": undefined }), 'the checkpoint has no tensor "norm.weight"'],
    ["a wrong shape", heads({}, { "fc.weight": d2t(0) }), /fc\.weight" has dtype I64, expected F32/],
    ["a wrong width", heads({ intermediate_size: 32 }), 'gate_proj.weight" has shape [48, 32], expected [32, 32]'],
    ["another width", heads({ target_hidden_size: 64 }), "the heads read hidden states of 64, the base's have 32"],
    [
      "another vocabulary",
      heads({ vocab_size: 100, draft_vocab_size: 100 }),
      "the heads read 100 tokens, the base has 96",
    ],
    ["layers beyond", heads({ eagle_aux_hidden_state_layer_ids: [1, 2, 9] }), "after 9 layers, the base has 6"],
  ])("%s", async (_, folder, message) => {
    await expect(loadEagleHeads(folder, await target())).rejects.toThrow(message);
  });

  test("are put together, and go together", async () => {
    await expect(EagleModel.fromPretrained(heads())).rejects.toThrow("names no base_model_name_or_path");
    await using eagle = await EagleModel.fromPretrained(`${ORACLE}/speculators`, { dtype: "q8" });
    const out = await eagle.generate([5, 17, 80], { maxNewTokens: 12 });
    expect(out.stats.method).toBe("eagle");
    const plain = await eagle.base.generate([5, 17, 80], { maxNewTokens: 12, speculation: { method: "none" } });
    expect(out.tokenIds).toEqual(plain.tokenIds);
    // A model for another target does not take them.
    const other = await model(TARGET, "q8");
    const speculation = { method: "eagle", heads: eagle.heads };
    await expect(other.generate("Once", { speculation })).rejects.toThrow("they belong to another model");
    const asMedusa = eagle.base.generate([5], { speculation: { method: "medusa", heads: eagle.heads } });
    await expect(asMedusa).rejects.toThrow(`method "medusa" needs heads: the heads given are EAGLE's`);
    await expect(eagle.base.generate([5], { speculation: { method: "eagle" } })).rejects.toThrow(
      'method "eagle" needs EAGLE-3 heads: generate with an EagleModel, or give --heads',
    );
    const context = { target: eagle.base.model, options: { heads: eagle.heads } };
    expect(methods.find("auto", context).name).toBe("eagle");
  });

  test("a folder of heads is no model, and says so", async () => {
    await expect(AutoModelForCausalLM.fromPretrained(`${ORACLE}/safeai`)).rejects.toThrow(
      "is of EAGLE-3 heads, which draft for another model",
    );
  });

  test("names of vLLM, and a prefix, are the same tensors", async () => {
    const folder = temporaryFolder();
    cpSync(`${ORACLE}/specforge`, folder, { recursive: true });
    const path = join(folder, "model.safetensors");
    const bytes = readFileSync(path).toString("latin1");
    // As long as before: the header's length and the places stay.
    writeFileSync(path, bytes.replaceAll('"midlayer.', '"layers.0.'), "latin1");
    const [a, b] = [await openEagleCheckpoint(`${ORACLE}/specforge`), await openEagleCheckpoint(folder)];
    expect([...b.source.names()].sort()).toEqual([...a.source.names()].sort());
    expect(b.targetIds).toEqual(a.targetIds);
    expect(a.config.eagle.targetLayers).toEqual([1, 3, 5]);
    const c = await openEagleCheckpoint(`${ORACLE}/safeai`);
    expect(c.targetIds).toHaveLength(
      readJson<{ draft_vocab_size: number }>(`${ORACLE}/safeai/config.json`).draft_vocab_size,
    );
    for (const { source } of [a, b, c]) await source.close();
  });
});
