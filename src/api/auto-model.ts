import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory } from "../conversion/cache-directory.js";
import { checkTensors } from "../conversion/convert.js";
import { convertedModel, decoderBlueprint } from "../conversion/converted-model.js";
import { defaultDtype } from "../conversion/default-dtype.js";
import { weightFormat } from "../conversion/weight-format.js";
import { CausalLM } from "../engine/causal-lm.js";
import { checkCacheDtype } from "../engine/pass-runners.js";
import { exactnessOf } from "../exactness/exactness.js";
import { readJsonIfPresent } from "../files/json.js";
import { assertPath } from "../files/no-directory.js";
import type { TensorSource } from "../formats/tensor-source.js";
import { openCheckpoint } from "../models/checkpoint/checkpoint.js";
import { readTargetIds } from "../models/draft-vocabulary.js";
import { AutoTokenizer } from "../tokenizer/auto-tokenizer.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { UsageError } from "../types/errors.js";
import type { ModelConfig } from "../types/model-config.js";
import { hasMethods } from "../types/option-kinds.js";
import { checkOptions } from "../types/option-table.js";
import { escaped, shown } from "../types/shown.js";
import { warn } from "../types/warn.js";
import { LanguageModel } from "./language-model.js";
import { LOAD_NAMES, LOAD_OPTIONS, type LoadOptions, MOST_CONTEXT } from "./load-options.js";
import { vocabularyOf } from "./vocabulary.js";

export const AutoModelForCausalLM = {
  /**
   * Loads the Hugging Face checkpoint in `directory` (config.json, tokenizer.json, and model.safetensors or
   * pytorch_model.bin, whole or as shards).
   * The first load converts it and keeps the result in the cache (FORETOKEN_CACHE); later loads map it.
   * @throws CheckpointError, TokenizerError, UsageError with one line that says what to do
   */
  async fromPretrained(directory: string, options: LoadOptions = {}): Promise<LanguageModel> {
    const given = checkOptions<LoadOptions>(LOAD_OPTIONS, options, LOAD_NAMES);
    assertPath(directory, "fromPretrained");
    const { onWarning = warn } = given;
    const checkpoint = await openCheckpoint(directory, join(cacheDirectory(), "digests"), onWarning);
    try {
      const hasTokenizer = existsSync(join(directory, "tokenizer.json"));
      const tokenizer = hasTokenizer ? await AutoTokenizer.fromPretrained(directory) : undefined;
      const generationConfig = await readJsonIfPresent(join(directory, "generation_config.json"));
      const origin = { directory, generationConfig };
      return await loadModel(checkpoint.source, checkpoint.config, tokenizer, given, origin);
    } finally {
      await checkpoint.source.close();
    }
  },
};

/**
 * Loads a model from any source of tensors, such as a synthetic one. `tokenizer` turns text into its ids and back.
 * @throws UsageError for what is no source or no configuration; else as fromPretrained
 */
export async function loadModel(
  source: TensorSource,
  config: ModelConfig,
  tokenizer: Tokenizer | undefined,
  given: LoadOptions = {},
  origin: { directory?: string; generationConfig?: Readonly<Record<string, unknown>> } = {},
): Promise<LanguageModel> {
  const options = checkOptions<LoadOptions>(LOAD_OPTIONS, given, { ...LOAD_NAMES, of: "loadModel" });
  if (!hasMethods(source, ["names", "info", "readRows", "digest"])) {
    throw new UsageError(
      `loadModel takes a source of tensors (names, info, readRows, digest), got ${shown(source)}: for a checkpoint's folder use AutoModelForCausalLM.fromPretrained`,
    );
  }
  if (typeof config !== "object" || config === null || !Number.isInteger(config.maxPositionEmbeddings)) {
    throw new UsageError(`loadModel takes a ModelConfig as its second argument, got ${shown(config)}`);
  }
  const contextLength = options.contextLength ?? Math.min(MOST_CONTEXT, config.maxPositionEmbeddings);
  if (contextLength < 2 || contextLength > config.maxPositionEmbeddings) {
    throw new UsageError(
      `contextLength must be an integer from 2 to the model's ${config.maxPositionEmbeddings}, got ${contextLength}`,
      { option: "contextLength" },
    );
  }
  const { cacheDtype = LOAD_OPTIONS.cacheDtype.fallback } = options;
  checkCacheDtype(cacheDtype);
  const { eosTokenIds, vocabLimit } = vocabularyOf(config, tokenizer);
  const at = origin.directory === undefined ? "the model" : escaped(origin.directory);
  const targetIds = config.draftVocabSize === undefined ? undefined : await readTargetIds(source, config, at);
  const blueprint = decoderBlueprint(config);
  // Before gigabytes are read for their digest.
  checkTensors(source, blueprint.specs);
  const format = await weightFormat(options.dtype ?? (await defaultDtype(source, blueprint.specs)).dtype);
  const converted = await convertedModel(source, blueprint, format, options.progressCallback, options.signal);
  const exactness = await exactnessOf(converted, config, options.signal, { cacheDtype });
  const model = await CausalLM.load({
    config: { ...config, eosTokenIds },
    ...converted,
    contextLength,
    vocabLimit,
    targetIds,
    cacheDtype,
    exactness,
  });
  return new LanguageModel(model, tokenizer, origin.directory, origin.generationConfig);
}
