import { type CausalLM, Need, type Sequence } from "../../../src/index.js";

/** A sequence and what should be in it. */
export class Tracked {
  /** Committed tokens. */
  ids: number[] = [];
  /** Rows that passes added and nobody has committed. */
  pending: { token: number; parent: number }[] = [];
  /** Committed side branches round differently: only rows of first paths are plain decoding's bits. */
  exact = true;

  constructor(readonly sequence: Sequence) {}

  commit(path: readonly number[]): void {
    this.exact &&= path.every((row, i) => row === i);
    this.ids.push(...path.map((row) => this.pending[row].token));
    this.pending = [];
  }

  rollback(length: number): void {
    this.ids.length = length;
    this.pending = [];
  }

  fork(): Tracked {
    const copy = new Tracked(this.sequence.fork());
    copy.ids = [...this.ids];
    copy.exact = this.exact;
    return copy;
  }

  /** The rows from a root down to `row`. */
  pathTo(row: number): number[] {
    const path: number[] = [];
    for (let r = row; r >= 0; r = this.pending[r].parent) path.unshift(r);
    return path;
  }
}

/** Bits of the logits of a chain after these tokens, and of a tree, read by a sequence of its own. */
export async function freshResult(model: CausalLM, ids: readonly number[]): Promise<Buffer> {
  using sequence = model.newSequence();
  await model.prefill(sequence, ids.slice(0, -1));
  const read = async (tokens: number[], parents?: number[]) => {
    const needs = tokens.map(() => Need.logits | Need.hidden);
    const bits = await model.forward([{ sequence, tokens, parents, needs }], (rows) =>
      Buffer.concat(tokens.flatMap((_, i) => [bytes(rows.logits(i)), bytes(rows.hidden(i))])),
    );
    sequence.rollback();
    return bits;
  };
  const last = ids[ids.length - 1];
  return Buffer.concat([
    await read([last]),
    await read([last, 9, 8, 7, 6, 5, 4]),
    await read([last, 9, 8, 7, 6], [-1, 0, 0, 1, 2]),
  ]);
}

/** Bits of the logits after the tokens of a sequence without pending rows, whose last one it reads again. */
export async function nextRow(model: CausalLM, sequence: Sequence, last: number): Promise<Buffer> {
  sequence.rollback(sequence.length - 1);
  const request = { sequence, tokens: [last], needs: [Need.logits] };
  const bits = await model.forward([request], (rows) => bytes(rows.logits(0)));
  sequence.commit([0]);
  return bits;
}

function bytes(floats: Float32Array): Buffer {
  return Buffer.from(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
}
