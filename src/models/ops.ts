/**
 * What an architecture computes with. `Rows` stands for a matrix [rows, width] of 32-bit floats: a name in an ONNX graph
 * (onnx/ops.ts), numbers, or whatever another implementation works on. Weights are named as in `weightSpecs`.
 */
export interface Ops<Rows> {
  /** The rows of the table `weight` that the pass's token ids name. */
  embed(weight: string): Rows;
  /** x W^T, plus the bias `${weight}.bias` where the architecture has one. */
  linear(x: Rows, weight: string): Rows;
  /** The residual stream with `update` added, and its RMS norm times the gain `weight`. Zhang & Sennrich 2019. */
  residualNorm(sum: Rows, update: Rows | undefined, weight: string, epsilon: number): { sum: Rows; normed: Rows };
  /**
   * Causal grouped-query attention of one layer over rows [q heads, k heads, v heads], q and k turned by their rotary
   * positions (halves, not pairs). `layer` counts the layers that run: it says which cache keys and values go to.
   * @returns [rows, heads * headDim]
   */
  attention(qkv: Rows, layer: number): Rows;
  /** silu(gate) * up. Shazeer 2020 */
  swiglu(gate: Rows, up: Rows): Rows;
  /** x * sigmoid(x) */
  silu(x: Rows): Rows;
  add(x: Rows, y: Rows): Rows;
  /** Each row's parts one after the other. */
  join(parts: readonly Rows[]): Rows;
  /** For draft layers: the target's residual streams at the pass's rows, one for each of `eagle.targetLayers`. */
  targetStreams(): Rows[];
  /** For draft layers: each row's feature, `fused` from the target's streams where it has them, else what a draft guessed. */
  features(fused: Rows): Rows;
}
