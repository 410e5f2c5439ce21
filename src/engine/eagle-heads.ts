import { logitCount } from "../types/model-config.js";
import { CausalLM, type CausalLMOptions } from "./causal-lm.js";
import { Need, type PassResult } from "./rows.js";

/** The layer's own residual stream is taken after this many layers. */
const AFTER_LAYER = 1;

export type EagleHeadsOptions = Omit<CausalLMOptions, "vocabLimit">;

/**
 * An EAGLE-3 layer as a model: its rows read a token of the target and a feature, and give logits of the target's tokens, mostly
 * of some of them only. Row j of a text reads token j + 1 with the target's streams at token j.
 */
export class EagleHeads {
  private constructor(
    /** Runs the layer: sequences, caches, passes. Its token ids are the target's. */
    readonly model: CausalLM,
  ) {}

  static async load(options: EagleHeadsOptions): Promise<EagleHeads> {
    const model = await CausalLM.load({ ...options, vocabLimit: options.config.vocabSize });
    if (!options.config.eagle!.normOutput) model.capture([AFTER_LAYER]);
    return new EagleHeads(model);
  }

  /** The target's residual streams that make a feature, each by the layers before it. */
  get targetLayers(): readonly number[] {
    return this.model.config.eagle!.targetLayers;
  }

  get targetHiddenSize(): number {
    return this.model.config.eagle!.targetHiddenSize;
  }

  /** Tokens that the heads can name. */
  get draftVocabSize(): number {
    return logitCount(this.model.config);
  }

  /** The target's vocabulary. */
  get vocabSize(): number {
    return this.model.config.vocabSize;
  }

  /** The feature of a target's row, copied: its streams one after the other. @param row one with Need.auxiliary */
  streamsOf(target: PassResult, row: number, request?: number): Float32Array {
    const { targetLayers, targetHiddenSize: width } = this;
    const streams = new Float32Array(targetLayers.length * width);
    targetLayers.forEach((layers, i) => {
      streams.set(target.auxiliary(row, layers, request), i * width);
    });
    return streams;
  }

  /** What a row of the layer must be asked for so that rows below it have their feature. */
  get guessNeed(): number {
    return this.model.config.eagle!.normOutput ? Need.hidden : Need.auxiliary;
  }

  /** The feature that a row of the layer hands on to rows below it, copied. */
  guessOf(result: PassResult, row: number): Float32Array {
    const { normOutput } = this.model.config.eagle!;
    return (normOutput ? result.hidden(row) : result.auxiliary(row, AFTER_LAYER)).slice();
  }

  /** Releases native memory, after the passes asked for have ended. */
  dispose(): Promise<void> {
    return this.model.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
