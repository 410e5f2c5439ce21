import type { OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import type { ModelConfig } from "../../types/model-config.js";
import { cacheNames, pageNames, type Sequences, sequenceInputs } from "./contract.js";

export type AttentionShape = Pick<ModelConfig, "numHeads" | "numKvHeads" | "headDim">;

/**
 * Grouped-query attention of one layer over packed rows qkv [1, R, (heads + 2 kvHeads) headDim].
 * @returns [1, R, heads * headDim]
 */
export function attention(g: OnnxGraph, config: AttentionShape, layer: number, sequences: Sequences, qkv: string) {
  return sequences === "any" ? overPages(g, config, layer, qkv) : oneByOne(g, config, layer, sequences, qkv);
}

/** One call for the rows of all sequences, which writes keys and values into their pages. */
function overPages(g: OnnxGraph, { numHeads, numKvHeads }: AttentionShape, layer: number, qkv: string): string {
  const { keys, values } = pageNames(layer);
  const inputs = [qkv, "cos", "sin", "rows", "ancestors", "pages", keys, values];
  const attributes = { num_heads: numHeads, kv_num_heads: numKvHeads };
  return g.node("TreeAttention", inputs, [`layers.${layer}.attention`], attributes, "foretoken");
}

/** One call per sequence, each with its own cache: the operator takes several rows with a past for batch 1 only. */
function oneByOne(g: OnnxGraph, config: AttentionShape, layer: number, sequences: number, qkv: string): string {
  const outputs: string[] = [];
  for (let s = 0; s < sequences; s++) {
    const inputs = sequenceInputs(s);
    const cache = cacheNames(layer, s);
    const name = `layers.${layer}.attention.${s}`;
    const rows = g.node("Gather", [qkv, inputs.attend], [`${name}.rows`], { axis: 1 });
    const cacheOutputs = Object.values(cache).map((n) => `${n}_out`);
    outputs.push(
      g.node(
        "GroupQueryAttention",
        [
          rows,
          "",
          "",
          cache.key,
          cache.value,
          inputs.last,
          inputs.capacity,
          "cos",
          "sin",
          inputs.positions,
          inputs.bias,
        ],
        [name, ...cacheOutputs],
        { num_heads: config.numHeads, kv_num_heads: config.numKvHeads, do_rotary: 1 },
        "com.microsoft",
      ),
    );
    for (const output of cacheOutputs) g.output(output, "f32", [1, config.numKvHeads, `C${s}`, config.headDim]);
  }
  const all = sequences === 1 ? outputs[0] : g.node("Concat", outputs, [`layers.${layer}.attention.all`], { axis: 1 });
  return g.node("Gather", [all, "restore"], [`layers.${layer}.attention`], { axis: 1 });
}
