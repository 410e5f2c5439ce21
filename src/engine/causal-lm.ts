import { existsSync } from "node:fs";
import { join } from "node:path";
import type { WeightManifest } from "../checkpoint/weight-spec.js";
import { buildDecoder } from "../graph/decoder.js";
import { rotaryTables } from "../graph/rotary.js";
import { Session } from "../runtime/session.js";
import { Tensor } from "../runtime/tensor.js";
import { RuntimeError, UsageError } from "../types/errors.js";
import type { ModelConfig } from "../types/model-config.js";
import type { TokenId } from "../types/token.js";
import { type CostCurve, measureCost } from "./cost-curve.js";
import { KvCachePool } from "./kv-cache-pool.js";
import { PassPacer } from "./pass-pacer.js";
import { PassRunner } from "./pass-runner.js";
import { Need, type PassResult, type TokenRows } from "./rows.js";
import { Sequence } from "./sequence.js";

/** Rows of a prefill pass: 64 to 256 were fastest for a prompt of 2048 tokens. */
const PREFILL_CHUNK = 128;
/** Slots beyond the context for rows of a plan that will be dropped again. */
const PLAN_ROWS = 256;
/** Most sequences in one pass; more are run in several passes. Each number has a session of its own over the same weights. */
const MAX_SEQUENCES = 4;

export interface CausalLMOptions {
  config: ModelConfig;
  manifest: WeightManifest;
  /** Folder of the manifest's weight file. */
  directory: string;
  /** Most committed tokens of a sequence. */
  contextLength: number;
  /** Ids from here on are padding that the tokenizer does not know. */
  vocabLimit: number;
  /** Places of the layers that run, config.numLayers of them. Default: all. */
  layers?: readonly number[];
}

/** A causal language model: runs rows of token trees of one or several sequences over one set of weights. */
export class CausalLM {
  readonly config: ModelConfig;
  readonly contextLength: number;
  readonly vocabLimit: number;
  /** Most sequences that `forward` takes. */
  readonly maxSequences = MAX_SEQUENCES;
  private readonly caches: KvCachePool;
  private readonly rotary: { cos: Tensor; sin: Tensor };
  private readonly runners = new Map<number, Promise<PassRunner>>();
  private readonly skipping = new Map<string, Promise<CausalLM>>();
  private readonly pacer = new PassPacer();
  private queue: Promise<unknown> = Promise.resolve();
  private live = true;

  private constructor(readonly options: CausalLMOptions) {
    this.config = options.config;
    this.contextLength = options.contextLength;
    this.vocabLimit = options.vocabLimit;
    const capacity = options.contextLength + PLAN_ROWS;
    this.caches = new KvCachePool(this.config, capacity);
    const { cos, sin } = rotaryTables(this.config, capacity);
    const dims = [capacity, this.config.headDim / 2];
    this.rotary = { cos: new Tensor(cos, dims), sin: new Tensor(sin, dims) };
  }

  /** Opens the session for one sequence; those for several are opened when first needed. */
  static async load(options: CausalLMOptions): Promise<CausalLM> {
    const model = new CausalLM(options);
    await model.runner(1);
    return model;
  }

  get dtype() {
    return this.options.manifest.dtype;
  }

  /** An empty sequence with a cache of its own. Dispose of it when done. */
  newSequence(): Sequence {
    this.assertLive();
    return new Sequence(this.caches);
  }

  /**
   * Runs the rows of all requests (one for each sequence) and hands what they asked for to `read`, whose result is
   * returned. Afterwards the rows are pending: commit or roll back. If the pass fails or is aborted they are dropped.
   * @param k how many of the likeliest tokens rows with Need.top get
   */
  async forward<T>(
    requests: readonly TokenRows[],
    read: (result: PassResult) => T,
    options: { k?: number; signal?: AbortSignal } = {},
  ): Promise<T> {
    this.assertLive();
    this.check(requests);
    if (requests.length > MAX_SEQUENCES) {
      throw new UsageError(`a pass takes at most ${MAX_SEQUENCES} sequences, got ${requests.length}`);
    }
    const runner = await this.runner(requests.length);
    const ready = this.queue;
    let release = () => {};
    this.queue = new Promise<void>((resolve) => {
      release = resolve;
    });
    try {
      await ready;
      return await this.pass(runner, requests, read, options.k ?? 1, options.signal);
    } finally {
      release();
    }
  }

