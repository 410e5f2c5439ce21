import { existsSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoint } from "../checkpoint/checkpoint.js";
import { checkTensors } from "../checkpoint/convert.js";
import type { TensorSource } from "../checkpoint/tensor-source.js";
import type { WeightFormat } from "../checkpoint/weight-spec.js";
import { CausalLM } from "../engine/causal-lm.js";
import { saturationProbe } from "../runtime/probes.js";
import { AutoTokenizer } from "../tokenizer/auto-tokenizer.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { nearest, UsageError } from "../types/errors.js";
import { DTYPES, type Dtype, type ModelConfig } from "../types/model-config.js";
import { cacheDirectory } from "./cache-directory.js";
import { type ConversionProgress, convertedModel, decoderBlueprint } from "./converted-model.js";
import { LanguageModel } from "./language-model.js";

/** Context unless asked otherwise, where the model allows as much. Untouched cache memory costs nothing. */
const DEFAULT_CONTEXT = 8192;

export interface LoadOptions {
  /** How weights are held: "q8" (default; int8, what speculation wants), "q4" (4-bit blocks) or "fp32". */
  dtype?: Dtype;
  /** Most tokens of prompt and output. Default: the model's own limit, at most 8192. */
  contextLength?: number;
  /** Told how conversion proceeds. Not called when the converted model is in the cache. */
  progressCallback?: (progress: ConversionProgress) => void;
  /**
   * Told, in one line, what is unusual about a checkpoint and how it is taken: a head that should be tied and is not, an
   * adapter that is not applied. Default: Node's own warnings (process.emitWarning).
   */
  onWarning?: (message: string) => void;
  signal?: AbortSignal;
}

export const AutoModelForCausalLM = {
  /**
   * Loads the Hugging Face checkpoint in `directory` (config.json, tokenizer.json, and model.safetensors or
   * pytorch_model.bin, whole or as shards).
   * The first load converts it and keeps the result in the cache (FORETOKEN_CACHE); later loads map it.
   * @throws CheckpointError, TokenizerError, UsageError with one line that says what to do
   */
  async fromPretrained(directory: string, options: LoadOptions = {}): Promise<LanguageModel> {
    checkDtype(options.dtype);
    const { onWarning = warn } = options;
    const checkpoint = await openCheckpoint(directory, join(cacheDirectory(), "digests"), onWarning);
    try {
      const hasTokenizer = existsSync(join(directory, "tokenizer.json"));
      const tokenizer = hasTokenizer ? await AutoTokenizer.fromPretrained(directory) : undefined;
      return await loadModel(checkpoint.source, checkpoint.config, tokenizer, options, directory);
    } finally {
      await checkpoint.source.close();
    }
  },
};

/** Loads a model from any source of tensors, such as a synthetic one. `tokenizer` turns text into its ids and back. */
export async function loadModel(
  source: TensorSource,
  config: ModelConfig,
  tokenizer: Tokenizer | undefined,
  options: LoadOptions = {},
  directory?: string,
): Promise<LanguageModel> {
  const contextLength = options.contextLength ?? Math.min(DEFAULT_CONTEXT, config.maxPositionEmbeddings);
  if (!Number.isInteger(contextLength) || contextLength < 2 || contextLength > config.maxPositionEmbeddings) {
    throw new UsageError(
      `contextLength must be an integer from 2 to the model's ${config.maxPositionEmbeddings}, got ${contextLength}`,
    );
  }
  const format = await weightFormat(options.dtype ?? "q8");
  const blueprint = decoderBlueprint(config);
  // Before gigabytes are read for their digest.
  checkTensors(source, blueprint.specs);
  const converted = await convertedModel(source, blueprint, format, options.progressCallback, options.signal);
  const vocabLimit = Math.min(config.vocabSize, tokenizer?.vocabSize ?? config.vocabSize);
  const model = await CausalLM.load({ config, ...converted, contextLength, vocabLimit });
  return new LanguageModel(model, tokenizer, directory);
}

/** Products of unsigned and signed bytes saturate on CPUs without VNNI; unsigned weights avoid them. */
export async function weightFormat(dtype: Dtype): Promise<WeightFormat> {
  return { dtype, q8Signed: dtype !== "q8" || !(await saturationProbe()) };
}

function warn(message: string): void {
  process.emitWarning(message, "ForetokenWarning");
}

function checkDtype(dtype: string | undefined): void {
  if (dtype === undefined || DTYPES.includes(dtype as Dtype)) return;
  const guess = nearest(dtype, DTYPES);
  throw new UsageError(
    `unknown dtype "${dtype}", expected one of: ${DTYPES.join(", ")}${guess ? `. Did you mean "${guess}"?` : ""}`,
  );
}
