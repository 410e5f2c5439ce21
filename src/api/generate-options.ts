import type { MedusaHeads } from "../engine/medusa-heads.js";
import type { StoppingCriteria } from "../generation/stopping-criteria.js";
import type { TraceSink } from "../generation/trace.js";
import { methods } from "../methods/methods.js";
import type { GrammarSpec } from "../sampling/grammar.js";
import type { LogitsProcessor } from "../sampling/logits-processor.js";
import { isTokenId, SAMPLING_OPTIONS } from "../sampling/sampling-options.js";
import type { ChatTemplateOptions } from "../tokenizer/chat-message.js";
import { CHAT_OPTIONS } from "../tokenizer/chat-options.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { OPTION_ALIASES } from "../types/option-aliases.js";
import {
  abortSignal,
  boolean,
  callback,
  choice,
  everyItem,
  functions,
  integer,
  numberOf,
  type OptionKind,
  value,
} from "../types/option-kinds.js";
import type { OptionNames, OptionTable } from "../types/option-table.js";
import type { SamplingParams } from "../types/sampling-params.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";
import { A_LOADED_MODEL, isLoadedModel, type LoadedModel } from "./engine-of.js";
import { REQUEST_OPTIONS, type SpeculationOptions } from "./speculation-options.js";

/** What drafts for a target: another loaded model. */
export interface AssistantModel extends LoadedModel {
  readonly tokenizer: Tokenizer | undefined;
  /** Medusa heads of it: then it drafts trees with them. */
  readonly heads?: MedusaHeads;
}

/** What the chat template is given beside a conversation. */
export type ConversationOptions = Omit<ChatTemplateOptions, "addGenerationPrompt">;

/**
 * Options of `generate` and `stream`: sampling parameters, limits, how to speculate, and for conversations the template's.
 * null means "not given".
 */
export interface GenerateOptions extends Partial<Omit<SamplingParams, "logitBias">>, ConversationOptions {
  /** Added to logits of tokens: a Map, or an object keyed by id. */
  logitBias?: ReadonlyMap<TokenId, number> | Readonly<Record<number, number>>;
  /** The draft model. */
  assistantModel?: AssistantModel;
  speculation?: SpeculationOptions;
  /** What the output must be: "json", { jsonSchema: {...} } or { ebnf: "root ::= ..." }. It ends where that is complete. */
  grammar?: GrammarSpec;
  /**
   * "model": what the checkpoint's generation_config.json says about sampling and limits holds where nothing else is
   * given. Default: it does not; only its end-of-sequence ids do.
   */
  generationConfig?: "model";
  /** Samples drawn for each prompt, each with noise of its own; needs sampling. Default 1. */
  numReturnSequences?: number;
  /** Default 256. */
  maxNewTokens?: number;
  /** Seconds from an output's beginning until it ends with finish reason "time". Default: no limit. */
  maxTime?: number;
  /** Texts that end the output and are not part of it. */
  stopStrings?: string | readonly string[];
  /** Token ids that end the output, beside the model's own end-of-sequence ids. */
  stopTokenIds?: readonly TokenId[];
  /**
   * Functions that end the output with the token that they say true to; finish reason "criteria". As in transformers,
   * they are given all ids of prompt and output.
   */
  stoppingCriteria?: StoppingCriteria | readonly StoppingCriteria[];
  /** Functions that change logits in place, given all ids before them; for every path that speculation tries. */
  logitsProcessor?: LogitsProcessor | readonly LogitsProcessor[];
  /** Do not end at the model's end-of-sequence tokens. Default false. */
  ignoreEos?: boolean;
  /** Give each token's log-probability under the target (0), and those of the n likeliest tokens (n, up to 20). */
  logProbs?: number;
  /** Leave special tokens out of the text. Default true. */
  skipSpecialTokens?: boolean;
  /** Ends the output with finish reason "aborted" and what there is. */
  signal?: AbortSignal;
  /** Receives every speculative step. */
  trace?: TraceSink;
}

/** Options for one output of each prompt: `generate` gives a result for a prompt, and no list. */
export type SingleOptions = GenerateOptions & { numReturnSequences?: undefined };

/** Samples of one prompt. */
const MAX_SAMPLES = 64;

const { addGenerationPrompt: _, ...conversation } = CHAT_OPTIONS;

/** What the chat template's options take; the prompt always ends for an answer. */
export const CONVERSATION_OPTIONS: OptionTable<ConversationOptions> = conversation;

/** What each option takes. That ids are in the vocabulary is checked with the model at hand. */
export const GENERATE_OPTIONS: OptionTable<GenerateOptions> = {
  ...SAMPLING_OPTIONS,
  assistantModel: value(A_LOADED_MODEL, isLoadedModel),
  speculation: value(
    'an object such as { method: "ngram" }',
    (given) => typeof given === "object" && !Array.isArray(given),
    (given) => (typeof given === "string" ? `{ method: ${shown(given)} } names a method` : undefined),
  ),
  grammar: value('"json", { jsonSchema: {...} } or { ebnf: "root ::= ..." }', isGrammarSpec),
  generationConfig: choice(["model"]),
  numReturnSequences: integer(1, MAX_SAMPLES),
  maxNewTokens: integer(0),
  maxTime: numberOf("> 0", "> 0 seconds"),
  stopStrings: stopStrings(),
  stopTokenIds: value("a list of token ids", (given) => Array.isArray(given) && everyItem(given, isTokenId)),
  stoppingCriteria: functions(),
  logitsProcessor: functions(),
  ignoreEos: boolean(),
  logProbs: integer(0, 20),
  skipSpecialTokens: boolean(),
  signal: abortSignal(),
  trace: callback(),
  ...CONVERSATION_OPTIONS,
};

/** How other names are understood. */
export const GENERATE_NAMES: OptionNames = {
  aliases: OPTION_ALIASES,
  elsewhere: (name) => {
    const speculates =
      Object.hasOwn(REQUEST_OPTIONS, name) || methods.all.some(({ options }) => options.includes(name));
    if (speculates) return `it belongs into speculation: { ${name}: ... }`;
    return ["dtype", "contextLength"].includes(name) ? "it is an option of fromPretrained" : undefined;
  },
};

function isGrammarSpec(given: unknown): given is GrammarSpec {
  if (given === "json") return true;
  if (typeof given !== "object" || given === null || Object.keys(given).length !== 1) return false;
  const { jsonSchema, ebnf } = given as { jsonSchema?: unknown; ebnf?: unknown };
  return typeof ebnf === "string" || (typeof jsonSchema === "object" && jsonSchema !== null);
}

function stopStrings(): OptionKind {
  const isStop = (stop: unknown) => typeof stop === "string" && stop !== "";
  const expected = "a text or a list of texts";
  return {
    ...value(expected, (given) => isStop(given) || (Array.isArray(given) && everyItem(given, isStop))),
    refuse: (name, given) => {
      if (given === "" || (Array.isArray(given) && given.includes(""))) {
        return `${name} holds an empty text: leave it out`;
      }
      return `${name} must be ${expected}, not patterns, got ${shown(given)}`;
    },
  };
}
