import { join } from "node:path";
import { readJson } from "../../files/json.js";
import { architectureOf } from "../../models/architectures.js";
import { UsageError } from "../../types/errors.js";
import type { ModelConfig } from "../../types/model-config.js";
import type { DistillSettings } from "./settings.js";

/** What a draft will be. */
export interface StudentShape {
  /** Its config.json. */
  json: Record<string, unknown>;
  config: ModelConfig;
  /** The target's layers that its layers begin as; undefined for a draft from scratch. */
  kept: readonly number[] | undefined;
}

const DEFAULT_LAYERS = 2;

/** The target's config.json with the draft's sizes. @throws UsageError for sizes that do not fit each other */
export async function studentShape(
  directory: string,
  target: ModelConfig,
  settings: DistillSettings,
): Promise<StudentShape> {
  const given = await readJson(join(directory, "config.json"));
  const kept = settings.fromScratch ? undefined : keptLayers(target.numLayers, settings);
  const sizes = kept
    ? { num_hidden_layers: kept.length, tie_word_embeddings: target.tieWordEmbeddings }
    : ownSizes(target, settings);
  const { draftVocabulary } = settings;
  // A product over fewer tokens is no embedding.
  const pruned = draftVocabulary && { tie_word_embeddings: false, truncated_vocab_size: draftVocabulary };
  const json = { ...given, ...sizes, ...pruned };
  const generation = { eos_token_id: target.eosTokenIds };
  return { json, config: architectureOf(target).parseConfig(json, generation, "the draft's config.json"), kept };
}

function keptLayers(of: number, { layers, keepLayers }: DistillSettings): readonly number[] {
  if (!keepLayers) {
    const count = layers ?? Math.min(DEFAULT_LAYERS, of);
    if (count > of) throw new UsageError(`the target has ${of} layers, ${count} are to be kept: give fewer layers`);
    return Array.from({ length: count }, (_, i) => Math.round((i * (of - 1)) / Math.max(1, count - 1)));
  }
  const wrong = keepLayers.find((layer, i) => layer >= of || (i > 0 && layer <= keepLayers[i - 1]));
  if (keepLayers.length === 0 || wrong !== undefined) {
    throw new UsageError(
      `keepLayers must be layers from 0 to ${of - 1} in rising order, got [${keepLayers.join(", ")}]`,
    );
  }
  if (layers !== undefined && layers !== keepLayers.length) {
    throw new UsageError(`layers is ${layers}, keepLayers names ${keepLayers.length}: leave one of them out`);
  }
  return keepLayers;
}

function ownSizes(target: ModelConfig, settings: DistillSettings): Record<string, unknown> {
  const { layers = DEFAULT_LAYERS } = settings;
  const { headDim } = target;
  const hidden = settings.hiddenSize ?? headDim * Math.max(1, Math.round(target.hiddenSize / 2 / headDim));
  const heads = settings.numHeads ?? Math.max(1, Math.round(hidden / headDim));
  if (hidden % heads !== 0 || (hidden / heads) % 16 !== 0) {
    throw new UsageError(
      `hiddenSize ${hidden} and numHeads ${heads} make heads of ${hidden / heads} dimensions, expected a multiple of 16`,
    );
  }
  const kvHeads = settings.numKvHeads ?? heads;
  if (heads % kvHeads !== 0)
    throw new UsageError(`numKvHeads must be a divisor of numHeads (${heads}), got ${kvHeads}`);
  return {
    num_hidden_layers: layers,
    hidden_size: hidden,
    intermediate_size: settings.intermediateSize ?? 32 * Math.ceil(hidden / 12),
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: hidden / heads,
    tie_word_embeddings: true,
    attention_bias: false,
    mlp_bias: false,
  };
}
