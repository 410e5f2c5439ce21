import { type Attribute, type Dim, type ElementType, OnnxGraph } from "../../src/formats/onnx/onnx-writer.js";
import { Binding } from "../../src/runtime/binding.js";
import { Session } from "../../src/runtime/session.js";
import { Tensor, type TensorData, type TensorType } from "../../src/runtime/tensor.js";

export interface NodeDescription {
  op: string;
  /** Names of inputs; "" for one that is absent. */
  inputs: readonly string[];
  outputs: Readonly<Record<string, { type: ElementType; dims: readonly Dim[] }>>;
  attributes: Readonly<Record<string, Attribute>>;
}

/** A value and its shape. */
export interface Value<T extends TensorData = TensorData> {
  data: T;
  dims: readonly number[];
  /** Where the array does not tell. */
  type?: ElementType & TensorType;
}

/** Runs one of Foretoken's operators in a session of its own; all inputs are given at once, constants too. */
export async function runNode(
  node: NodeDescription,
  inputs: Readonly<Record<string, Value>>,
  outputs: Readonly<Record<string, Value>>,
): Promise<void> {
  const g = new OnnxGraph();
  const tensors = new Map<string, Tensor>();
  for (const [name, { data, dims, type }] of Object.entries(inputs)) {
    const tensor = new Tensor(data, dims, type);
    tensors.set(name, tensor);
    g.input(name, tensor.type, dims);
  }
  g.node(node.op, node.inputs, Object.keys(node.outputs), node.attributes, "foretoken");
  for (const [name, { type, dims }] of Object.entries(node.outputs)) g.output(name, type, dims);
  using session = await Session.create({ bytes: g.build() });
  const binding = new Binding(session);
  session.inputNames.forEach((name, i) => {
    binding.setInput(i, tensors.get(name)!);
  });
  session.outputNames.forEach((name, i) => {
    const tensor = new Tensor(outputs[name].data, outputs[name].dims);
    tensors.set(`${name} out`, tensor);
    binding.setOutput(i, tensor);
  });
  try {
    binding.run();
  } finally {
    for (const tensor of tensors.values()) tensor.dispose();
  }
}
