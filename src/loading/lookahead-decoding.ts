import type { GenerationEvent, GenerationResult } from "../generation/request.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { UsageError } from "../types/errors.js";
import type { GenerateOptions } from "./generate-options.js";
import type { LanguageModel, PromptInput } from "./language-model.js";

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

/** Lookahead decoding with any model, by the interface of the paper's repository. The output is plain decoding's. */
export class LookaheadDecoding {
  private readonly model: LanguageModel;
  private readonly options: Record<string, unknown>;

  constructor({ model, tokenizer, ...options }: LookaheadDecodingOptions) {
    if (tokenizer && tokenizer !== model.tokenizer)
      throw new UsageError("tokenizer must be the model's own: leave it out");
    this.model = model;
    this.options = options;
  }

  async generate(
    input: PromptInput,
    options: GenerateOptions & { numReturnSequences: number },
  ): Promise<GenerationResult[]>;
  async generate(input: PromptInput, options?: GenerateOptions): Promise<GenerationResult>;
  async generate(inputs: readonly PromptInput[], options?: GenerateOptions): Promise<GenerationResult[]>;
  async generate(
    inputs: PromptInput | readonly PromptInput[],
    options: GenerateOptions = {},
  ): Promise<GenerationResult | GenerationResult[]> {
    return this.model.generate(inputs as PromptInput, this.with(options));
  }

  stream(input: PromptInput, options: GenerateOptions = {}): AsyncGenerator<GenerationEvent> {
    return this.model.stream(input, this.with(options));
  }

  private with(options: GenerateOptions): GenerateOptions {
    return { ...options, speculation: { ...options.speculation, ...this.options, method: "lookahead" } };
  }
}
