import type { PassResult } from "../engine/rows.js";
import type { TokenHistory } from "../sampling/history.js";
import type { Sampler } from "../sampling/sampler.js";
import type { TokenTree } from "../trees/token-tree.js";
import type { TokenId } from "../types/token.js";

/** Rules for accepting drafted tokens: docs/exactness.md. */
export type Coupling = "gumbel" | "maximal";

/** What a drafter may use to propose. Read-only; valid during the call. */
export interface DraftContext {
  /**
   * The text so far, prompt first. Its last token is the root of the tree, not yet read by the target. A drafter takes
   * all of it for certain; seldom, a later step's text goes another way before its end.
   */
  history: TokenHistory;
  /** The request's sampler: drafters with distributions of their own process them with it, as the target does. */
  sampler: Sampler;
  coupling: Coupling;
  /** Deepest candidate that could still be committed: limits of output and context, the bonus token counted. */
  maxDepth: number;
  /** Sequences in the coming pass, this one counted. Default 1. */
  sequences?: number;
  /** Given by a guard that cuts the proposal by its `probabilities`: it should hold the likeliest candidates, whatever the tree is otherwise. */
  guidance?: Guidance;
  /** Tokens a millisecond that the step is expected to give by what others propose; only guards read it. Default: plain decoding's. */
  rateToBeat?: number;
  signal?: AbortSignal;
}

/** Whether candidates are drawn from the draft's distribution: which of them stand in the tree must not depend on what they are. */
export function samples({ sampler, coupling }: DraftContext): boolean {
  return coupling === "maximal" && !sampler.greedy;
}

/** What a guard knows of a drafter's candidates. */
export interface Guidance {
  /** The chances of siblings to come true when their parent does: what came of such ones so far. Both lists fall. */
  chances(probabilities: readonly number[]): number[];
  /**
   * How many of a level's candidates are worth another level below them. Those below the root have depth 1.
   * @param chances of each to come true with all above it, falling
   */
  worthExpanding(chances: readonly number[], depth: number): number;
}

/** Rows for the target's next pass. */
export interface StepPlan {
  tree: TokenTree;
  /**
   * Rows beside the tree (lookahead's window): appended after the tree's rows. Parents count over both; 0 is the root.
   * They are never accepted.
   */
  extra?: { tokens: readonly TokenId[]; parents: readonly number[] };
  /** Flags of Need for each row, tree rows first, that the drafter wants to observe. Default: nothing. */
  needs?: readonly number[];
  /** Flags of Need for whichever tree row turns out to be the last right one (`StepOutcome.last`). Default: nothing. */
  needsOfLast?: number;
  /** How many of the likeliest tokens rows with Need.top give. Default 1. */
  topK?: number;
  /**
   * Of each of the tree's nodes the drafter's own probability that it comes after its parent, the root's 1; siblings fall. Not of
   * draws: which of them are verified must not depend on what they are. Default: not known.
   */
  probabilities?: readonly number[];
  /** How sure the drafter is of this proposal, in classes of its own: those of a class come true about alike. Default 0. */
  grade?: number;
  /** Candidates that were held back because verifying them was expected to take longer than it saves. Default 0. */
  withheld?: number;
  /** Tokens a millisecond that a step with this proposal is expected to give; only guards know it. */
  rate?: number;
}

/** The target's rows over successive tokens of the text. */
export interface TextRows {
  /** The place in the text of the first one's token. */
  place: number;
  rows: readonly number[];
}

/** What happened in a step, for `observe`. Rows are those of the drafter's plan, read inside the call only. */
export interface StepOutcome {
  /** Tokens committed by the step, in order (at least one). */
  committed: readonly TokenId[];
  /** Nodes of the plan's tree that were found right, the root first. Empty: the text goes another way before the root. */
  path: readonly number[];
  /** Row of the last token found right: the token after it is where the next proposal begins. */
  last: number;
  /**
   * The rows of all tokens that were found right, the root first, whoever proposed them: those of `path`, and where others
   * are between or before them numbers beyond the plan's.
   */
  right: TextRows;
  /** The target's rows, in the plan's order; those of `last` and `right` too where they are none of the plan's. */
  result: PassResult;
  /** Index of the drafter's request in the pass. */
  request: number;
}

/** A text that is known beforehand, for replays. */
export interface KnownText {
  /** Prompt and output. */
  tokens: readonly TokenId[];
  promptLength: number;
  /** The sampler that the output was made with. */
  sampler: Sampler;
}

/** A draft whose context is full while the target's is not. */
export interface DraftExhausted {
  /** Tokens of prompt and output when it was found. */
  at: number;
  /** The draft's context. */
  contextLength: number;
}

/**
 * A method of proposing tokens for one sequence. The loop calls `begin` once, then `propose` and `observe` in turn for
 * every step, also for steps that ran with an empty proposal. Sequences that run together are asked at the same time.
 */
export interface Drafter {
  /** Names its tokens in statistics and provenance. */
  readonly name: string;
  /** Set once a draft model drafts no more because its context is full; the output goes on plainly. */
  readonly exhausted?: DraftExhausted;
  /** Proposing takes next to no time: no model is run for it. Default false. */
  readonly free?: boolean;
  /** Flags of Need for rows of the prompt that `observePrompt` reads. Default: nothing, and it is not called. */
  readonly promptNeeds?: number;
  /** Shown the target's rows over the prompt's next tokens, before `readPrompt` is told of them. Must not await anything. */
  observePrompt?(rows: TextRows, result: PassResult, request: number): void;
  /** Told of the prompt's next tokens as the target reads them, all but the last; for drafters with a model of their own. */
  readPrompt?(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void>;
  /** Called with the whole prompt before the first step. */
  begin(prompt: readonly TokenId[]): Promise<void>;
  /** A tree of at most `budget` candidate tokens (extra rows not counted) under the last token of the history. */
  propose(context: DraftContext, budget: number): Promise<StepPlan>;
  /** Told the outcome of every step. Must not await anything before it has read the rows. */
  observe(outcome: StepOutcome): void;
  /** A drafter in the same state for a copy of the sequence. */
  fork(): Drafter;
  /** For replays: a drafter that proposes the same along this text and runs its model over it once, not in every step. */
  recorded?(text: KnownText): Promise<Drafter>;
  dispose(): void;
}
