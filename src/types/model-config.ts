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
}

/** How weights are held and multiplied. See docs/dtypes.md. */
export type Dtype = "fp32" | "q8" | "q4";

export const DTYPES: readonly Dtype[] = ["fp32", "q8", "q4"];
