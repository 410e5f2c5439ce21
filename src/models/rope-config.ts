import { isObject, type Json } from "../files/json.js";
import { CheckpointError } from "../types/errors.js";
import type { RopeScaling } from "../types/model-config.js";
import { escaped, shown } from "../types/shown.js";
import { ConfigFields } from "./config-fields.js";

/** Rotary settings: `rope_theta` and `rope_scaling`, or transformers 5's `rope_parameters`. */
export function ropeOf(json: Json, file: string): { ropeTheta: number; ropeScaling: RopeScaling | null } {
  const parameters = json.rope_parameters ?? json.rope_scaling ?? {};
  if (!isObject(parameters)) throw new CheckpointError(`${escaped(file)}: rope_scaling must be an object or null`);
  const field = new ConfigFields({ ...json, ...parameters }, file);
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
