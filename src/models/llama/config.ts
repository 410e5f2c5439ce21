import type { Json } from "../../files/json.js";
import { CheckpointError } from "../../types/errors.js";
import type { ModelConfig } from "../../types/model-config.js";
import { escaped } from "../../types/shown.js";
import { ConfigFields, tokenIds } from "../config-fields.js";
import { ropeOf } from "../rope-config.js";

/** `Architecture.parseConfig`; defaults are those of transformers' LlamaConfig. */
export function parseConfig(json: Json, generation: Json | undefined, file: string): ModelConfig {
  const field = new ConfigFields(json, file);
  const hiddenSize = field.positive("hidden_size");
  const numHeads = field.positive("num_attention_heads");
  const numKvHeads = field.positive("num_key_value_heads", numHeads);
  if (numHeads % numKvHeads !== 0) {
    field.fail("num_key_value_heads", `a divisor of num_attention_heads (${numHeads})`);
  }
  const headDim = json.head_dim == null ? hiddenSize / numHeads : field.positive("head_dim");
  if (!Number.isInteger(headDim)) field.fail("hidden_size", `a multiple of num_attention_heads (${numHeads})`);
  if (headDim % 16 !== 0) {
    throw new CheckpointError(
      `${escaped(file)}: heads of ${headDim} dimensions are not supported, expected a multiple of 16`,
    );
  }
  if (json.hidden_act !== undefined && json.hidden_act !== "silu") field.fail("hidden_act", '"silu"');
  const vocabSize = field.positive("vocab_size");
  const draftVocabSize = draftVocabulary(json, field, vocabSize);
  const generationEos = generation?.eos_token_id;
  const eos = generationEos ?? json.eos_token_id;
  const eosFile = generationEos == null ? file : "generation_config.json";
  return {
    modelType: field.text("model_type"),
    vocabSize,
    hiddenSize,
    intermediateSize: field.positive("intermediate_size"),
    numLayers: field.positive("num_hidden_layers"),
    numHeads,
    numKvHeads,
    headDim,
    rmsNormEps: field.number("rms_norm_eps", 1e-6),
    ...ropeOf(json, file),
    maxPositionEmbeddings: field.positive("max_position_embeddings", 2048),
    tieWordEmbeddings: field.flag("tie_word_embeddings", false),
    attentionBias: field.flag("attention_bias", false),
    mlpBias: field.flag("mlp_bias", false),
    bosTokenId: tokenIds(json.bos_token_id, vocabSize, file, "bos_token_id")[0] ?? null,
    eosTokenIds: tokenIds(eos, vocabSize, eosFile, "eos_token_id"),
    ...(draftVocabSize !== undefined && { draftVocabSize }),
  };
}

/** truncated_vocab_size, vLLM's name of it in Medusa's configs: draft_vocab_size would say that this is an EAGLE layer. */
function draftVocabulary(json: Json, field: ConfigFields, vocabSize: number): number | undefined {
  if (json.truncated_vocab_size == null) return undefined;
  const size = field.positive("truncated_vocab_size");
  if (size > vocabSize) field.fail("truncated_vocab_size", `at most vocab_size (${vocabSize})`);
  if (!json.tie_word_embeddings) return size;
  return field.fail("tie_word_embeddings", "false: logits are over truncated_vocab_size tokens, embeddings over more");
}
