import type { Attribute, Dim, OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import { RuntimeError } from "../../types/errors.js";

/** Element types that gradients are computed in; f64 is for checks. */
export type Float = "f32" | "f64";

/** A value of a graph, and whether it depends on something that wants a gradient. */
export interface Value {
  readonly name: string;
  readonly tracked: boolean;
}

/** Adds the nodes that turn the gradient of an operator's outputs into that of one of its inputs. */
export type Pullback = (...outputGradients: string[]) => string;

interface Step {
  outputs: readonly Value[];
  inputs: readonly Value[];
  pullbacks: readonly Pullback[];
}

/**
 * Reverse-mode differentiation over an ONNX graph: rules (rules/) add the nodes of an operator and say how gradients go
 * back through it; `backward` adds those nodes, last operator first. Nothing is added for what needs no gradient.
 */
export class Tape {
  private readonly steps: Step[] = [];
  private made = 0;

  constructor(
    readonly graph: OnnxGraph,
    readonly float: Float = "f32",
  ) {}

  /** An input of the graph; a tracked one gets a gradient. */
  input(name: string, dims: readonly Dim[], tracked: boolean): Value {
    return { name: this.graph.input(name, this.float, dims), tracked };
  }

  /** Adds a node of one output and returns the output's name. */
  node(op: string, inputs: readonly (Value | string)[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.nodes(op, inputs, 1, attributes)[0];
  }

  /** Adds a node of several outputs. */
  nodes(
    op: string,
    inputs: readonly (Value | string)[],
    outputs: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string[] {
    const names = Array.from({ length: outputs }, () => `t${this.made++}`);
    const inputNames = inputs.map((input) => (typeof input === "string" ? input : input.name));
    this.graph.node(op, inputNames, names, attributes);
    return names;
  }

  /** A scalar of the tape's type. */
  constant(value: number): string {
    const data = this.float === "f64" ? Float64Array.of(value) : Float32Array.of(value);
    return this.graph.initializer(`constant ${value}`, this.float, [], data);
  }

  /** A vector of 64-bit integers: axes, sizes, shapes. */
  integers(...values: number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.graph.initializer(`integers ${values}`, "i64", [values.length], data);
  }

  /** Notes an operator's output. Input i's gradient is made by pullback i, which is asked only where i is tracked. */
  record(output: string, inputs: readonly Value[], pullbacks: readonly Pullback[]): Value {
    return this.recordAll([output], inputs, pullbacks)[0];
  }

  recordAll(names: readonly string[], inputs: readonly Value[], pullbacks: readonly Pullback[]): Value[] {
    const tracked = inputs.some((input) => input.tracked);
    const outputs = names.map((name) => ({ name, tracked }));
    if (tracked) this.steps.push({ outputs, inputs, pullbacks });
    return outputs;
  }

  /**
   * Adds the backward nodes.
   * @param seeds the gradients of values, such as a loss with the constant 1
   * @returns a lookup of the gradients by value name
   * @throws RuntimeError for a value that depends on nothing tracked
   */
  backward(seeds: readonly (readonly [of: Value, gradient: string])[]): ReadonlyMap<string, string> {
    const gradients = new Map<string, string>();
    for (const [of, gradient] of seeds) {
      if (!of.tracked) throw new RuntimeError(`"${of.name}" depends on no parameter that is trained`);
      this.accumulate(gradients, of.name, gradient);
    }
    for (const { outputs, inputs, pullbacks } of this.steps.toReversed()) {
      const known = outputs.map(({ name }) => gradients.get(name));
      if (known.every((gradient) => gradient === undefined)) continue;
      const all = known.map((gradient, i) => gradient ?? this.node("Sub", [outputs[i], outputs[i]]));
      inputs.forEach((input, i) => {
        if (input.tracked) this.accumulate(gradients, input.name, pullbacks[i](...all));
      });
    }
    return gradients;
  }

  private accumulate(gradients: Map<string, string>, name: string, gradient: string): void {
    const before = gradients.get(name);
    gradients.set(name, before === undefined ? gradient : this.node("Add", [before, gradient]));
  }
}
