import type { Exactness } from "../types/exactness.js";
import type { PassBuffers } from "./pass-buffers.js";
import { Need, type TokenRows } from "./rows.js";

/** How many rows of a pass each of the graph's outputs is computed for. */
export interface OutputCounts {
  head: number;
  logits: number;
  top: number;
  lse: number;
  hidden: number;
}

/** Which rows of a pass asked for which outputs, and each row's index among those that did. */
export class OutputRows {
  /** Where each request's rows begin in the pass. */
  private readonly firstRow: number[] = [];
  private headIndex = new Int32Array(0);
  private logitIndex = new Int32Array(0);
  private topIndex = new Int32Array(0);
  private lseIndex = new Int32Array(0);
  private hiddenIndex = new Int32Array(0);

  /** @param vocabHead whether logits are written for the rows alone that asked for them (VocabHead), not for all of the head's */
  constructor(
    private readonly buffers: PassBuffers,
    private readonly least: Pick<Exactness, "leastRows" | "leastHiddenRows">,
    private readonly vocabHead: boolean,
  ) {}

  /** Any row of the head; with VocabHead one that asked for its logits. */
  logits(row: number, request: number): number {
    return (this.vocabHead ? this.logitIndex : this.headIndex)[this.firstRow[request] + row];
  }

  top(row: number, request: number): number {
    return this.topIndex[this.firstRow[request] + row];
  }

  lse(row: number, request: number): number {
    return this.lseIndex[this.firstRow[request] + row];
  }

  hidden(row: number, request: number): number {
    return this.hiddenIndex[this.firstRow[request] + row];
  }

  /** Makes room for `rows` rows before any value is written: growing a buffer loses its contents. */
  reserve(rows: number): void {
    if (rows <= this.headIndex.length) return;
    const size = Math.max(16, 2 * rows);
    this.headIndex = new Int32Array(size);
    this.logitIndex = new Int32Array(size);
    this.topIndex = new Int32Array(size);
    this.lseIndex = new Int32Array(size);
    this.hiddenIndex = new Int32Array(size);
    const { headRows, logitRows, topRows, lseRows, hiddenRows, zeroPoints } = this.buffers;
    for (const buffer of [headRows, logitRows, topRows, lseRows, hiddenRows, zeroPoints]) buffer.tensor(size);
  }

  /** Writes the rows that each output is computed for. */
  fill(requests: readonly TokenRows[]): OutputCounts {
    const { headRows, logitRows, topRows, lseRows, hiddenRows } = this.buffers;
    let first = 0;
    let head = 0;
    let logits = 0;
    let top = 0;
    let lse = 0;
    let hidden = 0;
    requests.forEach((request, s) => {
      this.firstRow[s] = first;
      request.needs.forEach((need, i) => {
        const row = first + i;
        if (need & Need.hidden) {
          this.hiddenIndex[row] = hidden;
          hiddenRows.set(hidden++, row);
        }
        if ((need & ~Need.hidden) === 0) return;
        if (need & Need.logits) {
          this.logitIndex[row] = logits;
          logitRows.set(logits++, head);
        }
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
      first += request.tokens.length;
    });
    // ONNX Runtime's operators refuse to run for no row; the rows added here are read by nobody.
    if (!this.vocabHead) {
      for (const least = head === 0 ? 1 : this.least.leastRows; head < least; head++) headRows.set(head, 0);
      logits = head;
    }
    for (const least = hidden === 0 ? 0 : this.least.leastHiddenRows; hidden < least; hidden++) {
      hiddenRows.set(hidden, 0);
    }
    return { head, logits, top, lse, hidden };
  }
}
