import { type FileHandle, open } from "node:fs/promises";
import { CheckpointError } from "../types/errors.js";
import { BYTES_PER_ELEMENT, toFloat32 } from "./half-floats.js";
import { isObject, parseObject, unreadable } from "./json.js";
import { elementCount, type TensorDtype, type TensorInfo } from "./tensor-source.js";

/** The reference implementation's limit: a longer header is taken for garbage, not read into memory. */
const MAX_HEADER_BYTES = 100_000_000;

/** Bytes of an element of every dtype that the format knows; those not in BYTES_PER_ELEMENT cannot be weights here. */
const DTYPE_BYTES: Readonly<Record<string, number>> = {
  ...{ F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1, U16: 2, U32: 4, U64: 8 },
  ...{ F8_E4M3: 1, F8_E5M2: 1 },
};

interface Entry {
  dtype: string;
  shape: number[];
  start: number;
  end: number;
}

/** One .safetensors file, read by ranges. */
export class SafetensorsFile {
  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private readonly dataStart: number,
    private readonly entries: ReadonlyMap<string, Entry>,
  ) {}

  /** Reads and checks the header. @throws CheckpointError naming file and tensor. */
  static async open(path: string): Promise<SafetensorsFile> {
    let file: FileHandle;
    try {
      file = await open(path, "r");
    } catch (error) {
      throw unreadable(path, error);
    }
    try {
      const { size } = await file.stat();
      const length = await headerLength(file, path, size);
      const bytes = Buffer.alloc(length);
      await file.read(bytes, 0, length, 8);
      const entries = parseHeader(bytes.toString("utf8"), path, size - 8 - length);
      return new SafetensorsFile(path, file, 8 + length, entries);
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

  /** @throws CheckpointError for a dtype that cannot be a weight. */
  info(name: string): TensorInfo | undefined {
    const entry = this.entries.get(name);
    if (!entry) return undefined;
    if (entry.dtype in BYTES_PER_ELEMENT) return { dtype: entry.dtype as TensorDtype, shape: entry.shape };
    throw new CheckpointError(
      `${this.path}: tensor "${name}" has dtype ${entry.dtype}, expected F32, F16 or BF16: convert the checkpoint`,
    );
  }

  async readRows(name: string, start: number, count: number, into: Float32Array): Promise<void> {
    const { dtype, shape } = this.info(name)!;
    const rowBytes = BYTES_PER_ELEMENT[dtype] * elementCount(shape.slice(1));
    const bytes = new Uint8Array(count * rowBytes);
    const position = this.dataStart + this.entries.get(name)!.start + start * rowBytes;
    const { bytesRead } = await this.file.read(bytes, 0, bytes.length, position);
    if (bytesRead !== bytes.length) {
      throw new CheckpointError(`${this.path}: tensor "${name}" ends early: the file changed or is truncated`);
    }
    toFloat32(dtype, bytes, into);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

async function headerLength(file: FileHandle, path: string, size: number): Promise<number> {
  const prefix = Buffer.alloc(8);
  const { bytesRead } = await file.read(prefix, 0, 8, 0);
  if (bytesRead < 8) throw new CheckpointError(`${path} has ${size} bytes, too few for a safetensors file`);
  const length = prefix.readBigUInt64LE();
  if (length > MAX_HEADER_BYTES) {
    throw new CheckpointError(`${path}: the header claims ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed: is this a safetensors file?`);
  }
  if (Number(length) + 8 > size) {
    throw new CheckpointError(`${path}: the header claims ${length} bytes but the file has ${size}: it is truncated or no safetensors file`);
  }
  return Number(length);
}

function parseHeader(text: string, path: string, dataBytes: number): Map<string, Entry> {
  const json = parseObject(text, `${path}: the header`);
  const entries = new Map<string, Entry>();
  for (const [name, value] of Object.entries(json)) {
    if (name !== "__metadata__") entries.set(name, parseEntry(name, value, path));
  }
  // Offsets must cover the data without overlap or hole, as the format asks.
  let position = 0;
  for (const [name, entry] of [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)) {
    if (entry.start !== position) {
      const what = entry.start < position ? "overlaps another tensor" : "leaves a hole before it";
      throw new CheckpointError(`${path}: tensor "${name}" ${what} at byte ${entry.start}: the file is corrupt`);
    }
    position = entry.end;
    if (position > dataBytes) {
      throw new CheckpointError(
        `${path}: tensor "${name}" ends at byte ${position} but the file holds ${dataBytes} bytes of data: it is truncated, download it again`,
      );
    }
  }
  return entries;
}

function parseEntry(name: string, value: unknown, path: string): Entry {
  const fail = (what: string) => new CheckpointError(`${path}: tensor "${name}" ${what}`);
  if (!isObject(value)) throw fail("has no description in the header");
  const { dtype, shape, data_offsets: offsets } = value;
  const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (typeof dtype !== "string" || !(dtype in DTYPE_BYTES)) throw fail(`has unknown dtype ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw fail(`has a bad shape ${JSON.stringify(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1]) {
    throw fail(`has bad data_offsets ${JSON.stringify(offsets)}`);
  }
  const bytes = elementCount(shape) * DTYPE_BYTES[dtype];
  if (bytes !== offsets[1] - offsets[0]) {
    throw fail(`of shape [${shape}] and dtype ${dtype} needs ${bytes} bytes but its offsets span ${offsets[1] - offsets[0]}`);
  }
  return { dtype, shape, start: offsets[0], end: offsets[1] };
}
