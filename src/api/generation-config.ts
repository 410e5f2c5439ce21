import { CheckpointError, UsageError } from "../types/errors.js";
import { checkOption } from "../types/option-table.js";
import { shown } from "../types/shown.js";
import { GENERATE_OPTIONS, type GenerateOptions } from "./generate-options.js";

/** Fields of generation_config.json (transformers' GenerationConfig) that are options here. */
const FIELDS = {
  do_sample: "doSample",
  temperature: "temperature",
  top_k: "topK",
  top_p: "topP",
  min_p: "minP",
  typical_p: "typicalP",
  repetition_penalty: "repetitionPenalty",
  bad_words_ids: "badWordsIds",
  min_new_tokens: "minNewTokens",
  max_new_tokens: "maxNewTokens",
  max_time: "maxTime",
  stop_strings: "stopStrings",
} as const satisfies Record<string, keyof GenerateOptions>;

/** Fields that do not change the text, or that hold always: end-of-sequence ids. */
const SILENT =
  /^(_.*|(bos|eos|pad|decoder_start)_token_id|transformers_version|(use_)?cache.*|return_.*|output_.*|assistant_.*|num_assistant_.*|max_matching_ngram_size|prompt_lookup_num_tokens|disable_compile|compile_config|low_memory|is_assistant|prefill_chunk_size)$/;

/** Values with which a field that is not supported asks for nothing. */
const IDLE: Readonly<Record<string, unknown>> = {
  num_beams: 1,
  num_beam_groups: 1,
  num_return_sequences: 1,
  diversity_penalty: 0,
  length_penalty: 1,
  early_stopping: false,
  no_repeat_ngram_size: 0,
  encoder_no_repeat_ngram_size: 0,
  encoder_repetition_penalty: 1,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  top_h: 0,
  guidance_scale: 1,
  min_length: 0,
  max_length: 20,
  renormalize_logits: false,
  remove_invalid_values: false,
  token_healing: false,
};

/** What a checkpoint's generation_config.json says about generating. */
export interface ModelDefaults {
  options: GenerateOptions;
  /** Fields, with their values, that ask for something that is not supported here. */
  leftOut: readonly string[];
}

/**
 * @param contextLength the model's: a `max_length` that is no shorter limits nothing
 * @throws CheckpointError naming the field
 */
export function modelDefaults(json: Readonly<Record<string, unknown>>, contextLength: number): ModelDefaults {
  const options: Record<string, unknown> = { doSample: false };
  const leftOut: string[] = [];
  for (const [field, value] of Object.entries(json)) {
    if (value === null || value === undefined) continue;
    if (field === "max_length" && (json.max_new_tokens != null || Number(value) >= contextLength)) continue;
    if (Object.hasOwn(FIELDS, field)) {
      const name = FIELDS[field as keyof typeof FIELDS];
      options[name] = checked(field, name, value);
    } else if (!SILENT.test(field) && IDLE[field] !== value) {
      leftOut.push(`${field} ${shown(value)}`);
    }
  }
  return { options, leftOut };
}

/** Given options over the model's. A given temperature says itself whether to sample. */
export function overDefaults(given: GenerateOptions, { options }: ModelDefaults): GenerateOptions {
  const { doSample, ...rest } = options;
  return { ...rest, ...(given.temperature === undefined && { doSample }), ...given };
}

function checked(field: string, name: keyof GenerateOptions, value: unknown): unknown {
  try {
    checkOption(field, value, GENERATE_OPTIONS[name].kind);
    return value;
  } catch (error) {
    if (error instanceof UsageError) throw new CheckpointError(`generation_config.json: ${error.message}`);
    throw error;
  }
}
