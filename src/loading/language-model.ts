import type { CausalLM } from "../engine/causal-lm.js";
import type { CostCurve } from "../engine/cost-curve.js";
import { generate } from "../generation/generate.js";
import type { GenerationEvent, GenerationRequest, GenerationResult } from "../generation/request.js";
import { Run, type RunOptions } from "../generation/run.js";
import { compileGrammar, type Grammar, type GrammarSpec, type TokenConstraint } from "../sampling/grammar.js";
import { TokenHistory } from "../sampling/history.js";
import { Sampler } from "../sampling/sampler.js";
import type { Drafter } from "../speculation/drafter.js";
import { methods } from "../speculation/methods.js";
import type { ChatMessage } from "../tokenizer/chat-message.js";
import { IncrementalDetokenizer } from "../tokenizer/incremental-detokenizer.js";
import { hasSameTokenizer } from "../tokenizer/same-vocabulary.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { ContextOverflowError, UsageError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";
import { collect } from "./collect.js";
import {
  type AssistantModel,
  conversationOptions,
  type GenerateOptions,
  REQUEST_OPTIONS,
  resolveRequest,
} from "./generate-options.js";

/** One prompt: text, token ids, or a conversation for the model's chat template. */
export type PromptInput = string | readonly TokenId[] | readonly ChatMessage[];

/** A model with its tokenizer: what `AutoModelForCausalLM.fromPretrained` returns. */
export class LanguageModel {
  private readonly foreign = new WeakMap<AssistantModel, boolean>();

  constructor(
    /** The engine's model, for work below text: forward passes, sequences, costs. */
    readonly model: CausalLM,
    /** Absent when the checkpoint has no tokenizer.json; prompts must then be token ids. */
    readonly tokenizer: Tokenizer | undefined,
    /** The checkpoint that it was loaded from. */
    readonly directory?: string,
  ) {}

  get config() {
    return this.model.config;
  }

  get dtype() {
    return this.model.dtype;
  }

