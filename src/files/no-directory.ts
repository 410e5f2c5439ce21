import { existsSync } from "node:fs";
import { CheckpointError, UsageError } from "../types/errors.js";
import { escaped, shown } from "../types/shown.js";

/** An id of the Hugging Face hub, such as "meta-llama/Llama-3.2-1B". */
const HUB_ID = /^[\w-][\w.-]*\/[\w.-]*[\w-]$/;

/** Why there is no checkpoint at this path, and what to do: ids of the hub are often given in place of folders. */
export function noDirectory(path: string): CheckpointError {
  const name = escaped(path);
  const [owner, model] = path.split("/");
  if (HUB_ID.test(path) && !existsSync(path) && !existsSync(owner)) {
    return new CheckpointError(
      `no checkpoint directory at ${name}: if that is a model of the Hugging Face hub, get its files first (hf download ${name} --local-dir ${model}) and give the folder`,
    );
  }
  return new CheckpointError(
    `no checkpoint directory at ${name}: give a folder with config.json and model.safetensors`,
  );
}

/** @param what reads the folder, for the error. @throws UsageError for what is no path */
export function assertPath(path: unknown, what: string): asserts path is string {
  if (typeof path === "string" && path !== "") return;
  throw new UsageError(`${what} takes the path of a checkpoint's folder, got ${shown(path)}`);
}
