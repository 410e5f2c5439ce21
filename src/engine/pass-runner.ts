import { cacheNames, sequenceInputs } from "../models/onnx/contract.js";
import { Binding } from "../runtime/binding.js";
import type { Session } from "../runtime/session.js";
import type { Tensor } from "../runtime/tensor.js";
import { NumericsError } from "../types/errors.js";
import type { Exactness } from "../types/exactness.js";
import type { ModelConfig } from "../types/model-config.js";
import type { TokenId } from "../types/token.js";
import type { KvCache } from "./kv-cache.js";
import { areSound, isSuspect } from "./numerics.js";
import { type OutputCounts, OutputRows } from "./output-rows.js";
import { PassBuffers, SequenceBuffers } from "./pass-buffers.js";
import type { RotaryCache } from "./rotary-cache.js";
import type { PassResult, TokenRows } from "./rows.js";

/** Runs passes over a fixed number of sequences: fills the graph's inputs, runs it, and reads what rows asked for. */
export class PassRunner implements PassResult {
  private readonly binding: Binding;
  private readonly inputs: Map<string, number>;
  private readonly outputs: Map<string, number>;
  private readonly buffers: PassBuffers;
  private readonly perSequence: SequenceBuffers[];
  /** The cache bound at each place. */
  private readonly bound: (KvCache | undefined)[];

  private readonly outputRows: OutputRows;
  private k = 1;
  private requests: readonly TokenRows[] = [];

  constructor(
    private readonly session: Session,
    private readonly config: ModelConfig,
    sequences: number,
    capacity: number,
    private readonly rotary: RotaryCache,
    private readonly least: Pick<Exactness, "leastRows" | "leastHiddenRows">,
  ) {
    this.binding = new Binding(session, session.inputNames, session.outputNames);
    this.inputs = new Map(session.inputNames.map((name, i) => [name, i]));
    this.outputs = new Map(session.outputNames.map((name, i) => [name, i]));
    this.buffers = new PassBuffers(config, capacity);
    this.outputRows = new OutputRows(this.buffers, least);
    this.perSequence = Array.from({ length: sequences }, () => new SequenceBuffers(capacity));
    this.bound = new Array(sequences).fill(undefined);
    this.setInput("cos", this.rotary.cos);
    this.setInput("sin", this.rotary.sin);
    for (let s = 0; s < sequences; s++) {
      this.setInput(sequenceInputs(s).capacity, this.buffers.capacity);
      this.setInput(sequenceInputs(s).last, this.perSequence[s].last);
    }
  }

  /** Puts the rows of `requests` (one for each sequence, already appended to it) into the inputs. */
  prepare(requests: readonly TokenRows[], k: number): void {
    let rows = 0;
    for (const request of requests) rows += request.tokens.length;
    this.outputRows.reserve(rows);
    this.k = k;
    this.requests = requests;
    const { ids, restore } = this.buffers;
    // Where products of a single row round differently it stands twice; the copies are read by nobody.
    const run = Math.max(rows, this.least.leastRows);
    this.setInput("ids", ids.tensor(run));
    this.setInput("restore", restore.tensor(run));
    let row = 0;
    let attended = 0;
    requests.forEach((request, s) => {
      const count = request.tokens.length;
      this.prepareSequence(s, request, row);
      for (let i = 0; i < count; i++) {
        ids.set(row + i, request.tokens[i]);
        restore.set(row + i, attended + i);
      }
      row += count;
      attended += Math.max(2, count);
    });
    for (; row < run; row++) {
      ids.set(row, requests[0].tokens[0]);
      restore.set(row, 0);
    }
    this.bindOutputs(this.outputRows.fill(requests));
    if (this.inputs.has("zero_points")) this.setInput("zero_points", this.buffers.zeroPoints.tensor(run));
  }

  run(): void {
    this.binding.run();
  }

  runAsync(signal?: AbortSignal): Promise<void> {
    return this.binding.runAsync(signal);
  }

  /** Makes the biases all zero again, after a pass that ended, failed, or was prepared in part. */
  finish(): void {
    for (const buffers of this.perSequence) buffers.clearMask();
  }

  logits(row: number, request = 0): Float32Array {
    const start = this.outputRows.head(row, request) * this.config.vocabSize;
    const logits = this.buffers.logits.data;
    if (isSuspect(logits[start])) this.examine(row, request);
    return logits.subarray(start, start + this.config.vocabSize);
  }

  argmax(row: number, request = 0): TokenId {
    const start = this.outputRows.top(row, request) * this.k;
    if (isSuspect(this.buffers.topValues.data[start])) this.examine(row, request);
    return this.buffers.topIds.get(start);
  }

