import { OnnxGraph } from "../../src/formats/onnx/onnx-writer.js";
import { Binding } from "../../src/runtime/binding.js";
import { Session } from "../../src/runtime/session.js";
import { Tensor } from "../../src/runtime/tensor.js";
import { type Float, Tape, type Value } from "../../src/training/gradient/tape.js";

/** An array of numbers for a value of a graph; token ids and such are i64. */
export interface Numbers {
  dims: readonly number[];
  data: Float64Array | BigInt64Array;
}

export interface Case {
  /** Values that want a gradient. */
  parameters: Record<string, Numbers>;
  /** Others: floats (untracked values) and i64. */
  constants?: Record<string, Numbers>;
  /** Inputs that `build` itself declares. */
  inputs?: Record<string, Numbers>;
  /** Adds the forward nodes; constants are inputs by their own names. */
  build(tape: Tape, parameters: Record<string, Value>, constants: Record<string, Value>): Value;
}

export interface Gradients {
  output: Float64Array;
  gradients: Record<string, Float64Array>;
}

/** A pseudo-random sequence of numbers around 0 with variance 1 (Box and Muller 1958). */
export function normals(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

export function randomNumbers(dims: readonly number[], seed: number, scale = 1): Numbers {
  const next = normals(seed);
  return { dims, data: Float64Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => scale * next()) };
}

export const integers = (dims: readonly number[], values: readonly number[]): Numbers => ({
  dims,
  data: BigInt64Array.from(values, BigInt),
});

/** A case in a session: its output and the gradients of sum(output * weights), computed in f32 or f64. */
export class CaseRunner {
  private constructor(
    private readonly session: Session,
    private readonly float: Float,
    private readonly outputs: readonly string[],
  ) {}

  static async of(example: Case, float: Float): Promise<CaseRunner> {
    const graph = new OnnxGraph();
    const tape = new Tape(graph, float);
    const values = (given: Record<string, Numbers>, tracked: boolean) =>
      Object.fromEntries(
        Object.entries(given).map(([name, { dims, data }]) => {
          if (data instanceof Float64Array) return [name, tape.input(name, dims, tracked)];
          return [name, { name: graph.input(name, "i64", dims), tracked: false }];
        }),
      );
    const parameters = values(example.parameters, true);
    const output = example.build(tape, parameters, values(example.constants ?? {}, false));
    graph.input("seed", float, ["S"]);
    const shaped = graph.node("Reshape", ["seed", graph.node("Shape", [output.name], ["shape"])], ["shaped seed"]);
    const gradients = tape.backward([[output, shaped]]);
    const flat = tape.integers(-1);
    graph.node("Reshape", [output.name, flat], ["output"]);
    graph.output("output", float, ["O"]);
    const names = Object.keys(parameters);
    for (const name of names) {
      graph.node("Reshape", [gradients.get(name)!, flat], [`gradient of ${name}`]);
      graph.output(`gradient of ${name}`, float, [`G ${name}`]);
    }
    const outputs = ["output", ...names.map((name) => `gradient of ${name}`)];
    return new CaseRunner(await Session.create({ bytes: graph.build() }), float, outputs);
  }

  run(example: Case, weights: Float64Array): Gradients {
    const binding = new Binding(this.session);
    const floats = (data: ArrayLike<number>) =>
      this.float === "f64" ? Float64Array.from(data) : Float32Array.from(data);
    const all = {
      ...example.parameters,
      ...example.constants,
      ...example.inputs,
      seed: { dims: [weights.length], data: weights },
    };
    this.session.inputNames.forEach((name, i) => {
      const { dims, data } = all[name as keyof typeof all];
      binding.setInput(i, new Tensor(data instanceof Float64Array ? floats(data) : data, dims));
    });
    const sizes = [weights.length, ...Object.values(example.parameters).map(({ data }) => data.length)];
    const arrays = sizes.map((size) => floats({ length: size }));
    this.session.outputNames.forEach((name, i) => {
      const array = arrays[this.outputs.indexOf(name)];
      binding.setOutput(i, new Tensor(array, [array.length]));
    });
    binding.run();
    const [output, ...rest] = arrays.map((array) => Float64Array.from(array));
    const names = Object.keys(example.parameters);
    return { output, gradients: Object.fromEntries(names.map((name, i) => [name, rest[i]])) };
  }

  dispose(): void {
    this.session.dispose();
  }
}

const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, value, i) => sum + value * y[i], 0);

/**
 * ||error|| / ||gradient||, estimated by central differences along random directions of all parameters at once: the mean
 * square of (difference - gradient . direction) is that of the error.
 * @param outputs elements of the output
 */
export async function gradientError(
  example: Case,
  float: Float,
  outputs: number,
  { step = 1e-5, directions = 6 } = {},
): Promise<number> {
  const runner = await CaseRunner.of(example, float);
  // Differences of 32-bit results would be noise: gradients in f32 are compared with differences in f64.
  const exact = float === "f64" ? runner : await CaseRunner.of(example, "f64");
  const weights = randomNumbers([outputs], 99).data as Float64Array;
  const names = Object.keys(example.parameters);
  const { gradients } = runner.run(example, weights);
  const norm = Math.sqrt(names.reduce((sum, name) => sum + dot(gradients[name], gradients[name]), 0));
  let square = 0;
  for (let i = 0; i < directions; i++) {
    const ways = Object.fromEntries(
      names.map((name, n) => [
        name,
        randomNumbers(example.parameters[name].dims, 1000 + 50 * i + n).data as Float64Array,
      ]),
    );
    const at = (h: number) => {
      const moved = Object.fromEntries(
        names.map((name) => {
          const { dims, data } = example.parameters[name];
          return [name, { dims, data: Float64Array.from(data as Float64Array, (x, j) => x + h * ways[name][j]) }];
        }),
      );
      return dot(exact.run({ ...example, parameters: moved }, weights).output, weights);
    };
    const difference = (at(step) - at(-step)) / (2 * step);
    const predicted = names.reduce((sum, name) => sum + dot(gradients[name], ways[name]), 0);
    square += (difference - predicted) ** 2;
  }
  runner.dispose();
  if (exact !== runner) exact.dispose();
  return Math.sqrt(square / directions) / norm;
}
