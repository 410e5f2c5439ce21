import type { FileHandle } from "node:fs/promises";
import { fileDigests } from "../../files/digest.js";
import { fileStamp } from "../../files/file-stamp.js";
import { openRegular, readFully, unreadable } from "../../files/regular-file.js";
import { CheckpointError } from "../../types/errors.js";
import { escaped, shown } from "../../types/shown.js";
import { BYTES_PER_ELEMENT, toFloat32 } from "../half-floats.js";
import { toIntegers } from "../integers.js";
import { elementCount, type TensorDtype, type TensorInfo, type WeightFile } from "../tensor-source.js";
import { type HeaderEntry, parseHeader } from "./header.js";

/** Room for more tensors than JSON may name here: a longer header is taken for garbage, not read into memory. */
const MAX_HEADER_BYTES = 16 << 20;
/** A header's length comes before it, as u64. */
const LENGTH_BYTES = 8;

/** One .safetensors file, read by ranges. */
export class SafetensorsFile implements WeightFile {
  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    /** Of the file when it was opened. */
    readonly stamp: string,
    private readonly dataStart: number,
    private readonly entries: ReadonlyMap<string, HeaderEntry>,
  ) {}

  /** Reads and checks the header. @throws CheckpointError naming file and tensor. */
  static async open(path: string): Promise<SafetensorsFile> {
    const file = await openRegular(path);
    try {
      const info = await file.stat({ bigint: true });
      const size = Number(info.size);
      const header = new Uint8Array(await headerLength(file, path, size));
      await readFully(file, header, LENGTH_BYTES);
      const dataStart = LENGTH_BYTES + header.length;
      return new SafetensorsFile(path, file, fileStamp(info), dataStart, parseHeader(header, path, size - dataStart));
    } catch (error) {
      await file.close();
      throw error instanceof CheckpointError ? error : unreadable(path, error);
    }
  }

  names(): Iterable<string> {
    return this.entries.keys();
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** @throws CheckpointError for a dtype that cannot be a weight's. */
  info(name: string): TensorInfo | undefined {
    const entry = this.entries.get(name);
    if (!entry) return undefined;
    if (isWeightDtype(entry.dtype)) return { dtype: entry.dtype, shape: entry.shape };
    throw new CheckpointError(
      `${escaped(this.path)}: tensor ${shown(name)} has dtype ${entry.dtype}, expected F32, F16 or BF16: save the model in one of them`,
    );
  }

  /** See TensorSource.readRows. @throws CheckpointError when the file cannot be read or has shrunk since it was opened. */
  async readRows(name: string, start: number, count: number, into: Float32Array): Promise<void> {
    const info = this.info(name);
    if (!info)
      throw new CheckpointError(`${escaped(this.path)} has no tensor ${shown(name)}: is it another model's file?`);
    const elements = count * elementCount(info.shape.slice(1));
    const rowBytes = BYTES_PER_ELEMENT[info.dtype] * elementCount(info.shape.slice(1));
    const position = this.dataStart + this.entries.get(name)!.start + start * rowBytes;
    // 32-bit floats need no widening: they are read into place.
    const inPlace = info.dtype === "F32";
    const bytes = inPlace
      ? new Uint8Array(into.buffer, into.byteOffset, elements * 4)
      : new Uint8Array(count * rowBytes);
    try {
      await readFully(this.file, bytes, position);
    } catch (error) {
      throw unreadable(`${escaped(this.path)}: tensor ${shown(name)}`, error);
    }
    if (!inPlace) toFloat32(info.dtype, bytes, into);
  }

  async integers(name: string): Promise<number[] | undefined> {
    const entry = this.entries.get(name);
    if (!entry) return undefined;
    const { dtype, start, end } = entry;
    if (dtype !== "I64" && dtype !== "I32") {
      throw new CheckpointError(`${escaped(this.path)}: tensor ${shown(name)} has dtype ${dtype}, expected I64 or I32`);
    }
    const bytes = new Uint8Array(end - start);
    try {
      await readFully(this.file, bytes, this.dataStart + start);
    } catch (error) {
      throw unreadable(`${escaped(this.path)}: tensor ${shown(name)}`, error);
    }
    return toIntegers(dtype, bytes);
  }

  digest(): Promise<string> {
    return fileDigests([this]);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

function isWeightDtype(dtype: string): dtype is TensorDtype {
  return Object.hasOwn(BYTES_PER_ELEMENT, dtype);
}

async function headerLength(file: FileHandle, path: string, size: number): Promise<number> {
  if (size < LENGTH_BYTES) {
    throw new CheckpointError(`${escaped(path)} has ${size} bytes, too few for a safetensors file: download it again`);
  }
  const prefix = Buffer.alloc(LENGTH_BYTES);
  await readFully(file, prefix, 0);
  const length = prefix.readBigUInt64LE();
  if (length > MAX_HEADER_BYTES) {
    throw new CheckpointError(
      `${escaped(path)}: the header claims ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed: is this a safetensors file?`,
    );
  }
  if (Number(length) + LENGTH_BYTES <= size) return Number(length);
  throw new CheckpointError(
    `${escaped(path)}: the header claims ${length} bytes but the file has ${size}: it is truncated, download it again`,
  );
}
