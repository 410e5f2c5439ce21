import { beforeEach, expect, test } from "vitest";
import { PAGE_SLOTS } from "../../../src/engine/page-pool.js";
import { type PagedCache, PagedCaches } from "../../../src/engine/paged-cache.js";
import type { ModelConfig } from "../../../src/types/model-config.js";

const config = { numLayers: 2, numKvHeads: 3, headDim: 8 } as ModelConfig;
const CAPACITY = 4 * PAGE_SLOTS;
let caches: PagedCaches;
beforeEach(() => {
  caches = new PagedCaches(config, CAPACITY);
});

/** Writes a value into all vectors of slots [from, to), as a pass does. */
function write(cache: PagedCache, from: number, to: number, value: number): void {
  cache.reserve(from, to);
  for (let slot = from; slot < to; slot++) {
    const page = cache.pages[Math.floor(slot / PAGE_SLOTS)];
    for (let array = 0; array < 2 * config.numLayers; array++) {
      for (let head = 0; head < config.numKvHeads; head++) {
        const vectors = caches.pool.slots(array, page, head, PAGE_SLOTS);
        vectors.fill(value, (slot % PAGE_SLOTS) * config.headDim, ((slot % PAGE_SLOTS) + 1) * config.headDim);
      }
    }
  }
}

/** The values of slots [0, rows), which must be the same in all layers, heads and channels. */
function values(cache: PagedCache, rows: number): number[] {
  const found = Array.from({ length: 2 * config.numLayers }, (_, array) => cache.read(array, rows));
  return Array.from({ length: rows }, (_, slot) => {
    const seen = new Set<number>();
    for (const array of found) {
      for (let head = 0; head < config.numKvHeads; head++) {
        const start = (head * rows + slot) * config.headDim;
        for (const value of array.subarray(start, start + config.headDim)) seen.add(value);
      }
    }
    expect(seen.size).toBe(1);
    return [...seen][0];
  });
}

const repeated = (value: number, count: number) => new Array(count).fill(value);

test("a fork holds its parent's pages, and a copy of one where either writes", () => {
  const parent = caches.take();
  write(parent, 0, PAGE_SLOTS + 5, 1);
  const fork = caches.take();
  fork.copyFrom(parent, PAGE_SLOTS + 5);
  expect(fork.pages).toEqual(parent.pages);
  write(fork, PAGE_SLOTS + 5, PAGE_SLOTS + 7, 2);
  write(parent, PAGE_SLOTS + 5, PAGE_SLOTS + 6, 3);
  expect(fork.pages[0]).toBe(parent.pages[0]);
  expect(fork.pages[1]).not.toBe(parent.pages[1]);
  expect(values(parent, PAGE_SLOTS + 6)).toEqual([...repeated(1, PAGE_SLOTS + 5), 3]);
  expect(values(fork, PAGE_SLOTS + 7)).toEqual([...repeated(1, PAGE_SLOTS + 5), 2, 2]);
});

test("a fork that goes back and writes leaves its parent's rows alone", () => {
  const parent = caches.take();
  write(parent, 0, 2 * PAGE_SLOTS, 1);
  const fork = caches.take();
  fork.copyFrom(parent, 2 * PAGE_SLOTS);
  write(fork, 3, PAGE_SLOTS + 1, 2);
  expect(values(parent, 2 * PAGE_SLOTS)).toEqual(repeated(1, 2 * PAGE_SLOTS));
  expect(values(fork, PAGE_SLOTS + 2)).toEqual([1, 1, 1, ...repeated(2, PAGE_SLOTS - 2), 1]);
});

test("a row moves across pages", () => {
  const cache = caches.take();
  write(cache, 0, PAGE_SLOTS, 1);
  write(cache, PAGE_SLOTS, PAGE_SLOTS + 3, 2);
  cache.moveRow(PAGE_SLOTS + 2, PAGE_SLOTS - 1);
  expect(values(cache, PAGE_SLOTS + 1)).toEqual([...repeated(1, PAGE_SLOTS - 1), 2, 2]);
});

