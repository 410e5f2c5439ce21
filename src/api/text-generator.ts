import type { GenerationEvent, GenerationResult } from "../generation/request.js";
import { collect } from "./collect.js";
import type { GenerateOptions } from "./generate-options.js";
import { type PromptInput, promptsOf } from "./prompt-input.js";

/** A call that was found right and has not begun. */
export interface Outputs {
  /** The events of all outputs; nothing is computed before they are asked for. */
  events: AsyncGenerator<GenerationEvent>;
  /** As in GenerationRequest. */
  logProbs: number | undefined;
  /** Whether there may be several outputs of a prompt: then a single prompt's are a list too. */
  several: boolean;
}

/** `generate`, for options of one's own: what comes back follows from what is given. */
export interface Generate<Options extends { numReturnSequences?: number }> {
  (input: PromptInput, options: Options & { numReturnSequences: number }): Promise<GenerationResult[]>;
  (input: PromptInput, options?: Options & { numReturnSequences?: undefined }): Promise<GenerationResult>;
  (inputs: readonly PromptInput[], options?: Options): Promise<GenerationResult[]>;
  /** Options of which the compiler cannot tell whether they ask for several samples. */
  (inputs: PromptInput | readonly PromptInput[], options?: Options): Promise<GenerationResult | GenerationResult[]>;
}

/** Gives a function the types of `generate`. */
export function generateOf<Options extends { numReturnSequences?: number }>(
  generate: (
    inputs: PromptInput | readonly PromptInput[],
    options?: Options,
  ) => Promise<GenerationResult | GenerationResult[]>,
): Generate<Options> {
  return generate as Generate<Options>;
}

/** Whatever continues prompts by `generate` and `stream`: a model, a model with heads, a model with a method. */
export abstract class TextGenerator {
  /**
   * Continues one prompt, or several in the same passes. With `numReturnSequences` the result is a list too, the samples
   * of a prompt next to each other. The first error ends all outputs of the call, and is thrown: prompts that must not
   * depend on each other go into calls of their own.
   * @throws UsageError for an option out of range, ContextOverflowError for a prompt that does not fit,
   *   TokenizerError for a draft model with another tokenizer
   */
  readonly generate = generateOf<GenerateOptions>(async (inputs, options = {}) => {
    const { several, prompts } = promptsOf(inputs);
    const outputs = this.outputs(prompts, options);
    const results = await collect(outputs.events, outputs.logProbs);
    return several || outputs.several ? results : results[0];
  });

  /**
   * Continues prompts as `generate` does; yields every token as soon as it is certain, and the end of each output.
   * @throws UsageError, ContextOverflowError, TokenizerError as `generate` does, but at once: only what a grammar says is
   *   read, and layers to skip are opened, when the first event is asked for
   */
  stream(inputs: PromptInput | readonly PromptInput[], options: GenerateOptions = {}): AsyncGenerator<GenerationEvent> {
    return this.outputs(promptsOf(inputs).prompts, options).events;
  }

  /** Checks a call, before anything is computed. @throws as `stream` does @internal */
  abstract outputs(prompts: readonly PromptInput[], options: GenerateOptions): Outputs;
}
