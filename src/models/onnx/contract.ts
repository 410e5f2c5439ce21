import { type Dim, OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import type { ModelConfig } from "../../types/model-config.js";

/**
 * Inputs and outputs that every decoder graph has. R rows of n sequences run in one pass; sequence s owns rows of its
 * own, gathered by `attend_s` ([A_s]; a lone row stands twice, because attention over one row rounds differently from
 * attention over several: docs/exactness.md). R and W may count copies of a row that nobody reads, where products of a lone
 * row round differently too. C_s is the capacity of its cache, W the rows that the head runs for.
 *
 * Inputs: ids [1,R]; restore [R] (where row r lies among the attended rows of all sequences); head_rows [W] (rows for
 * the head, at least one); top_rows [T] and lse_rows [L] (indices into head_rows); k [1]; hidden_rows [H];
 * zero_points [R] and head_zero_points [W], all 128 (q8 only); cos, sin [>= C, headDim / 2].
 * For each sequence: attend_s [A]; positions_s [1,A]; bias_s [1,1,A,C]; last_s [1] (past + A - 1); capacity_s scalar;
 * for each layer key_l_s, value_l_s [1,kvHeads,C,headDim].
 * Outputs: logits [1,W,V]; top_values and top_ids [1,T,k]; lse [1,L]; hidden [1,H,D]
 * (after the final norm); key_l_s_out, value_l_s_out: bind to the inputs' memory.
 */
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

/** A new graph with the inputs that all architectures share. */
export function startGraph(config: ModelConfig, sequences: number, quantisedRows: boolean): OnnxGraph {
  const graph = new OnnxGraph();
  graph.input("ids", "i64", [1, "R"]);
  graph.input("restore", "i64", ["R"]);
  graph.input("head_rows", "i64", ["W"]);
  graph.input("top_rows", "i64", ["T"]);
  graph.input("lse_rows", "i64", ["L"]);
  graph.input("k", "i64", [1]);
  graph.input("hidden_rows", "i64", ["H"]);
  if (quantisedRows) {
    graph.input("zero_points", "u8", ["R"]);
    graph.input("head_zero_points", "u8", ["W"]);
  }
  graph.input("cos", "f32", ["M", config.headDim / 2]);
  graph.input("sin", "f32", ["M", config.headDim / 2]);
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
  return graph;
}
