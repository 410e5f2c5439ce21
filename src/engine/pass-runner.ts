import { cacheNames, sequenceInputs } from "../graph/contract.js";
import { Binding } from "../runtime/binding.js";
import type { Session } from "../runtime/session.js";
import type { Tensor } from "../runtime/tensor.js";
import { NumericsError } from "../types/errors.js";
import type { Exactness } from "../types/exactness.js";
import type { ModelConfig } from "../types/model-config.js";
import type { TokenId } from "../types/token.js";
import type { KvCache } from "./kv-cache.js";
import { areSound, isSuspect } from "./numerics.js";
import { PassBuffers, SequenceBuffers } from "./pass-buffers.js";
import type { RotaryCache } from "./rotary-cache.js";
import { Need, type PassResult, type TokenRows } from "./rows.js";

/** Runs passes over a fixed number of sequences: fills the graph's inputs, runs it, and reads what rows asked for. */
export class PassRunner implements PassResult {
  private readonly binding: Binding;
  private readonly inputs: Map<string, number>;
  private readonly outputs: Map<string, number>;
  private readonly buffers: PassBuffers;
  private readonly perSequence: SequenceBuffers[];
  /** The cache bound at each place. */
  private readonly bound: (KvCache | undefined)[];

  /** Where each request's rows begin in the pass, and each row's index among the outputs it asked for. */
  private readonly firstRow: number[] = [];
  private headIndex = new Int32Array(0);
  private topIndex = new Int32Array(0);
  private lseIndex = new Int32Array(0);
  private hiddenIndex = new Int32Array(0);
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
    this.reserve(rows);
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
      this.firstRow[s] = row;
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
    this.prepareNeeds(requests);
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
    const start = this.headIndex[this.firstRow[request] + row] * this.config.vocabSize;
    const logits = this.buffers.logits.data;
    if (isSuspect(logits[start])) this.examine(row, request);
    return logits.subarray(start, start + this.config.vocabSize);
  }

  argmax(row: number, request = 0): TokenId {
    const start = this.topIndex[this.firstRow[request] + row] * this.k;
    if (isSuspect(this.buffers.topValues.data[start])) this.examine(row, request);
    return this.buffers.topIds.get(start);
  }

  top(row: number, request = 0): { ids: TokenId[]; logits: Float32Array } {
    const start = this.topIndex[this.firstRow[request] + row] * this.k;
    if (isSuspect(this.buffers.topValues.data[start])) this.examine(row, request);
    const ids = new Array<TokenId>(this.k);
    for (let i = 0; i < this.k; i++) ids[i] = this.buffers.topIds.get(start + i);
    return { ids, logits: this.buffers.topValues.data.subarray(start, start + this.k) };
  }

  logSumExp(row: number, request = 0): number {
    return this.buffers.lse.data[this.lseIndex[this.firstRow[request] + row]];
  }

  hidden(row: number, request = 0): Float32Array {
    const start = this.hiddenIndex[this.firstRow[request] + row] * this.config.hiddenSize;
    return this.buffers.hidden.data.subarray(start, start + this.config.hiddenSize);
  }

  dispose(): void {
    this.session.dispose();
    this.buffers.dispose();
    for (const buffers of this.perSequence) buffers.dispose();
  }

  /** Looks at all logits of a row of the last pass. @throws NumericsError when they are no numbers to choose by */
  private examine(row: number, request: number): void {
    const start = this.headIndex[this.firstRow[request] + row] * this.config.vocabSize;
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

  private prepareNeeds(requests: readonly TokenRows[]): void {
    const { headRows, topRows, lseRows, hiddenRows } = this.buffers;
    let head = 0;
    let top = 0;
    let lse = 0;
    let hidden = 0;
    requests.forEach((request, s) => {
      request.needs.forEach((need, i) => {
        const row = this.firstRow[s] + i;
        if (need & Need.hidden) {
          this.hiddenIndex[row] = hidden;
          hiddenRows.set(hidden++, row);
        }
        if ((need & ~Need.hidden) === 0) return;
        if (need & Need.top) {
          this.topIndex[row] = top;
          topRows.set(top++, head);
        }
        if (need & Need.logSumExp) {
          this.lseIndex[row] = lse;
          lseRows.set(lse++, head);
        }
        this.headIndex[row] = head;
        headRows.set(head++, row);
      });
    });
    // The head's operators refuse to run for no row; the rows added here are read by nobody.
    for (const least = head === 0 ? 1 : this.least.leastRows; head < least; head++) headRows.set(head, 0);
    for (const least = hidden === 0 ? 0 : this.least.leastHiddenRows; hidden < least; hidden++)
      hiddenRows.set(hidden, 0);
    this.bindNeeds(head, top, lse, hidden);
  }

  private bindNeeds(head: number, top: number, lse: number, hidden: number): void {
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

  /** Makes room for `rows` rows before any value is written: growing a buffer loses its contents. */
  private reserve(rows: number): void {
    if (rows <= this.headIndex.length) return;
    const size = Math.max(16, 2 * rows);
    this.headIndex = new Int32Array(size);
    this.topIndex = new Int32Array(size);
    this.lseIndex = new Int32Array(size);
    this.hiddenIndex = new Int32Array(size);
    const { headRows, topRows, lseRows, hiddenRows, zeroPoints } = this.buffers;
    for (const buffer of [headRows, topRows, lseRows, hiddenRows, zeroPoints]) buffer.tensor(size);
  }

  private setInput(name: string, tensor: Tensor): void {
    this.binding.setInput(this.inputs.get(name)!, tensor);
  }

  private setOutput(name: string, tensor: Tensor): void {
    this.binding.setOutput(this.outputs.get(name)!, tensor);
  }
}
