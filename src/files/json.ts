import { existsSync } from "node:fs";
import { CheckpointError } from "../types/errors.js";
import { escaped, oneLine, shown } from "../types/shown.js";
import { readText } from "./regular-file.js";

/** Room for the index of a thousand shards; a hostile file of that size costs a moment and some memory. */
const MAX_JSON_BYTES = 16 << 20;
/** Deeper nesting overflows the stack of whoever walks the value. */
const MAX_DEPTH = 64;
/** Values in a file, counted by commas: an index of 250,000 tensors, a header (seven each) of 35,000. A second's work. */
const MAX_VALUES = 250_000;
/** Objects and lists: three for each tensor of a header. */
const MAX_CONTAINERS = 105_000;

/** A JSON object whose fields nobody has checked. */
export type Json = Readonly<Record<string, unknown>>;

/** The JSON object in a file. @throws CheckpointError naming the file. */
export async function readJson(path: string): Promise<Record<string, unknown>> {
  return parseObject(await readText(path, MAX_JSON_BYTES), path);
}

/** The JSON object in a file, or undefined when there is no such file. @throws CheckpointError naming the file. */
export async function readJsonIfPresent(path: string): Promise<Record<string, unknown> | undefined> {
  return existsSync(path) ? readJson(path) : undefined;
}

/** @param file names the text in errors. @throws CheckpointError when `text` is not a JSON object. */
export function parseObject(text: string, file: string): Record<string, unknown> {
  const problem = outline(text).problem;
  if (problem) throw new CheckpointError(`${escaped(file)} ${problem}: it is damaged, download it again`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = oneLine((error as Error).message, 160);
    throw new CheckpointError(`${escaped(file)} is not valid JSON (${reason}): it is damaged, download it again`);
  }
  if (isObject(value)) return value;
  throw new CheckpointError(`${escaped(file)} holds ${shown(value)}, expected a JSON object: download it again`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What can be told about JSON text before it is parsed. */
export interface JsonOutline {
  /** Keys of the outermost object, each as often as it stands there. */
  outerKeys: number;
  /** Why it should not be parsed. */
  problem?: string;
}

/** Scans JSON text without building anything; for text that is no JSON the result means nothing. */
export function outline(text: string): JsonOutline {
  let [depth, containers, values, outerKeys] = [0, 0, 0, 0];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) i = endOfString(text, i);
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > MAX_DEPTH) return { outerKeys, problem: `nests deeper than ${MAX_DEPTH} levels` };
      if (++containers > MAX_CONTAINERS) {
        return { outerKeys, problem: `holds more than ${MAX_CONTAINERS} objects and lists` };
      }
    } else if (code === 0x2c) {
      if (++values > MAX_VALUES) return { outerKeys, problem: `holds more than ${MAX_VALUES} values` };
    } else if (code === 0x7d || code === 0x5d) depth--;
    else if (code === 0x3a && depth === 1) outerKeys++;
  }
  return { outerKeys };
}

/** Index of the quote that ends the string whose first quote is at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
