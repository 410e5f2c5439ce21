import { GENERATE_OPTIONS, type GenerateOptions } from "../../api/generate-options.js";
import { boolean, callback, integer, text } from "../../types/option-kinds.js";
import type { OptionTable } from "../../types/option-table.js";

type Sampling = "temperature" | "topK" | "topP" | "maxNewTokens" | "speculation" | "assistantModel" | "signal";

export interface SelfDistillOptions extends Pick<GenerateOptions, Sampling> {
  /** File of JSON lines that answers are written to. */
  output: string;
  /** Take the first so many tokens of each text as its prompt and let the model continue. Default: texts are prompts as they are. */
  prefixTokens?: number;
  /** Decides what is sampled; each prompt has noise of its own. Default 0. */
  seed?: number;
  /** Prompts that are answered at the same time. Default: as many as a pass takes, 16 (four without the native operators). */
  batchSize?: number;
  /** Goes on behind the last answer in the output. Default false. */
  resume?: boolean;
  onProgress?: (progress: SelfDistillProgress) => void;
}

/** What is done so far. */
export interface SelfDistillProgress {
  /** Prompts that are over: answered, or left out; those of earlier calls too. */
  prompts: number;
  /** Answers that this call has written. */
  answers: number;
  /** Tokens that this call has sampled, unfinished answers' too. */
  tokens: number;
  tokensPerSecond: number;
}

const { temperature, topK, topP, maxNewTokens, speculation, assistantModel, signal } = GENERATE_OPTIONS;

export const SELF_DISTILL_OPTIONS: OptionTable<SelfDistillOptions> = {
  ...{ temperature, topK, topP, maxNewTokens, speculation, assistantModel, signal },
  output: text(),
  prefixTokens: integer(1),
  // Seeds of prompts are made of it.
  seed: integer(0, 2 ** 31 - 1),
  batchSize: integer(1, 64),
  resume: boolean(),
  onProgress: callback(),
};
