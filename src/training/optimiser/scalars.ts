import { Tensor } from "../../runtime/tensor.js";
import type { GraphSession } from "../gradient/gradient-graph.js";

/** Scalar inputs of a graph, set before each run. */
export class Scalars<Name extends string> {
  private readonly arrays: Record<Name, Float32Array>;
  private readonly tensors: Tensor[] = [];

  constructor(session: GraphSession, names: readonly Name[]) {
    this.arrays = {} as Record<Name, Float32Array>;
    for (const name of names) {
      this.arrays[name] = new Float32Array(1);
      const tensor = new Tensor(this.arrays[name], []);
      this.tensors.push(tensor);
      session.bind(name, tensor);
    }
  }

  set(values: Readonly<Record<Name, number>>): void {
    for (const name of Object.keys(this.arrays) as Name[]) this.arrays[name][0] = values[name];
  }

  dispose(): void {
    for (const tensor of this.tensors) tensor.dispose();
  }
}
