import type { StoppingCriteria } from "../generation/stopping-criteria.js";
import type { TraceSink } from "../generation/trace.js";
import type { GrammarSpec } from "../sampling/grammar.js";
import type { LogitsProcessor } from "../sampling/logits-processor.js";
import { isTokenId } from "../sampling/sampling-options.js";
import { type DeclarationsOf, option, optional } from "../types/option-declaration.js";
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
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";

/** Limits of an output, what it must be, what ends it, and what is told about it. */
export interface OutputOptions {
  /** Most tokens of the output. Default 256. */
  maxNewTokens?: number;
  /** Seconds from an output's beginning until it ends with finish reason "time". Default: no limit. */
  maxTime?: number;
  /** Texts that end the output and are not part of it. Default none. */
  stopStrings?: string | readonly string[];
  /** Token ids that end the output, beside the model's own end-of-sequence ids. Default none. */
  stopTokenIds?: readonly TokenId[];
  /**
   * Functions that end the output with the token that they say true to; finish reason "criteria". As in transformers,
   * they are given all ids of prompt and output. Default none.
   */
  stoppingCriteria?: StoppingCriteria | readonly StoppingCriteria[];
  /** Do not end at the model's end-of-sequence tokens. Default false. */
  ignoreEos?: boolean;
  /**
   * What the output must be: "json", { jsonSchema: {...} } or { ebnf: "root ::= ..." }. It ends where that is complete.
   * Default none.
   */
  grammar?: GrammarSpec;
  /** Functions that change logits in place, given all ids before them; for every path that speculation tries. Default none. */
  logitsProcessor?: LogitsProcessor | readonly LogitsProcessor[];
  /**
   * "model": what the checkpoint's generation_config.json says about sampling and limits holds where nothing else is
   * given. Default none: it does not; only its end-of-sequence ids do.
   */
  generationConfig?: "model";
  /** Samples drawn for each prompt, each with noise of its own; needs sampling. Default 1. */
  numReturnSequences?: number;
  /** Give each token's log-probability under the target (0), and those of the n likeliest tokens (n, up to 20). Default none. */
  logProbs?: number;
  /** Leave special tokens out of the text. Default true. */
  skipSpecialTokens?: boolean;
  /** Ends the output with finish reason "aborted" and what there is. Default none. */
  signal?: AbortSignal;
  /** Receives every speculative step. Default none. */
  trace?: TraceSink;
}

/** Samples of one prompt. */
const MAX_SAMPLES = 64;

export const OUTPUT_OPTIONS = {
  maxNewTokens: option(integer(0), "most tokens to generate", 256),
  maxTime: optional(numberOf("> 0", "> 0 seconds"), "ends the output after this time", "no limit"),
  stopStrings: optional(stopStrings(), "texts that end the output and are not part of it"),
  stopTokenIds: optional(
    value<readonly TokenId[]>("a list of token ids", (given) => Array.isArray(given) && everyItem(given, isTokenId)),
    "tokens that end the output, beside the model's own",
  ),
  stoppingCriteria: optional(functions<StoppingCriteria>(), "functions that say where the output ends"),
  ignoreEos: option(boolean(), "go on after end-of-sequence tokens", false),
  grammar: optional(
    value<GrammarSpec>('"json", { jsonSchema: {...} } or { ebnf: "root ::= ..." }', isGrammarSpec),
    "what the output must be",
  ),
  logitsProcessor: optional(functions<LogitsProcessor>(), "functions that change logits"),
  generationConfig: optional(
    choice(["model"]),
    "take sampling and limits that are not given from the checkpoint's generation_config.json",
  ),
  numReturnSequences: option(integer(1, MAX_SAMPLES), "samples of each prompt", 1),
  logProbs: optional(integer(0, 20), "each token's log-probability (0), and those of the N likeliest"),
  skipSpecialTokens: option(boolean(), "leave special tokens, such as <|im_end|>, out of the text", true),
  signal: optional(abortSignal(), "ends the output with what there is"),
  trace: optional(callback<TraceSink>(), "receives every speculative step"),
} satisfies DeclarationsOf<OutputOptions>;

function isGrammarSpec(given: unknown): given is GrammarSpec {
  if (given === "json") return true;
  if (typeof given !== "object" || given === null || Object.keys(given).length !== 1) return false;
  const { jsonSchema, ebnf } = given as { jsonSchema?: unknown; ebnf?: unknown };
  return typeof ebnf === "string" || (typeof jsonSchema === "object" && jsonSchema !== null);
}

function stopStrings(): OptionKind<string | readonly string[]> {
  const isStop = (stop: unknown) => typeof stop === "string" && stop !== "";
  const expected = "a text or a list of texts";
  return {
    ...value<string | readonly string[]>(
      expected,
      (given) => isStop(given) || (Array.isArray(given) && everyItem(given, isStop)),
    ),
    refuse: (name, given) => {
      if (given === "" || (Array.isArray(given) && given.includes(""))) {
        return `${name} holds an empty text: leave it out`;
      }
      return `${name} must be ${expected}, not patterns, got ${shown(given)}`;
    },
  };
}
