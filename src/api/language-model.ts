import type { CausalLM } from "../engine/causal-lm.js";
import type { CostCurve } from "../engine/cost-curve.js";
import { MedusaHeads } from "../engine/medusa-heads.js";
import { generate } from "../generation/generate.js";
import type { GenerationEvent, GenerationRequest } from "../generation/request.js";
import { Run, type RunOptions } from "../generation/run.js";
import type { Drafter } from "../methods/drafter.js";
import { methods } from "../methods/methods.js";
import { compileGrammar, type Grammar, type GrammarSpec, type TokenConstraint } from "../sampling/grammar.js";
import { TokenHistory } from "../sampling/history.js";
import { Sampler } from "../sampling/sampler.js";
import type { ChatMessage } from "../tokenizer/chat-message.js";
import { IncrementalDetokenizer } from "../tokenizer/incremental-detokenizer.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { UsageError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";
import { warn } from "../types/warn.js";
import { ForeignDrafts } from "./foreign-draft.js";
import type { GenerateOptions } from "./generate-options.js";
import { modelDefaults, overDefaults } from "./generation-config.js";
import { assertPrompt, assertPromptIds, conversationOptions, type PromptInput } from "./prompt-input.js";
import { checkGenerateOptions, forAnotherPrompt, resolveRequest } from "./resolve-request.js";
import { resolveSpeculation } from "./speculation-options.js";
import { type Outputs, TextGenerator } from "./text-generator.js";

/** A call that was found right: what `generate` and `stream` do next. */
interface PreparedCall {
  options: GenerateOptions;
  request: GenerationRequest;
  prompts: TokenId[][];
  /** That of the first prompt: making it tells whether the method's options are right. It holds nothing before it begins. */
  drafter: Drafter | Promise<Drafter>;
}

/** A model with its tokenizer: what `AutoModelForCausalLM.fromPretrained` returns. */
export class LanguageModel extends TextGenerator {
  private readonly foreign = new ForeignDrafts(this);
  private toldLeftOut = false;

  constructor(
    /** The engine's model, for work below text: forward passes, sequences, costs. */
    readonly model: CausalLM,
    /** Absent when the checkpoint has no tokenizer.json; prompts must then be token ids. */
    readonly tokenizer: Tokenizer | undefined,
    /** The checkpoint that it was loaded from. */
    readonly directory?: string,
    /** Its generation_config.json, for `generationConfig: "model"`. */
    readonly generationConfig?: Readonly<Record<string, unknown>>,
  ) {
    super();
  }

  get config() {
    return this.model.config;
  }

  get dtype() {
    return this.model.dtype;
  }

  /** How keys and values are held. */
  get cacheDtype() {
    return this.model.cacheDtype;
  }

  /** Tokens of prompt and output together that fit. */
  get contextLength() {
    return this.model.contextLength;
  }

  /** Ids of tokens are below it. */
  get vocabLimit() {
    return this.model.vocabLimit;
  }

  /** Whether rows are the same bits in passes of any size here: what keeps speculation's text plain decoding's. */
  get exactness() {
    return this.model.exactness;
  }

  /** @internal */
  outputs(prompts: readonly PromptInput[], options: GenerateOptions): Outputs {
    const call = this.prepare(prompts, options);
    const several = call.options.numReturnSequences !== undefined;
    return { events: this.events(call), logProbs: call.request.logProbs, several };
  }

  /**
   * One output in the making, for whoever schedules many himself; a grammar is not followed.
   * @internal
   * @throws UsageError and others, as `generate` does
   */
  newRun(input: PromptInput, given: GenerateOptions, index: number): Run {
    const options = this.withDefaults(checkGenerateOptions(given));
    const request = resolveRequest(options, this.model);
    const newDrafter = async () => this.drafterFor(options);
    const { method } = resolveSpeculation(options.speculation);
    return this.run(this.checkedPrompt(input, options), index, { sampleIndex: 0 }, request, { newDrafter, method });
  }

  /** What `generate` does with these options, every default filled in. @throws UsageError */
  request(options: GenerateOptions = {}): GenerationRequest {
    return resolveRequest(this.withDefaults(checkGenerateOptions(options)), this.model);
  }