test("pages that are given back are used again; when none is left there are more, and nothing is lost", () => {
  const first = caches.take();
  write(first, 0, CAPACITY, 1);
  const { tensors } = caches.pool;
  const used = [...first.pages];
  const second = caches.take();
  write(second, 0, CAPACITY, 2);
  expect(caches.pool.tensors).not.toBe(tensors);
  expect(tensors.every(({ live }) => !live)).toBe(true);
  expect(values(first, CAPACITY)).toEqual(repeated(1, CAPACITY));
  expect(values(second, CAPACITY)).toEqual(repeated(2, CAPACITY));
  first.release();
  const third = caches.take();
  write(third, 0, CAPACITY, 3);
  expect([...third.pages].sort()).toEqual(used.sort());
  expect(values(second, CAPACITY)).toEqual(repeated(2, CAPACITY));
});

test("a shared page is given back by the last that holds it", () => {
  const parent = caches.take();
  write(parent, 0, 2, 1);
  const [page] = parent.pages;
  const fork = caches.take();
  fork.copyFrom(parent, 2);
  parent.release();
  const other = caches.take();
  write(other, 0, 1, 5);
  expect(other.pages).not.toContain(page);
  expect(values(fork, 2)).toEqual([1, 1]);
  fork.release();
  const next = caches.take();
  write(next, 0, 1, 6);
  expect(next.pages).toEqual([page]);
});

test("when nobody holds a page, a pool that grew goes back to its first size", () => {
  const pages = () => caches.pool.tensors[0].dims[0];
  const first = pages();
  const all = Array.from({ length: 5 }, () => caches.take());
  for (const [i, cache] of all.entries()) write(cache, 0, CAPACITY, i);
  expect(pages()).toBeGreaterThan(first);
  for (const cache of all.slice(1)) cache.release();
  expect(values(all[0], CAPACITY)).toEqual(repeated(0, CAPACITY));
  all[0].release();
  expect(pages()).toBe(first);
  write(all[0], 0, 3, 7);
  expect(values(all[0], 3)).toEqual([7, 7, 7]);
});

test.each(["fp16", "q8"] as const)("stored vectors of an %s cache are copied whole", (dtype) => {
  const narrow = new PagedCaches(config, CAPACITY, dtype);
  const { pool } = narrow;
  const width = config.headDim + (dtype === "q8" ? 4 : 0);
  const size = PAGE_SLOTS * width;
  /** The numbers of all heads of a page, in its last array. */
  const stored = (page: number) =>
    Array.from({ length: config.numKvHeads }, (_, head) => [
      ...pool.slots(2 * config.numLayers - 1, page, head, PAGE_SLOTS),
    ]);
  const parent = narrow.take();
  parent.reserve(0, PAGE_SLOTS + 1);
  const [first, second] = parent.pages;
  for (let head = 0; head < config.numKvHeads; head++) {
    const slots = pool.slots(2 * config.numLayers - 1, first, head, PAGE_SLOTS);
    for (let i = 0; i < size; i++) slots[i] = (i * 7 + head) % 127;
  }
  const fork = narrow.take();
  fork.copyFrom(parent, PAGE_SLOTS);
  fork.reserve(3, 4);
  expect(fork.pages[0]).not.toBe(first);
  expect(stored(fork.pages[0])).toEqual(stored(first));
  parent.moveRow(5, PAGE_SLOTS);
  for (const [head, numbers] of stored(second).entries()) {
    expect(numbers.slice(0, width)).toEqual(stored(fork.pages[0])[head].slice(5 * width, 6 * width));
    expect(numbers.slice(width)).toEqual(repeated(0, size - width));
  }
});

test("after dispose no cache begins", () => {
  caches.dispose();
  expect(() => caches.take()).toThrow("the model was disposed");
});
