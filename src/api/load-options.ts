import type { ConversionProgress } from "../conversion/converted-model.js";
import { CACHE_DTYPES, type CacheDtype, DTYPES, type Dtype } from "../types/model-config.js";
import { OPTION_ALIASES } from "../types/option-aliases.js";
import { type DeclarationsOf, option, optional } from "../types/option-declaration.js";
import { abortSignal, callback, choice, integer } from "../types/option-kinds.js";
import type { OptionNames } from "../types/option-table.js";

type ProgressCallback = (progress: ConversionProgress) => void;

export interface LoadOptions {
  /**
   * How weights are held: "q8" (int8), "q4" (4-bit blocks) or "fp32".
   * Default: q4 where the checkpoint is of 4 bits already, else q8 (also where Foretoken's own operators do not run).
   */
  dtype?: Dtype;
  /**
   * How keys and values are held: "fp32" (default), "fp16" (half the memory) or "q8" (about a quarter). Other than "fp32"
   * they need Foretoken's own operators.
   */
  cacheDtype?: CacheDtype;
  /** Most tokens of prompt and output. Default: the model's own limit, at most 8192. */
  contextLength?: number;
  /** Told how conversion proceeds. Not called when the converted model is in the cache. Default none. */
  progressCallback?: ProgressCallback;
  /**
   * Told, in one line, what is unusual about a checkpoint and how it is taken: a head that should be tied and is not, an
   * adapter that is not applied. Default: Node's own warnings (process.emitWarning).
   */
  onWarning?: (message: string) => void;
  /** Ends the load: its promise rejects with the signal's reason. Default none. */
  signal?: AbortSignal;
}

/** Context unless asked otherwise, where the model allows as much. Untouched cache memory costs nothing. */
export const MOST_CONTEXT = 8192;

const HALF = 'there is no 16-bit form: "fp32" computes exactly, "q8" is smaller and faster';

/** Names that other libraries give to types of weights. */
const OTHER_DTYPES: Readonly<Record<string, string>> = {
  ...all(["float32", "float", "f32", "single", "full"], 'use "fp32"'),
  ...all(["int8", "uint8", "i8", "8bit", "q80", "w8a8", "quantized", "loadin8bit"], 'use "q8"'),
  ...all(["int4", "uint4", "i4", "4bit", "q40", "q41", "q4km", "q4f16", "bnb4", "nf4", "awq", "gptq"], 'use "q4"'),
  ...all(["float16", "fp16", "f16", "half", "bfloat16", "bf16", "auto"], HALF),
};

/** Names that other libraries give to types of keys and values. */
const OTHER_CACHE_DTYPES: Readonly<Record<string, string>> = {
  ...all(["float32", "float", "f32", "auto"], 'use "fp32"'),
  ...all(["float16", "f16", "half", "bfloat16", "bf16"], 'use "fp16"'),
  ...all(["int8", "uint8", "i8", "8bit", "q80", "fp8"], 'use "q8"'),
  ...all(["int4", "4bit", "q4", "q40", "q41", "iq4nl"], 'there is no form of 4 bits: use "q8"'),
};

/** What loading takes. That the context is within the model's is checked where that is known. */
export const LOAD_OPTIONS = {
  dtype: optional(
    choice(DTYPES, OTHER_DTYPES),
    "how weights are held",
    "q4 where the checkpoint is of 4 bits already, else q8",
  ),
  cacheDtype: option(choice(CACHE_DTYPES, OTHER_CACHE_DTYPES), "how keys and values are held", "fp32"),
  contextLength: optional(
    integer(2),
    "most tokens of prompt and output, up to the model's own limit",
    `the model's own limit, at most ${MOST_CONTEXT}`,
  ),
  progressCallback: optional(callback<ProgressCallback>(), "told how conversion proceeds"),
  onWarning: optional(
    callback<(message: string) => void>(),
    "told, in one line, what is unusual about a checkpoint",
    "Node's own warnings (process.emitWarning)",
  ),
  signal: optional(abortSignal(), "ends the load"),
} satisfies DeclarationsOf<LoadOptions>;

export const LOAD_NAMES: OptionNames = {
  of: "fromPretrained",
  aliases: OPTION_ALIASES,
  elsewhere: (name) => {
    if (/^(device|device_?map|executionProviders)$/i.test(name)) return "models run on the CPU, leave it out";
    return /^(threads|num_?threads)$/i.test(name) ? "use configureRuntime({ threads })" : undefined;
  },
};

function all(names: readonly string[], hint: string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, hint]));
}
