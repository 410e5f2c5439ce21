import { WholeFile } from "../../files/whole-file.js";
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
    private readonly file: WholeFile,
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
    const file = await WholeFile.create(path);
    await file.write(Buffer.concat([length, json]), 0);
    return new SafetensorsWriter(file, places);
  }

  /** Writes a tensor's values. */
  write(name: string, values: TensorValues): Promise<void> {
    const { dtype, at } = this.places.get(name)!;
    return this.file.write(encoded(values, dtype), at);
  }

  /** Puts the file in its place. Every tensor must have been written. */
  finish(): Promise<void> {
    return this.file.finish();
  }

  /** Removes what was written. */
  discard(): Promise<void> {
    return this.file.discard();
  }
}
