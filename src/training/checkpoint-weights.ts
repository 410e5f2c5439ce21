import type { TensorSource } from "../formats/tensor-source.js";
import type { WeightSpec } from "../models/weight-spec.js";

/** A weight that training may read: what graphs call it, and the tensors that it is made of, under each other. */
export interface TrainingWeight {
  name: string;
  dims: readonly number[];
  parts: readonly { tensor: string; out: number }[];
}

/** The weights of an architecture as training takes them: as the checkpoint has them, tied ones once. */
export function trainingWeights(specs: readonly WeightSpec[]): {
  weights: TrainingWeight[];
  aliases: Map<string, string>;
} {
  const weights: TrainingWeight[] = [];
  const aliases = new Map<string, string>();
  const byTensors = new Map<string, string>();
  for (const spec of specs) {
    if (spec.kind === "hiddenBasis") continue;
    const parts = spec.kind === "embedding" ? [{ tensor: spec.tensor, out: spec.rows }] : spec.parts;
    const dims =
      spec.kind === "linear"
        ? [spec.out, spec.in]
        : spec.kind === "embedding"
          ? [spec.rows, spec.columns]
          : [spec.length];
    const key = parts.map(({ tensor }) => tensor).join();
    const same = byTensors.get(key);
    if (same !== undefined) aliases.set(spec.name, same);
    else weights.push({ name: spec.name, dims, parts });
    byTensors.set(key, same ?? spec.name);
  }
  return { weights, aliases };
}

/** Reads a weight's tensors into `into`, one under the other. */
export async function readWeight(source: TensorSource, weight: TrainingWeight, into: Float32Array): Promise<void> {
  const width = weight.dims.length === 2 ? weight.dims[1] : 1;
  let at = 0;
  for (const { tensor, out } of weight.parts) {
    await source.readRows(tensor, 0, out, into.subarray(at, at + out * width));
    at += out * width;
  }
}
