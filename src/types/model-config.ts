/** Rotary position scaling, as in config.json's `rope_scaling`. */
export type RopeScaling =
  | { type: "linear"; factor: number }
  | {
      type: "llama3";
      factor: number;
      lowFreqFactor: number;
      highFreqFactor: number;
      originalMaxPositionEmbeddings: number;
    };

/**
 * What an EAGLE-3 draft layer reads beside tokens, and how (models/eagle/). Its config's `vocabSize` is that of the target,
 * whose tokens it reads.
 */
export interface EagleLayer {
  /** Width of the target's hidden states. */
  targetHiddenSize: number;
  /** The target's residual streams that it reads, in this order: each after so many layers (0: the embedding). */
  targetLayers: readonly number[];
  /** The residual begins after the features' norm, not before. */
  normBeforeResidual: boolean;
  /** The target's streams, joined, are normed before they are fused. */
  normBeforeFc: boolean;
  /** Each of the target's streams is normed by itself before that. */
  fcNorm: boolean;
  /** The feature that a row hands on is normed as its logits' is. */
  normOutput: boolean;
}

/** A model's config.json, checked and normalised. Sizes are counts of elements. */
export interface ModelConfig {
  /** Hugging Face `model_type`, e.g. "llama"; picks the graph builder. */
  modelType: string;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  numLayers: number;
  numHeads: number;
  numKvHeads: number;
  headDim: number;
  rmsNormEps: number;
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
  maxPositionEmbeddings: number;
  tieWordEmbeddings: boolean;
  attentionBias: boolean;
  mlpBias: boolean;
  bosTokenId: number | null;
  /** End-of-sequence ids: generation_config.json's list where present, else config.json's. */
  eosTokenIds: number[];
  /**
   * Of a draft whose logits are over a vocabulary of its own, some of the tokens that it reads: how many these are. Absent: all.
   */
  draftVocabSize?: number;
  /** Only for a draft layer over a target's features. */
  eagle?: EagleLayer;
}

/** Ids that a model's rows of logits have. */
export function logitCount({ draftVocabSize, vocabSize }: Pick<ModelConfig, "draftVocabSize" | "vocabSize">): number {
  return draftVocabSize ?? vocabSize;
}

/** How weights are held and multiplied. See docs/dtypes.md. */
export type Dtype = "fp32" | "q8" | "q4";

export const DTYPES: readonly Dtype[] = ["fp32", "q8", "q4"];

/** How keys and values are held. See docs/dtypes.md. */
export type CacheDtype = "fp32" | "fp16" | "q8";

export const CACHE_DTYPES: readonly CacheDtype[] = ["fp32", "fp16", "q8"];
