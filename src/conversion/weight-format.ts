import type { WeightFormat } from "../models/weight-spec.js";
import { nativeOperators } from "../runtime/native-operators.js";
import { saturationProbe } from "../runtime/probes.js";
import type { Dtype } from "../types/model-config.js";

/**
 * The operator that is fastest here for a dtype (docs/dtypes.md has the figures). Foretoken's own needs a library for this
 * platform; q8 is left to ONNX Runtime where its products of signed bytes don't saturate.
 */
export async function weightFormat(dtype: Dtype): Promise<WeightFormat> {
  if (dtype === "fp32") return { dtype, product: "MatMul", q8Signed: true };
  const native = nativeOperators().path !== undefined;
  if (dtype === "q4") return { dtype, product: native ? "SkinnyMatMul" : "MatMulNBits", q8Signed: true };
  const saturates = await saturationProbe();
  if (native && saturates) return { dtype, product: "SkinnyMatMul", q8Signed: true };
  return { dtype, product: "MatMulIntegerToFloat", q8Signed: !saturates };
}
