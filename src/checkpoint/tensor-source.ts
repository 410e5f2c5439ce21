export type TensorDtype = "F32" | "F16" | "BF16";

export interface TensorInfo {
  dtype: TensorDtype;
  shape: readonly number[];
}

/** Where conversion reads weights from: a checkpoint's files, or a synthetic model. */
export interface TensorSource {
  names(): Iterable<string>;
  info(name: string): TensorInfo | undefined;
  /** Fills `into` with rows [start, start + count) of a tensor seen as [shape[0], rest], as 32-bit floats. */
  readRows(name: string, start: number, count: number, into: Float32Array): Promise<void>;
  /** A digest (hex) of configuration and contents. */
  digest(): Promise<string>;
  close(): Promise<void>;
}

/** Elements of a tensor. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
