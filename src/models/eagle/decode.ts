import type { EagleLayer, ModelConfig } from "../../types/model-config.js";
import type { Ops } from "../ops.js";

/**
 * One decoder layer over [normed embedding, normed feature]. The feature is the target's low, middle and high residual
 * streams, fused by a product, or what the layer itself gave for the row before. Li et al. 2025, EAGLE-3, section 3.1;
 * SafeAILab/EAGLE cnets.py.
 */
export function decode<Rows>(ops: Ops<Rows>, config: ModelConfig, _: readonly number[], streams: Rows[] = []): Rows {
  const { fcNorm, normBeforeFc, normBeforeResidual } = config.eagle as EagleLayer;
  const normed = (rows: Rows, weight: string) => ops.residualNorm(rows, undefined, weight, config.rmsNormEps).normed;
  const targets = ops.targetStreams();
  const joined = ops.join(fcNorm ? targets.map((rows, i) => normed(rows, `fc_norm.${i}`)) : targets);
  const feature = ops.features(ops.linear(normBeforeFc ? normed(joined, "input_norm") : joined, "fc"));
  const normedFeature = normed(feature, "feature_norm");
  const qkv = ops.linear(ops.join([normed(ops.embed("embedding"), "embedding_norm"), normedFeature]), "qkv");
  let sum = normBeforeResidual ? normedFeature : feature;
  streams.push(sum);
  const norm = (update: Rows, weight: string) => {
    const result = ops.residualNorm(sum, update, weight, config.rmsNormEps);
    sum = result.sum;
    return result.normed;
  };
  const rows = norm(ops.linear(ops.attention(qkv, 0), "o"), "mlp_norm");
  const inner = ops.swiglu(ops.linear(rows, "gate"), ops.linear(rows, "up"));
  const final = norm(ops.linear(inner, "down"), "final_norm");
  streams.push(sum);
  return final;
}
