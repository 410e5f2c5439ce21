import { OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import { OnnxOps } from "../onnx/ops.js";
import { Named, type Value } from "../onnx/values.js";
import { OnnxWeights } from "../onnx/weights.js";
import type { Ops } from "../ops.js";
import type { WeightManifest, WeightSpec } from "../weight-spec.js";
import type { MedusaCheckpoint } from "./medusa-checkpoint.js";

/** The name under which a source offers the base model's own output product. */
export const BASE_LM_HEAD = "base.lm_head";

/** Its weight in the graph, or that of the one product that all heads have. */
const SHARED_PRODUCT = "shared.lm_head";

/** What the heads' graph is made from. */
export interface MedusaShape extends Pick<MedusaCheckpoint, "heads" | "hiddenSize"> {
  /** Tokens that the heads can name. */
  vocabSize: number;
}

/** Whether all heads have the same output product: the base's, or one of their own. */
function shareProduct(heads: MedusaShape["heads"]): boolean {
  return heads.every(({ lmHead }) => lmHead === heads[0].lmHead);
}

/** The weights of the heads; those without an output product of their own share the base's. */
export function medusaWeightSpecs({ heads, hiddenSize: D, vocabSize: V }: MedusaShape): WeightSpec[] {
  const specs: WeightSpec[] = [];
  const product = (name: string, tensor: string) =>
    specs.push({ kind: "linear", name, in: D, out: V, parts: [{ tensor, out: V }] });
  const shared = shareProduct(heads);
  heads.forEach(({ blocks, lmHead }, i) => {
    blocks.forEach(({ weight, bias }, j) => {
      const name = `heads.${i}.blocks.${j}`;
      specs.push({ kind: "linear", name, in: D, out: D, parts: [{ tensor: weight, out: D }] });
      if (bias) specs.push({ kind: "vector", name: `${name}.bias`, parts: [{ tensor: bias, out: D }], length: D });
    });
    if (lmHead && !shared) product(`heads.${i}.lm_head`, lmHead);
  });
  if (shared) product(SHARED_PRODUCT, heads[0].lmHead ?? BASE_LM_HEAD);
  else if (heads.some(({ lmHead }) => !lmHead)) product(SHARED_PRODUCT, BASE_LM_HEAD);
  return specs;
}

/** Logits of every head from hidden rows (Cai et al. 2024, section 3.1): x + SiLU(W x + b) for each ResBlock, then the product. */
export function medusaHeads<Rows>(ops: Ops<Rows>, { heads }: Pick<MedusaShape, "heads">, hidden: Rows): Rows[] {
  return headBlocks(ops, heads, hidden).map((x, i) =>
    ops.linear(x, heads[i].lmHead ? `heads.${i}.lm_head` : SHARED_PRODUCT),
  );
}

function headBlocks<Rows>(ops: Ops<Rows>, heads: MedusaShape["heads"], hidden: Rows): Rows[] {
  return heads.map(({ blocks }, i) =>
    blocks.reduce((x, _, j) => ops.add(x, ops.silu(ops.linear(x, `heads.${i}.blocks.${j}`))), hidden),
  );
}

/**
 * All heads on one hidden row.
 * Inputs: hidden [1,1,D]; k [1]; zero_points [1], 128 (q8 only). Outputs: logits [1,heads,V]; log_probs and ids
 * [1,heads,k], likeliest first, ids below `vocabLimit` only.
 */
export function buildMedusaHeads(shape: MedusaShape, manifest: WeightManifest, vocabLimit: number): Uint8Array {
  const { heads, hiddenSize: D, vocabSize: V } = shape;
  const g = new OnnxGraph();
  g.input("hidden", "f32", [1, 1, D]);
  g.input("k", "i64", [1]);
  if (manifest.product === "MatMulIntegerToFloat") g.input("zero_points", "u8", [1]);
  const ops = new OnnxOps(new OnnxWeights(g, manifest, medusaWeightSpecs(shape)));
  const stacked = (rows: readonly Value[], output: string) => {
    const names = rows.map((row) => row.name());
    return new Named(g.node("Concat", names, [output], { axis: 1 }));
  };
  const hidden = new Named("hidden");
  // One product of all rows reads its weights once.
  const logits = shareProduct(heads)
    ? ops.linear(stacked(headBlocks(ops, heads, hidden), "blocked"), SHARED_PRODUCT)
    : stacked(medusaHeads(ops, shape, hidden), "own_logits");
  g.node("Identity", [logits.name()], ["logits"]);
  g.output("logits", "f32", [1, heads.length, V]);
  const bound = (name: string, value: number) => g.initializer(name, "i64", [1], BigInt64Array.of(BigInt(value)));
  const slice = ["logits", bound("start", 0), bound("end", vocabLimit), bound("axis", 2)];
  const known = vocabLimit < V ? g.node("Slice", slice, ["known_logits"]) : "logits";
  const logProbs = g.node("LogSoftmax", [known], ["all_log_probs"], { axis: -1 });
  g.node("TopK", [logProbs, "k"], ["log_probs", "ids"], { axis: -1 });
  g.output("log_probs", "f32", [1, heads.length, "K"]);
  g.output("ids", "i64", [1, heads.length, "K"]);
  return g.build();
}
