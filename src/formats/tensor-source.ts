/** Element types that weights may have. */
export type TensorDtype = "F32" | "F16" | "BF16";

export interface TensorInfo {
  dtype: TensorDtype;
  shape: readonly number[];
}

/** Where conversion reads weights from: a checkpoint's files, or a synthetic model. */
export interface TensorSource {
  names(): Iterable<string>;
  /** @throws CheckpointError for a tensor whose dtype cannot be a weight's. */
  info(name: string): TensorInfo | undefined;
  /**
   * Fills the start of `into` with rows [start, start + count) of a tensor seen as [shape[0], product of the rest]
   * (a vector's rows are single elements), as 32-bit floats. `into` may be larger.
   */
  readRows(name: string, start: number, count: number, into: Float32Array): Promise<void>;
  /**
   * All elements of a tensor of whole numbers (I64, I32), such as token ids; undefined where there is none of that name.
   * @throws CheckpointError for a tensor of something else
   */
  integers?(name: string): Promise<number[] | undefined>;
  /** A digest (hex) of configuration and contents. */
  digest(): Promise<string>;
  /** The digest where it is remembered, so that nothing must be read; undefined where it is not. */
  knownDigest?(): Promise<string | undefined>;
  close(): Promise<void>;
  /** The file that a tensor lies in, or where it was looked for; errors name it. */
  fileOf?(name: string): string;
}

/** A file of a checkpoint. `has` asks for a name without asking whether its tensor can be a weight. */
export interface WeightFile extends TensorSource {
  readonly path: string;
  /** Of the file when it was opened. */
  readonly stamp: string;
  has(name: string): boolean;
}

/** Elements of a tensor; 1 for a scalar's []. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
