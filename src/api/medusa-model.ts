import { convertedModel } from "../conversion/converted-model.js";
import { weightFormat } from "../conversion/weight-format.js";
import { MedusaHeads } from "../engine/medusa-heads.js";
import { RowsOf } from "../formats/rows-of.js";
import { type KnownMethodOptions, METHOD_OPTIONS } from "../methods/options.js";
import { EMBEDDING, HEAD } from "../models/checkpoint/tensor-names.js";
import { checkTargetIds, TOKEN_MAP } from "../models/draft-vocabulary.js";
import { type MedusaCheckpoint, openMedusaCheckpoint } from "../models/medusa/medusa-checkpoint.js";
import { BASE_LM_HEAD, buildMedusaHeads, medusaWeightSpecs } from "../models/medusa/medusa-heads.js";
import { UsageError } from "../types/errors.js";
import type { Dtype } from "../types/model-config.js";
import { value } from "../types/option-kinds.js";
import { checkOptions, givenOptions, type OptionTable } from "../types/option-table.js";
import { escaped } from "../types/shown.js";
import { AutoModelForCausalLM } from "./auto-model.js";
import { baseDirectory, onBase, withBaseTensor } from "./base-of-heads.js";
import { type AssistantModel, GENERATE_NAMES, GENERATE_OPTIONS, type GenerateOptions } from "./generate-options.js";
import { LanguageModel } from "./language-model.js";
import { LOAD_NAMES, LOAD_OPTIONS, type LoadOptions } from "./load-options.js";
import type { PromptInput } from "./prompt-input.js";
import { type CommonSpeculationOptions, REQUEST_OPTIONS } from "./speculation-options.js";
import { generateOf, type Outputs, TextGenerator } from "./text-generator.js";

/** Options of `medusaGenerate`: those of `generate`, with Medusa's own by their usual names. */
export interface MedusaGenerateOptions extends Omit<GenerateOptions, "topK"> {
  /** Candidates of each head that the tree may use, 1 to 10; choices of higher ranks are refused. Default 10. */
  topK?: KnownMethodOptions["treeRanks"];
  /** The tree, as paths of ranks or a preset's name. Default: the best of 8 nodes for the heads' accuracies. */
  medusaChoices?: KnownMethodOptions["treeChoices"];
  /**
   * Turns typical acceptance on, which is not lossless: a candidate is kept when its probability exceeds
   * min(posteriorThreshold, posteriorAlpha * e^-entropy). A LOWER threshold accepts more. Default threshold 0.09.
   */
  posteriorThreshold?: CommonSpeculationOptions["posteriorThreshold"];
  /** Default 0.3, when posteriorThreshold is given. */
  posteriorAlpha?: CommonSpeculationOptions["posteriorAlpha"];
}

const MEDUSA_OPTIONS: OptionTable<MedusaGenerateOptions> = {
  ...GENERATE_OPTIONS,
  topK: METHOD_OPTIONS.treeRanks.kind,
  medusaChoices: METHOD_OPTIONS.treeChoices.kind,
  posteriorThreshold: REQUEST_OPTIONS.posteriorThreshold,
  posteriorAlpha: REQUEST_OPTIONS.posteriorAlpha,
};

const WITH_BASE: OptionTable<LoadOptions & { base: LanguageModel }> = {
  ...LOAD_OPTIONS,
  base: value("a loaded LanguageModel", (given) => given instanceof LanguageModel),
};

const { dtype, signal } = LOAD_OPTIONS;
const HEADS_OPTIONS: OptionTable<{ dtype: Dtype; signal: AbortSignal }> = { dtype, signal };

/** A base model with Medusa heads. Generates losslessly unless a posterior threshold is given. */
export class MedusaModel extends TextGenerator implements AssistantModel {
  /** Whether the base was loaded with the heads and goes with them. */
  private ownsBase = false;

  constructor(
    readonly base: LanguageModel,
    readonly heads: MedusaHeads,
  ) {
    super();
    const { hiddenSize, targetVocabSize } = heads.options;
    checkFit({ hiddenSize, vocabSize: targetVocabSize }, base);
  }

