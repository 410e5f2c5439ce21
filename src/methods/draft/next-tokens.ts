import { Need, type PassResult } from "../../engine/rows.js";
import type { Distribution } from "../../sampling/distribution.js";
import type { ScoredToken } from "../../sampling/sampler.js";
import type { TokenId } from "../../types/token.js";
import { chanceOf } from "../../verification/chance.js";
import { type DraftContext, samples } from "../drafter.js";
import { sampleWithoutReplacement } from "./sampled-children.js";

/** Candidates that a sampled row's probabilities are shared out among. */
const SHARED = 10;

/** What a row says comes after it, likeliest first. */
export interface NextTokens {
  ids: readonly TokenId[];
  /** The draft's log-probability of each; empty where nobody asked for them. */
  logProbs: readonly number[];
  /** What the tokens were sampled from. */
  distribution?: Distribution;
}

/** Reads what a draft's rows say in a step, as the request's sampler would choose from them. */
export class NextTokenReader {
  /** What a row must be asked for. */
  readonly need: number;

  /** @param probable whether probabilities are asked for */
  constructor(
    private readonly context: DraftContext,
    private readonly probable: boolean,
  ) {
    const { sampler, history } = context;
    if (sampler.needsLogits(history.newTokens)) this.need = Need.logits;
    else this.need = probable ? Need.top | Need.logSumExp : Need.top;
  }

  /**
   * @param path tokens from below the text down to the row's own, which the row comes after
   * @param width most candidates
   */
  read(result: PassResult, row: number, path: readonly TokenId[], width: number): NextTokens {
    const { probable, context } = this;
    if (this.need !== Need.logits) {
      const { ids, logits } = result.top(row);
      const known = ids.slice(0, width);
      if (!probable) return { ids: known, logProbs: [] };
      const total = result.logSumExp(row);
      return { ids: known, logProbs: known.map((_, i) => logits[i] - total) };
    }
    const logits = result.logits(row);
    return context.history.along(path, () => {
      if (samples(context)) return this.sample(logits, width);
      return probable ? this.weigh(logits, width) : this.choose(logits, width);
    });
  }

  private choose(logits: Float32Array, width: number): NextTokens {
    const { sampler, history } = this.context;
    if (width > 1) return { ids: sampler.chooseTop(logits, history, width), logProbs: [] };
    const token = sampler.tryChoose(logits, history);
    return { ids: token === undefined ? [] : [token], logProbs: [] };
  }

  /**
   * By the noise that the target will meet. Were the draft's log-probabilities off by noise of that kind, the target would
   * choose each candidate with the softmax of the scores.
   */
  private weigh(logits: Float32Array, width: number): NextTokens {
    const { sampler, history } = this.context;
    const scored = sampler.scoreTop(logits, history, Math.max(width, SHARED));
    const total = logSum(scored);
    const kept = scored.slice(0, width);
    return { ids: kept.map(({ id }) => id), logProbs: kept.map(({ score }) => score - total) };
  }

  /** Draws of the draft's own, of which the maximal rule must know the distribution. */
  private sample(logits: Float32Array, width: number): NextTokens {
    const { sampler, history } = this.context;
    const distribution = sampler.tryDistribution(logits, history);
    if (!distribution) return { ids: [], logProbs: [] };
    const ids = sampleWithoutReplacement(distribution, width, chanceOf(sampler.uniforms(history, "draft")));
    if (!this.probable) return { ids, logProbs: [], distribution };
    const logProbs = ids.map((id) => Math.log(distribution.probs[distribution.ids.indexOf(id)]));
    return { ids, logProbs, distribution };
  }
}

function logSum(scored: readonly ScoredToken[]): number {
  const most = scored[0]?.score ?? 0;
  return most + Math.log(scored.reduce((sum, { score }) => sum + Math.exp(score - most), 0));
}
