import { isObject } from "../../files/json.js";
import { CheckpointError } from "../../types/errors.js";
import type { ModelConfig, RopeScaling } from "../../types/model-config.js";
import { escaped, shown } from "../../types/shown.js";

type Json = Readonly<Record<string, unknown>>;

/**
 * Checks and normalises config.json; defaults are those of transformers' LlamaConfig.
 * @param generation generation_config.json, whose end-of-sequence ids win
 * @param file named in errors
 * @throws CheckpointError naming the field, what it is and what was expected
 */
export function parseModelConfig(json: Json, generation: Json | undefined, file: string): ModelConfig {
  const field = new Fields(json, file);
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
  };
}

/** Rotary settings: `rope_theta` and `rope_scaling`, or transformers 5's `rope_parameters`. */
function ropeOf(json: Json, file: string): { ropeTheta: number; ropeScaling: RopeScaling | null } {
  const parameters = json.rope_parameters ?? json.rope_scaling ?? {};
  if (!isObject(parameters)) throw new CheckpointError(`${escaped(file)}: rope_scaling must be an object or null`);
  const field = new Fields({ ...json, ...parameters }, file);
  const ropeTheta = field.number("rope_theta", 10_000);
  const type = parameters.rope_type ?? parameters.type ?? "default";
  if (type === "default") return { ropeTheta, ropeScaling: null };
  if (type === "linear") return { ropeTheta, ropeScaling: { type, factor: field.number("factor") } };
  if (type === "llama3") {
    const ropeScaling: RopeScaling = {
      type,
      factor: field.number("factor"),
      lowFreqFactor: field.number("low_freq_factor"),
      highFreqFactor: field.number("high_freq_factor"),
      originalMaxPositionEmbeddings: field.positive("original_max_position_embeddings"),
    };
    return { ropeTheta, ropeScaling };
  }
  throw new CheckpointError(
    `${escaped(file)}: rope_scaling of type ${shown(type)} is not supported, expected default, linear or llama3`,
  );
}

/** Token ids given as one number, a list, or not at all. */
function tokenIds(value: unknown, vocabSize: number, file: string, name: string): number[] {
  if (value == null) return [];
  const ids = Array.isArray(value) ? value : [value];
  for (const id of ids) {
    if (Number.isInteger(id) && id >= 0 && id < vocabSize) continue;
    throw new CheckpointError(
      `${file}: ${name} is ${JSON.stringify(id)}, expected a token id below vocab_size (${vocabSize})`,
    );
  }
  return ids;
}

/** Typed access to the fields of a JSON object. */
class Fields {
  constructor(
    private readonly json: Json,
    private readonly file: string,
  ) {}

  fail(name: string, expected: string): never {
    const got = this.json[name] === undefined ? "is missing" : `is ${shown(this.json[name])}`;
    // Other architectures name their sizes otherwise.
    const { model_type: type } = this.json;
    const kind = this.json[name] === undefined && typeof type === "string" ? ` (model_type is ${shown(type)})` : "";
    throw new CheckpointError(`${escaped(this.file)}: ${name} ${got}, expected ${expected}${kind}`);
  }

  positive(name: string, fallback?: number): number {
    const value = this.json[name] ?? fallback;
    if (typeof value === "number" && Number.isSafeInteger(value) && value > 0 && value < 2 ** 31) return value;
    return this.fail(name, "a positive integer");
  }

  number(name: string, fallback?: number): number {
    const value = this.json[name] ?? fallback;
    if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
    return this.fail(name, "a positive number");
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.json[name] ?? fallback;
    return typeof value === "boolean" ? value : this.fail(name, "true or false");
  }

  text(name: string): string {
    const value = this.json[name];
    return typeof value === "string" && value !== "" ? value : this.fail(name, "a name");
  }
}