  /** Commits `tokens` to the sequence, in chunks; nothing is read back. Rows do not depend on the chunking. */
  async prefill(
    sequence: Sequence,
    tokens: readonly TokenId[],
    options: { chunk?: number; signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
  ): Promise<void> {
    const chunk = options.chunk ?? PREFILL_CHUNK;
    for (let start = 0; start < tokens.length; start += chunk) {
      const part = tokens.slice(start, start + chunk);
      const needs = part.map(() => Need.nothing);
      await this.forward([{ sequence, tokens: part, needs }], () => undefined, { signal: options.signal });
      sequence.commit(part.map((_, i) => i));
      options.onProgress?.(Math.min(start + chunk, tokens.length), tokens.length);
    }
  }

  /**
   * The same weights without some layers (places from 0): a model of its own, opened once and disposed of with this one.
   * @throws UsageError when a place is none, or no layer is left
   */
  async withoutLayers(skipped: readonly number[]): Promise<CausalLM> {
    const key = [...new Set(skipped)].sort((a, b) => a - b).join();
    const known = this.skipping.get(key) ?? this.openWithoutLayers(skipped);
    this.skipping.set(key, known);
    known.catch(() => this.skipping.delete(key));
    return known;
  }

  /** The same, not kept: the caller disposes of it, before this one. */
  async openWithoutLayers(skipped: readonly number[]): Promise<CausalLM> {
    const { numLayers } = this.config;
    const places = Array.from({ length: numLayers }, (_, i) => i);
    const layers = places.filter((place) => !skipped.includes(place));
    if (!skipped.every((place) => places.includes(place)) || layers.length === 0 || layers.length === numLayers) {
      throw new UsageError(
        `layers to skip must be some, not all, of 0 to ${numLayers - 1}, got ${JSON.stringify(skipped)}`,
      );
    }
    return CausalLM.load({ ...this.options, config: { ...this.config, numLayers: layers.length }, layers });
  }

  /** t(n): the time of a pass of n rows that all ask for their argmax, for n up to 64. */
  measureCost(options: { past?: number; repeats?: number } = {}): Promise<CostCurve> {
    return measureCost(this, options);
  }

  /** Releases native memory. Sequences must not be used afterwards. */
  async dispose(): Promise<void> {
    if (!this.live) return;
    this.live = false;
    await this.queue;
    for (const model of this.skipping.values()) await (await model).dispose();
    for (const runner of this.runners.values()) (await runner).dispose();
    this.caches.dispose();
    this.rotary.cos.dispose();
    this.rotary.sin.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
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
    const before = requests.map(({ sequence }) => sequence.pending);
    try {
      for (const { sequence, tokens, parents } of requests) {
        const first = sequence.pending;
        sequence.append(parents ?? tokens.map((_, i) => first + i - 1));
      }
      runner.prepare(requests, k);
      try {
        await this.pacer.run(runner, requests, signal);
      } finally {
        runner.finish(requests);
      }
      return read(runner);
    } catch (error) {
      requests.forEach(({ sequence }, i) => {
        sequence.dropPending(before[i]);
      });
      throw error;
    }
  }

  private runner(sequences: number): Promise<PassRunner> {
    const known = this.runners.get(sequences);
    if (known) return known;
    const opened = this.openRunner(sequences);
    this.runners.set(sequences, opened);
    opened.catch(() => this.runners.delete(sequences));
    return opened;
  }

  private async openRunner(sequences: number): Promise<PassRunner> {
    const { config, manifest, directory, vocabLimit, layers } = this.options;
    const { bytes } = buildDecoder(config, manifest, { sequences, vocabLimit, layers });
    const weights = join(directory, manifest.file);
    if (!existsSync(weights)) throw new RuntimeError(`${weights} was removed meanwhile: load the model again`);
    const session = await Session.create({ bytes, weightsDirectory: directory });
    return new PassRunner(session, config, sequences, this.caches.capacity, this.rotary);
  }

  private check(requests: readonly TokenRows[]): void {
    for (const { sequence, tokens, needs } of requests) {
      sequence.assertLive();
      if (tokens.length === 0) throw new RuntimeError("a pass needs at least one row for each sequence");
      if (needs.length !== tokens.length) {
        throw new RuntimeError(`${tokens.length} rows came with ${needs.length} needs: give one for each row`);
      }
      for (const token of tokens) {
        if (!Number.isInteger(token) || token < 0 || token >= this.config.vocabSize) {
          throw new RuntimeError(`token id ${token} is outside the vocabulary of ${this.config.vocabSize}`);
        }
      }
    }
  }

  private assertLive(): void {
    if (!this.live) throw new RuntimeError("the model was disposed: load it again");
  }
}
