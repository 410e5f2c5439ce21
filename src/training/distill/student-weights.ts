import { architectureOf } from "../../models/architectures.js";
import type { Checkpoint } from "../../models/checkpoint/checkpoint.js";
import { readWeight, trainingWeights } from "../checkpoint-weights.js";
import type { DecoderWeights } from "../gradient/decoder-weights.js";
import { fillNormal, uniforms } from "../random.js";
import type { StudentShape } from "./student-shape.js";

/** Deviation of random weights: what Llama's config.json calls initializer_range. */
const DEVIATION = 0.02;

/**
 * Fills a draft's weights: the target's, of the layers that are kept, or random ones.
 * @param head the target's output rows of the draft's vocabulary, where that is not the target's
 */
export async function initialWeights(
  weights: DecoderWeights,
  { config, kept }: StudentShape,
  target: Checkpoint,
  { seed, head }: { seed: number; head?: Float32Array },
): Promise<void> {
  if (!kept) return randomWeights(weights, config.numLayers, seed);
  const architecture = architectureOf(target.config);
  const known = trainingWeights(architecture.weightSpecs(target.config)).weights;
  for (const { name } of weights.own) {
    if (head && name === architecture.head) {
      weights.valuesOf(name).set(head);
      continue;
    }
    const there = name.replace(/^layers\.(\d+)\./, (_, layer) => `layers.${kept[Number(layer)]}.`);
    await readWeight(target.source, known.find((weight) => weight.name === there)!, weights.valuesOf(name));
  }
}

/** Norms 1, matrices normal; what goes into the residual stream is smaller with depth (Radford et al. 2019). */
function randomWeights(weights: DecoderWeights, layers: number, seed: number): void {
  const uniform = uniforms(seed);
  for (const { name, dims } of weights.own) {
    const values = weights.valuesOf(name);
    const residual = /\.(o|down)$/.test(name) ? 1 / Math.sqrt(2 * layers) : 1;
    if (dims.length === 1) values.fill(1);
    else fillNormal(values, DEVIATION * residual, uniform);
  }
}
