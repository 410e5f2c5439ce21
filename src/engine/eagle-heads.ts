import type { TokenId } from "../types/token.js";
import { CausalLM, type CausalLMOptions } from "./causal-lm.js";
import { Need, type PassResult } from "./rows.js";

/** The layer's own residual stream is taken after this many layers. */
const AFTER_LAYER = 1;

export interface EagleHeadsOptions extends Omit<CausalLMOptions, "vocabLimit"> {
  /** The target's id of each token of the draft's vocabulary. Absent: they are the same. */
  targetIds?: Int32Array;
}

/**
 * An EAGLE-3 layer as a model: its rows read a token of the target and a feature, and give logits over a vocabulary of
 * the draft's own. Row j of a text reads token j + 1 with the target's streams at token j.
 */
export class EagleHeads {
  private constructor(
    /** Runs the layer: sequences, caches, passes. Its token ids are the target's, those of its logits the draft's. */
    readonly model: CausalLM,
    private readonly targetIds: Int32Array | undefined,
  ) {}

  static async load({ targetIds, ...options }: EagleHeadsOptions): Promise<EagleHeads> {
    const { draftVocabSize } = options.config.eagle!;
    const model = await CausalLM.load({ ...options, vocabLimit: draftVocabSize });
    if (!options.config.eagle!.normOutput) model.capture([AFTER_LAYER]);
    return new EagleHeads(model, targetIds);
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
    return this.model.config.eagle!.draftVocabSize;
  }

  /** The target's vocabulary. */
  get vocabSize(): number {
    return this.model.config.vocabSize;
  }

  /** The target's id of a token of the draft's vocabulary. */
  targetId(id: TokenId): TokenId {
    return this.targetIds ? this.targetIds[id] : id;
  }

  /** A row of logits by the target's ids; tokens that the draft does not know are impossible. @param into [vocabSize] */
  widen(logits: Float32Array, into: Float32Array): void {
    into.fill(Number.NEGATIVE_INFINITY);
    for (let id = 0; id < logits.length; id++) into[this.targetId(id)] = logits[id];
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
