import { type Dim, OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import type { EagleLayer, ModelConfig } from "../../types/model-config.js";
import type { ProductOperator } from "../weight-spec.js";
import { type CacheForm, cacheForm } from "./cache-form.js";

/** How many sequences a graph's passes have rows of: a number, or any (TreeAttention of native/, which takes them all at once). */
export type Sequences = number | "any";

/**
 * Inputs and outputs that every decoder graph has. R rows run in one pass; R and W may count copies of a row that nobody
 * reads, where products of a lone row round differently. W is the rows that the head runs for.
 *
 * Inputs: ids [1,R]; head_rows [W] (rows for the head; ONNX Runtime's operators want at least one); top_rows [T] and
 * lse_rows [L] (indices into head_rows); logit_rows [I] the same (VocabHead of native/ only); k [1]; hidden_rows [H]; zero_points [R] and head_zero_points [W], all 128 (MatMulIntegerToFloat only); cos,
 * sin [>= C, headDim / 2].
 * A draft layer's (config.eagle) also has target_stream_i [1,R,targetHiddenSize] and guesses [1,R,D], of which each row has
 * one or the other, the other zeros; feature_rows [R] says which: r for row r of the former, R + r of the latter.
 * With streams asked for: auxiliary_rows [N].
 * Outputs: logits [1,W,V], or [1,I,V] where there are logit_rows; top_values and top_ids [1,T,k]; lse [1,L]; hidden
 * [1,H,D] (after the final norm); auxiliary_i [1,N,D], the i-th residual stream asked for (in the basis of the weights).
 *
 * For any number of sequences: rows [R,5] (sequence, position, slot, prefix, first), ancestors [A], pages [S,T]; for each
 * layer keys_l, values_l [N,kvHeads,P,headDim + extra], the pages of all sequences, written in place
 * (native/src/attention.h; type and extra: cache-form.ts).
 *
 * For n sequences: restore [R] (where row r lies among the attended rows of all sequences). Sequence s owns rows of its own,
 * gathered by attend_s [A] (a lone row stands twice, because attention over one row rounds differently from attention
 * over several: docs/exactness.md); positions_s [1,A]; bias_s [1,1,A,C], C the capacity of its cache; last_s [1]
 * (past + A - 1); capacity_s scalar; for each layer key_l_s, value_l_s [1,kvHeads,C,headDim], and outputs key_l_s_out,
 * value_l_s_out: bind to the inputs' memory.
 */
/** The inputs of one of n sequences. */
export interface SequenceInputs {
  attend: string;
  positions: string;
  bias: string;
  last: string;
  capacity: string;
}

/** The names of sequence `s`'s own inputs. */
export function sequenceInputs(s: number): SequenceInputs {
  return {
    attend: `attend_${s}`,
    positions: `positions_${s}`,
    bias: `bias_${s}`,
    last: `last_${s}`,
    capacity: `capacity_${s}`,
  };
}

/** The names of one layer's cache for sequence `s`; outputs have the suffix "_out". */
export function cacheNames(layer: number, s: number): { key: string; value: string } {
  return { key: `key_${layer}_${s}`, value: `value_${layer}_${s}` };
}

/** The names of one layer's pages. */
export function pageNames(layer: number): { keys: string; values: string } {
  return { keys: `keys_${layer}`, values: `values_${layer}` };
}

/** The name of a draft layer's input for one of the target's residual streams. */
export function targetStreamName(i: number): string {
  return `target_stream_${i}`;
}

/** The name of the output for the i-th of the residual streams that were asked for. */
export function auxiliaryName(i: number): string {
  return `auxiliary_${i}`;
}

/** A new graph with the inputs that all architectures share. */
export function startGraph(
  config: ModelConfig,
  sequences: Sequences,
  product: ProductOperator,
  cache: CacheForm = cacheForm("fp32"),
): OnnxGraph {
  const graph = new OnnxGraph();
  graph.input("ids", "i64", [1, "R"]);
  graph.input("head_rows", "i64", ["W"]);
  if (product === "SkinnyMatMul") graph.input("logit_rows", "i64", ["I"]);
  graph.input("top_rows", "i64", ["T"]);
  graph.input("lse_rows", "i64", ["L"]);
  graph.input("k", "i64", [1]);
  graph.input("hidden_rows", "i64", ["H"]);
  if (product === "MatMulIntegerToFloat") {
    graph.input("zero_points", "u8", ["R"]);
    graph.input("head_zero_points", "u8", ["W"]);
  }
  graph.input("cos", "f32", ["M", config.headDim / 2]);
  graph.input("sin", "f32", ["M", config.headDim / 2]);
  if (config.eagle) featureInputs(graph, config, config.eagle);
  if (sequences === "any") pagedInputs(graph, config, cache);
  else sequencesInputs(graph, config, sequences);
  return graph;
}

function featureInputs(
  graph: OnnxGraph,
  { hiddenSize }: ModelConfig,
  { targetLayers, targetHiddenSize }: EagleLayer,
): void {
  targetLayers.forEach((_, i) => {
    graph.input(targetStreamName(i), "f32", [1, "R", targetHiddenSize]);
  });
  graph.input("guesses", "f32", [1, "R", hiddenSize]);
  graph.input("feature_rows", "i64", ["R"]);
}

function pagedInputs(graph: OnnxGraph, { numLayers, numKvHeads, headDim }: ModelConfig, cache: CacheForm): void {
  graph.input("rows", "i32", ["R", 5]);
  graph.input("ancestors", "i32", ["A"]);
  graph.input("pages", "i32", ["S", "P"]);
  for (let layer = 0; layer < numLayers; layer++) {
    for (const name of Object.values(pageNames(layer))) {
      graph.input(name, cache.type, ["N", numKvHeads, "slots", headDim + cache.extra]);
    }
  }
}

function sequencesInputs(graph: OnnxGraph, config: ModelConfig, sequences: number): void {
  graph.input("restore", "i64", ["R"]);
  for (let s = 0; s < sequences; s++) {
    const names = sequenceInputs(s);
    graph.input(names.attend, "i64", [`A${s}`]);
    graph.input(names.positions, "i64", [1, `A${s}`]);
    graph.input(names.bias, "f32", [1, 1, `A${s}`, `C${s}`]);
    graph.input(names.last, "i32", [1]);
    graph.input(names.capacity, "i32", []);
    const dims: Dim[] = [1, config.numKvHeads, `C${s}`, config.headDim];
    for (let layer = 0; layer < config.numLayers; layer++) {
      for (const name of Object.values(cacheNames(layer, s))) graph.input(name, "f32", dims);
    }
  }
}
