import type { TrainingExamples } from "../training/training-example.js";
import { abortSignal, callback, integer, text, value } from "../types/option-kinds.js";
import type { OptionTable } from "../types/option-table.js";

export interface CalibrateOptions {
  /** New folder for the checkpoint. */
  output: string;
  /** Text of the kind that the model is for, as token ids. Default: what the model itself writes, sampled at temperature 1. */
  examples?: TrainingExamples;
  /** Most tokens that are read. Default 16384. */
  tokens?: number;
  /** Tokens of a sequence: longer texts are cut, shorter ones packed, and do not see each other. Default: the context, at most 256. */
  sequenceLength?: number;
  /** Decides what the model writes. Default 0. */
  seed?: number;
  signal?: AbortSignal;
  onProgress?: (progress: CalibrateProgress) => void;
}

/** What is going on: the text's tokens that are there, or the layers that are done. */
export type CalibrateProgress =
  | { stage: "text"; tokens: number; most: number }
  | { stage: "layers"; layer: number; layers: number };

export const CALIBRATE_OPTIONS: OptionTable<CalibrateOptions> = {
  output: text(),
  examples: value("an iterable of examples { tokens }", isIterable),
  tokens: integer(2),
  sequenceLength: integer(2),
  // Seeds of texts are made of it.
  seed: integer(0, 2 ** 31 - 1),
  signal: abortSignal(),
  onProgress: callback(),
};

function isIterable(given: unknown): boolean {
  return typeof given === "object" && given !== null && (Symbol.iterator in given || Symbol.asyncIterator in given);
}
