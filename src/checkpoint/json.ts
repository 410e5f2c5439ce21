import { readFile } from "node:fs/promises";
import { CheckpointError } from "../types/errors.js";

/** The JSON object in a file. @throws CheckpointError naming the file. */
export async function readJson(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw unreadable(path, error);
  }
  return parseObject(text, path);
}

/** The JSON object in a file, or undefined when there is no such file. */
export async function readJsonIfPresent(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    return parseObject(await readFile(path, "utf8"), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error instanceof CheckpointError ? error : unreadable(path, error);
  }
}

export function parseObject(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(`${file} is not valid JSON: ${(error as Error).message.split("\n")[0]}`);
  }
  if (isObject(value)) return value;
  throw new CheckpointError(`${file} must hold a JSON object`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function unreadable(path: string, error: unknown): CheckpointError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return new CheckpointError(`${path} does not exist: is this a Hugging Face checkpoint directory?`);
  return new CheckpointError(`${path} cannot be read (${code ?? (error as Error).message})`);
}
