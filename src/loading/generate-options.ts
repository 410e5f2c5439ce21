import type { CausalLM } from "../engine/causal-lm.js";
import type { MedusaHeads } from "../engine/medusa-heads.js";
import type { GenerationRequest } from "../generation/request.js";
import type { GrammarSpec } from "../sampling/grammar.js";
import { resolveSamplingParams } from "../sampling/sampling-params.js";
import type { Coupling } from "../speculation/drafter.js";
import type { TraceSink } from "../speculation/trace.js";
import { TYPICAL_ACCEPTANCE, type TypicalAcceptance } from "../speculation/verification/verify-typical.js";
import { CHAT_TEMPLATE_OPTIONS, type ChatTemplateOptions } from "../tokenizer/chat-message.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { nearest, UsageError } from "../types/errors.js";
import type { SamplingParams } from "../types/sampling-params.js";
import type { TokenId } from "../types/token.js";

/** How to speculate. Options other than `method` and `coupling` belong to the method. */
export interface SpeculationOptions {
  /** "auto" (default), "none", "draft", or any registered method. */
  method?: string;
  /**
   * How sampled proposals are judged. "gumbel" (default): the output is the very text of plain sampling with the same
   * seed. "maximal": the classic rule; same distribution, other text, a little more accepted.
   */
  coupling?: Coupling;
  /**
   * Which candidates are kept. "exact" (default): the target's own, nothing is lost. "greedy": the target's likeliest
   * tokens, whatever the temperature. "typical": Medusa's rule, faster at high temperatures and NOT lossless.
   */
  acceptance?: "exact" | "greedy" | "typical";
  /** For "typical": keep a candidate above min(threshold, alpha e^-entropy). Defaults 0.09 and 0.3; lower accepts more. */
  posteriorThreshold?: number;
  posteriorAlpha?: number;
  /** Tokens drafted in a step. Default 4. */
  numSpeculativeTokens?: number;
  /** Draft length policy: "constant" (default), "heuristic", "confidence". */
  policy?: string;
  /** For "confidence": stop drafting after a token less probable than this under the draft. Default 0.4. */
  confidenceThreshold?: number;
  /** Children of each node by depth, for a draft model's tree; the last holds for greater depths. Default [1]. */
  treeWidths?: number[];
  [option: string]: unknown;
}

/** What drafts for a target: another loaded model. */
export interface AssistantModel {
  readonly model: CausalLM;
  readonly tokenizer: Tokenizer | undefined;
  /** Medusa heads of it: then it drafts trees with them. */
  readonly heads?: MedusaHeads;
}

/** What the chat template is given beside a conversation. */
export type ConversationOptions = Omit<ChatTemplateOptions, "addGenerationPrompt">;

