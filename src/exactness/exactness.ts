import { type ConvertedModel, decoderBlueprint, findConverted } from "../conversion/converted-model.js";
import { weightFormat } from "../conversion/weight-format.js";
import { CausalLM } from "../engine/causal-lm.js";
import { attentionHere } from "../engine/pass-runners.js";
import type { TensorSource } from "../formats/tensor-source.js";
import { NumericsError } from "../types/errors.js";
import { type Exactness, UNCHECKED } from "../types/exactness.js";
import { DTYPES, type Dtype, type ModelConfig } from "../types/model-config.js";
import { type Attends, keepExactness, keptExactness } from "./kept-exactness.js";
import { probeProducts } from "./product-probe.js";
import { rowInvariance } from "./row-invariance.js";

/** Context of the check: its text and room for its trees. */
const CONTEXT = 64;

const attendsHere = (): Attends => ({ attention: attentionHere(), cacheDtype: "fp32" });

/** How exact a converted model is here: as kept beside it, or checked now and kept. */
export async function exactnessOf(
  converted: ConvertedModel,
  config: ModelConfig,
  signal?: AbortSignal,
  how: Partial<Attends> = {},
): Promise<Exactness> {
  const attends = { ...attendsHere(), ...how };
  const kept = await keptExactness(converted, attends);
  if (kept) return kept;
  const exactness = await checkExactness(converted, config, signal, attends);
  await keepExactness(converted, attends, exactness);
  return exactness;
}

/**
 * Probes the model's products for the fewest rows that they must run for, then the whole model with that. Takes a second
 * or so for a model of 135 million parameters.
 */
export async function checkExactness(
  converted: ConvertedModel,
  config: ModelConfig,
  signal?: AbortSignal,
  how: Partial<Attends> = {},
): Promise<Exactness> {
  const { products, hidden } = await probeProducts(config, converted, signal);
  const least = { leastRows: products.least, leastHiddenRows: hidden.least };
  const contextLength = Math.min(CONTEXT, config.maxPositionEmbeddings);
  const exactness = { ...UNCHECKED, ...least };
  await using model = await CausalLM.load({
    ...{ config, ...converted, contextLength, vocabLimit: config.vocabSize, exactness },
    ...how,
  });
  const found = await rowInvariance(model, signal).catch((error) => {
    // Damaged weights: what they do is told to whoever generates.
    if (error instanceof NumericsError) return undefined;
    throw error;
  });
  if (!found) return { ...exactness, differingRows: products.differing };
  const { rows, identical, maxDifference } = found;
  const exact = identical === rows && products.differing.length === 0;
  return {
    level: exact ? "bit-exact" : "up to rounding",
    maxDifference: Math.max(maxDifference, products.maxDifference),
    ...least,
    differingRows: products.differing,
  };
}

/** What is known of a checkpoint in each dtype, with an fp32 cache, on this CPU; "unchecked" where it was not loaded yet. */
export async function knownExactness(source: TensorSource, config: ModelConfig): Promise<Record<Dtype, Exactness>> {
  const known = DTYPES.map(async (dtype) => {
    const converted = await findConverted(source, decoderBlueprint(config), await weightFormat(dtype));
    return [dtype, (converted && (await keptExactness(converted, attendsHere()))) ?? UNCHECKED] as const;
  });
  return Object.fromEntries(await Promise.all(known)) as Record<Dtype, Exactness>;
}
