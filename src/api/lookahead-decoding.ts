import { methods } from "../methods/methods.js";
import { type KnownMethodOptions, methodOptionKinds } from "../methods/options.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { UsageError } from "../types/errors.js";
import { OPTION_ALIASES } from "../types/option-aliases.js";
import { value } from "../types/option-kinds.js";
import { checkOptions, givenOptions, type OptionTable } from "../types/option-table.js";
import type { GenerateOptions } from "./generate-options.js";
import { LanguageModel } from "./language-model.js";
import type { PromptInput } from "./prompt-input.js";
import { type Outputs, TextGenerator } from "./text-generator.js";

const NAMES = ["windowSize", "ngramSize", "guessSize", "poolFromPrompt", "adaptive"] as const;

/**
 * The method's options (docs/methods/lookahead.md): windowSize W, columns of the window; ngramSize N; guessSize G, n-grams
 * verified in a step; poolFromPrompt; adaptive.
 */
export interface LookaheadDecodingOptions extends Pick<KnownMethodOptions, (typeof NAMES)[number]> {
  model: LanguageModel;
  /** The model's own; only checked to be that. */
  tokenizer?: Tokenizer;
}

const OPTIONS: OptionTable<LookaheadDecodingOptions> = {
  model: value("a loaded LanguageModel", (given) => given instanceof LanguageModel),
  tokenizer: value("the model's own: leave it out", (given) => typeof given === "object"),
  ...methodOptionKinds(NAMES),
};

/** Lookahead decoding with any model, by the interface of the paper's repository. The output is plain decoding's. */
export class LookaheadDecoding extends TextGenerator {
  private readonly model: LanguageModel;
  private readonly options: Record<string, unknown>;

  /** @throws UsageError for an option that is unknown, of the wrong shape or out of range, and for a window too large */
  constructor(given: LookaheadDecodingOptions) {
    super();
    const { model, tokenizer, ...options } = checkOptions(OPTIONS, given, {
      of: "LookaheadDecoding",
      aliases: OPTION_ALIASES,
    });
    if (!model) throw new UsageError("LookaheadDecoding needs a model: new LookaheadDecoding({ model })");
    if (tokenizer && tokenizer !== model.tokenizer)
      throw new UsageError("tokenizer must be the model's own: leave it out");
    // A drafter that is made tells whether the options go together; it holds nothing.
    methods.create("lookahead", { target: model.model, options });
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