  /**
   * The ids that a prompt stands for: special tokens added to text, the chat template applied to a conversation.
   * @param options those for the chat template count here
   */
  promptIds(input: PromptInput, options: GenerateOptions = {}): TokenId[] {
    assertPrompt(input);
    const chat = conversationOptions(checkGenerateOptions(options), input);
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
  async newDrafter(options: Pick<GenerateOptions, "assistantModel" | "speculation">): Promise<Drafter> {
    return this.drafterFor(checkGenerateOptions(options));
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

  /** Checks a call, before anything is computed. @throws UsageError and others, as `generate` does */
  private prepare(inputs: readonly PromptInput[], given: GenerateOptions): PreparedCall {
    const options = this.withDefaults(checkGenerateOptions(given));
    const request = resolveRequest(options, this.model);
    if (request.stopStrings.length > 0 && !this.tokenizer) {
      throw new UsageError("stopStrings need the model's tokenizer.json: use stopTokenIds");
    }
    const prompts = inputs.map((input) => this.checkedPrompt(input, options));
    const drafter = this.drafterFor(options);
    // Told when the drafter is awaited; until then it is nobody's fault.
    if (drafter instanceof Promise) drafter.catch(() => {});
    return { options, request, prompts, drafter };
  }

  private withDefaults(options: GenerateOptions): GenerateOptions {
    if (options.generationConfig === undefined) return options;
    if (!this.generationConfig) {
      throw new UsageError("the checkpoint has no generation_config.json: leave out generationConfig");
    }
    const defaults = modelDefaults(this.generationConfig, this.model.contextLength);
    if (defaults.leftOut.length > 0 && !this.toldLeftOut) {
      this.toldLeftOut = true;
      const fields = defaults.leftOut.join(", ");
      warn(`generation_config.json: not supported and left out: ${fields}`);
    }
    return overDefaults(options, defaults);
  }

  private drafterFor({ assistantModel: assistant, speculation }: GenerateOptions): Drafter | Promise<Drafter> {
    const { method, own } = resolveSpeculation(speculation);
    return methods.create(method, {
      target: this.model,
      assistant: assistant?.model,
      assistantHeads: assistant?.heads instanceof MedusaHeads ? assistant.heads : undefined,
      tokenizer: this.tokenizer,
      assistantTokenizer: assistant && this.foreign.has(assistant) ? assistant.tokenizer : undefined,
      options: own,
    });
  }

  private async *events(call: PreparedCall): AsyncGenerator<GenerationEvent> {
    const { options, request, prompts } = call;
    const drafter = await call.drafter;
    const runs: Run[] = [];
    let grammar: Grammar | undefined;
    let unused = true;
    const firstDrafter = async () => {
      unused = false;
      return drafter;
    };
    try {
      grammar = request.grammar && (await this.grammar(request.grammar, request.eosTokenIds));
      for (const [place, prompt] of prompts.entries()) {
        const first = place * request.samples;
        const newDrafter = first === 0 ? firstDrafter : async () => this.drafterFor(options);
        const own = first === 0 ? request : forAnotherPrompt(request);
        const samples: Run[] = [];
        for (let sample = request.samples - 1; sample >= 0; sample--) {
          const constraint = await grammar?.newConstraint();
          const leading = sample === 0 ? { newDrafter, samples } : {};
          const run = this.run(prompt, first + sample, { sampleIndex: sample, constraint }, own, {
            ...leading,
            method: drafter.name,
          });
          if (sample > 0) samples.unshift(run);
          else runs.push(run);
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
    const { params, eosTokenIds, logitsProcessors: processors } = request;
    return new Run({
      model: this.model,
      sampler: new Sampler({ params, vocabSize: this.model.vocabLimit, eosTokenIds, processors, ...sampling }),
      history: new TokenHistory(prompt),
      text:
        this.tokenizer &&
        new IncrementalDetokenizer(this.tokenizer, { skipSpecialTokens: request.skipSpecialTokens, after: prompt }),
      request,
      index,
      ...rest,
    });
  }

  private checkedPrompt(input: PromptInput, options: GenerateOptions): TokenId[] {
    const prompt = this.promptIds(input, options);
    assertPromptIds(prompt, this.model);
    return prompt;
  }
}
