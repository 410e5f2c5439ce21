import { CheckpointError } from "../types/errors.js";
import { shown } from "../types/shown.js";
import type { Architecture } from "./architecture.js";
import { eagle } from "./eagle/eagle.js";
import { llama } from "./llama/llama.js";

/** Adding an architecture is a folder beside llama/ and an entry here. */
const ARCHITECTURES: readonly Architecture[] = [llama];

/** Layers that are opened with a target, not by themselves. */
const DRAFT_LAYERS: readonly Architecture[] = [eagle];

/** @throws CheckpointError for a model_type that no folder describes */
export function architectureOf({ modelType }: { modelType: string }): Architecture {
  const found = [...ARCHITECTURES, ...DRAFT_LAYERS].find((architecture) => architecture.modelType === modelType);
  if (found) return found;
  const known = ARCHITECTURES.map((architecture) => architecture.modelType).join(", ");
  throw new CheckpointError(`config.json: model_type ${shown(modelType)} is not supported, expected one of: ${known}`);
}
