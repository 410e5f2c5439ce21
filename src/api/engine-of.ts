import type { CausalLM } from "../engine/causal-lm.js";
import { UsageError } from "../types/errors.js";
import { hasMethods } from "../types/option-kinds.js";
import { shown } from "../types/shown.js";

/** A loaded model, alone or with heads. */
export interface LoadedModel {
  readonly model: CausalLM;
}

export const A_LOADED_MODEL = "a loaded model: await AutoModelForCausalLM.fromPretrained(...)";

export function isLoadedModel(given: unknown): given is LoadedModel {
  return hasMethods((given as Partial<LoadedModel> | undefined)?.model, ["forward", "newSequence"]);
}

/** The engine's part of a loaded model. @throws UsageError when it is none, named by the function that was called */
export function engineOf(given: LoadedModel, of: string): CausalLM {
  if (isLoadedModel(given)) return given.model;
  throw new UsageError(`${of} needs ${A_LOADED_MODEL}, got ${shown(given)}`);
}
