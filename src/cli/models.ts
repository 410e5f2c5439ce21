import { fileURLToPath } from "node:url";
import { Presets, SingleBar } from "cli-progress";
import { AutoModelForCausalLM, configureRuntime, type Dtype, type LanguageModel } from "../index.js";
import { type Arguments, numberFlag, stringFlag } from "./command.js";

/** The checkpoints that come with the package. */
export const EMBEDDED_TARGET = fileURLToPath(new URL("../../models/target", import.meta.url));
export const EMBEDDED_DRAFT = fileURLToPath(new URL("../../models/draft", import.meta.url));

export interface Models {
  target: LanguageModel;
  draft: LanguageModel | undefined;
}

/** Loads what --model, --draft-model and --dtype name; the embedded pair when no model is named. */
export async function loadModels(args: Arguments, signal?: AbortSignal): Promise<Models> {
  const threads = numberFlag(args, "threads");
  if (threads !== undefined) configureRuntime({ threads });
  const named = stringFlag(args, "model");
  const draftDirectory = stringFlag(args, "draft-model") ?? (named ? undefined : EMBEDDED_DRAFT);
  const dtype = stringFlag(args, "dtype") as Dtype | undefined;
  const contextLength = numberFlag(args, "context-length");
  const target = await load(named ?? EMBEDDED_TARGET, { dtype, contextLength, signal });
  const plain = stringFlag(args, "method") === "none";
  if (draftDirectory === undefined || plain) return { target, draft: undefined };
  const draftDtype = (stringFlag(args, "draft-dtype") ?? dtype) as Dtype | undefined;
  return { target, draft: await load(draftDirectory, { dtype: draftDtype, signal }) };
}

/** Loads one checkpoint, with a progress bar on standard error while it is converted. */
export async function load(
  directory: string,
  options: { dtype?: Dtype; contextLength?: number; signal?: AbortSignal },
): Promise<LanguageModel> {
  const format = `converting ${directory.split(/[\\/]/).pop()} [{bar}] {percentage}% {stage}`;
  const bar = new SingleBar(
    { format, stream: process.stderr, clearOnComplete: true, hideCursor: true },
    Presets.shades_classic,
  );
  let started = false;
  try {
    return await AutoModelForCausalLM.fromPretrained(directory, {
      ...options,
      progressCallback: ({ stage, fraction }) => {
        if (!process.stderr.isTTY) return;
        if (!started) bar.start(100, 0, { stage });
        started = true;
        // Packing takes about as long as converting.
        bar.update(Math.round(stage === "convert" ? 50 * fraction : 50 + 50 * fraction), { stage });
      },
    });
  } finally {
    if (started) bar.stop();
  }
}
