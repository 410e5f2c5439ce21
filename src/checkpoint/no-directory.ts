import { existsSync } from "node:fs";
import { CheckpointError } from "../types/errors.js";
import { escaped } from "../types/shown.js";

/** An id of the Hugging Face hub, such as "meta-llama/Llama-3.2-1B". */
const HUB_ID = /^[\w-][\w.-]*\/[\w.-]*[\w-]$/;

/** Why there is no checkpoint at this path, and what to do: ids of the hub are often given in place of folders. */
export function noDirectory(path: string): CheckpointError {
  const shown = escaped(path);
  const [owner, name] = path.split("/");
  if (HUB_ID.test(path) && !existsSync(path) && !existsSync(owner)) {
    return new CheckpointError(
      `no checkpoint directory at ${shown}: if that is a model of the Hugging Face hub, get its files first (hf download ${shown} --local-dir ${name}) and give the folder`,
    );
  }
  return new CheckpointError(
    `no checkpoint directory at ${shown}: give a folder with config.json and model.safetensors`,
  );
}