  top(row: number, request = 0): { ids: TokenId[]; logits: Float32Array } {
    const start = this.outputRows.top(row, request) * this.k;
    if (isSuspect(this.buffers.topValues.data[start])) this.examine(row, request);
    const ids = new Array<TokenId>(this.k);
    for (let i = 0; i < this.k; i++) ids[i] = this.buffers.topIds.get(start + i);
    return { ids, logits: this.buffers.topValues.data.subarray(start, start + this.k) };
  }

  logSumExp(row: number, request = 0): number {
    return this.buffers.lse.data[this.outputRows.lse(row, request)];
  }

  hidden(row: number, request = 0): Float32Array {
    const start = this.outputRows.hidden(row, request) * this.config.hiddenSize;
    return this.buffers.hidden.data.subarray(start, start + this.config.hiddenSize);
  }

  dispose(): void {
    this.session.dispose();
    this.buffers.dispose();
    for (const buffers of this.perSequence) buffers.dispose();
  }

  /** Looks at all logits of a row of the last pass. @throws NumericsError when they are no numbers to choose by */
  private examine(row: number, request: number): void {
    const start = this.outputRows.head(row, request) * this.config.vocabSize;
    if (areSound(this.buffers.logits.data.subarray(start, start + this.config.vocabSize))) return;
    const { sequence, tokens } = this.requests[request];
    const position = sequence.positionOf(sequence.pending - tokens.length + row);
    throw new NumericsError(`the token at position ${position}`);
  }

  private prepareSequence(s: number, request: TokenRows, firstRow: number): void {
    const { sequence, tokens } = request;
    const count = tokens.length;
    const firstNew = sequence.pending - count;
    const attended = Math.max(2, count);
    const names = sequenceInputs(s);
    const { attend, positions, bias } = this.perSequence[s];
    this.rotary.reach(sequence.length + firstNew + attended);
    this.bindCache(s, sequence.cache);
    this.setInput(names.attend, attend.tensor(attended));
    this.setInput(names.positions, positions.tensor(attended));
    this.setInput(names.bias, bias.tensor(attended));
    for (let i = 0; i < count; i++) {
      attend.set(i, firstRow + i);
      positions.set(i, sequence.positionOf(firstNew + i));
    }
    if (count === 1) {
      // The lone row stands twice; its twin is written to the spare slot and read by nobody.
      attend.set(1, firstRow);
      positions.set(1, sequence.positionOf(firstNew) + 1);
    }
    this.perSequence[s].setLast(sequence.length + firstNew + attended - 1);
    if (!sequence.isChain()) {
      this.perSequence[s].writeMask(sequence.length, firstNew, count, (row) => sequence.parentOf(row));
    }
  }

  private bindCache(s: number, cache: KvCache): void {
    if (this.bound[s] === cache) return;
    this.bound[s] = undefined;
    for (let layer = 0; layer < this.config.numLayers; layer++) {
      const names = cacheNames(layer, s);
      [names.key, names.value].forEach((name, i) => {
        const tensor = cache.tensors[2 * layer + i];
        this.setInput(name, tensor);
        this.setOutput(`${name}_out`, tensor);
      });
    }
    this.bound[s] = cache;
  }

  private bindOutputs({ head, top, lse, hidden }: OutputCounts): void {
    const b = this.buffers;
    // TopK over no row divides by zero and ends the process; with k = 0 it returns at once.
    if (top === 0) this.k = 0;
    b.k.set(0, this.k);
    this.setInput("k", b.k.tensor(1));
    this.setInput("head_rows", b.headRows.tensor(head));
    this.setInput("top_rows", b.topRows.tensor(top));
    this.setInput("lse_rows", b.lseRows.tensor(lse));
    this.setInput("hidden_rows", b.hiddenRows.tensor(hidden));
    if (this.inputs.has("head_zero_points")) this.setInput("head_zero_points", b.zeroPoints.tensor(head));
    this.setOutput("logits", b.logits.tensor(head));
    this.setOutput("top_values", b.topValues.tensor(top, this.k));
    this.setOutput("top_ids", b.topIds.tensor(top, this.k));
    this.setOutput("lse", b.lse.tensor(lse));
    this.setOutput("hidden", b.hidden.tensor(hidden));
  }

  private setInput(name: string, tensor: Tensor): void {
    this.binding.setInput(this.inputs.get(name)!, tensor);
  }

  private setOutput(name: string, tensor: Tensor): void {
    this.binding.setOutput(this.outputs.get(name)!, tensor);
  }
}
