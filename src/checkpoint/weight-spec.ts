import type { Dtype } from "../types/model-config.js";

/** One weight of a graph, made of one or several checkpoint tensors. */
export type WeightSpec = LinearSpec | VectorSpec | EmbeddingSpec;

/** A product's weight [out, in] in the checkpoint; `parts` are joined along the output axis (q, k, v). */
export interface LinearSpec {
  kind: "linear";
  name: string;
  in: number;
  out: number;
  parts: readonly { tensor: string; out: number }[];
}

/** Norm gains and biases: fp32, tensors joined. */
export interface VectorSpec {
  kind: "vector";
  name: string;
  parts: readonly { tensor: string; out: number }[];
  length: number;
}

/** A table [rows, columns] of which rows are gathered; kept in the checkpoint's own dtype. */
export interface EmbeddingSpec {
  kind: "embedding";
  name: string;
  tensor: string;
  rows: number;
  columns: number;
}

export type StoredType = "f32" | "f16" | "bf16" | "u8" | "i8";

/** A tensor inside a weight file. */
export interface StoredTensor {
  type: StoredType;
  shape: readonly number[];
  /** Bytes from the start of the file. */
  offset: number;
  length: number;
  /** Further ONNX external_data entries, e.g. where the packed form lies. */
  extra?: Readonly<Record<string, string>>;
}

/** How products hold their weights. */
export interface WeightFormat {
  dtype: Dtype;
  /** For q8: signed weights, or unsigned ones around 128 for CPUs whose mixed products saturate. */
  q8Signed: boolean;
}

/** What lies where in a weight file. A linear `x` is stored as `x` (fp32), or as `x.q` and `x.scale`. */
export interface WeightManifest extends WeightFormat {
  /** File name, relative to the model's folder. */
  file: string;
  tensors: Record<string, StoredTensor>;
}
