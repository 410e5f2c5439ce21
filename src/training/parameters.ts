import { elementCount } from "../formats/tensor-source.js";
import { Tensor } from "../runtime/tensor.js";

export interface ParameterSpec {
  name: string;
  dims: readonly number[];
}

/**
 * What is trained: 32-bit masters and their gradients, each in one stretch of memory in the order of the specs. Graphs read
 * them where they lie.
 */
export class ParameterSet {
  readonly values: Float32Array;
  readonly gradients: Float32Array;
  private readonly places = new Map<string, { spec: ParameterSpec; from: number; to: number }>();
  private readonly tensors: Tensor[] = [];

  constructor(
    readonly specs: readonly ParameterSpec[],
    withGradients = true,
  ) {
    let at = 0;
    for (const spec of specs) {
      const from = at;
      at += elementCount(spec.dims);
      this.places.set(spec.name, { spec, from, to: at });
    }
    this.values = new Float32Array(at);
    this.gradients = new Float32Array(withGradients ? at : 0);
  }

  /** Weights that stay as they are. */
  static withoutGradients(specs: readonly ParameterSpec[]): ParameterSet {
    return new ParameterSet(specs, false);
  }

  /** Where a parameter lies in `values` and `gradients`. */
  range(name: string): { from: number; to: number } {
    const { from, to } = this.places.get(name)!;
    return { from, to };
  }

  /** The numbers of a parameter, a view. */
  valuesOf(name: string): Float32Array {
    const { from, to } = this.range(name);
    return this.values.subarray(from, to);
  }

  valueTensor(name: string): Tensor {
    return this.tensor(name, this.values);
  }

  gradientTensor(name: string): Tensor {
    return this.tensor(name, this.gradients);
  }

  dispose(): void {
    for (const tensor of this.tensors) tensor.dispose();
  }

  private tensor(name: string, memory: Float32Array): Tensor {
    const { spec, from, to } = this.places.get(name)!;
    const tensor = new Tensor(memory.subarray(from, to), spec.dims);
    this.tensors.push(tensor);
    return tensor;
  }
}
