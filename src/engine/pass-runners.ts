import { existsSync } from "node:fs";
import { join } from "node:path";
import { Rotation } from "../conversion/rotation.js";
import type { Sequences } from "../models/onnx/contract.js";
import { buildDecoder } from "../models/onnx/decoder.js";
import type { WeightManifest } from "../models/weight-spec.js";
import { nativeOperators } from "../runtime/native-operators.js";
import { Session } from "../runtime/session.js";
import { RuntimeError, UsageError } from "../types/errors.js";
import type { Exactness } from "../types/exactness.js";
import { type CacheDtype, logitCount, type ModelConfig } from "../types/model-config.js";
import { shown } from "../types/shown.js";
import type { AttentionInputs } from "./attention-inputs.js";
import { AuxiliaryRows } from "./auxiliary-rows.js";
import { ContiguousCaches } from "./contiguous-caches.js";
import type { KvCaches } from "./kv-cache.js";
import { PagedCaches } from "./paged-cache.js";
import { PassRunner } from "./pass-runner.js";
import type { RotaryCache } from "./rotary-cache.js";
import { Need, type TokenRows } from "./rows.js";
import { SequenceInputs } from "./sequence-inputs.js";
import { TreeInputs } from "./tree-inputs.js";

/** What attends: ONNX Runtime's own operator, or that of native/. */
export type AttentionOperator = "GroupQueryAttention" | "TreeAttention";

/** What attends unless told otherwise. */
export function attentionHere(): AttentionOperator {
  return nativeOperators().path === undefined ? "GroupQueryAttention" : "TreeAttention";
}

/** @throws UsageError where what attends cannot read keys and values that are held so */
export function checkCacheDtype(cacheDtype: CacheDtype, attention = attentionHere()): void {
  if (cacheDtype === "fp32" || attention === "TreeAttention") return;
  const { reason = "ONNX Runtime's attention was asked for" } = nativeOperators();
  throw new UsageError(
    `cacheDtype "${cacheDtype}" needs Foretoken's own operators, which do not run here (${reason}): leave it out for "fp32", or see foretoken doctor`,
    { option: "cacheDtype" },
  );
}

/** The caches that go with what attends. @throws UsageError as checkCacheDtype; RuntimeError when there is no memory */
export function newCaches(options: GraphOptions, capacity: number): KvCaches {
  const { config, attention = attentionHere(), cacheDtype = "fp32" } = options;
  checkCacheDtype(cacheDtype, attention);
  if (attention === "GroupQueryAttention") return new ContiguousCaches(config, capacity);
  return new PagedCaches(config, capacity, cacheDtype);
}

/** What a model's graphs are built from. */
export interface GraphOptions {
  config: ModelConfig;
  manifest: WeightManifest;
  /** Folder of the manifest's weight file. */
  directory: string;
  /** Ids from here on are padding that the tokenizer does not know. */
  vocabLimit: number;
  /** Of a draft with a vocabulary of its own: its target's id of each token. Rows are given by those. Absent: they are the same. */
  targetIds?: Int32Array;
  /** Places of the layers that run, config.numLayers of them. Default: all. */
  layers?: readonly number[];
  /** How it attends. Default: TreeAttention where the native operators run. */
  attention?: AttentionOperator;
  /** How keys and values are held. Default: fp32; others need TreeAttention. */
  cacheDtype?: CacheDtype;
  /** What was found for these weights on this CPU; a lone row stands twice where it says so. Default: nobody looked. */
  exactness?: Exactness;
}

/** Ids of a graph's logits that are ranked: padding is not. */
export function rankedCount({ config, vocabLimit, targetIds }: GraphOptions): number {
  return targetIds ? logitCount(config) : Math.min(vocabLimit, logitCount(config));
}

/** Whether the residual stream has another basis than the checkpoint's (conversion/rotated-basis.ts). */
function isRotated({ manifest }: GraphOptions): boolean {
  return "hidden_basis" in manifest.tensors;
}

/**
 * The runners of a model: one for all passes, or, where ONNX Runtime attends, one for each number of sequences. They are sessions
 * over the same weights, opened when first needed.
 */
export class PassRunners {
  /** Residual streams that rows may ask for. */
  private captured: readonly number[] = [];
  private readonly opened = new Map<string, Promise<PassRunner>>();

  constructor(
    private readonly options: GraphOptions,
    private readonly caches: KvCaches,
    private readonly rotary: RotaryCache,
  ) {}

  /** As CausalLM.capture. */
  capture(layers: readonly number[]): void {
    const { numLayers } = this.options.config;
    const wrong = layers.find((count) => !(Number.isInteger(count) && count >= 0 && count <= numLayers));
    if (wrong !== undefined) {
      throw new UsageError(`residual streams are taken after 0 to ${numLayers} layers, got ${shown(wrong)}`);
    }
    this.captured = [...new Set([...this.captured, ...layers])].sort((a, b) => a - b);
  }

  /** The runner for a pass of these rows: one that gives residual streams only where a row asks for them. */
  for(requests: readonly TokenRows[]): Promise<PassRunner> {
    const asks = ({ needs }: TokenRows) => Array.isArray(needs) && needs.some((need) => need & Need.auxiliary);
    return this.get(requests.length, requests.some(asks) ? this.captured : []);
  }

  /** The runner for passes of so many sequences. One that could not be opened is tried again at the next call. */
  get(count: number, streams: readonly number[] = []): Promise<PassRunner> {
    const sequences = this.caches instanceof PagedCaches ? "any" : count;
    const key = `${sequences} ${streams}`;
    const known = this.opened.get(key);
    if (known) return known;
    const opened = this.open(sequences, streams);
    this.opened.set(key, opened);
    opened.catch(() => this.opened.delete(key));
    return opened;
  }

  async dispose(): Promise<void> {
    // What could not be opened holds nothing.
    for (const runner of this.opened.values()) (await runner.catch(() => undefined))?.dispose();
  }

  private async open(sequences: Sequences, streams: readonly number[]): Promise<PassRunner> {
    const { config, manifest, directory, layers, cacheDtype } = this.options;
    const vocabLimit = rankedCount(this.options);
    const { bytes } = buildDecoder(config, manifest, { sequences, vocabLimit, layers, streams, cacheDtype });
    try {
      const session = await Session.create({ bytes, weightsDirectory: directory });
      const auxiliary = streams.length > 0 ? this.auxiliaryRows(streams) : undefined;
      return new PassRunner(session, this.options, this.inputsFor(sequences), this.rotary, auxiliary);
    } catch (error) {
      if (existsSync(join(directory, manifest.file))) throw error;
      throw new RuntimeError(
        `the converted model in ${directory} was removed while it was in use: load the checkpoint again, which converts it anew; then this model works on too`,
      );
    }
  }

  private auxiliaryRows(streams: readonly number[]): AuxiliaryRows {
    const { hiddenSize } = this.options.config;
    return new AuxiliaryRows(streams, hiddenSize, isRotated(this.options) ? new Rotation(hiddenSize) : undefined);
  }

  private inputsFor(sequences: Sequences): AttentionInputs {
    const { caches } = this;
    if (caches instanceof PagedCaches) return new TreeInputs(caches.pool);
    return new SequenceInputs(sequences as number, caches.capacity);
  }
}
