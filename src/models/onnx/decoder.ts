import type { CacheDtype, ModelConfig } from "../../types/model-config.js";
import { architectureOf } from "../architectures.js";
import type { WeightManifest } from "../weight-spec.js";
import { auxiliary } from "./auxiliary.js";
import { cacheForm } from "./cache-form.js";
import { type Sequences, startGraph } from "./contract.js";
import { head } from "./head.js";
import { OnnxOps } from "./ops.js";
import type { Value } from "./values.js";
import { OnnxWeights } from "./weights.js";

export interface DecoderGraph {
  bytes: Uint8Array;
  inputNames: string[];
  outputNames: string[];
}

/**
 * The ONNX model of a decoder that runs rows of so many sequences in one pass (contract.ts).
 * @param options.layers places of the layers that run, config.numLayers of them. Default: the first
 * @param options.streams residual streams that rows may ask for, each after so many of those layers. Default: none
 * @param options.cacheDtype how pages hold keys and values, for any number of sequences. Default: fp32
 */
export function buildDecoder(
  config: ModelConfig,
  manifest: WeightManifest,
  options: {
    sequences: Sequences;
    vocabLimit: number;
    layers?: readonly number[];
    streams?: readonly number[];
    cacheDtype?: CacheDtype;
  },
): DecoderGraph {
  const graph = startGraph(config, options.sequences, manifest.product, cacheForm(options.cacheDtype ?? "fp32"));
  const architecture = architectureOf(config);
  const layers = options.layers ?? Array.from({ length: config.numLayers }, (_, i) => i);
  const specs = architecture.weightSpecs({ ...config, numLayers: 1 + Math.max(...layers) });
  const weights = new OnnxWeights(graph, manifest, specs);
  const ops = new OnnxOps(weights, { config, sequences: options.sequences });
  const streams: Value[] = [];
  const hidden = architecture.decode(ops, config, layers, streams).name();
  const asked = (options.streams ?? []).map((after) => streams[after].name());
  auxiliary(graph, config, asked);
  head(weights, config, hidden, architecture.head, options.vocabLimit);
  return { bytes: graph.build(), inputNames: graph.inputNames, outputNames: graph.outputNames };
}
