import type { ModelConfig } from "../../types/model-config.js";
import { architectureOf } from "../architectures.js";
import type { WeightManifest } from "../weight-spec.js";
import { type Sequences, startGraph } from "./contract.js";
import { head } from "./head.js";
import { OnnxOps } from "./ops.js";
import { OnnxWeights } from "./weights.js";

export interface DecoderGraph {
  bytes: Uint8Array;
  inputNames: string[];
  outputNames: string[];
}

/**
 * The ONNX model of a decoder that runs rows of so many sequences in one pass (contract.ts).
 * @param options.layers places of the layers that run, config.numLayers of them. Default: the first
 */
export function buildDecoder(
  config: ModelConfig,
  manifest: WeightManifest,
  options: { sequences: Sequences; vocabLimit: number; layers?: readonly number[] },
): DecoderGraph {
  const graph = startGraph(config, options.sequences, manifest.product);
  const architecture = architectureOf(config);
  const layers = options.layers ?? Array.from({ length: config.numLayers }, (_, i) => i);
  const specs = architecture.weightSpecs({ ...config, numLayers: 1 + Math.max(...layers) });
  const weights = new OnnxWeights(graph, manifest, specs);
  const ops = new OnnxOps(weights, { config, sequences: options.sequences });
  const hidden = architecture.decode(ops, config, layers);
  head(weights, config, hidden.name(), architecture.head, options.vocabLimit);
  return { bytes: graph.build(), inputNames: graph.inputNames, outputNames: graph.outputNames };
}
