import { UsageError } from "../../types/errors.js";
import { type MethodOptions, optionOf } from "../options.js";

/** Levels that a guard may ask for, where the user names none: it seldom does. */
const GUARDED_LENGTH = 8;

/** Decides how many tokens a drafter proposes in a step. */
export interface DraftLengthPolicy {
  /** Most tokens to draft in the coming step. */
  readonly length: number;
  /** Most where a guard decides after every level whether another is worth its time. */
  readonly guardedLength: number;
  /** Whether to draft another token after one that the draft gave this probability (1: point mass). */
  proceed(probability: number): boolean;
  /** Whether `proceed` reads the probability; otherwise nobody computes it. */
  readonly needsProbability: boolean;
  /** Told how many of the drafted tokens were accepted. */
  observe(drafted: number, accepted: number): void;
  /** A policy in the same state, for another sequence. */
  copy(): DraftLengthPolicy;
}

/** @throws UsageError for options that do not go together */
export function draftLengthPolicy(options: MethodOptions): DraftLengthPolicy {
  const length = optionOf(options, "numSpeculativeTokens");
  const policy = optionOf(options, "policy");
  if (options.confidenceThreshold !== undefined && policy !== "confidence") {
    throw new UsageError('confidenceThreshold belongs to policy "confidence"');
  }
  if (policy === "heuristic") return new Heuristic(length);
  const lengths = { length, guardedLength: options.numSpeculativeTokens === undefined ? GUARDED_LENGTH : length };
  return policy === "constant" ? constant(lengths) : confidence(lengths, optionOf(options, "confidenceThreshold"));
}

type Lengths = Pick<DraftLengthPolicy, "length" | "guardedLength">;

function constant(lengths: Lengths): DraftLengthPolicy {
  const policy = { ...lengths, proceed: () => true, needsProbability: false, observe: () => {}, copy: () => policy };
  return policy;
}

function confidence(lengths: Lengths, threshold: number): DraftLengthPolicy {
  const proceed = (probability: number) => probability >= threshold;
  const policy = { ...lengths, proceed, needsProbability: true, observe: () => {}, copy: () => policy };
  return policy;
}

/** transformers' heuristic schedule: two more after a step that was accepted whole, else one fewer. */
class Heuristic implements DraftLengthPolicy {
  readonly needsProbability = false;

  constructor(public length: number) {}

  get guardedLength(): number {
    return this.length;
  }

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
