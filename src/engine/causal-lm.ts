import { RuntimeError, UsageError } from "../types/errors.js";
import { type Exactness, UNCHECKED } from "../types/exactness.js";
import type { CacheDtype, ModelConfig } from "../types/model-config.js";
import type { TokenId } from "../types/token.js";
import { checkRows, checkSequences, type PassLimits } from "./check-rows.js";
import { type CostCurve, measureCost } from "./cost-curve.js";
import type { KvCaches } from "./kv-cache.js";
import { PassPacer } from "./pass-pacer.js";
import { PassQueue } from "./pass-queue.js";
import type { PassRunner } from "./pass-runner.js";
import { attentionHere, type GraphOptions, newCaches, PassRunners, rankedCount } from "./pass-runners.js";
import { PassTimes } from "./pass-times.js";
import { checkPrefill, type PrefillOptions, prefill } from "./prefill.js";
import { RotaryCache } from "./rotary-cache.js";
import type { PassResult, TokenRows } from "./rows.js";
import { Sequence } from "./sequence.js";
import { assertLayerList, layersWithout } from "./skipped-layers.js";

/** Slots beyond the context for rows of a plan that will be dropped again. */
const PLAN_ROWS = 256;
/** Most sequences in one pass; more are run in several passes. */
const MAX_SEQUENCES = 16;
/** The same where ONNX Runtime attends: each number then has a session of its own. */
const MAX_SEQUENCES_ONE_BY_ONE = 4;

export interface CausalLMOptions extends GraphOptions {
  /** Most committed tokens of a sequence. */
  contextLength: number;
}

/** A causal language model: runs rows of token trees of one or several sequences over one set of weights. */
export class CausalLM {
  readonly config: ModelConfig;
  readonly contextLength: number;
  readonly vocabLimit: number;
  /** Most sequences that `forward` takes. */
  readonly maxSequences: number;
  /** Whether rows on side branches of a tree have the bits of a chain's rows: then they may be committed at once. */
  readonly exactTrees: boolean;
  private readonly caches: KvCaches;
  private readonly limits: PassLimits;
  private readonly rotary: RotaryCache;
  private readonly runners: PassRunners;
  private readonly skipping = new Map<string, Promise<CausalLM>>();
  /** What passes have taken so far. */
  readonly times = new PassTimes();
  private readonly pacer = new PassPacer(this.times);
  private readonly queue = new PassQueue();
  private disposal: Promise<void> | undefined;

  private constructor(readonly options: CausalLMOptions) {
    this.config = options.config;
    this.contextLength = options.contextLength;
    this.vocabLimit = options.vocabLimit;
    const capacity = options.contextLength + PLAN_ROWS;
    const { attention = attentionHere() } = options;
    this.exactTrees = attention === "TreeAttention";
    this.maxSequences = this.exactTrees ? MAX_SEQUENCES : MAX_SEQUENCES_ONE_BY_ONE;
    this.caches = newCaches({ ...options, attention }, capacity);
    this.rotary = new RotaryCache(this.config, capacity);
    this.runners = new PassRunners(options, this.caches, this.rotary);
    const { vocabSize, hiddenSize, eagle } = this.config;
    const { maxSequences, caches } = this;
    const streams = eagle && eagle.targetLayers.length * eagle.targetHiddenSize;
    const featureWidths = streams === undefined ? undefined : { streams, guess: hiddenSize };
    this.limits = { vocabSize, rankedCount: rankedCount(options), maxSequences, caches, featureWidths };
  }

  /**
   * Opens the session for one sequence; those for several are opened when first needed.
   * @throws RuntimeError when there is no memory for a context so long, UsageError for a cacheDtype that cannot be here
   */
  static async load(options: CausalLMOptions): Promise<CausalLM> {
    const model = new CausalLM(options);
    // The first sequence's cache: there is memory for it, or the error comes now.
    model.caches.take().release();
    await model.runners.get(1);
    return model;
  }

  get dtype() {
    return this.options.manifest.dtype;
  }

  /** How keys and values are held. */
  get cacheDtype(): CacheDtype {
    return this.options.cacheDtype ?? "fp32";
  }

  /** How far rows depend on the rows beside them, on this CPU. */
  get exactness(): Exactness {
    return this.options.exactness ?? UNCHECKED;
  }

  /** An empty sequence with a cache of its own. Dispose of it when done. */
  newSequence(): Sequence {
    this.assertLive();
    return new Sequence(this.caches);
  }

  /**
   * Makes residual streams known that rows with Need.auxiliary get, each by the layers before it (0: the embedding); those
   * of earlier calls stay. Passes without such rows run as if nobody had asked.
   * @throws UsageError for more layers than there are
   */
  capture(layers: readonly number[]): void {
    this.runners.capture(layers);
  }

