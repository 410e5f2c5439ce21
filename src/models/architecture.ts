import type { ModelConfig } from "../types/model-config.js";
import type { LinearOps } from "./onnx/linear.js";
import type { WeightSpec } from "./weight-spec.js";

/** What an architecture's file adds nodes with. */
export interface BuildContext {
  ops: LinearOps;
  config: ModelConfig;
  sequences: number;
  /** The layers that run, in order, by their place in the checkpoint; config.numLayers of them. */
  layers: readonly number[];
}

/** One decoder architecture: which weights it needs, and its graph up to the final hidden state. */
export interface Architecture {
  /** Hugging Face `model_type`. */
  modelType: string;
  weightSpecs(config: ModelConfig): WeightSpec[];
  /** Adds the decoder; returns the final normed rows [1, R, hiddenSize] and the name of the head's weight. */
  build(context: BuildContext): { hidden: string; lmHead: string };
}
