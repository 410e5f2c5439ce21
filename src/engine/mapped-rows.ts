import type { TokenId } from "../types/token.js";
import type { PassResult } from "./rows.js";

/** A pass's rows by other numbers: those of somebody who knows only some of them. */
export class MappedRows implements PassResult {
  /** @param place the pass's number of a row */
  constructor(
    private readonly result: PassResult,
    private readonly place: (row: number) => number,
  ) {}

  logits(row: number, request?: number): Float32Array {
    return this.result.logits(this.place(row), request);
  }

  argmax(row: number, request?: number): TokenId {
    return this.result.argmax(this.place(row), request);
  }

  top(row: number, request?: number): { ids: TokenId[]; logits: Float32Array } {
    return this.result.top(this.place(row), request);
  }

  logSumExp(row: number, request?: number): number {
    return this.result.logSumExp(this.place(row), request);
  }

  hidden(row: number, request?: number): Float32Array {
    return this.result.hidden(this.place(row), request);
  }

  auxiliary(row: number, layers: number, request?: number): Float32Array {
    return this.result.auxiliary(this.place(row), layers, request);
  }
}
