import { buildMedusaHeads, type MedusaShape } from "../models/medusa/medusa-heads.js";
import type { WeightManifest } from "../models/weight-spec.js";
import { Binding } from "../runtime/binding.js";
import { Session } from "../runtime/session.js";
import { Tensor } from "../runtime/tensor.js";
import { NumericsError, RuntimeError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";
import { WideLogits } from "./wide-logits.js";

/** Likeliest tokens of each head that `top` gives: what Medusa's own trees use. */
const TOP = 10;

export interface MedusaHeadsOptions extends MedusaShape {
  manifest: WeightManifest;
  /** Folder of the manifest's weight file. */
  directory: string;
  /** Of the tokens that the heads can name, those from here on are none. */
  vocabLimit: number;
  /** The target's vocabulary; `targetIds` says which of its tokens the heads can name, where they are not all. */
  targetVocabSize: number;
  targetIds?: Int32Array;
  accuracies?: readonly (readonly number[])[];
}

/** The candidates of one head, likeliest first. */
export interface HeadCandidates {
  ids: readonly TokenId[];
  probabilities: readonly number[];
}

/**
 * Medusa heads as a small session of their own: run on the one hidden row that counts, after verification. Head i
 * (from 1) predicts the token i + 1 places after the row's own.
 */
export class MedusaHeads {
  /** Candidates that `top` gives for each head. */
  readonly topCount: number;
  private readonly hidden: Float32Array;
  private readonly logProbs: Float32Array;
  private readonly ids: BigInt64Array;
  private readonly rows: Float32Array;
  private readonly wide: WideLogits | undefined;
  private readonly tensors: Tensor[];
  private readonly topBinding: Binding;
  private readonly logitsBinding: Binding;

  private constructor(
    private readonly session: Session,
    readonly options: MedusaHeadsOptions,
  ) {
    const { hiddenSize: D, vocabSize: V, vocabLimit, targetIds, targetVocabSize } = options;
    const count = options.heads.length;
    this.topCount = Math.min(TOP, vocabLimit);
    this.hidden = new Float32Array(D);
    this.logProbs = new Float32Array(count * this.topCount);
    this.ids = new BigInt64Array(count * this.topCount);
    this.rows = new Float32Array(count * V);
    this.wide = targetIds && new WideLogits(targetIds, targetVocabSize);
    const inputs: Record<string, Tensor> = {
      hidden: new Tensor(this.hidden, [1, 1, D]),
      k: new Tensor(BigInt64Array.of(BigInt(this.topCount)), [1]),
      zero_points: new Tensor(Uint8Array.of(128), [1]),
    };
    const outputs: Record<string, Tensor> = {
      log_probs: new Tensor(this.logProbs, [1, count, this.topCount]),
      ids: new Tensor(this.ids, [1, count, this.topCount]),
      logits: new Tensor(this.rows, [1, count, V]),
    };
    this.tensors = [...Object.values(inputs), ...Object.values(outputs)];
    const bind = (names: string[]) => {
      const binding = new Binding(session, session.inputNames, names);
      session.inputNames.forEach((name, i) => {
        binding.setInput(i, inputs[name]);
      });
      names.forEach((name, i) => {
        binding.setOutput(i, outputs[name]);
      });
      return binding;
    };
    this.topBinding = bind(["log_probs", "ids"]);
    this.logitsBinding = bind(["logits"]);
  }

  static async load(options: MedusaHeadsOptions): Promise<MedusaHeads> {
    const bytes = buildMedusaHeads(options, options.manifest, options.vocabLimit);
    return new MedusaHeads(await Session.create({ bytes, weightsDirectory: options.directory }), options);
  }

  get count(): number {
    return this.options.heads.length;
  }

  /** The likeliest tokens of every head after a hidden row [hiddenSize]. */
  top(hidden: Float32Array): HeadCandidates[] {
    this.take(hidden);
    this.topBinding.run();
    const k = this.topCount;
    for (let head = 0; head < this.count; head++) {
      if (!Number.isFinite(this.logProbs[head * k])) throw new NumericsError(`Medusa head ${head + 1}`);
    }
    const { wide } = this;
    const targetId = (id: bigint) => (wide ? wide.targetId(Number(id)) : Number(id));
    return Array.from({ length: this.count }, (_, head) => ({
      ids: Array.from(this.ids.subarray(head * k, (head + 1) * k), targetId),
      probabilities: Array.from(this.logProbs.subarray(head * k, (head + 1) * k), Math.exp),
    }));
  }

  /** The logits [targetVocabSize] of every head; views that the next call overwrites. */
  logits(hidden: Float32Array): Float32Array[] {
    this.take(hidden);
    this.logitsBinding.run();
    const V = this.options.vocabSize;
    return Array.from({ length: this.count }, (_, head) => {
      const row = this.rows.subarray(head * V, (head + 1) * V);
      return this.wide?.row(row, head) ?? row;
    });
  }

  dispose(): void {
    this.session.dispose();
    for (const tensor of this.tensors) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private take(hidden: Float32Array): void {
    if (hidden.length !== this.hidden.length) {
      throw new RuntimeError(`the heads read rows of ${this.hidden.length} numbers, got ${hidden.length}`);
    }
    this.hidden.set(hidden);
  }
}
