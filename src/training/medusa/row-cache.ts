import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { readFully } from "../../files/regular-file.js";
import { writeFully } from "../../files/write-fully.js";
import { ForetokenError } from "../../types/errors.js";
import { draftIdsOf } from "../draft-vocabulary.js";

/** Rows that lie together, and are trained on together. */
export const ROWS_OF_BLOCK = 32;

/** A label that counts for nothing, as PyTorch has it. */
export const IGNORED = -100;
/** The label of a token that the heads cannot name: nothing is learned of it, and no guess is right. */
export const UNNAMED = -1;

/** Hidden states with their labels, written once and read block by block. */
interface Rows {
  /** [rows, hiddenSize] */
  hidden: Float32Array;
  /** [rows, heads]; below 0 where a head has nothing to learn. */
  labels: Int32Array;
}

/** What a cache's rows are. */
interface RowShape {
  hiddenSize: number;
  heads: number;
  /** The base's ids of the tokens that the heads can name, where they are not all. */
  targetIds?: Int32Array;
}

/** Blocks of rows in two files: hidden states, and labels of every head. */
export class RowCache {
  private constructor(
    private readonly hidden: FileHandle,
    private readonly labels: FileHandle,
    readonly blocks: number,
    private readonly hiddenSize: number,
    private readonly heads: number,
    private readonly draftIds: ReadonlyMap<number, number> | undefined,
  ) {}

  /** @throws ForetokenError where it cannot be read */
  static async open(directory: string, name: string, blocks: number, { hiddenSize, heads, targetIds }: RowShape) {
    const [hidden, labels] = await Promise.all(filesOf(directory, name).map((path) => open(path, "r")));
    return new RowCache(hidden, labels, blocks, hiddenSize, heads, targetIds && draftIdsOf(targetIds));
  }

  /** Reads blocks, one under the other, to the beginning of `into`. */
  async read(blocks: ArrayLike<number>, into: Rows): Promise<void> {
    const [width, labelled] = [ROWS_OF_BLOCK * this.hiddenSize, ROWS_OF_BLOCK * this.heads];
    for (let i = 0; i < blocks.length; i++) {
      const rows = into.hidden.subarray(i * width, (i + 1) * width);
      const labels = into.labels.subarray(i * labelled, (i + 1) * labelled);
      await readFully(this.hidden, bytesOf(rows), blocks[i] * rows.byteLength);
      await this.readLabels(blocks[i], labels);
    }
  }

  /** How many labels each head has in these blocks. */
  async countLabels(blocks: ArrayLike<number>): Promise<number[]> {
    const counts = new Array<number>(this.heads).fill(0);
    const labels = new Int32Array(ROWS_OF_BLOCK * this.heads);
    for (let i = 0; i < blocks.length; i++) {
      await this.readLabels(blocks[i], labels);
      labels.forEach((label, at) => {
        if (label >= 0) counts[at % this.heads]++;
      });
    }
    return counts;
  }

  /** The labels of a block, as the heads name them. */
  private async readLabels(block: number, into: Int32Array): Promise<void> {
    await readFully(this.labels, bytesOf(into), block * into.byteLength);
    const { draftIds } = this;
    if (draftIds) for (const [i, id] of into.entries()) if (id >= 0) into[i] = draftIds.get(id) ?? UNNAMED;
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
  targetIds?: number[];
}

function filesOf(directory: string, name: string): string[] {
  return [join(directory, `${name}.hidden`), join(directory, `${name}.labels`)];
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
