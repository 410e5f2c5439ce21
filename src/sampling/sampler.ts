import { CallbackError, NumericsError, UsageError } from "../types/errors.js";
import type { SamplingParams } from "../types/sampling-params.js";
import type { TokenId } from "../types/token.js";
import { Candidates } from "./candidates.js";
import type { Distribution } from "./distribution.js";
import type { TokenConstraint } from "./grammar.js";
import type { TokenHistory } from "./history.js";
import { applyProcessors, type LogitsProcessor } from "./logits-processor.js";
import {
  GUMBEL_BOUNDS,
  gumbel,
  gumbelFrom,
  type NoiseKey,
  NoiseStream,
  noiseBits,
  noiseKey,
  uniform,
} from "./noise.js";
import { applyPenalties, changesLogits } from "./penalties.js";

/** More than any noise: a token this far below the best cannot win, whatever its noise. */
const MAX_NOISE = GUMBEL_BOUNDS[32];

export interface SamplerOptions {
  params: SamplingParams;
  /** Ids from here on are never chosen; rows may be longer. */
  vocabSize: number;
  /** Forbidden before params.minNewTokens. */
  eosTokenIds: readonly TokenId[];
  /** Counts the samples drawn for one prompt. Default 0. */
  sampleIndex?: number;
  /** The user's own, in order. Default none. */
  processors?: readonly LogitsProcessor[];
  /** Forbids tokens by what is in the output, such as a grammar. The sampler disposes of it. */
  constraint?: TokenConstraint;
}

/** A token, and what it is chosen by. */
export interface ScoredToken {
  id: TokenId;
  score: number;
}

/**
 * Chooses tokens from rows of logits. Plain decoding, verifiers and drafters all use the same one, so that target and
 * draft pass through the same processors and meet the same noise. Rows are only read.
 */
export class Sampler {
  readonly greedy: boolean;
  private readonly changes: boolean;
  private readonly row: Float32Array;
  private candidatesBuffer: Candidates | undefined;

  constructor(private readonly options: SamplerOptions) {
    this.greedy = !options.params.doSample;
    const { params, processors = [], constraint } = options;
    this.changes = changesLogits(params) || processors.length > 0 || constraint !== undefined;
    this.row = new Float32Array(this.changes || options.params.minNewTokens > 0 ? options.vocabSize : 0);
  }

  /** False when the row's argmax is all that `choose` needs. */
  needsLogits(newTokens: number): boolean {
    return !this.greedy || this.changes || newTokens < this.options.params.minNewTokens;
  }

  /**
   * The token at output position history.newTokens: the largest of log p + Gumbel noise, which is a sample of p.
   * Greedy: the largest logit; the lowest id wins ties.
   * @throws UsageError when every token is forbidden
   */
  choose(row: Float32Array, history: TokenHistory): TokenId {
    return this.chosen(row, history) ?? nothingAllowed();
  }

  /**
   * The same for drafters, on paths that the text may never take: undefined when every token is forbidden, or where the
   * user's own function fails. If the text does take the path, `choose` says so.
   */
  tryChoose(row: Float32Array, history: TokenHistory): TokenId | undefined {
    return unlessCallbackFails(() => this.chosen(row, history), undefined);
  }

  private chosen(row: Float32Array, history: TokenHistory): TokenId | undefined {
    const processed = this.processed(row, history);
    if (this.greedy) return this.argmax(processed, history);
    const candidates = this.fill(processed, history);
    return candidates.count === 0 ? undefined : this.noisyArgmax(candidates, this.key(history, NoiseStream.gumbel));
  }

  /**
   * The k largest of log p + noise, in order: a sample of k without replacement whose first is `choose`'s. For drafters:
   * fewer where fewer are allowed, none where the user's own function fails.
   */
  chooseTop(row: Float32Array, history: TokenHistory, k: number): TokenId[] {
    return this.scoreTop(row, history, k).map(({ id }) => id);
  }

  /** The same with what they were chosen by: log p + noise, up to a constant of the row. */
  scoreTop(row: Float32Array, history: TokenHistory, k: number): ScoredToken[] {
    return unlessCallbackFails(() => this.topChoices(row, history, k), []);
  }

  private topChoices(row: Float32Array, history: TokenHistory, k: number): ScoredToken[] {
    const processed = this.processed(row, history);
    const key = this.key(history, NoiseStream.gumbel);
    const scored: ScoredToken[] = [];
    const offer = (id: TokenId, score: number) => {
      if (!(score < Infinity)) throw new NumericsError(`the token at position ${history.length - 1}`);
      if (score === -Infinity || (scored.length === k && score <= scored[k - 1].score)) return;
      const at = scored.findIndex((other) => score > other.score);
      scored.splice(at < 0 ? scored.length : at, 0, { id, score });
      if (scored.length > k) scored.pop();
    };
    if (this.greedy) for (let id = 0; id < this.options.vocabSize; id++) offer(id, processed[id]);
    else {
      const { ids, logits, count } = this.fill(processed, history);
      for (let i = 0; i < count; i++) {
        const least = scored.length === k ? scored[k - 1].score : -Infinity;
        if (logits[i] + MAX_NOISE < least) continue;
        const bits = noiseBits(key, ids[i]);
        if (logits[i] + GUMBEL_BOUNDS[Math.clz32(bits)] < least) continue;
        offer(ids[i], logits[i] + gumbelFrom(bits, key, ids[i]));
      }
    }
    return scored;
  }

