import { Need, type PassResult } from "../../engine/rows.js";
import type { ScoredToken } from "../../sampling/sampler.js";
import type { TokenId } from "../../types/token.js";
import { chanceOf } from "../../verification/chance.js";
import { sampleWithoutReplacement } from "../draft/sampled-children.js";
import type { DraftContext } from "../drafter.js";
import type { NextTokens } from "./dynamic-tree.js";

/** Candidates that a sampled row's probabilities are shared out among. */
const SHARED = 10;

/** Reads what the draft layer's rows say, as a request's sampler would choose from them. */
export class NextTokenReader {
  /** What a row must be asked for. */
  need({ sampler, history }: DraftContext): number {
    return sampler.needsLogits(history.newTokens) ? Need.logits : Need.top | Need.logSumExp;
  }

  /** @param path tokens from below the text down to the row's own, which the row comes after */
  read(result: PassResult, row: number, path: readonly TokenId[], context: DraftContext, width: number): NextTokens {
    if (this.need(context) !== Need.logits) {
      const { ids, logits } = result.top(row);
      const total = result.logSumExp(row);
      const known = ids.slice(0, width);
      return { ids: known, logProbs: known.map((_, i) => logits[i] - total) };
    }
    const logits = result.logits(row);
    return context.history.along(path, () =>
      samples(context) ? this.sample(logits, context) : this.choose(logits, context, width),
    );
  }

  /**
   * By the noise that the target will meet. Were the draft's log-probabilities off by noise of that kind, the target would
   * choose each candidate with the softmax of the scores.
   */
  private choose(logits: Float32Array, { sampler, history }: DraftContext, width: number): NextTokens {
    const scored = sampler.scoreTop(logits, history, Math.max(width, SHARED));
    const total = logSum(scored);
    const kept = scored.slice(0, width);
    return { ids: kept.map(({ id }) => id), logProbs: kept.map(({ score }) => score - total) };
  }

  /** A draw of the draft's own, of which the maximal rule must know the distribution. */
  private sample(logits: Float32Array, { sampler, history }: DraftContext): NextTokens {
    const distribution = sampler.tryDistribution(logits, history);
    if (!distribution) return { ids: [], logProbs: [] };
    const ids = sampleWithoutReplacement(distribution, 1, chanceOf(sampler.uniforms(history, "draft")));
    return { ids, logProbs: ids.map((id) => Math.log(distribution.probs[distribution.ids.indexOf(id)])), distribution };
  }
}

/**
 * Whether candidates are drawn from the draft's distribution. Then there is one after each: which of several stand in the
 * tree must not depend on what they are.
 */
export function samples({ sampler, coupling }: DraftContext): boolean {
  return coupling === "maximal" && !sampler.greedy;
}

function logSum(scored: readonly ScoredToken[]): number {
  const most = scored[0]?.score ?? 0;
  return most + Math.log(scored.reduce((sum, { score }) => sum + Math.exp(score - most), 0));
}
