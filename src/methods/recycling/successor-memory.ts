import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { ForetokenError, UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";

const MAGIC = "foretoken successors 1";

/** For every token, the likeliest successors that the target named the last time it read that token, likeliest first. */
export class SuccessorMemory {
  private readonly table: Int32Array;

  /** @param width successors kept for a token. Default 8 */
  constructor(
    readonly vocabSize: number,
    readonly width = 8,
    table?: Int32Array,
  ) {
    this.table = table ?? new Int32Array(vocabSize * width).fill(-1);
  }

  /** The successor of that rank, undefined while the token was not met. */
  successor(token: TokenId, rank: number): TokenId | undefined {
    const found = rank < this.width ? this.table[token * this.width + rank] : -1;
    return found < 0 ? undefined : found;
  }

  remember(token: TokenId, successors: readonly TokenId[]): void {
    this.table.set(successors.length > this.width ? successors.slice(0, this.width) : successors, token * this.width);
  }

  /** Writes the memory to a file, for `load` in another run. */
  save(path: string): void {
    const header = Buffer.from(`${JSON.stringify({ format: MAGIC, vocabSize: this.vocabSize, width: this.width })}\n`);
    const temporary = `${path}.tmp-${process.pid}`;
    try {
      writeFileSync(temporary, Buffer.concat([header, new Uint8Array(this.table.buffer)]));
      renameSync(temporary, path);
    } catch (error) {
      throw new ForetokenError(
        `${path} cannot be written (${(error as NodeJS.ErrnoException).code}): choose another place`,
      );
    }
  }

  /** @throws UsageError when the file is no memory, or one of another vocabulary */
  static load(path: string, vocabSize: number): SuccessorMemory {
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      throw new ForetokenError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
    const end = bytes.indexOf("\n");
    const header = parse(bytes.subarray(0, Math.max(0, end)).toString("utf8"));
    const { vocabSize: found, width } = header ?? {};
    const size = Number(found) * Number(width) * 4;
    if (!header || !(size > 0) || bytes.length !== end + 1 + size) {
      throw new UsageError(`${path} is no memory of token recycling, or a damaged one: delete it`);
    }
    if (found !== vocabSize) {
      throw new UsageError(
        `${path} is for a vocabulary of ${found} tokens, the model has ${vocabSize}: use another file`,
      );
    }
    const table = new Int32Array(size / 4);
    new Uint8Array(table.buffer).set(bytes.subarray(end + 1));
    if (table.some((id) => id < -1 || id >= vocabSize)) {
      throw new UsageError(`${path} names tokens outside the vocabulary: delete it`);
    }
    return new SuccessorMemory(vocabSize, width, table);
  }
}

function parse(text: string): { vocabSize: number; width: number } | undefined {
  try {
    const header = JSON.parse(text);
    return header?.format === MAGIC ? header : undefined;
  } catch {
    return undefined;
  }
}
