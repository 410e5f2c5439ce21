import { boolean, everyItem, integer, number, numberOf, type OptionKind, value } from "../types/option-kinds.js";
import type { OptionTable } from "../types/option-table.js";
import type { SamplingParams } from "../types/sampling-params.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";

/** What each sampling parameter takes. That ids are in the vocabulary is checked where the model is known. */
export const SAMPLING_OPTIONS: OptionTable<SamplingParams> = {
  doSample: boolean(),
  temperature: number(">= 0"),
  topK: { ...integer(0), expected: () => "a non-negative integer (0 keeps all tokens)" },
  topP: number("(0, 1]"),
  minP: number("[0, 1]"),
  typicalP: number("(0, 1]"),
  // Beyond these, products with logits leave the range of floats, and the order of tokens is lost.
  repetitionPenalty: numberOf("[1e-30, 1e30]", "> 0, from 1e-30 to 1e30"),
  presencePenalty: number(),
  frequencyPenalty: number(),
  logitBias: logitBias(),
  badWordsIds: badWordsIds(),
  minNewTokens: integer(0),
  seed: { ...integer(0), expected: () => "an integer from 0 to 2^53 - 1" },
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

function logitBias(): OptionKind {
  const isRight = ([id, added]: [unknown, unknown]) =>
    isTokenId(id) && typeof added === "number" && added < Number.POSITIVE_INFINITY;
  const expected = "a Map or an object from token ids to numbers";
  return {
    ...value(expected, (given) => biasEntries(given)?.every(isRight) ?? false),
    refuse: (name, given) => {
      const wrong = biasEntries(given)?.find((entry) => !isRight(entry));
      if (!wrong) return `${name} must be ${expected}, got ${shown(given)}`;
      return `${name} maps ${shown(wrong[0])} to ${shown(wrong[1])}: expected a token id and a number, or -Infinity`;
    },
  };
}

function badWordsIds(): OptionKind {
  const isWords = (words: unknown) => Array.isArray(words) && words.length > 0 && everyItem(words, isTokenId);
  const expected = "a list of lists of token ids, such as [[5], [6, 7]]";
  return {
    ...value(expected, (given) => Array.isArray(given) && everyItem(given, isWords)),
    refuse: (name, given) => {
      const empty = Array.isArray(given) && given.some((words) => Array.isArray(words) && words.length === 0);
      if (empty) return `${name} holds an empty sequence: leave it out`;
      return `${name} must be ${expected}, got ${shown(given)}`;
    },
  };
}
