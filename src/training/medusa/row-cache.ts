import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { readFully } from "../../files/regular-file.js";
import { writeFully } from "../../files/write-fully.js";
import { ForetokenError } from "../../types/errors.js";

/** Rows that lie together, and are trained on together. */
export const ROWS_OF_BLOCK = 32;

/** Hidden states with their labels, written once and read block by block. */
interface Rows {
  /** [rows, hiddenSize] */
  hidden: Float32Array;
  /** [rows, heads]; -100 where a head has nothing to learn. */
  labels: Int32Array;
}

/** Blocks of rows in two files: hidden states, and labels of every head. */
export class RowCache {
  private constructor(
    private readonly hidden: FileHandle,
    private readonly labels: FileHandle,
    readonly blocks: number,
    private readonly hiddenSize: number,
    private readonly heads: number,
  ) {}

  /** @throws ForetokenError where it cannot be read */
  static async open(directory: string, name: string, blocks: number, hiddenSize: number, heads: number) {
    const [hidden, labels] = await Promise.all(filesOf(directory, name).map((path) => open(path, "r")));
    return new RowCache(hidden, labels, blocks, hiddenSize, heads);
  }

  /** Reads blocks, one under the other, to the beginning of `into`. */
  async read(blocks: ArrayLike<number>, into: Rows): Promise<void> {
    const [width, labelled] = [ROWS_OF_BLOCK * this.hiddenSize, ROWS_OF_BLOCK * this.heads];
    for (let i = 0; i < blocks.length; i++) {
      const rows = into.hidden.subarray(i * width, (i + 1) * width);
      const labels = into.labels.subarray(i * labelled, (i + 1) * labelled);
      await readFully(this.hidden, bytesOf(rows), blocks[i] * rows.byteLength);
      await readFully(this.labels, bytesOf(labels), blocks[i] * labels.byteLength);
    }
  }

  /** How many labels each head has in these blocks. */
  async countLabels(blocks: ArrayLike<number>): Promise<number[]> {
    const counts = new Array<number>(this.heads).fill(0);
    const labels = new Int32Array(ROWS_OF_BLOCK * this.heads);
    for (let i = 0; i < blocks.length; i++) {
      await readFully(this.labels, bytesOf(labels), blocks[i] * labels.byteLength);
      labels.forEach((label, at) => {
        if (label >= 0) counts[at % this.heads]++;
      });
    }
    return counts;
  }

  async close(): Promise<void> {
    await this.hidden.close();
    await this.labels.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Collects rows into blocks and writes the whole ones; what is left at the end is dropped. */
export class RowWriter {
  private filled = 0;
  blocks = 0;
  private readonly rows: Rows;

  private constructor(
    private readonly hidden: FileHandle,
    private readonly labels: FileHandle,
    private readonly hiddenSize: number,
    private readonly heads: number,
  ) {
    this.rows = {
      hidden: new Float32Array(ROWS_OF_BLOCK * hiddenSize),
      labels: new Int32Array(ROWS_OF_BLOCK * heads),
    };
  }

  static async create(directory: string, name: string, hiddenSize: number, heads: number): Promise<RowWriter> {
    const [hidden, labels] = await Promise.all(filesOf(directory, name).map((path) => open(path, "w")));
    return new RowWriter(hidden, labels, hiddenSize, heads);
  }

  /** @throws ForetokenError where the disk is full */
  async add(hidden: Float32Array, labels: readonly number[]): Promise<void> {
    this.rows.hidden.set(hidden, this.filled * this.hiddenSize);
    this.rows.labels.set(labels, this.filled * this.heads);
    if (++this.filled < ROWS_OF_BLOCK) return;
    this.filled = 0;
    const at = this.blocks++;
    try {
      await writeFully(this.hidden, bytesOf(this.rows.hidden), at * this.rows.hidden.byteLength);
      await writeFully(this.labels, bytesOf(this.rows.labels), at * this.rows.labels.byteLength);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new ForetokenError(`hidden states cannot be written (${code}): free some space, or give maxTokens`);
    }
  }

  async close(): Promise<void> {
    await this.hidden.close();
    await this.labels.close();
  }
}

/** What a finished cache says of itself. */
export interface CacheNote {
  key: string;
  tokens: number;
  trainingBlocks: number;
  validationBlocks: number;
}

function filesOf(directory: string, name: string): string[] {
  return [join(directory, `${name}.hidden`), join(directory, `${name}.labels`)];
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
