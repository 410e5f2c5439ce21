import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { UsageError } from "../types/errors.js";
import { OPTION_ALIASES } from "../types/option-aliases.js";
import { boolean, integer, value } from "../types/option-kinds.js";
import { checkOptions, givenOptions, type OptionTable } from "../types/option-table.js";
import type { GenerateOptions } from "./generate-options.js";
import { LanguageModel } from "./language-model.js";
import type { PromptInput } from "./prompt-input.js";
import { type Outputs, TextGenerator } from "./text-generator.js";

export interface LookaheadDecodingOptions {
  model: LanguageModel;
  /** The model's own; only checked to be that. */
  tokenizer?: Tokenizer;
  /** W, columns of the window. Default 5. */
  windowSize?: number;
  /** N, length of the n-grams, at least 2. Default 4. */
  ngramSize?: number;
  /** G, n-grams verified in a step. Default 5. */
  guessSize?: number;
  /** Offer the prompt's own n-grams too. Default true. */
  poolFromPrompt?: boolean;
  /** Spend fewer rows while few guesses are accepted. Default false. */
  adaptive?: boolean;
}

/** Ranges that depend on each other are the method's to check. */
const OPTIONS: OptionTable<LookaheadDecodingOptions> = {
  model: value("a loaded LanguageModel", (given) => given instanceof LanguageModel),
  tokenizer: value("the model's own: leave it out", (given) => typeof given === "object"),
  windowSize: integer(1),
  ngramSize: integer(2),
  guessSize: integer(1),
  poolFromPrompt: boolean(),
  adaptive: boolean(),
};

/** Lookahead decoding with any model, by the interface of the paper's repository. The output is plain decoding's. */
export class LookaheadDecoding extends TextGenerator {
  private readonly model: LanguageModel;
  private readonly options: Record<string, unknown>;

  /** @throws UsageError for an option that is unknown or of the wrong shape */
  constructor(given: LookaheadDecodingOptions) {
    super();
    const { model, tokenizer, ...options } = checkOptions(OPTIONS, given, {
      of: "LookaheadDecoding",
      aliases: OPTION_ALIASES,
    });
    if (!model) throw new UsageError("LookaheadDecoding needs a model: new LookaheadDecoding({ model })");
    if (tokenizer && tokenizer !== model.tokenizer)
      throw new UsageError("tokenizer must be the model's own: leave it out");
    this.model = model;
    this.options = options;
  }

  /** @internal */
  outputs(prompts: readonly PromptInput[], options: GenerateOptions): Outputs {
    return this.model.outputs(prompts, this.with(options));
  }

  private with(options: GenerateOptions): GenerateOptions {
    const speculation = { ...givenOptions(options?.speculation, "speculation"), ...this.options, method: "lookahead" };
    return { ...options, speculation };
  }
}
