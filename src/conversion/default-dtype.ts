import type { TensorSource } from "../formats/tensor-source.js";
import type { WeightSpec } from "../models/weight-spec.js";
import { nativeOperators } from "../runtime/native-operators.js";
import type { Dtype } from "../types/model-config.js";
import { productsOf4Bits, seemOnGrid } from "./on-grid.js";

/** How weights are held where nobody says it, and why. */
export interface DefaultDtype {
  dtype: Dtype;
  reason: string;
}

/**
 * The fastest dtype that loses nothing to speak of (docs/dtypes.md): q4 for a checkpoint whose products are blocks of 4 bits
 * already, where Foretoken's own operators hold those exactly; q8 for all others.
 */
export async function defaultDtype(source: TensorSource, specs: readonly WeightSpec[]): Promise<DefaultDtype> {
  if (!(await seemOnGrid(source, productsOf4Bits(specs)))) {
    return { dtype: "q8", reason: "the checkpoint's weights are wider than 4 bits" };
  }
  const { path, reason } = nativeOperators();
  if (path === undefined) {
    return {
      dtype: "q8",
      reason: `the weights are of 4 bits, which only Foretoken's operators hold exactly: ${reason}`,
    };
  }
  return { dtype: "q4", reason: "the checkpoint's weights are of 4 bits already: q4 holds them exactly" };
}
