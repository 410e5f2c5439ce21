import type { TokenId } from "../types/token.js";

/** Turns what a draft says over a vocabulary of its own into the ids of its target. */
export class WideLogits {
  private readonly rows: Float32Array[] = [];

  /** @param targetIds the target's id of each token of the draft's vocabulary */
  constructor(
    private readonly targetIds: Int32Array,
    private readonly vocabSize: number,
  ) {}

  targetId(id: TokenId): TokenId {
    return this.targetIds[id];
  }

  /**
   * A row of logits by the target's ids: tokens that the draft does not know are impossible.
   * @param place its number in the pass; what was made for the same number is overwritten
   */
  row(logits: Float32Array, place: number): Float32Array {
    this.rows[place] ??= new Float32Array(this.vocabSize);
    const wide = this.rows[place].fill(Number.NEGATIVE_INFINITY);
    const { targetIds } = this;
    for (let id = 0; id < logits.length; id++) wide[targetIds[id]] = logits[id];
    return wide;
  }
}
