import { boolean, integer, number } from "../types/option-kinds.js";
import { checkOptions, type OptionTable } from "../types/option-table.js";

/** What is known before anything is measured. */
export interface Situation {
  /** Medusa heads for the target exist. */
  heads?: boolean;
  /** EAGLE-3 heads for the target exist. */
  eagle?: boolean;
  /** A smaller model with the target's tokenizer exists. */
  draft?: boolean;
  /** A smaller model with another tokenizer exists. */
  foreignDraft?: boolean;
  /** How many times smaller the draft is, when known. */
  draftRatio?: number;
  /** Outputs repeat much of their prompts: editing, quoting, code, summaries. */
  repetitive?: boolean;
  /** Prompts decoded in the same passes: with many, passes are bound by arithmetic and speculation gains less. */
  batchSize?: number;
  /** t(8)/t(1) of the target on this machine, when measured: what eight rows cost over one. */
  costOfEightRows?: number;
}

const SITUATION: OptionTable<Situation> = {
  heads: boolean(),
  eagle: boolean(),
  draft: boolean(),
  foreignDraft: boolean(),
  draftRatio: number("> 0"),
  repetitive: boolean(),
  batchSize: integer(1),
  costOfEightRows: number("> 0"),
};

export interface MethodChoice {
  /** A value for `speculation.method`. */
  method: string;
  /** Options for `speculation`. */
  options: Record<string, unknown>;
  reason: string;
}

/** Rows beyond the first cost this share of a pass or more: hardly anything can be gained. */
const ROWS_TOO_DEAR = 4;
/** Eight rows for less than this many passes are cheap enough for lookahead's window of thirty: at 1.6 it lost on most texts. */
const ROWS_CHEAP = 1.2;
/** Batches from here on leave little idle arithmetic. */
const LARGE_BATCH = 16;
/** Drafts less than this many times smaller cost what they save. */
const LEAST_RATIO = 3;

/**
 * Chooses a method by rule, with the reason in words: the usual rules of thumb, corrected by what was measured here
 * (docs/methods). A prior for when nothing is measured.
 * @throws UsageError naming what is unknown or of the wrong shape
 */
export function chooseMethod(situation: Situation): MethodChoice {
  const known = checkOptions(SITUATION, situation, { of: "chooseMethod" });
  const { heads, eagle, draft, foreignDraft, draftRatio, repetitive, batchSize = 1, costOfEightRows } = known;
  const choice = (method: string, reason: string, options: Record<string, unknown> = {}) => ({
    method,
    options,
    reason,
  });
  if (costOfEightRows !== undefined && costOfEightRows >= ROWS_TOO_DEAR) {
    return choice(
      "none",
      "eight rows cost nearly as much as eight passes here: verifying gains nothing, decode plainly",
    );
  }
  if (batchSize >= LARGE_BATCH) {
    return choice(
      "none",
      "large batches keep the machine busy already: decode plainly, or measure with few drafted tokens",
    );
  }
  const usable = (draft || foreignDraft) && (draftRatio === undefined || draftRatio >= LEAST_RATIO);
  if (usable && draft) {
    return choice("merged", "a draft model accepts most, and n-grams beside it cost nothing: both propose one tree", {
      drafters: ["draft", "ngram"],
    });
  }
  const trained = eagle ? "eagle" : heads ? "medusa" : undefined;
  if (trained && repetitive) {
    return choice("merged", "heads guess what is new, n-grams what is repeated: both propose one tree", {
      drafters: [trained, "ngram"],
    });
  }
  if (eagle)
    return choice("eagle", "one layer that reads the target's own streams is right more often than other heads");
  if (heads)
    return choice("medusa", "heads need no second model and propose a tree for the price of one small product");
  if (usable) return choice("universal", "the draft has another tokenizer: it proposes the tokens that both have");
  if (repetitive)
    return choice("suffix", "the output repeats its prompt: the longest match says what comes next, for free");
  if (costOfEightRows !== undefined && costOfEightRows < ROWS_CHEAP) {
    return choice("lookahead", "rows are nearly free here, and lookahead needs neither draft nor training");
  }
  return choice(
    "merged",
    "no draft and no heads: what was said before and successors seen before cost nothing to propose and few rows to verify",
    { drafters: ["suffix", "recycling"], mergedNodes: 8 },
  );
}
