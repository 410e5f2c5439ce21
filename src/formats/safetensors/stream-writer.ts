import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { writeFully } from "../../files/write-fully.js";
import { ForetokenError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";
import { BYTES_PER_ELEMENT } from "../half-floats.js";
import { encoded, type StoredDtype, type TensorValues } from "../new-tensor.js";
import { elementCount } from "../tensor-source.js";

/** A tensor that is going to be written. */
export interface TensorHead {
  name: string;
  shape: readonly number[];
  /** How it is stored. */
  dtype: StoredDtype;
}

const SIZES = { ...BYTES_PER_ELEMENT, I64: 8, BOOL: 1 } as const;

/** Writes a .safetensors file tensor by tensor, in any order; the file appears whole, at the end, or not at all. */
export class SafetensorsWriter {
  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
    private readonly places: ReadonlyMap<string, { dtype: StoredDtype; at: number }>,
  ) {}

  /** @throws ForetokenError where the file cannot be written, as all that follows */
  static async create(path: string, tensors: readonly TensorHead[]): Promise<SafetensorsWriter> {
    const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
    const offsets = new Map<string, number>();
    let at = 0;
    for (const { name, shape, dtype } of tensors) {
      const end = at + SIZES[dtype] * elementCount(shape);
      header[name] = { dtype, shape, data_offsets: [at, end] };
      offsets.set(name, at);
      at = end;
    }
    const text = JSON.stringify(header);
    const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    const begin = length.length + json.length;
    const places = new Map(tensors.map(({ name, dtype }) => [name, { dtype, at: begin + offsets.get(name)! }]));
    const temporary = `${path}.tmp-${process.pid}`;
    try {
      const file = await open(temporary, "w");
      const writer = new SafetensorsWriter(path, temporary, file, places);
      await writer.put(Buffer.concat([length, json]), 0);
      return writer;
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /** Writes a tensor's values. */
  write(name: string, values: TensorValues): Promise<void> {
    const { dtype, at } = this.places.get(name)!;
    return this.put(encoded(values, dtype), at);
  }

  /** Puts the file in its place. Every tensor must have been written. */
  async finish(): Promise<void> {
    try {
      await this.file.sync();
      await this.file.close();
      await rename(this.temporary, this.path);
    } catch (error) {
      await this.discard();
      throw unwritable(this.path, error);
    }
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    await this.file.close().catch(() => {});
    await rm(this.temporary, { force: true });
  }

  private async put(bytes: Uint8Array, at: number): Promise<void> {
    try {
      await writeFully(this.file, bytes, at);
    } catch (error) {
      await this.discard();
      throw unwritable(this.path, error);
    }
  }
}

function unwritable(path: string, error: unknown): ForetokenError {
  if (error instanceof ForetokenError) return error;
  const { code } = error as NodeJS.ErrnoException;
  return new ForetokenError(`${escaped(path)} cannot be written (${code}): free some space or choose another place`);
}
