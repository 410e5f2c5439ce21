import type { ModelConfig } from "../../types/model-config.js";
import type { Ops } from "../ops.js";

/** Pre-norm decoder: grouped-query attention with rotary positions, SwiGLU MLP. Touvron et al. 2023 */
export function decode<Rows>(
  ops: Ops<Rows>,
  config: ModelConfig,
  layers: readonly number[],
  streams: Rows[] = [],
): Rows {
  let sum = ops.embed("embedding");
  let update: Rows | undefined;
  const norm = (weight: string) => {
    const result = ops.residualNorm(sum, update, weight, config.rmsNormEps);
    sum = result.sum;
    return result.normed;
  };
  for (const [i, place] of layers.entries()) {
    const layer = `layers.${place}`;
    const qkv = ops.linear(norm(`${layer}.attention_norm`), `${layer}.qkv`);
    streams.push(sum);
    update = ops.linear(ops.attention(qkv, i), `${layer}.o`);
    const rows = norm(`${layer}.mlp_norm`);
    const inner = ops.swiglu(ops.linear(rows, `${layer}.gate`), ops.linear(rows, `${layer}.up`));
    update = ops.linear(inner, `${layer}.down`);
  }
  const final = norm("final_norm");
  streams.push(sum);
  return final;
}
