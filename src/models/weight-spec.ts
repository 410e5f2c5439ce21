import type { Dtype } from "../types/model-config.js";

/** One weight of a graph, made of one or several checkpoint tensors. */
export type WeightSpec = LinearSpec | VectorSpec | EmbeddingSpec | HiddenBasisSpec;

/** A product's weight [out, in] in the checkpoint; `parts` are joined along the output axis (q, k, v). */
export interface LinearSpec {
  kind: "linear";
  name: string;
  in: number;
  out: number;
  parts: readonly { tensor: string; out: number }[];
  /** Tensor of the gain that its input was normed with: the product reads the residual stream. */
  normGain?: string;
  /** 4 bits cost too much here: q4 holds it in 8 where SkinnyMatMul multiplies. */
  sensitive?: boolean;
  /** The product is added to the residual stream. */
  intoResidual?: boolean;
  /** It writes ("out") or reads ("in") the channels of a gated MLP. */
  channels?: { of: MlpChannels; side: "in" | "out" };
}

/** The tensors around the inner channels of a gated MLP: down(silu(gate x) * up x), x normed with `gain`. */
export interface MlpChannels {
  up: string;
  gate: string;
  down: string;
  gain: string;
}

/** Norm gains and biases: fp32, tensors joined. */
export interface VectorSpec {
  kind: "vector";
  name: string;
  parts: readonly { tensor: string; out: number }[];
  length: number;
  /** A norm's gain, or a bias that is added to the residual stream. */
  role?: "gain" | "intoResidual";
  /** The bias of these channels' up product. */
  channels?: MlpChannels;
}

/** The matrix [width, width] that turns rotated, gainless rows of the final norm into hidden states. Only for q8. */
export interface HiddenBasisSpec {
  kind: "hiddenBasis";
  name: string;
  gain: string;
  width: number;
}

/** A table [rows, columns] of which rows are gathered; as wide as in the checkpoint. */
export interface EmbeddingSpec {
  kind: "embedding";
  name: string;
  tensor: string;
  rows: number;
  columns: number;
  /** Its rows are no residual stream, but normed by themselves: they keep the checkpoint's basis. */
  apart?: boolean;
}

/** Weights of a row that share a scale in q4: rows of larger MatMulNBits blocks depend on how many rows there are. */
export const Q4_BLOCK = 32;

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

/** The operator that multiplies: ONNX Runtime's own, or SkinnyMatMul of native/. Each wants its weights in another order. */
export type ProductOperator = "MatMul" | "MatMulIntegerToFloat" | "MatMulNBits" | "SkinnyMatMul";

/** How products hold their weights. */
export interface WeightFormat {
  dtype: Dtype;
  product: ProductOperator;
  /** For MatMulIntegerToFloat: signed weights, or unsigned ones around 128 for CPUs whose mixed products saturate. */
  q8Signed: boolean;
}

/** What SkinnyMatMul's weights are made of (native/src/product.h): tiles of 16 outputs, blocks of 32 inputs. */
export const TILE = { outputs: 16, inputs: 32, bytes: { q8: 544, q4: 320 } } as const;

/** Bytes of a product's weight, its scale and minimum counted. */
export const BYTES_PER_WEIGHT: Readonly<Record<Dtype, number>> = { fp32: 4, q8: 1 + 2 / 32, q4: 0.5 + 4 / 32 };

/** What lies where in a weight file. A linear `x` is stored as `x` (fp32), `x.tiles` (SkinnyMatMul), or `x.q` and `x.scale`. */
export interface WeightManifest extends WeightFormat {
  /** File name, relative to the model's folder. */
  file: string;
  tensors: Record<string, StoredTensor>;
}
