import { ContextOverflowError, RuntimeError, UsageError } from "../types/errors.js";
import type { KvCache, KvCaches } from "./kv-cache.js";

/**
 * One token sequence inside a model: `length` committed rows, then pending rows that passes have added and nobody has
 * accepted yet. Pending rows form a forest under the last committed row.
 */
export class Sequence {
  readonly cache: KvCache;
  private committed = 0;
  /** For each pending row the index of its parent among the pending rows, -1 for the last committed row. */
  private readonly parents: number[] = [];
  private readonly depths: number[] = [];
  /** For each pending row how many of its ancestors, from the first one on, stand in the slots of their own positions. */
  private readonly ordered: number[] = [];
  private live = true;
  /** From the call of `forward` until it settles: what the pass reads must not change under it. */
  private inPass = false;

  constructor(private readonly caches: KvCaches) {
    this.cache = caches.take();
  }

  /** Most rows, committed and pending together. */
  get capacity(): number {
    return this.cache.capacity;
  }

  /** Committed rows. */
  get length(): number {
    return this.committed;
  }

  /** Rows added by passes and not yet committed or dropped. */
  get pending(): number {
    return this.parents.length;
  }

  /** Whether the sequence's cache is one of these: whether it belongs to their model. */
  isOf(caches: KvCaches): boolean {
    return this.caches === caches;
  }

  parentOf(pendingRow: number): number {
    return this.parents[pendingRow];
  }

  /** Position (from 0) of a pending row in its own branch. */
  positionOf(pendingRow: number): number {
    return this.committed + this.depths[pendingRow];
  }

  /** Pending ancestors of a pending row, from its root on, whose slot is their position: that far its path is a chain's. */
  inOrder(pendingRow: number): number {
    return this.ordered[pendingRow];
  }

  /** Takes the sequence for a pass: it refuses changes until `leavePass`. Called by the engine. */
  enterPass(): void {
    this.assertFree("running another pass");
    this.inPass = true;
  }

  leavePass(): void {
    this.inPass = false;
  }

  /** Adds rows that the next pass will compute; `parents` as in TokenRows. Called by the engine. */
  append(parents: readonly number[]): void {
    const first = this.parents.length;
    // One spare slot: a lone row is attended twice (docs/exactness.md).
    const needed = this.committed + first + Math.max(2, parents.length);
    if (needed > this.capacity) {
      throw new ContextOverflowError(
        `the sequence needs ${needed} rows but its cache holds ${this.capacity}: shorten the prompt or raise contextLength`,
      );
    }
    this.cache.reserve(this.committed + first, needed);
    parents.forEach((parent, i) => {
      if (!Number.isInteger(parent) || parent < -1 || parent >= first + i) {
        this.dropPending(first);
        throw new RuntimeError(`row ${i} has parent ${parent}: a parent must stand before its row`);
      }
      const [depth, ordered] = parent < 0 ? [-1, -1] : [this.depths[parent], this.ordered[parent]];
      this.parents.push(parent);
      this.depths.push(depth + 1);
      this.ordered.push(parent < 0 ? 0 : ordered + (ordered === depth && parent === depth ? 1 : 0));
    });
  }

  /** True when every pending row's parent is the row before it: attention then needs no mask. */
  isChain(): boolean {
    return this.parents.every((parent, i) => parent === i - 1);
  }

  /** Keeps the pending rows of `path` (row indices from a root down) as committed rows and drops the others. */
  commit(path: readonly number[]): void {
    this.assertFree("committing rows");
    if (!Array.isArray(path)) throw new UsageError("commit takes the rows to keep as a list, from a root down");
    this.keep(path);
  }

  /** `commit` in the course of a pass. Called by the engine. */
  keep(path: readonly number[]): void {
    path.forEach((row, i) => {
      if (this.parents[row] !== (i === 0 ? -1 : path[i - 1])) {
        throw new RuntimeError(`commit: row ${row} is no child of ${i === 0 ? "the last committed row" : path[i - 1]}`);
      }
    });
    path.forEach((row, i) => {
      if (row !== i) this.cache.moveRow(this.committed + row, this.committed + i);
    });
    this.committed += path.length;
    this.dropPending(0);
  }

  /** Drops all pending rows, and committed rows from `length` on. Nothing is recomputed. */
  rollback(length: number = this.committed): void {
    this.assertFree("rolling back");
    if (!Number.isInteger(length) || length < 0 || length > this.committed) {
      throw new RuntimeError(`rollback to ${length}: the sequence has ${this.committed} committed rows`);
    }
    this.truncate(length);
  }

  /** `rollback` in the course of a pass. Called by the engine. */
  truncate(length: number): void {
    this.committed = length;
    this.dropPending(0);
  }

  /** A copy with a cache of its own. Pending rows are not copied. */
  fork(): Sequence {
    this.assertFree("forking it");
    const copy = new Sequence(this.caches);
    copy.cache.copyFrom(this.cache, this.committed);
    copy.committed = this.committed;
    return copy;
  }

  /** Forgets pending rows from `first` on. Called by the engine when a pass failed. */
  dropPending(first: number): void {
    this.parents.length = first;
    this.depths.length = first;
    this.ordered.length = first;
  }

  /** @param change what is refused while a pass runs */
  assertFree(change: string): void {
    this.assertLive();
    if (this.inPass) throw new RuntimeError(`the sequence is in a pass: await it before ${change}`);
  }

  assertLive(): void {
    if (!this.live) throw new RuntimeError("the sequence was disposed: start a new one with model.newSequence()");
  }

  /** Gives the cache back. @throws RuntimeError in a pass, as all changes do */
  dispose(): void {
    if (!this.live) return;
    this.assertFree("disposing of it");
    this.live = false;
    this.cache.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
