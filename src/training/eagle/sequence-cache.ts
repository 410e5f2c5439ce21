import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { readFully } from "../../files/regular-file.js";
import { writeFully } from "../../files/write-fully.js";
import { narrow } from "../../formats/half-floats.js";
import { ForetokenError } from "../../types/errors.js";

/** A label that counts for nothing, as PyTorch has it. */
export const IGNORED = -100;
/** Numbers of a row beside its features. */
const FACTS = 4;

/** What a row of a draft layer is made of: row j of a text reads token j + 1. */
export interface DraftRow {
  token: number;
  /** Its place in its text. */
  position: number;
  /** Says which rows of a sequence are one text. */
  segment: number;
  /** The target's likeliest next token; -100 where there is nothing to learn. */
  choice: number;
}

/** Packed sequences in memory, one under the other. */
export interface SequenceRows {
  /** Half-precision floats [rows, width]: the target's streams at token j, and its hidden state at token j + 1. */
  features: Uint16Array;
  rows: DraftRow[];
}

/** Sequences of a fixed number of rows in two files: features, and facts. */
export class SequenceCache {
  private constructor(
    private readonly features: FileHandle,
    private readonly facts: FileHandle,
    readonly sequences: number,
    private readonly length: number,
    private readonly width: number,
  ) {}

  static async open(directory: string, name: string, sequences: number, length: number, width: number) {
    const [features, facts] = await Promise.all(filesOf(directory, name).map((path) => open(path, "r")));
    return new SequenceCache(features, facts, sequences, length, width);
  }

  /** Reads the features of sequences, one under the other, to the beginning of `into`. */
  async readFeatures(sequences: ArrayLike<number>, into: Uint16Array): Promise<void> {
    const size = this.length * this.width;
    for (let i = 0; i < sequences.length; i++) {
      const part = into.subarray(i * size, (i + 1) * size);
      await readFully(this.features, bytesOf(part), sequences[i] * part.byteLength);
    }
  }

  async readRows(sequences: ArrayLike<number>): Promise<DraftRow[]> {
    const facts = new Int32Array(this.length * FACTS);
    const rows: DraftRow[] = [];
    for (let i = 0; i < sequences.length; i++) {
      await readFully(this.facts, bytesOf(facts), sequences[i] * facts.byteLength);
      for (let at = 0; at < facts.length; at += FACTS) {
        const [token, position, segment, choice] = facts.subarray(at, at + FACTS);
        rows.push({ token, position, segment, choice });
      }
    }
    return rows;
  }

  async close(): Promise<void> {
    await this.features.close();
    await this.facts.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Packs texts into sequences: as many whole ones as fit, the rest of a sequence stays empty. */
export class SequenceWriter {
  sequences = 0;
  private filled = 0;
  private segment = 0;
  private readonly packed: Uint16Array;
  private readonly table: Int32Array;

  private constructor(
    private readonly features: FileHandle,
    private readonly facts: FileHandle,
    private readonly length: number,
    private readonly width: number,
  ) {
    this.packed = new Uint16Array(length * width);
    this.table = new Int32Array(length * FACTS);
    this.clear();
  }

  static async create(directory: string, name: string, length: number, width: number): Promise<SequenceWriter> {
    const [features, facts] = await Promise.all(filesOf(directory, name).map((path) => open(path, "w")));
    return new SequenceWriter(features, facts, length, width);
  }

  /**
   * @param features [rows, width], of at most `length` rows
   * @throws ForetokenError where the disk is full
   */
  async add(features: Float32Array, rows: readonly Omit<DraftRow, "segment">[]): Promise<void> {
    if (this.filled + rows.length > this.length) await this.flush();
    narrow("F16", features, this.packed, this.filled * this.width);
    for (const { token, position, choice } of rows) {
      this.table.set([token, position, this.segment, choice], this.filled++ * FACTS);
    }
    this.segment++;
  }

  /** Writes what has been added. */
  async close(): Promise<void> {
    try {
      if (this.filled > 0) await this.flush();
    } finally {
      await this.features.close();
      await this.facts.close();
    }
  }

  private async flush(): Promise<void> {
    const at = this.sequences++;
    try {
      await writeFully(this.features, bytesOf(this.packed), at * this.packed.byteLength);
      await writeFully(this.facts, bytesOf(this.table), at * this.table.byteLength);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new ForetokenError(`hidden states cannot be written (${code}): free some space, or give maxTokens`);
    }
    this.clear();
  }

  private clear(): void {
    this.packed.fill(0);
    for (let row = 0; row < this.length; row++) this.table.set([0, 0, -1, IGNORED], row * FACTS);
    this.filled = 0;
    this.segment = 0;
  }
}

function filesOf(directory: string, name: string): string[] {
  return [join(directory, `${name}.features`), join(directory, `${name}.facts`)];
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint16Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
