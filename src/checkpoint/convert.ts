import { type FileHandle, open, rm } from "node:fs/promises";
import { basename } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { CheckpointError, ForetokenError } from "../types/errors.js";
import { Fp32Weight, Q4_BLOCK, Q4Weight, Q8Weight } from "./quantise.js";
import { elementCount, type TensorSource } from "./tensor-source.js";
import type {
  EmbeddingSpec,
  LinearSpec,
  StoredTensor,
  WeightFormat,
  WeightManifest,
  WeightSpec,
} from "./weight-spec.js";

/** Bytes of fp32 rows read and converted at a stretch: keeps the event loop free and memory small. */
const PANEL_BYTES = 8 << 20;
/** Mapped tensors begin at page boundaries. */
const ALIGNMENT = 4096;

export interface ConvertOptions {
  /** From 0 to 1, by source elements. */
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal;
}

/**
 * Streams the weights that `specs` name into a new file at `path`. All names and shapes are checked before a byte is
 * written; on any failure the file is removed. Holds one converted tensor and one panel of rows in memory.
 * @throws CheckpointError for a missing tensor, a wrong shape, or a value that is not finite
 */
export async function convertWeights(
  source: TensorSource,
  specs: readonly WeightSpec[],
  format: WeightFormat,
  path: string,
  options: ConvertOptions = {},
): Promise<WeightManifest> {
  let total = 0;
  for (const spec of specs) for (const [name, shape] of sourceTensors(spec)) total += checkTensor(source, name, shape);
  const file = await open(path, "wx");
  try {
    const writer = new Converter(source, format, file, total, options);
    for (const spec of specs) await writer.convert(spec);
    await file.sync();
    await file.close();
    return { ...format, file: basename(path), tensors: writer.tensors };
  } catch (error) {
    await file.close().catch(() => {});
    await rm(path, { force: true });
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    throw new ForetokenError(`the disk is full: free some space for ${path} or set FORETOKEN_CACHE to another disk`);
  }
}

class Converter {
  readonly tensors: Record<string, StoredTensor> = {};
  private position = 0;
  private done = 0;

  constructor(
    private readonly source: TensorSource,
    private readonly format: WeightFormat,
    private readonly file: FileHandle,
    private readonly total: number,
    private readonly options: ConvertOptions,
  ) {}

  async convert(spec: WeightSpec): Promise<void> {
    if (spec.kind === "linear") await this.linear(spec);
    else if (spec.kind === "embedding") await this.embedding(spec);
    else {
      const values = new Float32Array(spec.length);
      let at = 0;
      for (const { tensor } of spec.parts) {
        await this.panels(tensor, (rows) => {
          values.set(rows, at);
          at += rows.length;
        });
      }
      await this.write(spec.name, "f32", [spec.length], values);
    }
  }

  private async linear(spec: LinearSpec): Promise<void> {
    const { name, in: K, out: N } = spec;
    const { dtype, q8Signed } = this.format;
    const weight =
      dtype === "fp32" ? new Fp32Weight(K, N) : dtype === "q8" ? new Q8Weight(K, N, q8Signed) : new Q4Weight(K, N);
    let first = 0;
    for (const part of spec.parts) {
      await this.panels(part.tensor, (rows, start, count) => weight.put(rows, first + start, count));
      first += part.out;
    }
    if (weight instanceof Fp32Weight) return this.write(name, "f32", [K, N], weight.data);
    if (weight instanceof Q8Weight) {
      await this.write(`${name}.q`, q8Signed ? "i8" : "u8", [K, N], weight.data);
      return this.write(`${name}.scale`, "f32", [N], weight.scales);
    }
    await this.write(`${name}.q`, "u8", [N, weight.blocks, Q4_BLOCK / 2], weight.data);
    return this.write(`${name}.scale`, "f32", [N, weight.blocks], weight.scales);
  }

