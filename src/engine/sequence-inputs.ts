import { cacheNames, sequenceInputs } from "../models/onnx/contract.js";
import { Tensor } from "../runtime/tensor.js";
import { allocateFloats } from "./allocate.js";
import type { AttentionInputs, Slots } from "./attention-inputs.js";
import { GrowingBuffer, Int64Buffer } from "./buffers.js";
import type { ContiguousCache } from "./contiguous-cache.js";
import type { TokenRows } from "./rows.js";

const START_ROWS = 16;

/** For ONNX Runtime's own attention, one call for each of a fixed number of sequences. */
export class SequenceInputs implements AttentionInputs {
  private readonly restore = new Int64Buffer((n) => [n], START_ROWS);
  private readonly capacityTensor: Tensor;
  private readonly perSequence: SequenceBuffers[];
  /** The cache bound at each place. */
  private readonly bound: (ContiguousCache | undefined)[];
  private slots!: Slots;

  constructor(sequences: number, capacity: number) {
    this.capacityTensor = new Tensor(Int32Array.of(capacity), []);
    this.perSequence = Array.from({ length: sequences }, () => new SequenceBuffers(capacity));
    this.bound = new Array(sequences).fill(undefined);
  }

  bind(slots: Slots): void {
    this.slots = slots;
    this.perSequence.forEach(({ last }, s) => {
      slots.input(sequenceInputs(s).capacity, this.capacityTensor);
      slots.input(sequenceInputs(s).last, last);
    });
  }

  prepare(requests: readonly TokenRows[], run: number): void {
    const { restore } = this;
    this.slots.input("restore", restore.tensor(run));
    let row = 0;
    let attended = 0;
    requests.forEach((request, s) => {
      const count = request.tokens.length;
      this.prepareSequence(s, request, row);
      for (let i = 0; i < count; i++) restore.set(row + i, attended + i);
      row += count;
      attended += Math.max(2, count);
    });
    for (; row < run; row++) restore.set(row, 0);
  }

  /** Makes the biases all zero again. */
  finish(): void {
    for (const buffers of this.perSequence) buffers.clearMask();
  }

  dispose(): void {
    for (const buffers of this.perSequence) buffers.dispose();
    this.restore.dispose();
    this.capacityTensor.dispose();
  }

  private prepareSequence(s: number, request: TokenRows, firstRow: number): void {
    const { sequence, tokens } = request;
    const count = tokens.length;
    const firstNew = sequence.pending - count;
    const attended = Math.max(2, count);
    const names = sequenceInputs(s);
    const { attend, positions, bias } = this.perSequence[s];
    this.bindCache(s, sequence.cache as ContiguousCache);
    this.slots.input(names.attend, attend.tensor(attended));
    this.slots.input(names.positions, positions.tensor(attended));
    this.slots.input(names.bias, bias.tensor(attended));
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

  private bindCache(s: number, cache: ContiguousCache): void {
    if (this.bound[s] === cache) return;
    this.bound[s] = undefined;
    cache.tensors.forEach((tensor, i) => {
      const { key, value } = cacheNames(i >> 1, s);
      const name = i % 2 === 0 ? key : value;
      this.slots.input(name, tensor);
      this.slots.output(`${name}_out`, tensor);
    });
    this.bound[s] = cache;
  }
}

/** The inputs of one sequence in a pass. */
class SequenceBuffers {
  readonly attend = new Int64Buffer((n) => [n], START_ROWS);
  readonly positions = new Int64Buffer((n) => [1, n], START_ROWS);
  private readonly lastData = new Int32Array(1);
  readonly last = new Tensor(this.lastData, [1]);
  /** All zero but for the block that a tree wrote, which is cleared after its pass. */
  readonly bias: GrowingBuffer<Float32Array>;
  /** That block: its first column, its rows, and the columns of its last row. */
  private readonly written = { column: 0, rows: 0, columns: 0 };

  constructor(private readonly capacity: number) {
    this.bias = new GrowingBuffer(
      (n) => allocateFloats(n, `masks of ${n / capacity} rows over ${capacity} tokens`),
      (n) => [1, 1, n, capacity],
      START_ROWS * capacity,
    );
  }

  setLast(value: number): void {
    this.lastData[0] = value;
  }

  /** Hides, for each of the `rows` new rows, the pending slots that are not among its ancestors. */
  writeMask(committed: number, firstNew: number, rows: number, parentOf: (row: number) => number): void {
    // Noted before anything is written: whatever happens next, clearMask knows where to look.
    this.written.column = committed;
    this.written.rows = rows;
    this.written.columns = firstNew + rows;
    for (let i = 0; i < rows; i++) {
      const row = firstNew + i;
      const start = i * this.capacity + committed;
      this.bias.data.fill(-Infinity, start, start + row);
      for (let a = row; a >= 0; a = parentOf(a)) this.bias.data[start + a] = 0;
    }
  }

  /** Makes the bias all zero again. */
  clearMask(): void {
    const { column, rows, columns } = this.written;
    for (let i = 0; i < rows; i++) {
      const start = i * this.capacity + column;
      this.bias.data.fill(0, start, start + columns);
    }
    this.written.rows = 0;
  }

  dispose(): void {
    this.attend.dispose();
    this.positions.dispose();
    this.bias.dispose();
    this.last.dispose();
  }
}
