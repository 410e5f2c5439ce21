import type { LinearOps } from "./linear.js";

/** The residual stream of a decoder: what has been added so far, and a last contribution not added yet. */
export interface Residual {
  sum: string;
  pending?: string;
}

/** RMS norm of the residual stream; adds the pending contribution in the same operator. Returns the normed rows. */
export function rmsNorm(ops: LinearOps, residual: Residual, gain: string, epsilon: number): string {
  const g = ops.graph;
  const output = `${gain}.out`;
  if (residual.pending === undefined) {
    const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
    return g.node("SimplifiedLayerNormalization", [residual.sum, ops.weight(gain)], [output], attributes);
  }
  const sum = `${gain}.residual`;
  g.node(
    "SkipSimplifiedLayerNormalization",
    [residual.sum, residual.pending, ops.weight(gain)],
    [output, "", "", sum],
    { epsilon: { float: epsilon } },
    "com.microsoft",
  );
  residual.sum = sum;
  residual.pending = undefined;
  return output;
}
