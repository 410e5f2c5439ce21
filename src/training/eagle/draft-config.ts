import { EAGLE3 } from "../../models/eagle/eagle-config.js";
import type { ModelConfig } from "../../types/model-config.js";

/** A target with fewer layers has no middle to speak of: the usual streams would be almost one. */
const DEEP = 12;

/**
 * The streams that heads read unless told otherwise: those that everybody takes, of deep targets; of shallow ones streams
 * after a third, two thirds and all layers.
 */
export function trainedLayers(numLayers: number): number[] {
  if (numLayers >= DEEP) return [2, Math.floor(numLayers / 2), numLayers - 3];
  return [1, 2, 3].map((third) => Math.max(1, Math.round((third * numLayers) / 3)));
}

/** The config of an EAGLE-3 layer like one of the target's. */
export function draftConfig(
  target: ModelConfig,
  { targetLayers, draftVocabSize }: { targetLayers: readonly number[]; draftVocabSize: number },
): ModelConfig {
  return {
    ...target,
    modelType: EAGLE3,
    numLayers: 1,
    tieWordEmbeddings: false,
    bosTokenId: null,
    eosTokenIds: [],
    draftVocabSize,
    eagle: {
      targetHiddenSize: target.hiddenSize,
      targetLayers,
      normBeforeResidual: false,
      normBeforeFc: false,
      fcNorm: false,
      normOutput: false,
    },
  };
}
