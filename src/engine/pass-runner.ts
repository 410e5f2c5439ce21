import { Binding } from "../runtime/binding.js";
import type { Session } from "../runtime/session.js";
import type { Tensor } from "../runtime/tensor.js";
import { NumericsError, RuntimeError } from "../types/errors.js";
import { type Exactness, UNCHECKED } from "../types/exactness.js";
import { logitCount, type ModelConfig } from "../types/model-config.js";
import type { TokenId } from "../types/token.js";
import type { AttentionInputs } from "./attention-inputs.js";
import type { AuxiliaryRows } from "./auxiliary-rows.js";
import { FeatureInputs } from "./feature-inputs.js";
import { areSound, isSuspect } from "./numerics.js";
import { type OutputCounts, OutputRows } from "./output-rows.js";
import { PassBuffers } from "./pass-buffers.js";
import type { RotaryCache } from "./rotary-cache.js";
import type { PassResult, TokenRows } from "./rows.js";
import { WideLogits } from "./wide-logits.js";

/** What a runner knows of its model (pass-runners.ts). */
export interface RunnerModel {
  config: ModelConfig;
  targetIds?: Int32Array;
  exactness?: Exactness;
}

/** Runs passes of one graph: fills its inputs, runs it, and reads what rows asked for. */
export class PassRunner implements PassResult {
  private readonly binding: Binding;
  private readonly inputs: Map<string, number>;
  private readonly outputs: Map<string, number>;
  private readonly buffers: PassBuffers;
  private readonly outputRows: OutputRows;
  /** Whether the head looks at all logits itself, and writes those alone that were asked for. */
  private readonly vocabHead: boolean;
  private readonly features: FeatureInputs | undefined;
  private readonly logitCount: number;
  /** Of a draft with a vocabulary of its own. */
  private readonly wide: WideLogits | undefined;
  private readonly config: ModelConfig;
  private readonly least: Pick<Exactness, "leastRows" | "leastHiddenRows">;
  private k = 1;
  private requests: readonly TokenRows[] = [];

  constructor(
    private readonly session: Session,
    { config, targetIds, exactness = UNCHECKED }: RunnerModel,
    private readonly attention: AttentionInputs,
    private readonly rotary: RotaryCache,
    private readonly streams?: AuxiliaryRows,
  ) {
    this.config = config;
    this.least = exactness;
    this.binding = new Binding(session, session.inputNames, session.outputNames);
    this.inputs = new Map(session.inputNames.map((name, i) => [name, i]));
    this.outputs = new Map(session.outputNames.map((name, i) => [name, i]));
    this.buffers = new PassBuffers(config);
    this.vocabHead = this.inputs.has("logit_rows");
    this.outputRows = new OutputRows(this.buffers, this.least, this.vocabHead);
    this.features = config.eagle && new FeatureInputs(config.eagle, config.hiddenSize);
    this.logitCount = logitCount(config);
    this.wide = targetIds && new WideLogits(targetIds, config.vocabSize);
    this.setInput("cos", this.rotary.cos);
    this.setInput("sin", this.rotary.sin);
    attention.bind({
      input: (name, tensor) => this.setInput(name, tensor),
      output: (name, tensor) => this.setOutput(name, tensor),
    });
  }

  /** Puts the rows of `requests` (one for each sequence, already appended to it) into the inputs. */
  prepare(requests: readonly TokenRows[], k: number): void {
    let rows = 0;
    for (const request of requests) rows += request.tokens.length;
    this.outputRows.reserve(rows);
    this.k = k;
    this.requests = requests;
    const { ids } = this.buffers;
    // Where products of a single row round differently it stands twice; the copies are read by nobody.
    const run = Math.max(rows, this.least.leastRows);
    this.setInput("ids", ids.tensor(run));
    let row = 0;
    for (const { sequence, tokens } of requests) {
      // One more: a lone row may be attended twice.
      this.rotary.reach(sequence.length + sequence.pending + 1);
      for (const token of tokens) ids.set(row++, token);
    }
    for (; row < run; row++) ids.set(row, requests[0].tokens[0]);
    this.attention.prepare(requests, run);
    this.features?.prepare(requests, run, (name, tensor) => this.setInput(name, tensor));
    this.bindOutputs(this.outputRows.fill(requests));
    if (this.inputs.has("zero_points")) this.setInput("zero_points", this.buffers.zeroPoints.tensor(run));
  }

  run(): void {
    this.binding.run();
  }

  runAsync(signal?: AbortSignal): Promise<void> {
    return this.binding.runAsync(signal);
  }

