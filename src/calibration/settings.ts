import { UsageError } from "../types/errors.js";
import { checkOptions } from "../types/option-table.js";
import { CALIBRATE_OPTIONS, type CalibrateOptions } from "./options.js";

type Optional = "examples" | "signal" | "onProgress";

/** The options with their defaults. */
export type CalibrateSettings = Required<Omit<CalibrateOptions, Optional>> & Pick<CalibrateOptions, Optional>;

/** Tokens that are read, and of a sequence, unless the options say otherwise. */
const TOKENS = 16_384;
const SEQUENCE = 256;

/** @throws UsageError for options that make no sense */
export function calibrateSettings(given: CalibrateOptions, contextLength: number): CalibrateSettings {
  const options = checkOptions<CalibrateOptions>(CALIBRATE_OPTIONS, given, { of: "calibrate" });
  if (!options.output) throw new UsageError("calibrate needs an output: the new folder for the checkpoint");
  const { sequenceLength = Math.min(SEQUENCE, contextLength), tokens = TOKENS, seed = 0 } = options;
  if (sequenceLength > contextLength) {
    throw new UsageError(`sequenceLength is ${sequenceLength}, the model's context is ${contextLength}: give less`);
  }
  return { ...options, output: options.output, sequenceLength, tokens, seed };
}
