import type { Dtype, LanguageModel, Tokenizer, TrainingDataOptions } from "../../index.js";
import { configureRuntime, TrainingData, UsageError } from "../../index.js";
import { HEADS_FILES, type MedusaLayout } from "../../training/medusa/layouts.js";
import { type Arguments, type Flags, numberFlag, stringFlag } from "../command.js";
import { MODEL_FLAGS } from "../flags.js";
import { EMBEDDED_TARGET, load } from "../models.js";

/** The frozen model that is trained on or asked, and how it is held. */
export const BASE_FLAGS = {
  model: { ...MODEL_FLAGS.model, help: "the target's checkpoint directory (default: the embedded target)" },
  dtype: { ...MODEL_FLAGS.dtype, help: "how the target will serve (fp32, q8, q4; default: as generate holds it)" },
  threads: MODEL_FLAGS.threads,
} as const satisfies Flags;

/** What is trained on, and where the result goes. */
export const DATA_FLAGS = {
  data: {
    type: "string",
    value: "PATH",
    help: "a file of text or of JSON lines (messages, conversations, prompt and completion, or text), or a folder of such",
  },
  "train-on": {
    type: "string",
    value: "WHAT",
    help: "assistant (default): the answers of conversations and completions; all: every token",
  },
  strict: { type: "boolean", help: "stop at the first line that cannot be used (default: leave it out and say so)" },
  "max-tokens": { type: "string", value: "N", help: "most tokens that are read from the data" },
  out: { type: "string", short: "o", value: "DIR", help: "new folder for what is trained" },
} as const satisfies Flags;

/** How long, how fast, and how to go on. Defaults of rates and sizes are told by each command. */
export const RUN_FLAGS = {
  epochs: { type: "string", value: "N", help: "times that each token is trained on (default 1)" },
  "max-steps": { type: "string", value: "N", help: "most steps" },
  "warmup-steps": { type: "string", value: "N", help: "steps in which the learning rate rises (default: a twentieth)" },
  decay: { type: "string", value: "NAME", help: "how it falls: cosine (default), linear or constant" },
  "weight-decay": { type: "string", value: "X", help: "default 0" },
  "max-gradient-norm": { type: "string", value: "X", help: "gradients are scaled down to this norm (default 1)" },
  "validate-every": { type: "string", value: "N", help: "one piece of text in N is for validation (default 20)" },
  evaluations: { type: "string", value: "N", help: "validations on the way (default 5)" },
  seed: { type: "string", short: "s", value: "S", help: "decides the order of the tokens (default 0)" },
  "checkpoint-minutes": { type: "string", value: "N", help: "minutes between checkpoints (default 5)" },
  tensorboard: { type: "boolean", help: "write the curves for TensorBoard too, as events in --out" },
  resume: { type: "boolean", help: "go on from the checkpoint in --out, with the same options" },
} as const satisfies Flags;

/** Of trainings that write Medusa heads. */
export const LAYOUT_FLAG = {
  type: "string",
  value: "NAME",
  help: "who reads the heads: original (default: Medusa's repository), vllm (up to 0.32) or tensorrt-llm",
} as const;

/** What heads will lie in; that --layout names one is checked where it is used. */
export function headsFile(layout: MedusaLayout | undefined): string {
  return HEADS_FILES[layout ?? "original"] ?? HEADS_FILES.original;
}

/** What --data, --train-on and --strict name. @param length longest example, tokens */
export function openData(args: Arguments, path: string, tokenizer: Tokenizer, length: number): Promise<TrainingData> {
  return TrainingData.open(path, tokenizer, {
    length,
    trainOn: stringFlag(args, "train-on") as TrainingDataOptions["trainOn"],
    strict: args.flags.strict as boolean | undefined,
  });
}

/** Loads the model that BASE_FLAGS name. @throws UsageError where it has no tokenizer */
export async function loadBase(
  args: Arguments,
  signal: AbortSignal,
): Promise<LanguageModel & { tokenizer: NonNullable<LanguageModel["tokenizer"]> }> {
  const threads = numberFlag(args, "threads");
  if (threads !== undefined) configureRuntime({ threads });
  const dtype = stringFlag(args, "dtype") as Dtype | undefined;
  const base = await load(stringFlag(args, "model") ?? EMBEDDED_TARGET, { dtype, signal });
  if (!base.tokenizer) throw new UsageError("the model has no tokenizer.json: text cannot be tokenised for it");
  return base as LanguageModel & { tokenizer: NonNullable<LanguageModel["tokenizer"]> };
}

/** @throws UsageError where the flag is missing */
export function neededFlag(args: Arguments, command: string, name: string, what: string): string {
  const given = stringFlag(args, name);
  if (given === undefined) throw new UsageError(`foretoken ${command} needs --${name}: ${what}`);
  return given;
}

/** Layers of the target, such as 0,3,5. @throws UsageError for anything else */
export function layersFlag(args: Arguments, name: string): number[] | undefined {
  const given = stringFlag(args, name);
  if (given === undefined) return undefined;
  if (/^\d+(,\d+)*$/.test(given)) return given.split(",").map(Number);
  throw new UsageError(`--${name} must be layers of the target such as 0,3,5, got ${JSON.stringify(given)}`);
}
