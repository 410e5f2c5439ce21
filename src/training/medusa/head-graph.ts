import { OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import { medusaHeads } from "../../models/medusa/medusa-heads.js";
import { DifferentiableOps } from "../gradient/differentiable-ops.js";
import { accumulateInto } from "../gradient/gradient-graph.js";
import { crossEntropy } from "../gradient/rules/cross-entropy.js";
import { Tape } from "../gradient/tape.js";
import type { ParameterSpec } from "../parameters.js";

export interface HeadShape {
  hiddenSize: number;
  vocabSize: number;
  /** ResBlocks of a head. */
  layers: number;
  /** Whether the output product is the base's, which is not trained. */
  sharedHead: boolean;
  /** Ids from here on are no tokens. */
  vocabLimit: number;
}

/** The parameters of a head, named as `medusaHeads` names those of head 0. */
export function headParameters({ hiddenSize: D, vocabSize: V, layers, sharedHead }: HeadShape): ParameterSpec[] {
  const blocks = Array.from({ length: layers }, (_, j): ParameterSpec[] => [
    { name: `heads.0.blocks.${j}`, dims: [D, D] },
    { name: `heads.0.blocks.${j}.bias`, dims: [D] },
  ]);
  return [...blocks.flat(), ...(sharedHead ? [] : [{ name: "heads.0.lm_head", dims: [V, D] }])];
}

/** The name of a head's parameter among those of all heads. */
export const ofHead = (name: string, head: number) => name.replace("heads.0", `heads.${head}`);

/** Rows of head 0 through `medusaHeads`, and their loss: inputs hidden [R, D] and labels i64 [R]; output loss, a sum. */
function headLoss(tape: Tape, shape: HeadShape) {
  const { hiddenSize, vocabSize, layers, sharedHead } = shape;
  const specs = headParameters(shape);
  const values = new Map(specs.map(({ name, dims }) => [name, tape.input(name, dims, true)]));
  if (sharedHead) values.set("shared.lm_head", tape.input("shared.lm_head", [vocabSize, hiddenSize], false));
  const ops = new DifferentiableOps(tape, (name) => values.get(name));
  const blocks = Array.from({ length: layers }, () => ({ weight: "" }));
  const heads = [{ blocks, ...(!sharedHead && { lmHead: "own" }) }];
  const [logits] = medusaHeads(ops, { heads }, tape.input("hidden", ["R", hiddenSize], false));
  const labels = tape.graph.input("labels", "i64", ["R"]);
  const loss = crossEntropy(tape, logits, labels);
  tape.graph.node("Identity", [loss.name], ["loss"]);
  tape.graph.output("loss", "f32", []);
  return { specs, logits, loss };
}

/** Also the input weight (scalar), which the loss counts in the gradients that are added up. */
export function headTrainingGraph(shape: HeadShape): OnnxGraph {
  const tape = new Tape(new OnnxGraph());
  const { specs, loss } = headLoss(tape, shape);
  const weight = tape.graph.input("weight", "f32", []);
  accumulateInto(tape, tape.backward([[loss, weight]]), specs);
  return tape.graph;
}

/** Also the output ids i64 [R, ranks]: the likeliest tokens. */
export function headMeasuringGraph(shape: HeadShape, ranks: number): OnnxGraph {
  const tape = new Tape(new OnnxGraph());
  const { logits } = headLoss(tape, shape);
  const bounds = [tape.integers(0), tape.integers(shape.vocabLimit), tape.integers(1)];
  const known = tape.node("Slice", [logits, ...bounds]);
  const [, ids] = tape.nodes("TopK", [known, tape.integers(ranks)], 2, { axis: -1 });
  tape.graph.node("Identity", [ids], ["ids"]);
  tape.graph.output("ids", "i64", ["R", ranks]);
  return tape.graph;
}
