import { nearest, UsageError } from "../types/errors.js";
import { GREEDY, type SamplingParams } from "../types/sampling-params.js";

type Range = readonly [holds: (value: number) => boolean, expected: string];

const RANGES: Readonly<Partial<Record<keyof SamplingParams, Range>>> = {
  topK: [(v) => Number.isInteger(v) && v >= 0, "a non-negative integer (0 keeps all tokens)"],
  topP: [(v) => v > 0 && v <= 1, "in (0, 1]"],
  minP: [(v) => v >= 0 && v <= 1, "in [0, 1]"],
  typicalP: [(v) => v > 0 && v <= 1, "in (0, 1]"],
  repetitionPenalty: [(v) => v > 0 && Number.isFinite(v), "> 0"],
  presencePenalty: [Number.isFinite, "a finite number"],
  frequencyPenalty: [Number.isFinite, "a finite number"],
  minNewTokens: [(v) => Number.isInteger(v) && v >= 0, "a non-negative integer"],
  seed: [(v) => Number.isSafeInteger(v) && v >= 0, "an integer from 0 to 2^53 - 1"],
};

/**
 * Fills in defaults and checks ranges. doSample defaults to whether a temperature above 0 is given; temperature 0
 * without doSample means greedy, as OpenAI's interface has it.
 * @throws UsageError naming the option
 */
export function resolveSamplingParams(given: Partial<SamplingParams>): SamplingParams {
  for (const name of Object.keys(given)) {
    if (name in GREEDY) continue;
    const guess = nearest(name, Object.keys(GREEDY));
    throw new UsageError(`unknown sampling option "${name}"${guess ? `. Did you mean "${guess}"?` : ""}`);
  }
  const { temperature } = given;
  if (temperature !== undefined && !(temperature >= 0 && Number.isFinite(temperature))) {
    throw new UsageError(`temperature must be >= 0, got ${temperature}`);
  }
  const doSample = given.doSample ?? (temperature !== undefined && temperature > 0);
  if (doSample && temperature === 0) {
    throw new UsageError("temperature must be > 0 to sample, got 0: leave out doSample for greedy decoding");
  }
  const given_ = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const params: SamplingParams = { ...GREEDY, ...given_, doSample, temperature: doSample ? (temperature ?? 1) : 1 };
  for (const [name, range] of Object.entries(RANGES)) {
    const value = params[name as keyof SamplingParams] as number;
    if (!range[0](value)) throw new UsageError(`${name} must be ${range[1]}, got ${value}`);
  }
  for (const words of params.badWordsIds) {
    if (words.length === 0) throw new UsageError("badWordsIds holds an empty sequence: leave it out");
  }
  for (const [token, bias] of params.logitBias) {
    if (!Number.isInteger(token) || token < 0 || !(bias < Number.POSITIVE_INFINITY)) {
      throw new UsageError(`logitBias maps ${token} to ${bias}: expected a token id and a number, or -Infinity`);
    }
  }
  return params;
}
