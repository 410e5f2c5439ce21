import { UsageError } from "../types/errors.js";
import { OPTION_ALIASES } from "../types/option-aliases.js";
import { checkOptions } from "../types/option-table.js";
import { GREEDY, type SamplingParams } from "../types/sampling-params.js";
import { SAMPLING_OPTIONS } from "./sampling-options.js";

/** At this temperature and below only the likeliest token is left: differences of logits leave the range of floats. */
const GREEDY_TEMPERATURE = 1e-38;

/**
 * Fills in defaults and checks ranges. doSample defaults to whether a temperature above 0 is given; temperature 0
 * without doSample means greedy, as OpenAI's interface has it.
 * @throws UsageError naming the option
 */
export function resolveSamplingParams(given: Partial<SamplingParams>): SamplingParams {
  const options = checkOptions(SAMPLING_OPTIONS, given, { aliases: OPTION_ALIASES });
  const { temperature } = options;
  const wanted = options.doSample ?? (temperature !== undefined && temperature > 0);
  if (wanted && temperature === 0) {
    throw new UsageError("temperature must be > 0 to sample, got 0: leave out doSample for greedy decoding");
  }
  const doSample = wanted && (temperature === undefined || temperature > GREEDY_TEMPERATURE);
  return { ...GREEDY, ...options, doSample, temperature: doSample ? (temperature ?? 1) : 1 };
}
