import { type FileHandle, open, rm } from "node:fs/promises";
import { basename } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { writeFully } from "../files/write-fully.js";
import { narrow } from "../formats/half-floats.js";
import { elementCount, type TensorSource } from "../formats/tensor-source.js";
import type {
  EmbeddingSpec,
  HiddenBasisSpec,
  LinearSpec,
  StoredTensor,
  VectorSpec,
  WeightFormat,
  WeightManifest,
  WeightSpec,
} from "../models/weight-spec.js";
import { CheckpointError } from "../types/errors.js";
import { Fp32Weight, Q4Weight, Q8Weight } from "./quantise.js";
import { RotatedBasis, type RowChange } from "./rotated-basis.js";
import { storedTensors, tiledDtype } from "./stored-tensors.js";
import { TiledWeight } from "./tiled-weight.js";
import { ALIGNMENT } from "./weight-layout.js";

/** Bytes of fp32 rows read and converted at a stretch: keeps the event loop free and memory small. */
const PANEL_BYTES = 8 << 20;

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
  const total = checkTensors(source, specs);
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
    throw error;
  }
}

class Converter {
  readonly tensors: Record<string, StoredTensor> = {};
  private readonly basis: RotatedBasis | undefined;
  private position = 0;
  private done = 0;

  constructor(
    private readonly source: TensorSource,
    private readonly format: WeightFormat,
    private readonly file: FileHandle,
    private readonly total: number,
    private readonly options: ConvertOptions,
  ) {
    this.basis = format.product === "MatMulIntegerToFloat" ? new RotatedBasis(source) : undefined;
  }

  async convert(spec: WeightSpec): Promise<void> {
    const change = await this.basis?.change(spec);
    if (spec.kind === "linear") await this.linear(spec, change);
    else if (spec.kind === "embedding") await this.embedding(spec, change);
    else if (spec.kind === "vector") await this.vector(spec, change);
    else if (change) await this.hiddenBasis(spec, change);
  }

  private async vector(spec: VectorSpec, change?: RowChange): Promise<void> {
    const { parts, length } = spec;
    const values = new Float32Array(length);
    let at = 0;
    for (const { tensor } of parts) {
      await this.panels(tensor, (rows) => {
        values.set(rows, at);
        at += rows.length;
      });
    }
    change?.(values, 0, length);
    await this.write(spec, [values]);
  }

  private async hiddenBasis(spec: HiddenBasisSpec, change: RowChange): Promise<void> {
    const { width } = spec;
    const matrix = new Float32Array(width * width);
    change(matrix, 0, width);
    await this.write(spec, [matrix]);
  }

  private async linear(spec: LinearSpec, change?: RowChange): Promise<void> {
    const weight = newWeight(this.format, spec);
    let first = 0;
    for (const part of spec.parts) {
      const take = (rows: Float32Array, start: number, count: number) => {
        change?.(rows, first + start, count);
        weight.put(rows, first + start, count);
      };
      await this.panels(part.tensor, take, change !== undefined && spec.intoResidual);
      first += part.out;
    }
    await this.write(spec, "scales" in weight ? [weight.data, weight.scales] : [weight.data]);
  }

  private async embedding(spec: EmbeddingSpec, change?: RowChange): Promise<void> {
    const { tensor, rows, columns } = spec;
    const [{ type }] = storedTensors(spec, this.format, this.source);
    const table = type === "f32" ? new Float32Array(rows * columns) : new Uint16Array(rows * columns);
    await this.panels(tensor, (panel, start, count) => {
      change?.(panel, start, count);
      if (table instanceof Float32Array) table.set(panel, start * columns);
      else narrow(type === "bf16" ? "BF16" : "F16", panel, table, start * columns);
    });
    await this.write(spec, [table]);
  }

  /** Hands a tensor's rows to `take`, panel by panel or whole. */
  private async panels(
    tensor: string,
    take: (rows: Float32Array, start: number, count: number) => void,
    whole = false,
  ): Promise<void> {
    const { shape } = this.source.info(tensor)!;
    const width = elementCount(shape.slice(1));
    const most = whole ? shape[0] : Math.max(1, Math.floor(PANEL_BYTES / 4 / width));
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

  private async write(spec: WeightSpec, data: readonly ArrayBufferView[]): Promise<void> {
    for (const [i, { name, type, shape }] of storedTensors(spec, this.format, this.source).entries()) {
      const offset = Math.ceil(this.position / ALIGNMENT) * ALIGNMENT;
      const bytes = new Uint8Array(data[i].buffer as ArrayBuffer, data[i].byteOffset, data[i].byteLength);
      await writeFully(this.file, bytes, offset);
      this.tensors[name] = { type, shape, offset, length: bytes.length };
      this.position = offset + bytes.length;
    }
  }
}

function newWeight(format: WeightFormat, spec: LinearSpec) {
  const { product, q8Signed } = format;
  const { in: K, out: N } = spec;
  if (product === "MatMul") return new Fp32Weight(K, N);
  if (product === "SkinnyMatMul") return new TiledWeight(K, N, tiledDtype(format, spec));
  return product === "MatMulIntegerToFloat" ? new Q8Weight(K, N, q8Signed) : new Q4Weight(K, N);
}

/** The tensors of a checkpoint that a weight is made of, with the shapes that they must have. */
export function* sourceTensors(spec: WeightSpec): Generator<[name: string, shape: number[]]> {
  if (spec.kind === "linear") for (const part of spec.parts) yield [part.tensor, [part.out, spec.in]];
  else if (spec.kind === "embedding") yield [spec.tensor, [spec.rows, spec.columns]];
  else if (spec.kind === "vector") for (const part of spec.parts) yield [part.tensor, [part.out]];
}

/**
 * Checks names, shapes and dtypes of the tensors that `specs` name, and counts their elements (a shared one as often as
 * it is converted).
 * @throws CheckpointError for the first that is missing or does not fit
 */
export function checkTensors(source: TensorSource, specs: readonly WeightSpec[]): number {
  let total = 0;
  for (const spec of specs) for (const [name, shape] of sourceTensors(spec)) total += checkTensor(source, name, shape);
  return total;
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
