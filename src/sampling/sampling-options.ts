import { type DeclarationsOf, fallbacksOf, option, optional } from "../types/option-declaration.js";
import { boolean, everyItem, integer, number, numberOf, type OptionKind, value } from "../types/option-kinds.js";
import type { SamplingParams } from "../types/sampling-params.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";

/** What biases are given as. */
export type LogitBias = ReadonlyMap<TokenId, number> | Readonly<Record<number, number>>;

/** Sampling parameters as they are given: what is left out has its default. */
export interface SamplingOptions extends Partial<Omit<SamplingParams, "logitBias">> {
  /** Added to logits of tokens: a Map, or an object keyed by id. Default none. */
  logitBias?: LogitBias;
}

/** How the next token is chosen. That ids are in the vocabulary is checked where the model is known. */
export const SAMPLING_OPTIONS = {
  doSample: optional(
    boolean(),
    "sample; false takes the likeliest token",
    "true when temperature > 0 is given, else false",
  ),
  temperature: option(number(">= 0"), "divides logits; given above 0 it asks for sampling, 0 for none", 1),
  topK: option(
    { ...integer(0), expected: () => "a non-negative integer (0 keeps all tokens)" },
    "keep the K likeliest tokens; 0 keeps all",
    0,
  ),
  topP: option(number("(0, 1]"), "keep the likeliest tokens that reach this probability", 1),
  minP: option(number("[0, 1]"), "keep tokens at least P times as likely as the likeliest", 0),
  typicalP: option(number("(0, 1]"), "keep the tokens whose surprise is nearest the entropy, up to this mass", 1),
  // Beyond these, products with logits leave the range of floats, and the order of tokens is lost.
  repetitionPenalty: option(
    numberOf("[1e-30, 1e30]", "> 0, from 1e-30 to 1e30"),
    "divides positive logits of tokens seen before, multiplies negative ones",
    1,
  ),
  presencePenalty: option(number(), "subtracted from logits of tokens in the output", 0),
  frequencyPenalty: option(number(), "subtracted for each time a token is in the output", 0),
  logitBias: optional(logitBias(), "added to the logits of these tokens"),
  badWordsIds: optional(badWordsIds(), "token sequences that must not occur in the output"),
  minNewTokens: option(integer(0), "no end of sequence before this many new tokens", 0),
  seed: optional(
    { ...integer(0), expected: () => "an integer from 0 to 2^53 - 1" },
    "seed of the sampling noise",
    "a new one for each prompt of each call",
  ),
} satisfies DeclarationsOf<SamplingOptions>;

/** Greedy decoding with no processors. */
export const GREEDY: SamplingParams = {
  ...fallbacksOf(SAMPLING_OPTIONS),
  doSample: false,
  logitBias: new Map(),
  badWordsIds: [],
  seed: 0,
};

export function isTokenId(id: unknown): id is TokenId {
  return Number.isSafeInteger(id) && (id as number) >= 0;
}

/** A bias by token id, given as a Map or as an object; undefined for anything else. */
export function biasEntries(bias: unknown): [id: unknown, value: unknown][] | undefined {
  if (bias instanceof Map) return [...bias];
  if (typeof bias !== "object" || bias === null || Symbol.iterator in bias) return undefined;
  return Object.entries(bias).map(([id, added]) => [/^\d+$/.test(id) ? Number(id) : id, added]);
}

function logitBias(): OptionKind<LogitBias> {
  const isRight = ([id, added]: [unknown, unknown]) =>
    isTokenId(id) && typeof added === "number" && added < Number.POSITIVE_INFINITY;
  const expected = "a Map or an object from token ids to numbers";
  return {
    ...value<LogitBias>(expected, (given) => biasEntries(given)?.every(isRight) ?? false),
    refuse: (name, given) => {
      const wrong = biasEntries(given)?.find((entry) => !isRight(entry));
      if (!wrong) return `${name} must be ${expected}, got ${shown(given)}`;
      return `${name} maps ${shown(wrong[0])} to ${shown(wrong[1])}: expected a token id and a number, or -Infinity`;
    },
  };
}

function badWordsIds(): OptionKind<SamplingParams["badWordsIds"]> {
  const isWords = (words: unknown) => Array.isArray(words) && words.length > 0 && everyItem(words, isTokenId);
  const expected = "a list of lists of token ids, such as [[5], [6, 7]]";
  return {
    ...value<SamplingParams["badWordsIds"]>(expected, (given) => Array.isArray(given) && everyItem(given, isWords)),
    refuse: (name, given) => {
      const empty = Array.isArray(given) && given.some((words) => Array.isArray(words) && words.length === 0);
      if (empty) return `${name} holds an empty sequence: leave it out`;
      return `${name} must be ${expected}, got ${shown(given)}`;
    },
  };
}