  /**
   * Loads heads and their base: the same folder where it holds both, else config.json's base_model_name_or_path, a
   * folder, if need be relative to the heads'.
   * @param options.base the base where it is loaded already; it is then not disposed of with the heads
   * @throws CheckpointError when files are missing, damaged, or do not fit together
   */
  static async fromPretrained(
    directory: string,
    options: LoadOptions & { base?: LanguageModel } = {},
  ): Promise<MedusaModel> {
    const { base: given, ...load } = checkOptions(WITH_BASE, options, LOAD_NAMES);
    const { dtype, signal } = load;
    const loadBase = async () => AutoModelForCausalLM.fromPretrained(await baseOf(directory), load);
    return onBase(given, loadBase, async (base) => {
      const model = new MedusaModel(base, await loadMedusaHeads(directory, base, { dtype, signal }));
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

  /** As those of the base, with method "medusa" unless another is asked for. @internal */
  outputs(prompts: readonly PromptInput[], options: GenerateOptions): Outputs {
    return this.base.outputs(prompts, this.withHeads(options));
  }

  /** `generate` by Medusa's interface: temperature, posterior threshold and alpha, choices. Gives and throws the same. */
  readonly medusaGenerate = generateOf<MedusaGenerateOptions>(async (inputs, options = {}) => {
    const given = checkOptions<MedusaGenerateOptions>(MEDUSA_OPTIONS, options, GENERATE_NAMES);
    const { medusaChoices, posteriorThreshold, posteriorAlpha, topK, speculation, ...rest } = given;
    const typical = posteriorThreshold !== undefined || posteriorAlpha !== undefined;
    return this.generate(inputs, {
      ...rest,
      speculation: {
        ...speculation,
        ...(medusaChoices !== undefined && { treeChoices: medusaChoices }),
        ...(topK !== undefined && { treeRanks: topK }),
        ...(typical && { acceptance: "typical", posteriorThreshold, posteriorAlpha }),
      },
    });
  });

  /** Releases the heads, and the base unless it was given. */
  async dispose(): Promise<void> {
    this.heads.dispose();
    if (this.ownsBase) await this.base.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private withHeads(options: GenerateOptions): GenerateOptions {
    const { method = "medusa", ...speculation } = givenOptions(options?.speculation, "speculation");
    if (options?.assistantModel && method === "medusa") {
      throw new UsageError("a MedusaModel drafts for itself: leave out assistantModel, or name a method that uses it");
    }
    const heads = method === "medusa" || method === "merged" || method === "auto" ? { heads: this.heads } : {};
    return { ...options, speculation: { method: method as string, ...speculation, ...heads } };
  }
}

/** Loads the heads in a folder for a base that is loaded already. They share its output product where they have none. */
export async function loadMedusaHeads(
  directory: string,
  base: LanguageModel,
  options: { dtype?: Dtype; signal?: AbortSignal } = {},
): Promise<MedusaHeads> {
  const given = checkOptions(HEADS_OPTIONS, options, { ...LOAD_NAMES, of: "loadMedusaHeads" });
  return medusaHeadsFrom(await openMedusaCheckpoint(directory), base, given);
}

/** Loads the heads of an open checkpoint, and closes it. */
export async function medusaHeadsFrom(
  checkpoint: MedusaCheckpoint,
  base: LanguageModel,
  options: { dtype?: Dtype; signal?: AbortSignal } = {},
): Promise<MedusaHeads> {
  let source = checkpoint.source;
  try {
    const { heads, hiddenSize, accuracies, targetIds } = checkpoint;
    checkCheckpoint(checkpoint, base);
    if (heads.some(({ lmHead }) => !lmHead)) {
      const lent = { name: BASE_LM_HEAD, of: (tied: boolean) => (tied ? EMBEDDING : HEAD), what: "output product" };
      source = await withBaseTensor(source, base, lent);
    }
    const targetVocabSize = base.config.vocabSize;
    if (targetIds) source = new RowsOf(source, wholeProducts(checkpoint, targetIds), targetIds);
    const shape = { heads, hiddenSize, vocabSize: targetIds?.length ?? targetVocabSize };
    const vocabLimit = targetIds?.length ?? base.model.vocabLimit;
    const format = await weightFormat(options.dtype ?? (base.dtype === "fp32" ? "fp32" : "q8"));
    const blueprint = {
      key: ["medusa heads", shape],
      specs: medusaWeightSpecs(shape),
      graph: (manifest: Parameters<typeof buildMedusaHeads>[1]) => buildMedusaHeads(shape, manifest, vocabLimit),
    };
    const converted = await convertedModel(source, blueprint, format, undefined, options.signal);
    return await MedusaHeads.load({ ...shape, ...converted, vocabLimit, targetVocabSize, targetIds, accuracies });
  } finally {
    await source.close();
  }
}

async function baseOf(directory: string): Promise<string> {
  const { base, holdsBase, source } = await openMedusaCheckpoint(directory);
  await source.close();
  return holdsBase ? directory : baseDirectory(directory, base, "base_model_name_or_path");
}

/** The output products that name all tokens of the base, of heads that can name some: rows are taken from them. */
function wholeProducts({ heads, vocabSize }: MedusaCheckpoint, targetIds: Int32Array): ReadonlySet<string> {
  const whole = heads.map(({ lmHead }) => lmHead ?? BASE_LM_HEAD);
  return new Set(whole.filter((name) => name === BASE_LM_HEAD || vocabSize !== targetIds.length));
}

/** @throws UsageError for heads of another base; CheckpointError for tokens that the base has not */
function checkCheckpoint({ hiddenSize, vocabSize, targetIds, directory }: MedusaCheckpoint, base: LanguageModel): void {
  checkFit({ hiddenSize, ...(vocabSize !== targetIds?.length && { vocabSize }) }, base);
  if (targetIds) checkTargetIds(targetIds, base.model.vocabLimit, TOKEN_MAP, escaped(directory));
}

function checkFit({ hiddenSize, vocabSize }: { hiddenSize: number; vocabSize?: number }, base: LanguageModel): void {
  const { config } = base;
  if (hiddenSize !== config.hiddenSize) {
    throw new UsageError(
      `the heads read hidden states of ${hiddenSize}, the base's have ${config.hiddenSize}: they belong to another model`,
    );
  }
  if (vocabSize !== undefined && vocabSize !== config.vocabSize) {
    throw new UsageError(
      `the heads name ${vocabSize} tokens, the base has ${config.vocabSize}: they belong to another model`,
    );
  }
}
