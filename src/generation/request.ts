import type { Coupling } from "../methods/drafter.js";
import type { GrammarSpec } from "../sampling/grammar.js";
import type { LogitsProcessor } from "../sampling/logits-processor.js";
import type { SamplingParams } from "../types/sampling-params.js";
import type { TokenId } from "../types/token.js";
import type { TypicalAcceptance } from "../verification/verify-typical.js";
import type { GenerationStats } from "./stats.js";
import type { StoppingCriteria } from "./stopping-criteria.js";
import type { TraceSink } from "./trace.js";

/** Why a generation ended. */
export type FinishReason =
  /** An end-of-sequence token or one of stopTokenIds. */
  | "eos"
  /** One of stopStrings. */
  | "stop"
  /** One of stoppingCriteria. */
  | "criteria"
  /** maxNewTokens reached. */
  | "length"
  /** maxTime reached. */
  | "time"
  /** The model's context is full. */
  | "context"
  /** The signal was aborted. */
  | "aborted";

/** What to generate, resolved: every option has its value. */
export interface GenerationRequest {
  /** When sampling its seed is the given one, or one drawn for this prompt. */
  params: SamplingParams;
  /** Whether the seed was given: then it holds for every prompt of the call. */
  seedGiven: boolean;
  grammar?: GrammarSpec;
  maxNewTokens: number;
  /** Outputs for each prompt. */
  samples: number;
  /** Seconds; Infinity for no limit. */
  maxTime: number;
  stopStrings: readonly string[];
  /** Ids that end the output: the model's end-of-sequence ids and the user's. */
  stopTokenIds: ReadonlySet<TokenId>;
  stoppingCriteria: readonly StoppingCriteria[];
  logitsProcessors: readonly LogitsProcessor[];
  /** The ids that minNewTokens forbids. */
  eosTokenIds: readonly TokenId[];
  /** Log-probability of each token under the unprocessed target, and of this many likeliest ones. */
  logProbs: number | undefined;
  skipSpecialTokens: boolean;
  coupling: Coupling;
  /** Typical acceptance, which is not lossless, in place of the exact rule. */
  typical?: TypicalAcceptance;
  signal?: AbortSignal;
  trace?: TraceSink;
}

/** A token of the output. */
export interface TokenEvent {
  type: "token";
  /** Index of the output: of the prompt, or of the sample of a prompt. */
  index: number;
  tokenId: TokenId;
  /** Text that became certain with this token. Never splits a character; may be empty. */
  text: string;
  /** The drafter that proposed the token, or "target" when the target sampled it itself. */
  source: string;
  /** Natural logarithm of the target's probability, when asked for. */
  logProb?: number;
  topLogProbs?: { tokenId: TokenId; logProb: number }[];
}

/** The end of an output. */
export interface FinishEvent {
  type: "finish";
  index: number;
  /** Text that was held back until the end. */
  text: string;
  finishReason: FinishReason;
  /** When sampling: the seed that gives this output again (further samples of a prompt: with numReturnSequences). */
  seed?: number;
  stats: GenerationStats;
}

export type GenerationEvent = TokenEvent | FinishEvent;

/** A whole output. */
export interface GenerationResult {
  text: string;
  /** Output tokens, a final end-of-sequence token included; for "stop" up to the token that completed the stop string. */
  tokenIds: TokenId[];
  /** For each token the drafter that proposed it, or "target". */
  sources: string[];
  finishReason: FinishReason;
  /** When sampling: the seed that gives this output again (further samples of a prompt: with numReturnSequences). */
  seed?: number;
  logProbs?: number[];
  topLogProbs?: { tokenId: TokenId; logProb: number }[][];
  stats: GenerationStats;
}
