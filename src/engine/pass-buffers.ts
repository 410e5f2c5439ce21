import { Tensor } from "../runtime/tensor.js";
import type { ModelConfig } from "../types/model-config.js";
import { allocateFloats } from "./allocate.js";
import { GrowingBuffer, Int64Buffer } from "./buffers.js";

const START_ROWS = 16;

/** The inputs of one sequence in a pass. */
export class SequenceBuffers {
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

/** The inputs and outputs that all sequences of a pass share; reused by every pass. */
export class PassBuffers {
  readonly ids = new Int64Buffer((n) => [1, n], START_ROWS);
  readonly restore = new Int64Buffer((n) => [n], START_ROWS);
  readonly headRows = new Int64Buffer((n) => [n], START_ROWS);
  readonly topRows = new Int64Buffer((n) => [n], START_ROWS);
  readonly lseRows = new Int64Buffer((n) => [n], START_ROWS);
  readonly hiddenRows = new Int64Buffer((n) => [n], START_ROWS);
  readonly k = new Int64Buffer((n) => [n], 1);
  readonly zeroPoints = new GrowingBuffer(
    (n) => new Uint8Array(n).fill(128),
    (n) => [n],
    START_ROWS,
  );
  readonly capacity: Tensor;

  readonly logits: GrowingBuffer<Float32Array>;
  readonly topValues: GrowingBuffer<Float32Array>;
  readonly topIds: Int64Buffer;
  readonly lse: GrowingBuffer<Float32Array>;
  readonly hidden: GrowingBuffer<Float32Array>;

  constructor(config: ModelConfig, capacity: number) {
    const floats = (n: number) => new Float32Array(n);
    this.capacity = new Tensor(Int32Array.of(capacity), []);
    this.logits = new GrowingBuffer(floats, (n) => [1, n, config.vocabSize], START_ROWS * config.vocabSize);
    this.topValues = new GrowingBuffer(floats, (n, k) => [1, n, k], START_ROWS);
    this.topIds = new Int64Buffer((n, k) => [1, n, k], START_ROWS);
    this.lse = new GrowingBuffer(floats, (n) => [1, n], START_ROWS);
    this.hidden = new GrowingBuffer(floats, (n) => [1, n, config.hiddenSize], START_ROWS * config.hiddenSize);
  }

  dispose(): void {
    for (const value of Object.values(this)) {
      if (value instanceof GrowingBuffer || value instanceof Tensor) value.dispose();
    }
  }
}
