import type { CausalLM } from "../engine/causal-lm.js";
import { UsageError } from "../types/errors.js";
import { hasMethods } from "../types/option-kinds.js";
import { shown } from "../types/shown.js";

/** A loaded model, alone or with heads. */
export interface LoadedModel {
  readonly model: CausalLM;
}

/** The engine's part of a loaded model. @throws UsageError when it is none, named by the function that was called */
export function engineOf(given: LoadedModel, of: string): CausalLM {
  if (hasMethods(given?.model, ["forward", "newSequence"])) return given.model;
  throw new UsageError(
    `${of} needs a loaded model: await AutoModelForCausalLM.fromPretrained(...), got ${shown(given)}`,
  );
}
