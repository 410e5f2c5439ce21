/** Keys and values of one sequence, in `capacity` slots. Keys are stored rotated at their own position, so a move is a copy. */
export interface KvCache {
  readonly capacity: number;
  /** Called before a pass writes slots [from, to). @throws RuntimeError when there is no memory for them */
  reserve(from: number, to: number): void;
  /** Copies slot `from` over slot `to`, both reserved. */
  moveRow(from: number, to: number): void;
  /** Makes slots [0, rows) those of `source`, of the same caches. */
  copyFrom(source: KvCache, rows: number): void;
  /** Keys (even index) or values (odd index) of slots [0, rows), as [kvHeads, rows, headDim]: for tests and inspection. */
  read(index: number, rows: number): Float32Array;
  /** Gives the memory back to the caches that it is of. */
  release(): void;
}

/** The caches of a model's sequences. */
export interface KvCaches {
  /** Slots of each cache. */
  readonly capacity: number;
  /** @throws RuntimeError when the model was disposed, or there is no memory for a cache */
  take(): KvCache;
  /** Caches in use are released when they are given back. */
  dispose(): void;
}
