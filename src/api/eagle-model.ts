import { checkTensors } from "../conversion/convert.js";
import { convertedModel, decoderBlueprint } from "../conversion/converted-model.js";
import { weightFormat } from "../conversion/weight-format.js";
import { EagleHeads } from "../engine/eagle-heads.js";
import { EMBEDDING } from "../models/checkpoint/tensor-names.js";
import { type EagleCheckpoint, openEagleCheckpoint } from "../models/eagle/eagle-checkpoint.js";
import { defaultTargetLayers } from "../models/eagle/eagle-config.js";
import { UsageError } from "../types/errors.js";
import type { Dtype, ModelConfig } from "../types/model-config.js";
import { value } from "../types/option-kinds.js";
import { checkOptions, givenOptions, type OptionTable } from "../types/option-table.js";
import { AutoModelForCausalLM } from "./auto-model.js";
import { baseDirectory, onBase, withBaseTensor } from "./base-of-heads.js";
import type { GenerateOptions } from "./generate-options.js";
import { LanguageModel } from "./language-model.js";
import { LOAD_NAMES, LOAD_OPTIONS, type LoadOptions } from "./load-options.js";
import type { PromptInput } from "./prompt-input.js";
import { type Outputs, TextGenerator } from "./text-generator.js";

const WITH_BASE: OptionTable<LoadOptions & { base: LanguageModel }> = {
  ...LOAD_OPTIONS,
  base: value("a loaded LanguageModel", (given) => given instanceof LanguageModel),
};

const { dtype, signal } = LOAD_OPTIONS;
const HEADS_OPTIONS: OptionTable<{ dtype: Dtype; signal: AbortSignal }> = { dtype, signal };

/** Methods that take a model's own heads. */
const WITH_HEADS = ["eagle", "merged", "auto"];

/** A base model with EAGLE-3 heads, which draft for it. */
export class EagleModel extends TextGenerator {
  /** Whether the base was loaded with the heads and goes with them. */
  private ownsBase = false;

  constructor(
    readonly base: LanguageModel,
    readonly heads: EagleHeads,
  ) {
    super();
    checkFit(heads.model.config, base.config);
  }

  /**
   * Loads heads and their base: the folder that config.json names (base_model_name_or_path, or speculators' verifier), if
   * need be relative to the heads'.
   * @param options.base the base where it is loaded already; it is then not disposed of with the heads
   * @throws CheckpointError when files are missing, damaged, or of other heads; UsageError when the two do not fit together
   */
  static async fromPretrained(
    directory: string,
    options: LoadOptions & { base?: LanguageModel } = {},
  ): Promise<EagleModel> {
    const { base: given, ...load } = checkOptions(WITH_BASE, options, LOAD_NAMES);
    const { dtype, signal } = load;
    const loadBase = async () => AutoModelForCausalLM.fromPretrained(await baseOf(directory), load);
    return onBase(given, loadBase, async (base) => {
      const model = new EagleModel(base, await loadEagleHeads(directory, base, { dtype, signal }));
      model.ownsBase = given === undefined;
      return model;
    });
  }

  get model() {
    return this.base.model;
  }

  get tokenizer() {
    return this.base.tokenizer;
  }

  /** As those of the base, with method "eagle" unless another is asked for. @internal */
  outputs(prompts: readonly PromptInput[], options: GenerateOptions): Outputs {
    const { method = "eagle", ...own } = givenOptions(options?.speculation, "speculation");
    const heads = WITH_HEADS.includes(method as string) ? { heads: this.heads } : {};
    return this.base.outputs(prompts, { ...options, speculation: { method: method as string, ...own, ...heads } });
  }

  /** Releases the heads, and the base unless it was given. */
  async dispose(): Promise<void> {
    await this.heads.dispose();
    if (this.ownsBase) await this.base.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/**
 * Loads the EAGLE-3 heads in a folder for a base that is loaded already, in the base's dtype unless told otherwise. Keys and
 * values are held as the base's. The embedding is the base's where the heads have none of their own.
 */
export async function loadEagleHeads(
  directory: string,
  base: LanguageModel,
  options: { dtype?: Dtype; signal?: AbortSignal } = {},
): Promise<EagleHeads> {
  const given = checkOptions(HEADS_OPTIONS, options, { ...LOAD_NAMES, of: "loadEagleHeads" });
  return eagleHeadsFrom(await openEagleCheckpoint(directory), base, given);
}

/** Loads the heads of an open checkpoint, and closes it. */
export async function eagleHeadsFrom(
  checkpoint: EagleCheckpoint,
  base: LanguageModel,
  options: { dtype?: Dtype; signal?: AbortSignal } = {},
): Promise<EagleHeads> {
  let { source } = checkpoint;
  try {
    const config = configFor(checkpoint, base.config);
    checkFit(config, base.config);
    if (!checkpoint.ownEmbedding) {
      const lent = { name: "embed_tokens.weight", of: () => EMBEDDING, what: "embedding" };
      source = await withBaseTensor(source, base, lent);
    }
    const blueprint = decoderBlueprint(config);
    checkTensors(source, blueprint.specs);
    const format = await weightFormat(options.dtype ?? base.dtype);
    const converted = await convertedModel(source, blueprint, format, undefined, options.signal);
    const { contextLength, cacheDtype, exactness } = base;
    const { targetIds } = checkpoint;
    return await EagleHeads.load({ config, ...converted, contextLength, cacheDtype, exactness, targetIds });
  } finally {
    await source.close();
  }
}

/** The heads' config with the target's layers that they read. */
function configFor({ config }: EagleCheckpoint, { numLayers }: ModelConfig): ModelConfig {
  const { base: _, eagle, ...rest } = config;
  const { targetLayers = defaultTargetLayers(numLayers) } = eagle;
  return { ...rest, eagle: { ...eagle, targetLayers } };
}

async function baseOf(directory: string): Promise<string> {
  const { config, source } = await openEagleCheckpoint(directory);
  await source.close();
  return baseDirectory(directory, config.base, "base_model_name_or_path");
}

/** @throws UsageError when the heads are another model's */
function checkFit({ vocabSize, eagle }: ModelConfig, target: ModelConfig): void {
  const { targetHiddenSize, targetLayers } = eagle!;
  const other = "they belong to another model";
  if (targetHiddenSize !== target.hiddenSize) {
    throw new UsageError(
      `the heads read hidden states of ${targetHiddenSize}, the base's have ${target.hiddenSize}: ${other}`,
    );
  }
  if (vocabSize !== target.vocabSize) {
    throw new UsageError(`the heads read ${vocabSize} tokens, the base has ${target.vocabSize}: ${other}`);
  }
  const wrong = targetLayers.find((layers) => layers < 0 || layers > target.numLayers);
  if (wrong === undefined) return;
  throw new UsageError(`the heads read the stream after ${wrong} layers, the base has ${target.numLayers}: ${other}`);
}
