import { pageNames } from "../models/onnx/contract.js";
import type { Tensor } from "../runtime/tensor.js";
import type { AttentionInputs, Slots } from "./attention-inputs.js";
import { GrowingBuffer } from "./buffers.js";
import { PAGE_SLOTS, type PagePool } from "./page-pool.js";
import type { PagedCache } from "./paged-cache.js";
import type { TokenRows } from "./rows.js";

const START_ROWS = 16;
/** Numbers of a row: sequence, position, slot, prefix, first (native/src/attention.h). */
const FIELDS = 5;
/** Sizes are rounded up to multiples of this: each size that was seen keeps a tensor. */
const SIZE_STEP = 16;
const roundUp = (size: number) => Math.ceil(size / SIZE_STEP) * SIZE_STEP;
const integers = (length: number) => new Int32Array(length);

/** For TreeAttention: any number of sequences, whose keys and values lie in pages of one pool. */
export class TreeInputs implements AttentionInputs {
  private readonly rows = new GrowingBuffer(integers, (n) => [n, FIELDS], START_ROWS * FIELDS);
  private readonly ancestors = new GrowingBuffer(integers, (n) => [n], START_ROWS);
  private readonly pages = new GrowingBuffer(integers, (n, m) => [n, m], START_ROWS);
  /** The pool's tensors that are bound. */
  private bound: readonly Tensor[] | undefined;
  private slots!: Slots;

  constructor(private readonly pool: PagePool) {}

  bind(slots: Slots): void {
    this.slots = slots;
  }

  prepare(requests: readonly TokenRows[], run: number): void {
    this.bindPool();
    this.preparePages(requests);
    this.slots.input("rows", this.rows.tensor(run));
    const { data } = this.rows;
    const ancestors: number[] = [];
    let at = 0;
    requests.forEach(({ sequence, tokens }, s) => {
      const { length, pending } = sequence;
      for (let row = pending - tokens.length; row < pending; row++, at += FIELDS) {
        const position = sequence.positionOf(row);
        const prefix = length + sequence.inOrder(row);
        data[at] = s;
        data[at + 1] = position;
        data[at + 2] = length + row;
        data[at + 3] = prefix;
        data[at + 4] = ancestors.length;
        // From the row up to where its path leaves the order of slots; the operator wants them from there down.
        const first = ancestors.length;
        let ancestor = sequence.parentOf(row);
        for (let i = position - 1; i >= prefix; i--, ancestor = sequence.parentOf(ancestor)) {
          ancestors[first + i - prefix] = length + ancestor;
        }
      }
    });
    // Copies of the first row write the same numbers to the same slot.
    for (; at < run * FIELDS; at += FIELDS) data.copyWithin(at, 0, FIELDS);
    this.slots.input("ancestors", this.ancestors.tensor(roundUp(ancestors.length)));
    this.ancestors.data.set(ancestors);
  }

  finish(): void {}

  dispose(): void {
    this.rows.dispose();
    this.ancestors.dispose();
    this.pages.dispose();
  }

  private bindPool(): void {
    const { tensors } = this.pool;
    if (this.bound === tensors) return;
    this.bound = undefined;
    tensors.forEach((tensor, i) => {
      const { keys, values } = pageNames(i >> 1);
      this.slots.input(i % 2 === 0 ? keys : values, tensor);
    });
    this.bound = tensors;
  }

  private preparePages(requests: readonly TokenRows[]): void {
    let most = 0;
    for (const { sequence } of requests) {
      most = Math.max(most, Math.ceil((sequence.length + sequence.pending) / PAGE_SLOTS));
    }
    most = roundUp(most);
    this.slots.input("pages", this.pages.tensor(requests.length, most));
    const { data } = this.pages;
    requests.forEach(({ sequence }, s) => {
      const { pages } = sequence.cache as PagedCache;
      // Slots beyond a sequence's own are named by no row; any page will do.
      for (let i = 0; i < most; i++) data[s * most + i] = pages[i] ?? 0;
    });
  }
}
