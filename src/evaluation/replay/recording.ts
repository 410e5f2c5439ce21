import { GENERATE_OPTIONS, type GenerateOptions } from "../../api/generate-options.js";
import type { LanguageModel } from "../../api/language-model.js";
import type { PromptInput } from "../../api/prompt-input.js";
import type { KnownText } from "../../methods/drafter.js";
import { Sampler } from "../../sampling/sampler.js";
import { isTokenId } from "../../sampling/sampling-options.js";
import { UsageError } from "../../types/errors.js";
import { OPTION_ALIASES } from "../../types/option-aliases.js";
import { everyItem, value } from "../../types/option-kinds.js";
import { checkOptions, type OptionTable } from "../../types/option-table.js";
import type { TokenId } from "../../types/token.js";
import { RecordedText } from "./recorded-text.js";
import { type ReplayResult, replay } from "./replay.js";

/** A prompt with the output that the target gave, or would be forced to give. */
export interface RecordingInput {
  prompt: PromptInput;
  /** Ids of the output. Absent: the target generates it now, plainly, by the options. */
  output?: readonly TokenId[];
}

const INPUT: OptionTable<RecordingInput> = {
  prompt: value("a prompt", () => true),
  output: value("a list of token ids", (given) => Array.isArray(given) && everyItem(given, isTokenId)),
};

const { speculation, assistantModel } = GENERATE_OPTIONS;
const REPLAY: OptionTable<Pick<GenerateOptions, "speculation" | "assistantModel">> = { speculation, assistantModel };

/**
 * Teacher-forced replay: one plain pass of the target over a text says what each drafter would have got accepted on it,
 * for any method and any of its options, at a small part of the cost of running them. Drafters that look at rows off the
 * text (token recycling, lookahead's window) meet guesses there; for all others the prediction is what a run does.
 */
export class Recording {
  private constructor(
    private readonly target: LanguageModel,
    private readonly text: RecordedText,
    private readonly known: KnownText,
    private readonly maxNewTokens: number,
  ) {}

  /**
   * Reads the text once.
   * @param options sampling and limits, as for `generate`: the output's noise and processors are those of these options, so that
   *   a sampled output that is given needs its seed
   * @throws UsageError for an empty output, or options that a replay cannot follow (grammar, coupling "maximal")
   */
  static async of(target: LanguageModel, input: RecordingInput, options: GenerateOptions = {}): Promise<Recording> {
    const { prompt: text, output: known } = checkOptions(INPUT, input, { of: "Recording.of" });
    const request = target.request(options);
    if (request.grammar !== undefined || request.coupling !== "gumbel" || request.typical) {
      throw new UsageError('a replay follows coupling "gumbel" without grammar and typical acceptance: leave them out');
    }
    const { params, eosTokenIds, logitsProcessors: processors } = request;
    if (known && params.doSample && !request.seedGiven) {
      throw new UsageError("an output that was sampled is replayed with its own noise: give the seed, result.seed");
    }
    const prompt = target.promptIds(text as PromptInput);
    const alone = { numReturnSequences: undefined, speculation: { method: "none" }, assistantModel: undefined };
    const plain = { ...options, seed: params.seed, ...alone };
    const output = known ?? (await target.generate(prompt, plain)).tokenIds;
    if (output.length === 0) throw new UsageError("the output is empty: there is nothing to predict");
    const tokens = [...prompt, ...output];
    const recorded = await RecordedText.read(target.model, tokens, request.signal);
    const sampler = new Sampler({ params, vocabSize: target.model.vocabLimit, eosTokenIds, processors });
    const maxNewTokens = Math.max(output.length, options?.maxNewTokens ?? output.length);
    return new Recording(target, recorded, { tokens, promptLength: prompt.length, sampler }, maxNewTokens);
  }

  /** What `generate` with these options would have drafted and got accepted. Only `speculation` and `assistantModel` count. */
  async replay(options: Pick<GenerateOptions, "speculation" | "assistantModel">): Promise<ReplayResult> {
    const { target, text, known, maxNewTokens } = this;
    const own = await target.newDrafter(checkOptions(REPLAY, options, { of: "replay", aliases: OPTION_ALIASES }));
    try {
      const drafter = (await own.recorded?.(known)) ?? own;
      return await replay(
        {
          text,
          promptLength: known.promptLength,
          sampler: known.sampler,
          maxNewTokens,
          contextLength: target.model.contextLength,
          exactTrees: target.model.exactTrees,
        },
        drafter,
      );
    } finally {
      own.dispose();
    }
  }
}
