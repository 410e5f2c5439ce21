import type { WeightFormat } from "../models/weight-spec.js";
import { saturationProbe } from "../runtime/probes.js";
import type { Dtype } from "../types/model-config.js";

/** Products of unsigned and signed bytes saturate on CPUs without VNNI; unsigned weights avoid them. */
export async function weightFormat(dtype: Dtype): Promise<WeightFormat> {
  return { dtype, q8Signed: dtype !== "q8" || !(await saturationProbe()) };
}
