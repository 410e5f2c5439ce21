import type { ParameterSpec } from "../parameters.js";
import { add } from "./rules/add.js";
import { linear } from "./rules/linear.js";
import { scale } from "./rules/mul.js";
import type { Tape, Value } from "./tape.js";

/** Adapters of low rank: a product W x becomes W x + alpha / rank B A x, W frozen. Hu et al. 2021. */
export interface LowRank {
  /** Rows of A [rank, in], columns of B [out, rank]. */
  rank: number;
  alpha: number;
}

export const adapterNames = (weight: string) => ({ a: `${weight}.lora_a`, b: `${weight}.lora_b` });

/** The adapter's matrices of each product of a layer; q, k and v are one product, and have one adapter. */
export function adapterSpecs(weights: readonly ParameterSpec[], { rank }: LowRank): ParameterSpec[] {
  return weights
    .filter(({ name, dims }) => name.startsWith("layers.") && dims.length === 2)
    .flatMap(({ name, dims: [out, width] }) => {
      const { a, b } = adapterNames(name);
      return [
        { name: a, dims: [rank, width] },
        { name: b, dims: [out, rank] },
      ];
    });
}

/** y + alpha / rank B A x. */
export function adapted(tape: Tape, y: Value, x: Value, a: Value, b: Value, { rank, alpha }: LowRank): Value {
  return add(tape, y, scale(tape, linear(tape, linear(tape, x, a), b), alpha / rank));
}

/** Adds an adapter to its product: W [out, in] += alpha / rank B A. */
export function mergeAdapter(weight: Float32Array, a: Float32Array, b: Float32Array, { rank, alpha }: LowRank): void {
  const width = a.length / rank;
  for (let out = 0; out < b.length / rank; out++) {
    const row = weight.subarray(out * width, (out + 1) * width);
    for (let r = 0; r < rank; r++) {
      const factor = (alpha / rank) * b[out * rank + r];
      const from = a.subarray(r * width, (r + 1) * width);
      for (let i = 0; i < width; i++) row[i] += factor * from[i];
    }
  }
}
