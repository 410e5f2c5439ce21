import { nearest, UsageError } from "../../types/errors.js";
import { integer, number } from "../../types/option-kinds.js";
import { checkOption } from "../../types/option-table.js";
import { shown } from "../../types/shown.js";

/** Decides how many tokens a drafter proposes in a step. */
export interface DraftLengthPolicy {
  /** Most tokens to draft in the coming step. */
  readonly length: number;
  /** Whether to draft another token after one that the draft gave this probability (1: point mass). */
  proceed(probability: number): boolean;
  /** Whether `proceed` reads the probability; otherwise nobody computes it. */
  readonly needsProbability: boolean;
  /** Told how many of the drafted tokens were accepted. */
  observe(drafted: number, accepted: number): void;
  /** A policy in the same state, for another sequence. */
  copy(): DraftLengthPolicy;
}

export const DRAFT_LENGTH_POLICIES = ["constant", "heuristic", "confidence"] as const;
export type DraftLengthName = (typeof DRAFT_LENGTH_POLICIES)[number];

/** Tokens drafted in a step unless the user says otherwise. */
export const DEFAULT_DRAFT_LENGTH = 4;
/** transformers' default `assistant_confidence_threshold`. */
export const DEFAULT_CONFIDENCE = 0.4;

export interface DraftLengthOptions {
  policy?: DraftLengthName;
  /** Draft length: constant; the start of "heuristic"; the most of "confidence". Default 4. */
  numSpeculativeTokens?: number;
  /** "confidence" stops after a token whose draft probability is below this. Default 0.4. */
  confidenceThreshold?: number;
}

/** @throws UsageError for an unknown policy or a number out of range. */
export function draftLengthPolicy(options: DraftLengthOptions): DraftLengthPolicy {
  const k = options.numSpeculativeTokens ?? DEFAULT_DRAFT_LENGTH;
  checkOption("numSpeculativeTokens", k, integer(1, 64));
  const threshold = options.confidenceThreshold ?? DEFAULT_CONFIDENCE;
  checkOption("confidenceThreshold", threshold, number("[0, 1]"));
  const policy = options.policy ?? "constant";
  if (options.confidenceThreshold !== undefined && policy !== "confidence") {
    throw new UsageError('confidenceThreshold belongs to policy "confidence"');
  }
  if (policy === "constant") return constant(k);
  if (policy === "heuristic") return new Heuristic(k);
  if (policy === "confidence") return confidence(k, threshold);
  const guess = nearest(policy, DRAFT_LENGTH_POLICIES);
  throw new UsageError(
    `unknown draft length policy ${shown(policy)}, expected one of: ${DRAFT_LENGTH_POLICIES.join(", ")}${guess ? `. Did you mean "${guess}"?` : ""}`,
  );
}

function constant(length: number): DraftLengthPolicy {
  const policy = { length, proceed: () => true, needsProbability: false, observe: () => {}, copy: () => policy };
  return policy;
}

function confidence(length: number, threshold: number): DraftLengthPolicy {
  const proceed = (probability: number) => probability >= threshold;
  const policy = { length, proceed, needsProbability: true, observe: () => {}, copy: () => policy };
  return policy;
}

/** transformers' heuristic schedule: two more after a step that was accepted whole, else one fewer. */
class Heuristic implements DraftLengthPolicy {
  readonly needsProbability = false;

  constructor(public length: number) {}

  proceed(): boolean {
    return true;
  }

  observe(drafted: number, accepted: number): void {
    if (drafted === 0) return;
    this.length = accepted === drafted ? Math.min(this.length + 2, 64) : Math.max(1, this.length - 1);
  }

  copy(): DraftLengthPolicy {
    return new Heuristic(this.length);
  }
}
