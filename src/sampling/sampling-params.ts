import { UsageError } from "../types/errors.js";
import { OPTION_ALIASES } from "../types/option-aliases.js";
import { checkOptions } from "../types/option-table.js";
import type { SamplingParams } from "../types/sampling-params.js";
import type { TokenId } from "../types/token.js";
import { biasEntries, GREEDY, SAMPLING_OPTIONS, type SamplingOptions } from "./sampling-options.js";

/** At this temperature and below only the likeliest token is left: differences of logits leave the range of floats. */
const GREEDY_TEMPERATURE = 1e-38;

/**
 * Fills in defaults and checks ranges. doSample defaults to whether a temperature above 0 is given; temperature 0
 * without doSample means greedy, as OpenAI's interface has it.
 * @throws UsageError naming the option
 */
export function resolveSamplingParams(given: SamplingOptions): SamplingParams {
  const { logitBias, ...options } = checkOptions<SamplingOptions>(SAMPLING_OPTIONS, given, { aliases: OPTION_ALIASES });
  const { temperature } = options;
  const bias = logitBias && new Map(biasEntries(logitBias) as [TokenId, number][]);
  const wanted = options.doSample ?? (temperature !== undefined && temperature > 0);
  if (wanted && temperature === 0) {
    throw new UsageError("temperature must be > 0 to sample, got 0: leave out doSample for greedy decoding");
  }
  const doSample = wanted && (temperature === undefined || temperature > GREEDY_TEMPERATURE);
  const effective = doSample ? (temperature ?? GREEDY.temperature) : GREEDY.temperature;
  return { ...GREEDY, ...options, ...(bias && { logitBias: bias }), doSample, temperature: effective };
}
