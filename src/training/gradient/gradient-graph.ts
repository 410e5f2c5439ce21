import type { Dim, OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import { Binding } from "../../runtime/binding.js";
import { Session } from "../../runtime/session.js";
import type { Tensor } from "../../runtime/tensor.js";
import type { Tape } from "./tape.js";

/** The input that holds a parameter's gradient so far; the output `${...}.next` is bound to the same memory. */
export const gradientOf = (parameter: string) => `gradient.${parameter}`;

/**
 * Adds outputs that add each parameter's gradient to what its buffer holds. The buffer is read by the addition alone, so
 * input and output may share memory.
 */
export function accumulateInto(
  tape: Tape,
  gradients: ReadonlyMap<string, string>,
  parameters: readonly { name: string; dims: readonly Dim[] }[],
): void {
  for (const { name, dims } of parameters) {
    const gradient = gradients.get(name);
    if (gradient === undefined) continue;
    const buffer = tape.graph.input(gradientOf(name), tape.float, dims);
    tape.graph.node("Add", [buffer, gradient], [`${buffer}.next`]);
    tape.graph.output(`${buffer}.next`, tape.float, dims);
  }
}

/** A graph in a session. Tensors are bound by name and stay bound from run to run; nothing is copied. */
export class GraphSession {
  private readonly binding: Binding;

  private constructor(private readonly session: Session) {
    this.binding = new Binding(session);
  }

  static async create(graph: OnnxGraph): Promise<GraphSession> {
    return new GraphSession(await Session.create({ bytes: graph.build() }));
  }

  get inputs(): readonly string[] {
    return this.session.inputNames;
  }

  get outputs(): readonly string[] {
    return this.session.outputNames;
  }

  /** Binds a tensor to an input and, where there is one, to the output `${name}.next`: the run updates it in place. */
  bind(name: string, tensor: Tensor): void {
    const input = this.session.inputNames.indexOf(name);
    if (input >= 0) this.binding.setInput(input, tensor);
    for (const outputName of [name, `${name}.next`]) {
      const output = this.session.outputNames.indexOf(outputName);
      if (output >= 0) this.binding.setOutput(output, tensor);
    }
  }

  run(signal?: AbortSignal): Promise<void> {
    return this.binding.runAsync(signal);
  }

  /** On this thread: for runs of less than a millisecond. */
  runSync(): void {
    this.binding.run();
  }

  dispose(): void {
    this.session.dispose();
  }
}
