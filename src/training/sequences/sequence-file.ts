import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { readFully } from "../../files/regular-file.js";
import { writeFully } from "../../files/write-fully.js";
import { ForetokenError } from "../../types/errors.js";
import type { PackedSequence } from "./packed-sequence.js";

/** Packed sequences in two files: their integers, and their rows of numbers. Written once, read in any order. */
export class SequenceFile {
  private constructor(
    private readonly tokens: FileHandle,
    private readonly rows: FileHandle,
    /** Sequences that it holds. */
    public count: number,
  ) {}

  static async create(directory: string, name: string): Promise<SequenceFile> {
    const [tokens, rows] = await Promise.all(filesOf(directory, name).map((path) => open(path, "w")));
    return new SequenceFile(tokens, rows, 0);
  }

  static async open(directory: string, name: string, count: number): Promise<SequenceFile> {
    const [tokens, rows] = await Promise.all(filesOf(directory, name).map((path) => open(path, "r")));
    return new SequenceFile(tokens, rows, count);
  }

  /** @throws ForetokenError where the disk is full */
  async add({ integers, rows }: PackedSequence): Promise<void> {
    const at = this.count++;
    try {
      await writeFully(this.tokens, bytesOf(integers), at * integers.byteLength);
      await writeFully(this.rows, bytesOf(rows), at * rows.byteLength);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new ForetokenError(`what the teacher says cannot be written (${code}): free some space, or give maxTokens`);
    }
  }

  /** Fills `into` with a sequence; `rows: false` leaves its rows as they are. */
  async read(index: number, into: PackedSequence, { rows = true } = {}): Promise<void> {
    await readFully(this.tokens, bytesOf(into.integers), index * into.integers.byteLength);
    if (rows) await readFully(this.rows, bytesOf(into.rows), index * into.rows.byteLength);
  }

  async close(): Promise<void> {
    await this.tokens.close();
    await this.rows.close();
  }
}

const filesOf = (directory: string, name: string) =>
  ["tokens", "rows"].map((kind) => join(directory, `${name}.${kind}`));

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