  /** Stored in the checkpoint's dtype: narrowing values that were widened from it is exact. */
  private async embedding({ name, tensor, rows, columns }: EmbeddingSpec): Promise<void> {
    const { dtype } = this.source.info(tensor)!;
    if (dtype === "F32") {
      const table = new Float32Array(rows * columns);
      await this.panels(tensor, (panel, start) => table.set(panel, start * columns));
      return this.write(name, "f32", [rows, columns], table);
    }
    const table = new Uint16Array(rows * columns);
    const narrow = dtype === "BF16" ? toBf16 : toF16;
    await this.panels(tensor, (panel, start) => narrow(panel, table, start * columns));
    await this.write(name, dtype === "BF16" ? "bf16" : "f16", [rows, columns], table);
  }

  /** Hands a tensor's rows to `take`, panel by panel. */
  private async panels(
    tensor: string,
    take: (rows: Float32Array, start: number, count: number) => void,
  ): Promise<void> {
    const { shape } = this.source.info(tensor)!;
    const width = elementCount(shape.slice(1));
    const most = Math.max(1, Math.floor(PANEL_BYTES / 4 / width));
    for (let start = 0; start < shape[0]; start += most) {
      this.options.signal?.throwIfAborted();
      const count = Math.min(most, shape[0] - start);
      const rows = new Float32Array(count * width);
      await this.source.readRows(tensor, start, count, rows);
      checkFinite(rows, tensor);
      take(rows, start, count);
      this.done += rows.length;
      this.options.onProgress?.(this.done / this.total);
      // Sources that need no reading answer at once: the event loop still gets its turn.
      await nextTurn();
    }
  }

  private async write(name: string, type: StoredTensor["type"], shape: number[], data: ArrayBufferView): Promise<void> {
    const offset = Math.ceil(this.position / ALIGNMENT) * ALIGNMENT;
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    // One write takes at most 2 GiB.
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.file.write(bytes, at, Math.min(bytes.length - at, 1 << 30), offset + at);
      at += bytesWritten;
    }
    this.tensors[name] = { type, shape, offset, length: bytes.length };
    this.position = offset + bytes.length;
  }
}

function* sourceTensors(spec: WeightSpec): Generator<[name: string, shape: number[]]> {
  if (spec.kind === "linear") for (const part of spec.parts) yield [part.tensor, [part.out, spec.in]];
  else if (spec.kind === "embedding") yield [spec.tensor, [spec.rows, spec.columns]];
  else for (const part of spec.parts) yield [part.tensor, [part.out]];
}

/** Returns the tensor's number of elements. */
function checkTensor(source: TensorSource, name: string, expected: readonly number[]): number {
  const info = source.info(name);
  if (!info) throw new CheckpointError(`the checkpoint has no tensor "${name}", which config.json's model needs`);
  if (info.shape.length === expected.length && expected.every((dim, i) => dim === info.shape[i]))
    return elementCount(info.shape);
  throw new CheckpointError(
    `tensor "${name}" has shape [${info.shape.join(", ")}], expected [${expected.join(", ")}] from config.json`,
  );
}

function checkFinite(rows: Float32Array, tensor: string): void {
  for (let i = 0; i < rows.length; i++) {
    if (Number.isFinite(rows[i])) continue;
    throw new CheckpointError(`tensor "${tensor}" holds ${rows[i]}: the checkpoint is damaged`);
  }
}

function toBf16(from: Float32Array, to: Uint16Array, at: number): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  for (let i = 0; i < bits.length; i++) to[at + i] = bits[i] >>> 16;
}

/** Only for values that are halves already: no rounding. */
function toF16(from: Float32Array, to: Uint16Array, at: number): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  for (let i = 0; i < bits.length; i++) {
    const sign = (bits[i] >>> 16) & 0x8000;
    const exponent = ((bits[i] >>> 23) & 255) - 127;
    if (exponent >= -14) to[at + i] = sign | ((exponent + 15) << 10) | ((bits[i] >>> 13) & 1023);
    else to[at + i] = sign | Math.round(Math.abs(from[i]) * 2 ** 24);
  }
}