  /**
   * Runs the rows of all requests (one for each sequence) and hands what they asked for to `read`, whose result is
   * returned. Afterwards the rows are pending: commit or roll back. If the pass fails or is aborted they are dropped.
   * From the call until the promise settles the sequences refuse every change.
   * @param read must not be async: the next pass overwrites the rows
   * @param k how many of the likeliest tokens rows with Need.top get
   * @throws RuntimeError, UsageError for rows that make no sense, before anything is written; NumericsError from the
   *   reader's calls for logits that are no numbers
   */
  async forward<T>(
    requests: readonly TokenRows[],
    read: (result: PassResult) => T,
    options: { k?: number; signal?: AbortSignal } = {},
  ): Promise<T> {
    this.assertLive();
    if (typeof read !== "function")
      throw new UsageError("forward takes a function that reads the rows: (result) => ...");
    checkSequences(requests, this.limits);
    const held = requests.map(({ sequence }) => sequence);
    for (const sequence of held) sequence.enterPass();
    try {
      return await this.run(requests, read, options?.k ?? 1, options?.signal);
    } finally {
      for (const sequence of held) sequence.leavePass();
    }
  }

  /**
   * Commits `tokens` to the sequence, in chunks; nothing is read back. Rows do not depend on the chunking. When it fails
   * or is aborted, none of them is committed.
   */
  async prefill(sequence: Sequence, tokens: readonly TokenId[], given?: PrefillOptions): Promise<void> {
    this.assertLive();
    const options = given ?? {};
    checkSequences([{ sequence, tokens, needs: [] }], this.limits);
    checkPrefill(sequence, tokens, options, this.config.vocabSize);
    sequence.enterPass();
    try {
      await prefill(sequence, tokens, options, (rows) => this.run([rows], () => undefined, 1, options.signal));
    } finally {
      sequence.leavePass();
    }
  }

  /**
   * The same weights without some layers (places from 0): a model of its own, opened once and disposed of with this one.
   * @throws UsageError when a place is none, or no layer is left
   */
  async withoutLayers(skipped: readonly number[]): Promise<CausalLM> {
    this.assertLive();
    assertLayerList(skipped);
    const key = [...new Set(skipped)].sort((a, b) => a - b).join();
    const known = this.skipping.get(key) ?? this.openWithoutLayers(skipped);
    this.skipping.set(key, known);
    known.catch(() => this.skipping.delete(key));
    return known;
  }

  /** The same, not kept: the caller disposes of it, before this one. */
  async openWithoutLayers(skipped: readonly number[]): Promise<CausalLM> {
    this.assertLive();
    const layers = layersWithout(skipped, this.config.numLayers);
    return CausalLM.load({ ...this.options, config: { ...this.config, numLayers: layers.length }, layers });
  }

  /** t(n): the time of a pass of n rows that all ask for their argmax, for n up to 64. */
  measureCost(options: { past?: number; repeats?: number } = {}): Promise<CostCurve> {
    return measureCost(this, options);
  }

  /** Releases native memory, after the passes asked for have ended. Sequences must not be used afterwards. */
  dispose(): Promise<void> {
    this.disposal ??= this.release();
    return this.disposal;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async run<T>(
    requests: readonly TokenRows[],
    read: (result: PassResult) => T,
    k: number,
    signal?: AbortSignal,
  ): Promise<T> {
    const runner = await this.runners.for(requests);
    return this.queue.run(() => this.pass(runner, requests, read, k, signal));
  }

  private async pass<T>(
    runner: PassRunner,
    requests: readonly TokenRows[],
    read: (result: PassResult) => T,
    k: number,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    this.assertLive();
    checkRows(requests, k, this.limits);
    const before = requests.map(({ sequence }) => sequence.pending);
    try {
      for (const { sequence, tokens, parents } of requests) {
        const first = sequence.pending;
        sequence.append(parents ?? tokens.map((_, i) => first + i - 1));
      }
      try {
        runner.prepare(requests, k);
        await this.pacer.run(runner, requests, signal);
      } finally {
        runner.finish();
      }
      return notAsync(read(runner));
    } catch (error) {
      requests.forEach(({ sequence }, i) => {
        sequence.dropPending(before[i]);
      });
      throw error;
    }
  }

  private async release(): Promise<void> {
    await this.queue.idle();
    // What could not be opened holds nothing.
    for (const model of this.skipping.values()) await (await model.catch(() => undefined))?.dispose();
    await this.runners.dispose();
    this.caches.dispose();
    this.rotary.dispose();
  }

  private assertLive(): void {
    if (this.disposal) throw new RuntimeError("the model was disposed: load it again");
  }
}

/** What a reader returned. @throws UsageError for a promise: waiting for it would wait for ever if it ran a pass */
function notAsync<T>(value: T): T {
  if (typeof (value as PromiseLike<unknown> | undefined)?.then !== "function") return value;
  Promise.resolve(value).catch(() => {});
  throw new UsageError("the reader of a pass returned a promise: read rows without await, run passes after forward");
}
