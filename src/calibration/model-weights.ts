import { productsOf4Bits, productsOnGrid } from "../conversion/on-grid.js";
import type { SafetensorsWriter, TensorHead } from "../formats/safetensors/stream-writer.js";
import type { Architecture } from "../models/architecture.js";
import { architectureOf } from "../models/architectures.js";
import type { Checkpoint } from "../models/checkpoint/checkpoint.js";
import { readWeight, type TrainingWeight, trainingWeights } from "../training/checkpoint-weights.js";

/** A checkpoint's weights under calibration: which are rounded, and how all are read and written. */
export class ModelWeights {
  /** As the checkpoint has them, tied ones once. */
  readonly all: readonly TrainingWeight[];

  private constructor(
    private readonly checkpoint: Checkpoint,
    readonly architecture: Architecture,
    /** Products that are rounded. */
    readonly rounded: ReadonlySet<string>,
    /** Products that are of 4 bits already. */
    readonly kept: ReadonlySet<string>,
  ) {
    this.all = trainingWeights(architecture.weightSpecs(checkpoint.config)).weights;
  }

  /** Reads the products to see which are of 4 bits already. */
  static async of(checkpoint: Checkpoint, signal?: AbortSignal): Promise<ModelWeights> {
    const { config, source } = checkpoint;
    const architecture = architectureOf(config);
    const products = productsOf4Bits(architecture.weightSpecs(config));
    const kept = await productsOnGrid(source, products, signal);
    const rounded = products.map(({ name }) => name).filter((name) => !kept.has(name));
    return new ModelWeights(checkpoint, architecture, new Set(rounded), kept);
  }

  named(name: string): TrainingWeight {
    return this.all.find((weight) => weight.name === name)!;
  }

  async read(weight: TrainingWeight): Promise<Float32Array> {
    const values = new Float32Array(weight.dims.reduce((product, dim) => product * dim, 1));
    await readWeight(this.checkpoint.source, weight, values);
    return values;
  }

  /** What the tensors are written as: rounded ones take 32 bits to hold sums of scale and minimum, others what they took. */
  heads(): TensorHead[] {
    return this.all.flatMap(({ name, dims, parts }) =>
      parts.map(({ tensor, out }) => {
        const dtype = this.rounded.has(name) ? "F32" : this.checkpoint.source.info(tensor)!.dtype;
        return { name: tensor, shape: [out, ...dims.slice(1)], dtype };
      }),
    );
  }

  async write(writer: SafetensorsWriter, { dims, parts }: TrainingWeight, values: Float32Array): Promise<void> {
    const width = dims[1] ?? 1;
    let at = 0;
    for (const { tensor, out } of parts) {
      await writer.write(tensor, values.subarray(at, at + out * width));
      at += out * width;
    }
  }
}