  /** After a pass that ended, failed, or was prepared in part. */
  finish(): void {
    this.attention.finish();
  }

  logits(row: number, request = 0): Float32Array {
    const place = this.outputRows.logits(row, request);
    const start = place * this.logitCount;
    const logits = this.buffers.logits.data.subarray(start, start + this.logitCount);
    if (isSuspect(logits[0]) && !areSound(logits)) this.fail(row, request);
    return this.wide?.row(logits, place) ?? logits;
  }

  argmax(row: number, request = 0): TokenId {
    const start = this.outputRows.top(row, request) * this.k;
    this.check(this.buffers.topValues.data[start], row, request);
    return this.idAt(start);
  }

  top(row: number, request = 0): { ids: TokenId[]; logits: Float32Array } {
    const start = this.outputRows.top(row, request) * this.k;
    this.check(this.buffers.topValues.data[start], row, request);
    const ids = new Array<TokenId>(this.k);
    for (let i = 0; i < this.k; i++) ids[i] = this.idAt(start + i);
    return { ids, logits: this.buffers.topValues.data.subarray(start, start + this.k) };
  }

  logSumExp(row: number, request = 0): number {
    return this.buffers.lse.data[this.outputRows.lse(row, request)];
  }

  hidden(row: number, request = 0): Float32Array {
    const start = this.outputRows.hidden(row, request) * this.config.hiddenSize;
    return this.buffers.hidden.data.subarray(start, start + this.config.hiddenSize);
  }

  auxiliary(row: number, layers: number, request = 0): Float32Array {
    if (!this.streams) throw new RuntimeError("no residual streams were captured: call capture before the pass");
    return this.streams.row(this.outputRows.auxiliary(row, request), layers);
  }

  dispose(): void {
    this.session.dispose();
    this.streams?.dispose();
    this.features?.dispose();
    this.buffers.dispose();
    this.attention.dispose();
  }

  private idAt(place: number): TokenId {
    const id = this.buffers.topIds.get(place);
    return this.wide?.targetId(id) ?? id;
  }

  /** @param largest a row's largest logit. @throws NumericsError when its logits are no numbers to choose by */
  private check(largest: number, row: number, request: number): void {
    if (!isSuspect(largest)) return;
    // VocabHead has looked at all of them, and says NaN where it must.
    if (this.vocabHead && !Number.isNaN(largest)) return;
    if (this.vocabHead) this.fail(row, request);
    const start = this.outputRows.logits(row, request) * this.logitCount;
    if (!areSound(this.buffers.logits.data.subarray(start, start + this.logitCount))) this.fail(row, request);
  }

  private fail(row: number, request: number): never {
    const { sequence, tokens } = this.requests[request];
    const position = sequence.positionOf(sequence.pending - tokens.length + row);
    throw new NumericsError(`the token at position ${position}`);
  }

  private bindOutputs({ head, logits, top, lse, hidden, auxiliary }: OutputCounts): void {
    const b = this.buffers;
    // TopK over no row divides by zero and ends the process; with k = 0 it returns at once.
    if (top === 0) this.k = 0;
    b.k.set(0, this.k);
    this.setInput("k", b.k.tensor(1));
    this.setInput("head_rows", b.headRows.tensor(head));
    if (this.vocabHead) this.setInput("logit_rows", b.logitRows.tensor(logits));
    this.setInput("top_rows", b.topRows.tensor(top));
    this.setInput("lse_rows", b.lseRows.tensor(lse));
    this.setInput("hidden_rows", b.hiddenRows.tensor(hidden));
    if (this.inputs.has("head_zero_points")) this.setInput("head_zero_points", b.zeroPoints.tensor(head));
    this.setOutput("logits", b.logits.tensor(logits));
    this.setOutput("top_values", b.topValues.tensor(top, this.k));
    this.setOutput("top_ids", b.topIds.tensor(top, this.k));
    this.setOutput("lse", b.lse.tensor(lse));
    this.setOutput("hidden", b.hidden.tensor(hidden));
    if (!this.streams) return;
    this.setInput("auxiliary_rows", b.auxiliaryRows.tensor(auxiliary));
    this.streams.bind(auxiliary, (name, tensor) => this.setOutput(name, tensor));
  }

  private setInput(name: string, tensor: Tensor): void {
    this.binding.setInput(this.inputs.get(name)!, tensor);
  }

  private setOutput(name: string, tensor: Tensor): void {
    this.binding.setOutput(this.outputs.get(name)!, tensor);
  }
}