/** Options of `generate` and `stream`: sampling parameters, limits, how to speculate, and for conversations the template's. */
export interface GenerateOptions extends Partial<Omit<SamplingParams, "logitBias">>, ConversationOptions {
  /** Added to logits of tokens: a Map, or an object keyed by id. */
  logitBias?: ReadonlyMap<TokenId, number> | Readonly<Record<number, number>>;
  /** The draft model. */
  assistantModel?: AssistantModel;
  speculation?: SpeculationOptions;
  /** What the output must be: "json", { jsonSchema: {...} } or { ebnf: "root ::= ..." }. It ends where that is complete. */
  grammar?: GrammarSpec;
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

const MAX_SAMPLES = 64;

const CONVERSATION_OPTIONS = CHAT_TEMPLATE_OPTIONS.filter((name) => name !== "addGenerationPrompt");

/** Names of the options that are not sampling parameters. */
const OWN_NAMES: readonly (keyof GenerateOptions)[] = [
  ...([
    "assistantModel",
    "speculation",
    "grammar",
    "numReturnSequences",
    "maxNewTokens",
    "maxTime",
    "stopStrings",
    "stopTokenIds",
    "ignoreEos",
  ] as const),
  ...(["logProbs", "skipSpecialTokens", "signal", "trace"] as const),
  ...CONVERSATION_OPTIONS,
];

const NAMES: readonly (keyof GenerateOptions)[] = [
  ...OWN_NAMES,
  ...(["doSample", "temperature", "topK", "topP", "minP", "typicalP", "repetitionPenalty", "presencePenalty"] as const),
  ...(["frequencyPenalty", "logitBias", "badWordsIds", "minNewTokens", "seed"] as const),
];

/** Checks the options and fills in defaults. @throws UsageError naming the option. */
export function resolveRequest(options: GenerateOptions, model: CausalLM): GenerationRequest {
  for (const name of Object.keys(options)) {
    if ((NAMES as readonly string[]).includes(name)) continue;
    const guess = nearest(name, NAMES);
    throw new UsageError(`unknown option "${name}"${guess ? `. Did you mean "${guess}"?` : ""}`);
  }
  const { speculation, maxNewTokens, maxTime, stopStrings, stopTokenIds, ignoreEos } = options;
  const { logProbs, skipSpecialTokens, signal, trace, logitBias, ...sampling } = options;
  for (const name of OWN_NAMES) delete (sampling as Record<string, unknown>)[name];
  const limit = maxNewTokens ?? 256;
  if (!Number.isInteger(limit) || limit < 0) {
    throw new UsageError(`maxNewTokens must be a non-negative integer, got ${limit}`);
  }
  if (maxTime !== undefined && !(maxTime > 0)) throw new UsageError(`maxTime must be > 0 seconds, got ${maxTime}`);
  if (logProbs !== undefined && !(Number.isInteger(logProbs) && logProbs >= 0 && logProbs <= 20)) {
    throw new UsageError(`logProbs must be an integer from 0 to 20, got ${logProbs}`);
  }
  const coupling = speculation?.coupling ?? "gumbel";
  if (coupling !== "gumbel" && coupling !== "maximal") {
    throw new UsageError(`unknown coupling "${coupling}", expected "gumbel" or "maximal"`);
  }
  const typical = typicalAcceptance(speculation);
  const greedy = speculation?.acceptance === "greedy" ? { doSample: false, temperature: 0 } : {};
  const eosTokenIds = ignoreEos ? [] : model.config.eosTokenIds;
  const params = resolveSamplingParams({ ...sampling, ...greedy, ...(logitBias && { logitBias: toMap(logitBias) }) });
  const samples = options.numReturnSequences ?? 1;
  if (!Number.isInteger(samples) || samples < 1 || samples > MAX_SAMPLES) {
    throw new UsageError(`numReturnSequences must be an integer from 1 to ${MAX_SAMPLES}, got ${samples}`);
  }
  if (samples > 1 && !params.doSample) {
    throw new UsageError("numReturnSequences > 1 needs a temperature: greedy samples would all be the same");
  }
  if (options.grammar !== undefined && eosTokenIds.length === 0) {
    throw new UsageError(
      "a grammar ends with an end-of-sequence token: leave out ignoreEos, or use a model that has one",
    );
  }
  return {
    params,
    grammar: options.grammar,
    maxNewTokens: limit,
    samples,
    maxTime: maxTime ?? Number.POSITIVE_INFINITY,
    stopStrings: typeof stopStrings === "string" ? [stopStrings] : (stopStrings ?? []),
    stopTokenIds: new Set([...eosTokenIds, ...(stopTokenIds ?? [])]),
    eosTokenIds,
    logProbs,
    skipSpecialTokens: skipSpecialTokens ?? true,
    coupling,
    typical,
    signal,
    trace,
  };
}

/** Options of `speculation` that are the request's, not the method's. */
export const REQUEST_OPTIONS = ["method", "coupling", "acceptance", "posteriorThreshold", "posteriorAlpha"] as const;

function typicalAcceptance(speculation: SpeculationOptions = {}): TypicalAcceptance | undefined {
  const { acceptance = "exact", posteriorThreshold, posteriorAlpha } = speculation;
  if (acceptance !== "exact" && acceptance !== "greedy" && acceptance !== "typical") {
    throw new UsageError(`unknown acceptance "${acceptance}", expected "exact", "greedy" or "typical"`);
  }
  if (acceptance !== "typical") {
    if (posteriorThreshold === undefined && posteriorAlpha === undefined) return undefined;
    throw new UsageError('posteriorThreshold and posteriorAlpha belong to acceptance "typical", which is not lossless');
  }
  const { threshold, alpha } = TYPICAL_ACCEPTANCE;
  const typical = { threshold: posteriorThreshold ?? threshold, alpha: posteriorAlpha ?? alpha };
  if (!(typical.threshold > 0 && typical.threshold <= 1)) {
    throw new UsageError(`posteriorThreshold must be in (0, 1], got ${posteriorThreshold}`);
  }
  if (!(typical.alpha > 0 && Number.isFinite(typical.alpha))) {
    throw new UsageError(`posteriorAlpha must be > 0, got ${posteriorAlpha}`);
  }
  return typical;
}

function toMap(bias: ReadonlyMap<TokenId, number> | Readonly<Record<number, number>>): ReadonlyMap<TokenId, number> {
  if (bias instanceof Map) return bias;
  return new Map(Object.entries(bias).map(([id, value]) => [Number(id), value]));
}

/** The options that the chat template is given. @throws UsageError when there are some and the prompt is no conversation */
export function conversationOptions(options: GenerateOptions, isConversation: boolean): ConversationOptions {
  const given = CONVERSATION_OPTIONS.filter((name) => (options[name] ?? undefined) !== undefined);
  if (given.length > 0 && !isConversation) {
    throw new UsageError(`${given[0]} is for conversations: give the prompt as a list of { role, content }`);
  }
  return Object.fromEntries(given.map((name) => [name, options[name]]));
}
