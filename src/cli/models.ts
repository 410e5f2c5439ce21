import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LOAD_OPTIONS, type LoadOptions } from "../api/load-options.js";
import {
  type AssistantModel,
  AutoModelForCausalLM,
  cacheDirectory,
  configureRuntime,
  type Dtype,
  type LanguageModel,
  MedusaModel,
  UsageError,
} from "../index.js";
import { openCheckpoint } from "../models/checkpoint/checkpoint.js";
import { checkOption } from "../types/option-table.js";
import { escaped } from "../types/shown.js";
import { type Arguments, stringFlag } from "./command.js";
import { LOAD_FLAGS, RUNTIME_FLAGS } from "./flags.js";
import { loadResources, methodFlag, type SpeculationResources } from "./speculation.js";
import { progressBar } from "./terminal.js";

/** The checkpoints that come with the package. */
export const EMBEDDED_TARGET = fileURLToPath(new URL("../../models/target", import.meta.url));
export const EMBEDDED_DRAFT = fileURLToPath(new URL("../../models/draft", import.meta.url));

export interface Models {
  target: LanguageModel;
  draft: AssistantModel | undefined;
  resources: SpeculationResources;
}

/** Heads for the embedded target, by the method that drafts with them. */
export const EMBEDDED_HEADS = {
  medusa: fileURLToPath(new URL("../../models/medusa-heads", import.meta.url)),
  eagle: fileURLToPath(new URL("../../models/eagle-heads", import.meta.url)),
};

/** Methods that a draft model takes part in. */
const DRAFTING = ["auto", "draft", "universal", "draft-medusa"];

/** Loads what --model, --draft-model and --dtype name; the embedded pair when no model is named. */
export async function loadModels(args: Arguments, signal?: AbortSignal): Promise<Models> {
  const { threads } = RUNTIME_FLAGS.read(args);
  if (threads !== undefined) configureRuntime({ threads });
  const named = stringFlag(args, "model");
  const method = methodFlag(args) ?? "auto";
  const drafters = stringFlag(args, "drafters")?.split(",") ?? ["draft"];
  const drafts = (method === "merged" ? drafters : [method]).some((name) => DRAFTING.includes(name));
  if (!drafts && method !== "none" && args.flags["draft-model"] !== undefined) {
    throw new UsageError(`method "${method}" uses no draft model: leave out --draft-model, or name a method that does`);
  }
  const draftDirectory = stringFlag(args, "draft-model") ?? (named || !drafts ? undefined : EMBEDDED_DRAFT);
  const { dtype, cacheDtype, contextLength } = LOAD_FLAGS.read(args);
  const ownDtype = stringFlag(args, "draft-dtype");
  if (ownDtype !== undefined) checkOption("draftDtype", ownDtype, LOAD_OPTIONS.dtype.kind);
  const target = await load(named ?? EMBEDDED_TARGET, { dtype, cacheDtype, contextLength, signal });
  const resources = await loadResources(args, target, named ? {} : EMBEDDED_HEADS);
  if (draftDirectory === undefined || method === "none") return { target, draft: undefined, resources };
  const draftDtype = (ownDtype ?? dtype) as Dtype | undefined;
  const draft = await load(draftDirectory, {
    dtype: draftDtype,
    cacheDtype,
    contextLength: await within(draftDirectory, contextLength),
    signal,
  });
  const heads = stringFlag(args, "draft-heads");
  return {
    target,
    draft: heads === undefined ? draft : await MedusaModel.fromPretrained(heads, { base: draft }),
    resources,
  };
}

/** The target's context, as far as a draft allows. */
async function within(directory: string, contextLength: number | undefined): Promise<number | undefined> {
  if (contextLength === undefined) return undefined;
  const { config, source } = await openCheckpoint(directory, join(cacheDirectory(), "digests"));
  await source.close();
  return Math.min(contextLength, config.maxPositionEmbeddings);
}

/** Loads one checkpoint, with a progress bar on standard error while it is converted. */
export async function load(
  directory: string,
  options: Pick<LoadOptions, "dtype" | "cacheDtype" | "contextLength" | "signal">,
): Promise<LanguageModel> {
  const format = `converting ${escaped(directory.split(/[\\/]/).pop() ?? "")} [{bar}] {percentage}% {stage}`;
  const bar = progressBar(format);
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
