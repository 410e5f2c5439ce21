import { type EagleLayer, logitCount, type ModelConfig } from "../../types/model-config.js";
import type { VectorSpec, WeightSpec } from "../weight-spec.js";

/** The weights of EAGLE-3 heads by the names that decode.ts uses; tensors are named as in eagle-names.ts. */
export function weightSpecs(config: ModelConfig): WeightSpec[] {
  const { hiddenSize: D, intermediateSize: F } = config;
  const { targetHiddenSize, targetLayers, fcNorm, normBeforeFc } = config.eagle as EagleLayer;
  const width = targetLayers.length * targetHiddenSize;
  const q = config.numHeads * config.headDim;
  const kv = config.numKvHeads * config.headDim;
  const specs: WeightSpec[] = [
    {
      kind: "embedding",
      name: "embedding",
      tensor: "embed_tokens.weight",
      rows: config.vocabSize,
      columns: D,
      apart: true,
    },
  ];
  const vector = (name: string, parts: VectorSpec["parts"]) => {
    specs.push({ kind: "vector", name, parts, length: parts.reduce((sum, { out }) => sum + out, 0) });
  };
  const gain = (name: string, tensor: string, out: number) => vector(name, [{ tensor: `${tensor}.weight`, out }]);
  const linear = (name: string, inWidth: number, parts: readonly [tensor: string, out: number][], biased = false) => {
    const join = (suffix: string) => parts.map(([tensor, out]) => ({ tensor: `${tensor}.${suffix}`, out }));
    const out = parts.reduce((sum, [, size]) => sum + size, 0);
    specs.push({ kind: "linear", name, in: inWidth, out, parts: join("weight"), sensitive: name === "lm_head" });
    if (biased) vector(`${name}.bias`, join("bias"));
  };
  if (fcNorm) for (const i of targetLayers.keys()) gain(`fc_norm.${i}`, `fc_norm.${i}`, targetHiddenSize);
  if (normBeforeFc) gain("input_norm", "input_norm", width);
  linear("fc", width, [["fc", D]]);
  gain("embedding_norm", "midlayer.input_layernorm", D);
  gain("feature_norm", "midlayer.hidden_norm", D);
  const attention = "midlayer.self_attn";
  const qkv: [string, number][] = [
    [`${attention}.q_proj`, q],
    [`${attention}.k_proj`, kv],
    [`${attention}.v_proj`, kv],
  ];
  linear("qkv", 2 * D, qkv, config.attentionBias);
  linear("o", q, [[`${attention}.o_proj`, D]], config.attentionBias);
  gain("mlp_norm", "midlayer.post_attention_layernorm", D);
  linear("gate", D, [["midlayer.mlp.gate_proj", F]], config.mlpBias);
  linear("up", D, [["midlayer.mlp.up_proj", F]], config.mlpBias);
  linear("down", F, [["midlayer.mlp.down_proj", D]], config.mlpBias);
  gain("final_norm", "norm", D);
  linear("lm_head", D, [["lm_head", logitCount(config)]]);
  return specs;
}
