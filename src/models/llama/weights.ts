import { logitCount, type ModelConfig } from "../../types/model-config.js";
import type { LinearSpec, WeightSpec } from "../weight-spec.js";

/** Llama's weights by the names that decode.ts uses, and the tensors of a checkpoint that they are made of. */
export function weightSpecs(config: ModelConfig): WeightSpec[] {
  const { hiddenSize: D, intermediateSize: F, vocabSize: V } = config;
  const q = config.numHeads * config.headDim;
  const kv = config.numKvHeads * config.headDim;
  const specs: WeightSpec[] = [
    { kind: "embedding", name: "embedding", tensor: "model.embed_tokens.weight", rows: V, columns: D },
  ];
  const linear = (
    name: string,
    inWidth: number,
    parts: readonly [tensor: string, out: number][],
    roles: Pick<LinearSpec, "normGain" | "intoResidual" | "channels" | "sensitive">,
    biased = false,
  ) => {
    const join = (suffix: string) => parts.map(([tensor, size]) => ({ tensor: `${tensor}.${suffix}`, out: size }));
    const out = parts.reduce((sum, [, size]) => sum + size, 0);
    specs.push({ kind: "linear", name, in: inWidth, out, parts: join("weight"), ...roles });
    if (!biased) return;
    const role = roles.intoResidual ? "intoResidual" : undefined;
    const channels = roles.channels?.side === "out" ? roles.channels.of : undefined;
    specs.push({ kind: "vector", name: `${name}.bias`, parts: join("bias"), length: out, role, channels });
  };
  const norm = (name: string, tensor: string): string => {
    const normGain = `${tensor}.weight`;
    specs.push({ kind: "vector", name, parts: [{ tensor: normGain, out: D }], length: D, role: "gain" });
    return normGain;
  };
  for (let i = 0; i < config.numLayers; i++) {
    const from = `model.layers.${i}`;
    const to = `layers.${i}`;
    const attentionGain = norm(`${to}.attention_norm`, `${from}.input_layernorm`);
    const projections = `${from}.self_attn`;
    const qkvParts: [string, number][] = [
      [`${projections}.q_proj`, q],
      [`${projections}.k_proj`, kv],
      [`${projections}.v_proj`, kv],
    ];
    linear(`${to}.qkv`, D, qkvParts, { normGain: attentionGain }, config.attentionBias);
    linear(`${to}.o`, q, [[`${projections}.o_proj`, D]], { intoResidual: true }, config.attentionBias);
    const normGain = norm(`${to}.mlp_norm`, `${from}.post_attention_layernorm`);
    const [gate, up, down] = ["gate", "up", "down"].map((name) => `${from}.mlp.${name}_proj`);
    const of = { gate: `${gate}.weight`, up: `${up}.weight`, down: `${down}.weight`, gain: normGain };
    linear(`${to}.gate`, D, [[gate, F]], { normGain }, config.mlpBias);
    linear(`${to}.up`, D, [[up, F]], { normGain, channels: { of, side: "out" } }, config.mlpBias);
    linear(`${to}.down`, F, [[down, D]], { intoResidual: true, channels: { of, side: "in" } }, config.mlpBias);
  }
  const normGain = norm("final_norm", "model.norm");
  linear("lm_head", D, [[config.tieWordEmbeddings ? "model.embed_tokens" : "lm_head", logitCount(config)]], {
    normGain,
    sensitive: true,
  });
  specs.push({ kind: "hiddenBasis", name: "hidden_basis", gain: normGain, width: D });
  return specs;
}
