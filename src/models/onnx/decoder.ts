import { CheckpointError } from "../../types/errors.js";
import type { ModelConfig } from "../../types/model-config.js";
import { shown } from "../../types/shown.js";
import type { Architecture } from "../architecture.js";
import { llama } from "../llama/llama.js";
import type { WeightManifest } from "../weight-spec.js";
import { startGraph } from "./contract.js";
import { head } from "./head.js";
import { LinearOps } from "./linear.js";

/** Adding an architecture is one file under models/ and one entry here. */
const ARCHITECTURES: readonly Architecture[] = [llama];

/** @throws CheckpointError for a model_type that no file under models/ describes. */
export function architectureOf(config: ModelConfig): Architecture {
  const found = ARCHITECTURES.find((a) => a.modelType === config.modelType);
  if (found) return found;
  const known = ARCHITECTURES.map((a) => a.modelType).join(", ");
  throw new CheckpointError(
    `config.json: model_type ${shown(config.modelType)} is not supported, expected one of: ${known}`,
  );
}

export interface DecoderGraph {
  bytes: Uint8Array;
  inputNames: string[];
  outputNames: string[];
}

/**
 * The ONNX model of a decoder that runs rows of `sequences` sequences in one pass (contract.ts).
 * @param options.layers places of the layers that run, config.numLayers of them. Default: the first
 */
export function buildDecoder(
  config: ModelConfig,
  manifest: WeightManifest,
  options: { sequences: number; vocabLimit: number; layers?: readonly number[] },
): DecoderGraph {
  const graph = startGraph(config, options.sequences, manifest.dtype === "q8");
  const architecture = architectureOf(config);
  const layers = options.layers ?? Array.from({ length: config.numLayers }, (_, i) => i);
  const widths = new Map<string, number>();
  const specs = architecture.weightSpecs({ ...config, numLayers: 1 + Math.max(...layers) });
  for (const spec of specs) if (spec.kind === "linear") widths.set(spec.name, spec.in);
  const ops = new LinearOps(graph, manifest, widths);
  const { hidden, lmHead } = architecture.build({ ops, config, sequences: options.sequences, layers });
  head(ops, config, hidden, lmHead, options.vocabLimit);
  return { bytes: graph.build(), inputNames: graph.inputNames, outputNames: graph.outputNames };
}