  /**
   * Continues one prompt, or several in the same passes. With `numReturnSequences` the result is a list too, the samples
   * of a prompt next to each other.
   * @throws UsageError for an option out of range, ContextOverflowError for a prompt that does not fit,
   *   TokenizerError for a draft model with another tokenizer
   */
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
    const several = isSeveral(inputs);
    const prompts = several ? inputs : [inputs];
    const results = await collect(this.events(prompts, options), options.logProbs);
    return several || options.numReturnSequences !== undefined ? results : results[0];
  }

  /** Continues prompts as `generate` does; yields every token as soon as it is certain, and the end of each output. */
  stream(inputs: PromptInput | readonly PromptInput[], options: GenerateOptions = {}): AsyncGenerator<GenerationEvent> {
    return this.events(isSeveral(inputs) ? inputs : [inputs], options);
  }

  /**
   * The ids that a prompt stands for: special tokens added to text, the chat template applied to a conversation.
   * @param options those for the chat template count here
   */
  promptIds(input: PromptInput, options: GenerateOptions = {}): TokenId[] {
    const chat = conversationOptions(options, isConversation(input));
    if (typeof input !== "string" && (input.length === 0 || typeof input[0] === "number")) {
      return [...(input as readonly TokenId[])];
    }
    if (!this.tokenizer) {
      throw new UsageError("the checkpoint has no tokenizer.json: give the prompt as token ids");
    }
    if (typeof input === "string") return this.tokenizer.encode(input);
    return this.tokenizer.applyChatTemplate(input as readonly ChatMessage[], chat);
  }

  /** The drafter of one sequence that these options ask for. The caller disposes of it. @throws UsageError */
  async newDrafter({ assistantModel: assistant, speculation }: GenerateOptions): Promise<Drafter> {
    const { method = "auto", ...options } = speculation ?? {};
    for (const name of REQUEST_OPTIONS) delete options[name];
    return methods.create(method, {
      target: this.model,
      assistant: assistant?.model,
      assistantHeads: assistant?.heads,
      tokenizer: this.tokenizer,
      assistantTokenizer: assistant && this.isForeign(assistant) ? assistant.tokenizer : undefined,
      options,
    });
  }

  /** t(n): milliseconds of a target pass of n rows on this machine. */
  measureCost(options?: { past?: number; repeats?: number }): Promise<CostCurve> {
    return this.model.measureCost(options);
  }

  /** Releases native memory. */
  dispose(): Promise<void> {
    return this.model.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async *events(inputs: readonly PromptInput[], options: GenerateOptions): AsyncGenerator<GenerationEvent> {
    const request = resolveRequest(options, this.model);
    if (request.stopStrings.length > 0 && !this.tokenizer) {
      throw new UsageError("stopStrings need the model's tokenizer.json: use stopTokenIds");
    }
    const prompts = inputs.map((input) => this.checkedPrompt(input, options));
    const grammar = request.grammar && (await this.grammar(request.grammar, request.eosTokenIds));
    const runs: Run[] = [];
    // The first one is made before anything runs: it tells whether the options are right.
    const drafter = await this.newDrafter(options).catch((error) => {
      grammar?.dispose();
      throw error;
    });
    let unused = true;
    const firstDrafter = async () => {
      unused = false;
      return drafter;
    };
    try {
      for (const prompt of prompts) {
        const first = runs.length;
        const newDrafter = first === 0 ? firstDrafter : () => this.newDrafter(options);
        const samples: Run[] = [];
        for (let sample = request.samples - 1; sample >= 0; sample--) {
          const constraint = await grammar?.newConstraint();
          const own = sample === 0 ? { newDrafter, samples } : {};
          const run = this.run(prompt, first + sample, { sampleIndex: sample, constraint }, request, {
            ...own,
            method: drafter.name,
          });
          if (sample > 0) samples.unshift(run);
          else runs.push(run, ...samples);
        }
      }
      yield* generate(this.model, runs);
    } finally {
      for (const run of runs) run.dispose();
      if (unused) drafter.dispose();
      grammar?.dispose();
    }
  }

  private grammar(spec: GrammarSpec, eosTokenIds: readonly TokenId[]): Promise<Grammar> {
    if (!this.tokenizer) throw new UsageError("a grammar needs the model's tokenizer.json");
    return compileGrammar(spec, this.tokenizer, eosTokenIds);
  }

  private run(
    prompt: TokenId[],
    index: number,
    sampling: { sampleIndex: number; constraint?: TokenConstraint },
    request: GenerationRequest,
    rest: Partial<RunOptions> & { method: string },
  ): Run {
    const { params, eosTokenIds } = request;
    return new Run({
      model: this.model,
      sampler: new Sampler({ params, vocabSize: this.model.vocabLimit, eosTokenIds, ...sampling }),
      history: new TokenHistory(prompt),
      text: this.tokenizer && new IncrementalDetokenizer(this.tokenizer, request),
      request,
      index,
      ...rest,
    });
  }

  private checkedPrompt(input: PromptInput, options: GenerateOptions): TokenId[] {
    const prompt = this.promptIds(input, options);
    if (prompt.length === 0) throw new UsageError("the prompt is empty: give at least one token");
    for (const id of prompt) {
      if (Number.isInteger(id) && id >= 0 && id < this.model.vocabLimit) continue;
      throw new UsageError(`token id ${id} of the prompt is outside the vocabulary of ${this.model.vocabLimit}`);
    }
    const { contextLength } = this.model;
    if (prompt.length < contextLength) return prompt;
    throw new ContextOverflowError(
      `the prompt has ${prompt.length} tokens but the context is ${contextLength}: shorten it or raise contextLength (the model allows ${this.config.maxPositionEmbeddings})`,
    );
  }

  /** Whether a draft has another tokenizer. @throws UsageError when nobody can tell, or it is the target itself */
  private isForeign(assistant: AssistantModel): boolean {
    if (assistant === this) throw new UsageError("assistantModel is the target itself: give a smaller model");
    const known = this.foreign.get(assistant);
    if (known !== undefined) return known;
    if ((!this.tokenizer || !assistant.tokenizer) && this.model.vocabLimit !== assistant.model.vocabLimit) {
      throw new UsageError("target and draft have no tokenizers to compare and vocabularies of different sizes");
    }
    const both = this.tokenizer && assistant.tokenizer;
    const foreign = both ? !hasSameTokenizer(this.tokenizer!, assistant.tokenizer!) : false;
    if (!foreign && assistant.model.vocabLimit < this.model.vocabLimit) {
      throw new UsageError(
        `the draft has embeddings for ${assistant.model.vocabLimit} tokens, the target for ${this.model.vocabLimit}: they do not belong together`,
      );
    }
    this.foreign.set(assistant, foreign);
    return foreign;
  }
}

function isConversation(input: PromptInput): input is readonly ChatMessage[] {
  return typeof input !== "string" && input.length > 0 && typeof input[0] === "object";
}

function isSeveral(inputs: PromptInput | readonly PromptInput[]): inputs is readonly PromptInput[] {
  if (typeof inputs === "string" || inputs.length === 0) return false;
  const first = inputs[0];
  return typeof first === "string" || Array.isArray(first);
}
