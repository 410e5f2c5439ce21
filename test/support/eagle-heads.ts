import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { type Dtype, type EagleHeads, type LanguageModel, loadEagleHeads, Need } from "../../src/index.js";
import { cholesky, solveCholesky } from "../../src/training/cholesky.js";
import { model, prompts, TARGET } from "./models.js";
import { writeTensors } from "./safetensors-files.js";

/** Every so manyth prompt is read on, so many tokens. */
const EVERY = 2;
const LENGTH = 40;
/** Added to the diagonal, as a share of its mean. */
const RIDGE = 0.003;
/** A regression on ones and zeros gives small numbers: what makes probabilities of them. */
const SHARPNESS = 12;

let folder: Promise<string> | undefined;
const loaded = new Map<Dtype, Promise<EagleHeads>>();

/** A folder of EAGLE-3 heads for the embedded target, right now and then. To be called where tests are declared. */
export function withEagleFolder(): () => Promise<string> {
  afterAll(async () => {
    if (folder) rmSync(await folder, { recursive: true, force: true });
    folder = undefined;
  });
  return () => {
    folder ??= makeHeads();
    return folder;
  };
}

/** These heads, loaded once in each test file. To be called where tests are declared. */
export function withEagleHeads(): (dtype: Dtype) => Promise<EagleHeads> {
  const made = withEagleFolder();
  afterAll(async () => {
    for (const heads of loaded.values()) await (await heads).dispose();
    loaded.clear();
  });
  return (dtype) => {
    const load = async () => loadEagleHeads(await made(), await model(TARGET, dtype));
    const found = loaded.get(dtype) ?? load();
    loaded.set(dtype, found);
    return found;
  };
}

/**
 * Heads made without training: attention looks at the row's own token, whose embedding is added to the high stream, and the
 * output product is a ridge regression from there to the tokens that the target says.
 */
async function makeHeads(): Promise<string> {
  const target = await model(TARGET, "fp32");
  const texts: number[][] = [];
  for (const { prompt } of prompts().filter((_, i) => i % EVERY === 0)) {
    const start = target.promptIds(prompt);
    const { tokenIds } = await target.generate(start, { maxNewTokens: LENGTH, speculation: { method: "none" } });
    texts.push([...start.slice(-LENGTH), ...tokenIds]);
  }
  const vocabulary = [...new Set(texts.flat())].sort((a, b) => a - b);
  const directory = mkdtempSync(join(tmpdir(), "foretoken-eagle-"));
  const scale = 1 / (await streamSize(target, texts[0]));
  writeHeads(directory, target, vocabulary, scale, new Float32Array(vocabulary.length * target.config.hiddenSize));
  const blank = await loadEagleHeads(directory, target);
  const output = await regression(target, blank, texts, vocabulary);
  await blank.dispose();
  writeHeads(directory, target, vocabulary, scale, output);
  return directory;
}

function writeHeads(
  directory: string,
  { config }: LanguageModel,
  vocabulary: readonly number[],
  scale: number,
  output: Float32Array,
): void {
  const { hiddenSize: D, vocabSize } = config;
  const matrix = (rows: number, columns: number, first: number, value: number) => {
    const values = new Float32Array(rows * columns);
    for (let i = 0; i < Math.min(rows, D); i++) if (value !== 0) values[i * columns + first + i] = value;
    return { shape: [rows, columns], values };
  };
  const ones = { shape: [D], values: new Float32Array(D).fill(1) };
  const offsets = BigInt64Array.from(vocabulary, (id, i) => BigInt(id - i));
  const layer = "midlayer.";
  writeTensors(join(directory, "model.safetensors"), {
    "fc.weight": matrix(D, 3 * D, 2 * D, scale),
    [`${layer}input_layernorm.weight`]: ones,
    [`${layer}hidden_norm.weight`]: ones,
    [`${layer}post_attention_layernorm.weight`]: ones,
    // Large enough that a row attends to itself almost alone.
    [`${layer}self_attn.q_proj.weight`]: matrix(D, 2 * D, 0, 1.5),
    [`${layer}self_attn.k_proj.weight`]: matrix(D, 2 * D, 0, 1.5),
    [`${layer}self_attn.v_proj.weight`]: matrix(D, 2 * D, 0, 1),
    [`${layer}self_attn.o_proj.weight`]: matrix(D, D, 0, 1),
    [`${layer}mlp.gate_proj.weight`]: matrix(32, D, 0, 0),
    [`${layer}mlp.up_proj.weight`]: matrix(32, D, 0, 0),
    [`${layer}mlp.down_proj.weight`]: matrix(D, 32, 0, 0),
    "norm.weight": ones,
    "lm_head.weight": { shape: [vocabulary.length, D], values: output },
    d2t: { shape: [vocabulary.length], values: offsets },
  });
  const sizes = { hidden_size: D, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: D / 64 };
  const vocabularies = { vocab_size: vocabSize, draft_vocab_size: vocabulary.length };
  const all = { architectures: ["LlamaForCausalLM"], model_type: "llama", ...sizes, ...vocabularies };
  writeFileSync(join(directory, "config.json"), JSON.stringify(all));
}

/** The usual size of a number of the high stream. */
async function streamSize(target: LanguageModel, text: readonly number[]): Promise<number> {
  const high = target.config.numLayers - 3;
  target.model.capture([high]);
  using sequence = target.model.newSequence();
  const needs = text.map(() => Need.auxiliary);
  return await target.model.forward([{ sequence, tokens: text, needs }], (result) => {
    const rows = text.map((_, row) => result.auxiliary(row, high).reduce((sum, x) => sum + x * x, 0));
    return Math.sqrt(rows.reduce((a, b) => a + b) / (text.length * target.config.hiddenSize));
  });
}

/** From the layer's normed rows to the tokens two places after their features. */
async function regression(
  target: LanguageModel,
  heads: EagleHeads,
  texts: readonly (readonly number[])[],
  vocabulary: readonly number[],
): Promise<Float32Array> {
  const D = target.config.hiddenSize;
  const gram = new Float64Array(D * D);
  const sums = vocabulary.map(() => new Float64Array(D));
  const draftId = new Map(vocabulary.map((id, i) => [id, i]));
  target.model.capture(heads.targetLayers);
  for (const text of texts) {
    using read = target.model.newSequence();
    const needs = text.map(() => Need.auxiliary);
    const streams = await target.model.forward([{ sequence: read, tokens: text, needs }], (result) =>
      text.map((_, row) => heads.streamsOf(result, row)),
    );
    using sequence = heads.model.newSequence();
    const tokens = text.slice(1, -1);
    const features = tokens.map((_, i) => ({ streams: streams[i] }));
    const rows = { sequence, tokens, features, needs: tokens.map(() => Need.hidden) };
    await heads.model.forward([rows], (result) => {
      for (let row = 0; row < tokens.length; row++) {
        const x = result.hidden(row);
        const sum = sums[draftId.get(text[row + 2])!];
        for (let i = 0; i < D; i++) {
          sum[i] += x[i];
          for (let j = 0; j < D; j++) gram[i * D + j] += x[i] * x[j];
        }
      }
    });
  }
  let trace = 0;
  for (let i = 0; i < D; i++) trace += gram[i * D + i];
  for (let i = 0; i < D; i++) gram[i * D + i] += (RIDGE * trace) / D;
  const triangle = cholesky(gram, D);
  const output = new Float32Array(vocabulary.length * D);
  for (const [id, sum] of sums.entries()) {
    solveCholesky(triangle, D, sum);
    output.set(
      sum.map((value) => SHARPNESS * value),
      id * D,
    );
  }
  return output;
}
