import { RuntimeError } from "../types/errors.js";
import type { CacheDtype, ModelConfig } from "../types/model-config.js";
import { widen } from "./cache-vectors.js";
import type { KvCache, KvCaches } from "./kv-cache.js";
import { PAGE_SLOTS, PagePool } from "./page-pool.js";

/** A sequence's part of the pages. A fork holds the same pages until one of the two writes there. */
export class PagedCache implements KvCache {
  /** Slot s lies in pages[s / PAGE_SLOTS]. */
  readonly pages: number[] = [];

  constructor(
    private readonly pool: PagePool,
    private readonly config: ModelConfig,
    readonly capacity: number,
  ) {}

  reserve(from: number, to: number): void {
    for (let i = Math.floor(from / PAGE_SLOTS); i * PAGE_SLOTS < to; i++) {
      const page = this.pages[i];
      if (page === undefined) this.pages.push(this.pool.take());
      else if (this.pool.isShared(page)) {
        this.pages[i] = this.pool.take();
        this.pool.copyPage(page, this.pages[i]);
        this.pool.giveBack(page);
      }
    }
  }

  moveRow(from: number, to: number): void {
    const page = (slot: number) => this.pages[Math.floor(slot / PAGE_SLOTS)];
    this.pool.copySlot(page(from), from % PAGE_SLOTS, page(to), to % PAGE_SLOTS);
  }

  copyFrom(source: PagedCache, rows: number): void {
    this.release();
    for (const page of source.pages.slice(0, Math.ceil(rows / PAGE_SLOTS))) {
      this.pool.share(page);
      this.pages.push(page);
    }
  }

  read(index: number, rows: number): Float32Array {
    const { numKvHeads, headDim } = this.config;
    const out = new Float32Array(numKvHeads * rows * headDim);
    for (let h = 0; h < numKvHeads; h++) {
      for (let slot = 0; slot < rows; slot += PAGE_SLOTS) {
        const count = Math.min(PAGE_SLOTS, rows - slot);
        const stored = this.pool.slots(index, this.pages[slot / PAGE_SLOTS], h, count);
        const at = (h * rows + slot) * headDim;
        widen(stored, headDim, out.subarray(at, at + count * headDim));
      }
    }
    return out;
  }

  release(): void {
    for (const page of this.pages.splice(0)) this.pool.giveBack(page);
  }
}

/** Caches in pages of one pool. */
export class PagedCaches implements KvCaches {
  readonly pool: PagePool;
  /** Pages of caches that were collected without release(). */
  private readonly dropped = new FinalizationRegistry<number[]>((pages) => {
    for (const page of pages.splice(0)) this.pool.giveBack(page);
  });

  /** @throws RuntimeError when there is no memory for a sequence of `capacity` slots */
  constructor(
    private readonly config: ModelConfig,
    readonly capacity: number,
    dtype: CacheDtype = "fp32",
  ) {
    this.pool = new PagePool(config, capacity, dtype);
  }

  take(): PagedCache {
    if (this.pool.disposed) throw new RuntimeError("the model was disposed: load it again");
    const cache = new PagedCache(this.pool, this.config, this.capacity);
    this.dropped.register(cache, cache.pages);
    return cache;
  }

  dispose(): void {
    this.pool.dispose();
  }
}
