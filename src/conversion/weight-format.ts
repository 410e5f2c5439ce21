import type { WeightFormat } from "../models/weight-spec.js";
import { nativeOperators } from "../runtime/native-operators.js";
import { saturationProbe } from "../runtime/probes.js";
import type { Dtype } from "../types/model-config.js";

/** The operator that is fastest here for a dtype (docs/dtypes.md has the figures). Foretoken's own needs a library for this platform. */
export async function weightFormat(dtype: Dtype): Promise<WeightFormat> {
  if (dtype === "fp32" || nativeOperators().path === undefined) return stockFormat(dtype);
  return { dtype, product: "SkinnyMatMul", q8Signed: true };
}

/** The format of a dtype for ONNX Runtime's own operators. */
export async function stockFormat(dtype: Dtype): Promise<WeightFormat> {
  const product = ({ fp32: "MatMul", q8: "MatMulIntegerToFloat", q4: "MatMulNBits" } as const)[dtype];
  return { dtype, product, q8Signed: dtype !== "q8" || !(await saturationProbe()) };
}
