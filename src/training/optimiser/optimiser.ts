/** Changes parameters by their gradients, in place. What it remembers is in `state`, to be saved and restored. */
export interface Optimiser {
  /** Moments and the like, by name; restoring means writing into these arrays. */
  readonly state: Readonly<Record<string, Float32Array>>;
  /**
   * One update.
   * @param step counts from 1
   * @param gradientScale gradients count so many times: below 1 where their norm is clipped
   */
  update(step: number, learningRate: number, gradientScale: number): void;
  dispose(): void;
}

/** A stretch of values with their gradients. */
export interface Stretch {
  values: Float32Array;
  gradients: Float32Array;
}
