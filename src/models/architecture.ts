import type { Json } from "../files/json.js";
import type { ModelConfig } from "../types/model-config.js";
import type { Ops } from "./ops.js";
import type { WeightSpec } from "./weight-spec.js";

/** One decoder architecture: how its config.json is read, which weights it has, and what it computes. */
export interface Architecture {
  /** Hugging Face `model_type`. */
  modelType: string;
  /**
   * Checks and normalises config.json.
   * @param generation generation_config.json, whose end-of-sequence ids win
   * @param file named in errors
   * @throws CheckpointError naming the field, what it is and what was expected
   */
  parseConfig(json: Json, generation: Json | undefined, file: string): ModelConfig;
  weightSpecs(config: ModelConfig): WeightSpec[];
  /** Name of the weight of the product that makes logits of final rows. */
  head: string;
  /**
   * The final normed rows [rows, hiddenSize] of a pass.
   * @param layers the layers that run, in order, by their place in the checkpoint; config.numLayers of them
   * @param streams is filled with the residual stream before the first layer and after each: config.numLayers + 1 of them
   */
  decode<Rows>(ops: Ops<Rows>, config: ModelConfig, layers: readonly number[], streams?: Rows[]): Rows;
}
