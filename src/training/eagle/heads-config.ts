import { logitCount, type ModelConfig, type RopeScaling } from "../../types/model-config.js";
import type { Settings } from "./settings.js";

/** config.json of heads, as EagleModel and others read it. @param base the target's folder */
export function configJson(config: ModelConfig, settings: Settings, base: string): Record<string, unknown> {
  const { targetLayers } = config.eagle!;
  // At the top of config.json these count the layers before a stream, as in vLLM and speculators.
  const own = { draft_vocab_size: logitCount(config), eagle_aux_hidden_state_layer_ids: targetLayers };
  if (settings.layout === "eagle") {
    return { architectures: ["LlamaForCausalLM"], ...llamaJson(config), ...own, base_model_name_or_path: base };
  }
  const proposal = { proposal_type: "greedy", speculative_tokens: settings.steps };
  return {
    architectures: ["Eagle3Speculator"],
    speculators_model_type: "eagle3",
    ...own,
    norm_before_residual: false,
    transformer_layer_config: llamaJson(config),
    speculators_config: {
      algorithm: "eagle3",
      proposal_methods: [proposal],
      default_proposal_method: "greedy",
      verifier: { name_or_path: base, architectures: ["LlamaForCausalLM"] },
    },
  };
}

function llamaJson(config: ModelConfig): Record<string, unknown> {
  return {
    model_type: "llama",
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: 1,
    num_attention_heads: config.numHeads,
    num_key_value_heads: config.numKvHeads,
    head_dim: config.headDim,
    hidden_act: "silu",
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    rope_scaling: config.ropeScaling && scalingJson(config.ropeScaling),
    max_position_embeddings: config.maxPositionEmbeddings,
    attention_bias: config.attentionBias,
    mlp_bias: config.mlpBias,
    tie_word_embeddings: false,
  };
}

function scalingJson(scaling: RopeScaling): Record<string, unknown> {
  if (scaling.type === "linear") return { rope_type: "linear", factor: scaling.factor };
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  return {
    rope_type: "llama3",
    factor,
    low_freq_factor: lowFreqFactor,
    high_freq_factor: highFreqFactor,
    original_max_position_embeddings: originalMaxPositionEmbeddings,
  };
}
