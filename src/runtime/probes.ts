import { OnnxGraph } from "../formats/onnx/onnx-writer.js";
import { Binding } from "./binding.js";
import { Session } from "./session.js";
import { Tensor } from "./tensor.js";

const DEPTH = 64;

let saturates: Promise<boolean> | undefined;

/**
 * Whether products of unsigned and signed bytes saturate on this CPU (sums of two products in 16 bits, as on AVX2
 * without VNNI). Measured once, with the largest values there are.
 */
export function saturationProbe(): Promise<boolean> {
  saturates ??= probe();
  return saturates;
}

async function probe(): Promise<boolean> {
  const g = new OnnxGraph();
  const columns = 16;
  g.input("a", "u8", [1, DEPTH]);
  const weights = g.initializer("w", "i8", [DEPTH, columns], new Int8Array(DEPTH * columns).fill(127));
  const one = g.initializer("one", "f32", [], Float32Array.of(1));
  const scale = g.initializer("scale", "f32", [columns], new Float32Array(columns).fill(1));
  const zero = g.initializer("zero", "u8", [], Uint8Array.of(0));
  g.node("MatMulIntegerToFloat", ["a", weights, one, scale, zero], ["y"], {}, "com.microsoft");
  g.output("y", "f32", [1, columns]);
  const session = await Session.create({ bytes: g.build() });
  const input = new Tensor(new Uint8Array(DEPTH).fill(255), [1, DEPTH]);
  const y = new Float32Array(columns);
  const output = new Tensor(y, [1, columns]);
  try {
    const binding = new Binding(session);
    binding.setInput(0, input);
    binding.setOutput(0, output);
    binding.run();
    return y.some((value) => value !== DEPTH * 255 * 127);
  } finally {
    session.dispose();
    input.dispose();
    output.dispose();
  }
}
