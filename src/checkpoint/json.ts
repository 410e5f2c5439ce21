import { readFile } from "node:fs/promises";
import { CheckpointError } from "../types/errors.js";

/** Longest piece of a user's file that an error repeats. */
const SHOWN_CHARACTERS = 80;

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

/** The JSON object in a file, or undefined when there is no such file. @throws CheckpointError naming the file. */
export async function readJsonIfPresent(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    return parseObject(await readFile(path, "utf8"), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error instanceof CheckpointError ? error : unreadable(path, error);
  }
}

/** @param file names the text in errors. @throws CheckpointError when `text` is not a JSON object. */
export function parseObject(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = (error as Error).message.replace(/[\s\p{Cc}]+/gu, " ");
    throw new CheckpointError(`${file} is not valid JSON (${reason}): it is damaged, download it again`);
  }
  if (isObject(value)) return value;
  throw new CheckpointError(`${file} holds ${show(value)}, expected a JSON object: download it again`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value from a user's file for an error: on one line, cut when long. */
export function show(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? "nothing";
  } catch {
    // Nested deeper than the stack.
    text = `a nested ${typeof value}`;
  }
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
}

/** A file system's error as a CheckpointError. */
export function unreadable(path: string, error: unknown): CheckpointError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") {
    return new CheckpointError(`${path} does not exist: is this a Hugging Face checkpoint directory?`);
  }
  return new CheckpointError(`${path} cannot be read (${code ?? message}): check the file and its permissions`);
}
