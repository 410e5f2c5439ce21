import { type CacheForm, cacheForm } from "../models/onnx/cache-form.js";
import { Tensor } from "../runtime/tensor.js";
import type { CacheDtype, ModelConfig } from "../types/model-config.js";
import { outOfMemory } from "./allocate.js";
import { type CacheArray, newCacheArray } from "./cache-vectors.js";

/** Slots of a page: small enough that the last one of a sequence wastes little, large enough that tables stay short. */
export const PAGE_SLOTS = 32;

/**
 * Pages of keys and values for all sequences of a model: for each layer two arrays [pages, kvHeads, PAGE_SLOTS, width], which a
 * pass writes in place. Several sequences may hold a page; then nobody writes it. Memory that no row has touched costs
 * nothing, so there are pages for one full sequence at first; when they run out there are twice as many, until nobody holds any.
 */
export class PagePool {
  private arrays: CacheArray[] = [];
  private bound: Tensor[] = [];
  /** How many sequences hold each page that was ever used. */
  private readonly holders: number[] = [];
  /** Used pages that nobody holds; the last one given back is taken first, for its memory is warm. */
  private readonly free: number[] = [];
  private pages: number;
  private readonly firstPages: number;
  private live = true;
  private readonly form: CacheForm;
  /** Numbers of a stored vector. */
  private readonly width: number;

  constructor(
    private readonly config: ModelConfig,
    capacity: number,
    private readonly dtype: CacheDtype,
  ) {
    this.form = cacheForm(dtype);
    this.width = config.headDim + this.form.extra;
    this.firstPages = Math.ceil(capacity / PAGE_SLOTS) + 1;
    this.pages = this.firstPages;
    this.allocate();
  }

  /** [layer 0 keys, layer 0 values, layer 1 keys, ...]. New ones after `take` had to make room. */
  get tensors(): readonly Tensor[] {
    return this.bound;
  }

  get disposed(): boolean {
    return !this.live;
  }

  /** A page of one's own. Not to be called during a pass. @throws RuntimeError when there is no memory */
  take(): number {
    const page = this.free.pop() ?? this.holders.length;
    if (page === this.pages) this.grow();
    this.holders[page] = 1;
    return page;
  }

  /** Another sequence holds the page from now on. */
  share(page: number): void {
    this.holders[page]++;
  }

  isShared(page: number): boolean {
    return this.holders[page] > 1;
  }

  giveBack(page: number): void {
    if (--this.holders[page] > 0) return;
    this.free.push(page);
    if (this.live && this.pages > this.firstPages && this.free.length === this.holders.length) this.shrink();
  }

  /** Copies all slots of a page over another's. */
  copyPage(from: number, to: number): void {
    const { size } = this;
    for (const array of this.arrays) array.copyWithin(to * size, from * size, (from + 1) * size);
  }

  /** Copies slot `from` of a page over slot `to` of another. */
  copySlot(fromPage: number, from: number, toPage: number, to: number): void {
    const { width } = this;
    const { numKvHeads } = this.config;
    for (const array of this.arrays) {
      for (let h = 0; h < numKvHeads; h++) {
        const source = ((fromPage * numKvHeads + h) * PAGE_SLOTS + from) * width;
        array.copyWithin(((toPage * numKvHeads + h) * PAGE_SLOTS + to) * width, source, source + width);
      }
    }
  }

  /** One head's first `count` slots of a page, in the array of that index: a view. */
  slots(index: number, page: number, head: number, count: number): CacheArray {
    const start = (page * this.config.numKvHeads + head) * PAGE_SLOTS * this.width;
    return this.arrays[index].subarray(start, start + count * this.width);
  }

  dispose(): void {
    this.live = false;
    for (const tensor of this.bound) tensor.dispose();
  }

  /** Numbers of a page in one array. */
  private get size(): number {
    return this.config.numKvHeads * PAGE_SLOTS * this.width;
  }

  /** Back to the first size, when nobody holds a page: not during a pass, whose rows lie in some. */
  private shrink(): void {
    const { bound, pages } = this;
    this.pages = this.firstPages;
    try {
      this.allocate();
    } catch {
      this.pages = pages;
      return;
    }
    this.holders.length = 0;
    this.free.length = 0;
    for (const tensor of bound) tensor.dispose();
  }

  private grow(): void {
    const { arrays, bound, size, pages } = this;
    this.pages = 2 * pages;
    try {
      this.allocate();
    } catch (error) {
      Object.assign(this, { pages, arrays, bound });
      throw error;
    }
    arrays.forEach((array, i) => {
      this.arrays[i].set(array.subarray(0, pages * size));
    });
    for (const tensor of bound) tensor.dispose();
  }

  private allocate(): void {
    const { numLayers, numKvHeads } = this.config;
    const { dtype, form, width } = this;
    const length = this.pages * this.size;
    const count = 2 * numLayers;
    try {
      this.arrays = Array.from({ length: count }, () => newCacheArray(dtype, length));
    } catch {
      throw outOfMemory(form.bytes * count * length, `the keys and values of ${this.pages * PAGE_SLOTS} tokens`);
    }
    const dims = [this.pages, numKvHeads, PAGE_SLOTS, width];
    this.bound = this.arrays.map((data) => new Tensor(data, dims, form.type));
  }
}
