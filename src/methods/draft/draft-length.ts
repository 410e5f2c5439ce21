import { UsageError } from "../../types/errors.js";
import { type MethodOptions, optionOf } from "../options.js";

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

/** @throws UsageError for options that do not go together */
export function draftLengthPolicy(options: MethodOptions): DraftLengthPolicy {
  const length = optionOf(options, "numSpeculativeTokens");
  const policy = optionOf(options, "policy");
  if (options.confidenceThreshold !== undefined && policy !== "confidence") {
    throw new UsageError('confidenceThreshold belongs to policy "confidence"');
  }
  if (policy === "constant") return constant(length);
  if (policy === "heuristic") return new Heuristic(length);
  return confidence(length, optionOf(options, "confidenceThreshold"));
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
