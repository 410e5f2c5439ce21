import type { Tensor } from "../runtime/tensor.js";
import type { TokenRows } from "./rows.js";

/** Puts tensors at a graph's inputs and outputs by their names. */
export interface Slots {
  input(name: string, tensor: Tensor): void;
  output(name: string, tensor: Tensor): void;
}

/** What a graph's attention reads of a pass: where its rows stand, and the keys and values of their sequences. */
export interface AttentionInputs {
  /** Called once, before any pass. */
  bind(slots: Slots): void;
  /**
   * Writes the inputs for the rows of `requests`, already appended to their sequences.
   * @param run rows of the pass: beyond the requests' own they are copies of the first that nobody reads
   */
  prepare(requests: readonly TokenRows[], run: number): void;
  /** After a pass that ended, failed, or was prepared in part. */
  finish(): void;
  dispose(): void;
}
