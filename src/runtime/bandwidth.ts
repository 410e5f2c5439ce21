import { OnnxGraph } from "../formats/onnx/onnx-writer.js";
import { Binding } from "./binding.js";
import { Session } from "./session.js";
import { Tensor } from "./tensor.js";

/** Larger than any cache. */
const BYTES = 256 << 20;
const ROUNDS = 6;

/** The rate at which the thread pool reads memory, in GB/s: the best of several reductions over 256 MiB. */
export async function memoryBandwidth(): Promise<number> {
  const rows = 64;
  const columns = BYTES / 4 / rows;
  const g = new OnnxGraph();
  g.input("x", "f32", [rows, columns]);
  g.initializer("axis", "i64", [1], BigInt64Array.of(1n));
  g.node("ReduceMax", ["x", "axis"], ["y"], { keepdims: 0 });
  g.output("y", "f32", [rows]);
  const session = await Session.create({ bytes: g.build() });
  const input = new Tensor(new Float32Array(rows * columns).fill(1), [rows, columns]);
  const output = new Tensor(new Float32Array(rows), [rows]);
  try {
    const binding = new Binding(session);
    binding.setInput(0, input);
    binding.setOutput(0, output);
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now();
      await binding.runAsync();
      best = Math.min(best, performance.now() - start);
    }
    return BYTES / best / 1e6;
  } finally {
    session.dispose();
    input.dispose();
    output.dispose();
  }
}
