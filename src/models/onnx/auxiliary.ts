import type { OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import type { ModelConfig } from "../../types/model-config.js";
import { auxiliaryName } from "./contract.js";

/** Outputs for residual streams at the rows that ask for them; nothing where no stream is asked for. */
export function auxiliary(graph: OnnxGraph, { hiddenSize }: ModelConfig, streams: readonly string[]): void {
  if (streams.length === 0) return;
  graph.input("auxiliary_rows", "i64", ["N"]);
  streams.forEach((stream, i) => {
    graph.node("Gather", [stream, "auxiliary_rows"], [auxiliaryName(i)], { axis: 1 });
    graph.output(auxiliaryName(i), "f32", [1, "N", hiddenSize]);
  });
}
