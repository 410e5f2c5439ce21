import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { ForetokenError, UsageError } from "../types/errors.js";
import { escaped } from "../types/shown.js";
import type { TokenId } from "../types/token.js";
import type { TrainingExample } from "./training-example.js";

/** Characters that are tokenised at once: some thousand tokens. */
const PIECE = 16_384;

/** @throws UsageError for what is no file, or an empty one */
export async function checkTextFile(path: string): Promise<void> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `the data ${escaped(path)} cannot be read (${error.code}): give a file of text, or of JSON lines`,
    );
  });
  if (!info.isFile())
    throw new UsageError(`the data ${escaped(path)} is no file: give a file of text, or of JSON lines`);
  if (info.size === 0) throw new UsageError(`the data ${escaped(path)} is empty: give some thousand tokens of text`);
}

/**
 * The texts of a file, read as a stream: plain text in pieces of whole lines, each cut to `length` tokens, or with the
 * ending .jsonl one object with a "text" on each line. Each example begins with the tokenizer's special tokens.
 * @throws ForetokenError naming the line that is no such object
 */
export async function* textExamples(
  path: string,
  tokenizer: Tokenizer,
  length: number,
): AsyncIterable<TrainingExample> {
  const begin = tokenizer.encode("");
  const texts = path.endsWith(".jsonl") ? jsonTexts(path) : pieces(path);
  for await (const text of texts) {
    const tokens = tokenizer.encode(text, { addSpecialTokens: false });
    const step = Math.max(1, length - begin.length);
    for (let from = 0; from < tokens.length; from += step) {
      const example: TokenId[] = [...begin, ...tokens.slice(from, from + step)];
      yield { tokens: example };
    }
  }
}

async function* pieces(path: string): AsyncIterable<string> {
  let piece = "";
  for await (const line of linesOf(path)) {
    piece += `${line}\n`;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}

async function* jsonTexts(path: string): AsyncIterable<string> {
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    if (line.trim() !== "") yield textOf(line, `${escaped(path)}, line ${number}`);
  }
}

function textOf(line: string, place: string): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new ForetokenError(`${place} is not valid JSON: each line must be an object such as {"text": "..."}`);
  }
  const text = (value as { text?: unknown } | null)?.text;
  if (typeof text === "string") return text;
  throw new ForetokenError(`${place} has no "text": each line must be an object such as {"text": "..."}`);
}

function linesOf(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
}
