import type { TensorSource } from "../formats/tensor-source.js";
import {
  type LinearSpec,
  Q4_BLOCK,
  type StoredTensor,
  TILE,
  type WeightFormat,
  type WeightManifest,
  type WeightSpec,
} from "../models/weight-spec.js";

/** A tensor of a weight file, wherever it lies. */
export interface TensorForm extends Pick<StoredTensor, "type" | "shape"> {
  name: string;
}

/** The tensors that a weight is stored as. A scale comes after what it scales. */
export function storedTensors(
  spec: WeightSpec,
  format: WeightFormat,
  source: Pick<TensorSource, "info">,
): readonly TensorForm[] {
  const { name } = spec;
  const rotated = format.product === "MatMulIntegerToFloat";
  if (spec.kind === "linear") return productTensors(spec, format);
  if (spec.kind === "vector") return [{ name, type: "f32", shape: [spec.length] }];
  if (spec.kind === "hiddenBasis") return rotated ? [{ name, type: "f32", shape: [spec.width, spec.width] }] : [];
  // As wide as in the checkpoint: halves stay halves, which is exact unless the basis changed.
  const dtype = source.info(spec.tensor)?.dtype;
  const type = dtype === "F32" ? "f32" : dtype === "BF16" && !rotated ? "bf16" : "f16";
  return [{ name, type, shape: [spec.rows, spec.columns] }];
}

/** Bits of a weight that SkinnyMatMul multiplies. */
export function tiledDtype({ dtype }: WeightFormat, { sensitive }: LinearSpec): "q4" | "q8" {
  return dtype === "q4" && !sensitive ? "q4" : "q8";
}

/** What is wrong with a manifest as the result of converting these weights to this format, or undefined. */
export function contentFault(
  { tensors, ...found }: WeightManifest,
  specs: readonly WeightSpec[],
  format: WeightFormat,
  source: Pick<TensorSource, "info">,
): string | undefined {
  for (const name of ["dtype", "product", "q8Signed"] as const) {
    if (found[name] !== format[name]) return `${name} is ${found[name]}, expected ${format[name]}`;
  }
  const expected = specs.flatMap((spec) => storedTensors(spec, format, source));
  for (const { name, type, shape } of expected) {
    const tensor = tensors[name];
    if (!tensor) return `${name} is missing`;
    if (tensor.type !== type) return `${name} is ${tensor.type}, expected ${type}`;
    if (JSON.stringify(tensor.shape) !== JSON.stringify(shape)) {
      return `${name} has shape [${tensor.shape}], expected [${shape}]`;
    }
  }
  const known = new Set(expected.map(({ name }) => name));
  const unknown = Object.keys(tensors).find((name) => !known.has(name));
  return unknown === undefined ? undefined : `${unknown} is not of this model`;
}

function productTensors(spec: LinearSpec, format: WeightFormat): TensorForm[] {
  const { name, in: K, out: N } = spec;
  if (format.product === "MatMul") return [{ name, type: "f32", shape: [K, N] }];
  if (format.product === "SkinnyMatMul") {
    const bytes = TILE.bytes[tiledDtype(format, spec)];
    const shape = [Math.ceil(N / TILE.outputs), Math.ceil(K / TILE.inputs), bytes];
    return [{ name: `${name}.tiles`, type: "u8", shape }];
  }
  const [quantised, scale] = [`${name}.q`, `${name}.scale`];
  if (format.product === "MatMulIntegerToFloat") {
    const type = format.q8Signed ? "i8" : "u8";
    return [
      { name: quantised, type, shape: [K, N] },
      { name: scale, type: "f32", shape: [N] },
    ];
  }
  const blocks = Math.ceil(K / Q4_BLOCK);
  return [
    { name: quantised, type: "u8", shape: [N, blocks, Q4_BLOCK / 2] },
    { name: scale, type: "f32", shape: [N, blocks] },
  ];
}