  /** The processed distribution. Greedy: all mass on the largest logit. @throws UsageError when every token is forbidden */
  distribution(row: Float32Array, history: TokenHistory): Distribution {
    return this.distributionOf(row, history) ?? nothingAllowed();
  }

  /** The same for drafters; undefined when every token is forbidden, or where the user's own function fails. Ids ascend. */
  tryDistribution(row: Float32Array, history: TokenHistory): Distribution | undefined {
    return unlessCallbackFails(() => this.distributionOf(row, history), undefined);
  }

  private distributionOf(row: Float32Array, history: TokenHistory): Distribution | undefined {
    const processed = this.processed(row, history);
    if (this.greedy) {
      const id = this.argmax(processed, history);
      return id === undefined ? undefined : { ids: Int32Array.of(id), probs: Float64Array.of(1), count: 1 };
    }
    const candidates = this.fill(processed, history);
    if (candidates.count === 0) return undefined;
    const { weights, total } = candidates.expWeights();
    const { count } = candidates;
    const probs = weights.slice(0, count);
    for (let i = 0; i < count; i++) probs[i] /= total;
    return { ids: candidates.ids.slice(0, count), probs, count };
  }

  /** Uniform numbers for the position after the history, in a stream of their own for each use. */
  uniforms(history: TokenHistory, stream: "verifier" | "draft"): () => number {
    const key = this.key(history, NoiseStream[stream]);
    let n = 0;
    return () => uniform(key, n++);
  }

  dispose(): void {
    this.options.constraint?.dispose();
  }

  private key(history: TokenHistory, stream: number): NoiseKey {
    return noiseKey(this.options.params.seed, this.options.sampleIndex ?? 0, history.newTokens, stream);
  }

  /** The row after penalties: itself, or a copy. */
  private processed(row: Float32Array, history: TokenHistory): Float32Array {
    const { params, vocabSize, eosTokenIds, processors = [] } = this.options;
    if (!this.changes && history.newTokens >= params.minNewTokens) return row;
    this.row.set(row.length === vocabSize ? row : row.subarray(0, vocabSize));
    applyPenalties(this.row, history, params, eosTokenIds);
    if (processors.length > 0) applyProcessors(processors, this.row, history);
    this.options.constraint?.apply(this.row, history);
    return this.row;
  }

  private fill(processed: Float32Array, history: TokenHistory): Candidates {
    const { vocabSize, params } = this.options;
    this.candidatesBuffer ??= new Candidates(vocabSize);
    this.candidatesBuffer.fill(processed, vocabSize, params, history.length - 1);
    return this.candidatesBuffer;
  }

  /** The largest logit's id; undefined when all are -Infinity. @throws NumericsError for NaN and +Infinity */
  private argmax(row: Float32Array, history: TokenHistory): TokenId | undefined {
    const limit = this.options.vocabSize;
    let best = -Infinity;
    let winner: TokenId | undefined;
    for (let id = 0; id < limit; id++) {
      const value = row[id];
      // Put like this, a NaN comes in too, at no cost for the others.
      if (value <= best) continue;
      if (!(value < Infinity)) throw new NumericsError(`the token at position ${history.length - 1}`);
      best = value;
      winner = id;
    }
    return winner;
  }

  /** Exactly the argmax of logit + noise; computes noise only where it could decide. */
  private noisyArgmax({ ids, logits, count, max }: Candidates, key: NoiseKey): TokenId {
    let best = -Infinity;
    let winner = -1;
    const offer = (id: TokenId, score: number) => {
      if (score > best || (score === best && id < winner)) {
        best = score;
        winner = id;
      }
    };
    // The likeliest token first: it rules out most others.
    const top = logits.indexOf(max);
    offer(ids[top], max + gumbel(key, ids[top]));
    for (let i = 0; i < count; i++) {
      const logit = logits[i];
      if (logit + MAX_NOISE < best) continue;
      const bits = noiseBits(key, ids[i]);
      if (logit + GUMBEL_BOUNDS[Math.clz32(bits)] < best) continue;
      offer(ids[i], logit + gumbelFrom(bits, key, ids[i]));
    }
    return winner;
  }
}

function unlessCallbackFails<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof CallbackError) return otherwise;
    throw error;
  }
}

function nothingAllowed(): never {
  throw new UsageError("every token is forbidden: relax grammar, logitBias, badWordsIds or minNewTokens");
}
