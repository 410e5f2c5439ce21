import { isObject, type Json } from "../../files/json.js";
import { CheckpointError } from "../../types/errors.js";
import type { EagleLayer, ModelConfig } from "../../types/model-config.js";
import { escaped, shown } from "../../types/shown.js";
import { ConfigFields } from "../config-fields.js";
import { parseConfig as parseLlama } from "../llama/config.js";

/** What config.json says of EAGLE-3 heads. */
export interface EagleConfig extends Omit<ModelConfig, "eagle"> {
  eagle: Omit<EagleLayer, "targetLayers"> & {
    /** Absent: those that everybody takes for the target's depth (`defaultTargetLayers`). */
    targetLayers?: readonly number[];
  };
  /** The target that the heads were trained for, where config.json names it. */
  base?: string;
}

/** Name of the architecture: config.json itself says "llama", or nothing. */
export const EAGLE3 = "eagle3";

/** As vLLM, SGLang, SpecForge and speculators write it; vision models have the name too. */
const ARCHITECTURE = /^Eagle3?(Llama|Speculator|DraftModel|Model)|ForCausalLMEagle3?$/;

/** Whether a config.json is of EAGLE heads, in any of the layouts. */
export function isEagleConfig(json: Json): boolean {
  const names = Array.isArray(json.architectures) ? json.architectures : [];
  return (
    json.draft_vocab_size !== undefined ||
    json.eagle_config !== undefined ||
    /^eagle/.test(String(json.speculators_model_type)) ||
    names.some((name) => ARCHITECTURE.test(String(name)))
  );
}

/**
 * config.json of SafeAILab/EAGLE and SpecForge (a Llama config with draft_vocab_size), or of speculators (the same nested
 * in transformer_layer_config).
 * @throws CheckpointError naming the field, what it is and what was expected
 */
export function parseEagleConfig(json: Json, file: string): EagleConfig {
  const kind = json.speculators_model_type;
  if (kind !== undefined && kind !== "eagle3") {
    throw new CheckpointError(`${escaped(file)}: speculators_model_type is ${shown(kind)}, expected "eagle3"`);
  }
  const layer = json.transformer_layer_config ?? json;
  if (!isObject(layer)) throw new CheckpointError(`${escaped(file)}: transformer_layer_config must be an object`);
  const layerType = layer.model_type ?? "llama";
  if (layerType !== "llama" && layerType !== EAGLE3) {
    throw new CheckpointError(
      `${escaped(file)}: a layer of model_type ${shown(layerType)} is not supported, expected "llama"`,
    );
  }
  // The target says which tokens begin and end a text.
  const own = { model_type: EAGLE3, tie_word_embeddings: false, bos_token_id: null, eos_token_id: null };
  const config = parseLlama({ ...layer, ...own }, undefined, file);
  if (config.numLayers !== 1) new ConfigFields(layer, file).fail("num_hidden_layers", "1: one layer drafts");
  const nested = isObject(json.eagle_config) ? json.eagle_config : {};
  // Where both say something the outer one counts, as in vLLM.
  const field = new ConfigFields({ ...nested, ...json }, file);
  const { hiddenSize, vocabSize } = config;
  if (!field.flag("use_aux_hidden_state", true)) {
    field.fail("use_aux_hidden_state", "true: heads that read the last hidden state alone are not supported");
  }
  const draftVocabSize = json.draft_vocab_size == null ? vocabSize : field.positive("draft_vocab_size");
  if (draftVocabSize > vocabSize) field.fail("draft_vocab_size", `at most vocab_size (${vocabSize})`);
  if (field.flag("norm_before_fc", false) && field.flag("fc_norm", false)) {
    field.fail("fc_norm", "false: norm_before_fc, its alternative, is true");
  }
  const targetLayers = layerIds(json, nested, file);
  return {
    ...config,
    draftVocabSize,
    eagle: {
      targetHiddenSize: json.target_hidden_size == null ? hiddenSize : field.positive("target_hidden_size"),
      normBeforeResidual: field.flag("norm_before_residual", false),
      normBeforeFc: field.flag("norm_before_fc", false),
      fcNorm: field.flag("fc_norm", false),
      normOutput: field.flag("norm_output", false),
      ...(targetLayers && { targetLayers }),
    },
    ...baseOf(json),
  };
}

/**
 * After how many layers each stream is taken. At the top of config.json (vLLM, speculators) an id is just that; within
 * eagle_config (SpecForge, SGLang) it counts the layer whose output is meant, from 0: one less.
 */
function layerIds(json: Json, nested: Json, file: string): number[] | undefined {
  const name = "eagle_aux_hidden_state_layer_ids";
  const [ids, more] = json[name] != null ? [json[name], 0] : [nested[name], 1];
  if (ids == null) return undefined;
  if (Array.isArray(ids) && ids.length === 3 && ids.every((id) => Number.isInteger(id) && id + more >= 0)) {
    return ids.map((id) => id + more);
  }
  throw new CheckpointError(`${escaped(file)}: ${name} is ${shown(ids)}, expected three layers such as [2, 16, 29]`);
}

/** Where nothing else is said: the streams that enter layers 2, L / 2 and L - 3 (SafeAILab/EAGLE, vLLM and SGLang). */
export function defaultTargetLayers(numLayers: number): number[] {
  return [2, Math.floor(numLayers / 2), numLayers - 3];
}

function baseOf(json: Json): { base?: string } {
  const { speculators_config: said, base_model_name_or_path: base } = json;
  const verifier = isObject(said) && isObject(said.verifier) ? said.verifier.name_or_path : undefined;
  const name = verifier ?? base;
  return typeof name === "string" ? { base: name } : {};
}
