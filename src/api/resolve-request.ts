import { randomInt } from "node:crypto";
import type { CausalLM } from "../engine/causal-lm.js";
import type { GenerationRequest } from "../generation/request.js";
import { SAMPLING_OPTIONS, type SamplingOptions } from "../sampling/sampling-options.js";
import { resolveSamplingParams } from "../sampling/sampling-params.js";
import { UsageError } from "../types/errors.js";
import { fallbacksOf } from "../types/option-declaration.js";
import { checkOptions } from "../types/option-table.js";
import type { TokenId } from "../types/token.js";
import { GENERATE_NAMES, GENERATE_OPTIONS, type GenerateOptions } from "./generate-options.js";
import { OUTPUT_OPTIONS } from "./output-options.js";
import { resolveSpeculation } from "./speculation-options.js";

const FALLBACKS = fallbacksOf(OUTPUT_OPTIONS);
const SAMPLING = Object.keys(SAMPLING_OPTIONS) as (keyof SamplingOptions)[];

/** The options that are given, each of the right shape. @throws UsageError naming the option */
export function checkGenerateOptions(options: GenerateOptions | null | undefined): GenerateOptions {
  return checkOptions<GenerateOptions>(GENERATE_OPTIONS, options, GENERATE_NAMES);
}

/**
 * Checks the options against each other and the model, and fills in defaults.
 * @param options as `checkGenerateOptions` gives them
 * @throws UsageError naming the option
 */
export function resolveRequest(options: GenerateOptions, model: CausalLM): GenerationRequest {
  const { coupling, acceptance, typical } = resolveSpeculation(options.speculation);
  const sampling = samplingOf(options);
  const greedy = acceptance === "greedy" ? { doSample: false, temperature: 0 } : {};
  const params = resolveSamplingParams({ ...sampling, ...greedy });
  const seedGiven = options.seed !== undefined;
  const { stopTokenIds = [], stopStrings = [] } = options;
  const { numReturnSequences, ignoreEos, maxNewTokens, skipSpecialTokens } = { ...FALLBACKS, ...options };
  checkIds("stopTokenIds", stopTokenIds, model);
  checkIds("badWordsIds", params.badWordsIds.flat(), model);
  checkIds("logitBias", [...params.logitBias.keys()], model);
  if (numReturnSequences > 1 && !params.doSample) {
    throw new UsageError("numReturnSequences > 1 needs a temperature: greedy samples would all be the same");
  }
  const eosTokenIds = ignoreEos ? [] : model.config.eosTokenIds;
  if (options.grammar !== undefined && eosTokenIds.length === 0) {
    throw new UsageError(
      "a grammar ends with an end-of-sequence token: leave out ignoreEos, or use a model that has one",
    );
  }
  return {
    params: params.doSample && !seedGiven ? { ...params, seed: newSeed() } : params,
    seedGiven,
    grammar: options.grammar,
    maxNewTokens,
    samples: numReturnSequences,
    maxTime: options.maxTime ?? Number.POSITIVE_INFINITY,
    stopStrings: typeof stopStrings === "string" ? [stopStrings] : stopStrings,
    stopTokenIds: new Set([...eosTokenIds, ...stopTokenIds]),
    stoppingCriteria: listOf(options.stoppingCriteria),
    logitsProcessors: listOf(options.logitsProcessor),
    eosTokenIds,
    logProbs: options.logProbs,
    skipSpecialTokens,
    coupling,
    typical,
    signal: options.signal,
    trace: options.trace,
  };
}

/** The same request for another prompt of the call: with a seed of its own unless one was given. */
export function forAnotherPrompt(request: GenerationRequest): GenerationRequest {
  if (request.seedGiven || !request.params.doSample) return request;
  return { ...request, params: { ...request.params, seed: newSeed() } };
}

/** 48 bits: short enough to be typed again, too many to meet twice. */
function newSeed(): number {
  return randomInt(2 ** 48 - 1);
}

function listOf<T>(given: T | readonly T[] | undefined): readonly T[] {
  return given === undefined ? [] : Array.isArray(given) ? given : [given as T];
}

function samplingOf(options: GenerateOptions): SamplingOptions {
  return Object.fromEntries(SAMPLING.map((name) => [name, options[name]]));
}

function checkIds(name: string, ids: readonly TokenId[], { vocabLimit }: CausalLM): void {
  const wrong = ids.find((id) => id >= vocabLimit);
  if (wrong === undefined) return;
  throw new UsageError(`${name} holds token id ${wrong}, which is outside the vocabulary of ${vocabLimit}`, {
    option: name,
  });
}
