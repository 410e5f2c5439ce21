import type { ModelConfig } from "../../types/model-config.js";
import { FORETOKEN, type OnnxWeights } from "./weights.js";

/**
 * The outputs of docs/architecture.md's row contract: logits of the wanted rows, the k likeliest of some of them,
 * log-sum-exp of some of them, hidden states of others. Ids from `vocabLimit` on (padding beyond the tokenizer) are
 * left out of top-k and log-sum-exp.
 */
export function head(
  weights: OnnxWeights,
  config: ModelConfig,
  hidden: string,
  lmHead: string,
  vocabLimit: number,
): void {
  const g = weights.graph;
  if (weights.has("hidden_basis")) {
    const rotated = g.node("Gather", [hidden, "hidden_rows"], ["rotated_hidden"], { axis: 1 });
    g.node("MatMul", [rotated, weights.weight("hidden_basis")], ["hidden"]);
  } else g.node("Gather", [hidden, "hidden_rows"], ["hidden"], { axis: 1 });
  g.output("hidden", "f32", [1, "H", config.hiddenSize]);
  const wanted = g.node("Gather", [hidden, "head_rows"], ["head_hidden"], { axis: 1 });
  if (weights.skinny) vocabHead(weights, wanted, lmHead, vocabLimit);
  else productAndTop(weights, wanted, lmHead, config.vocabSize, vocabLimit);
  g.output("logits", "f32", [1, weights.skinny ? "I" : "W", config.vocabSize]);
  g.output("top_values", "f32", [1, "T", "K"]);
  g.output("top_ids", "i64", [1, "T", "K"]);
  g.output("lse", "f32", [1, "L"]);
}

/** One node, which writes what was asked for and no more. */
function vocabHead(weights: OnnxWeights, wanted: string, lmHead: string, vocabLimit: number): void {
  const { tiles, bias } = weights.tiles(lmHead);
  const inputs = [wanted, tiles, bias, "logit_rows", "top_rows", "lse_rows", "k"];
  const outputs = ["logits", "top_values", "top_ids", "lse"];
  weights.graph.node("VocabHead", inputs, outputs, { ...weights.tiledShape(lmHead), limit: vocabLimit }, FORETOKEN);
}

function productAndTop(weights: OnnxWeights, wanted: string, lmHead: string, V: number, vocabLimit: number): void {
  const g = weights.graph;
  const product = weights.linear(wanted, lmHead, "head_zero_points");
  g.node("Identity", [product], ["logits"]);
  let known = product;
  if (vocabLimit < V) {
    const bounds = (name: string, value: number) => g.initializer(name, "i64", [1], BigInt64Array.of(BigInt(value)));
    const slice = [product, bounds("slice_start", 0), bounds("slice_end", vocabLimit), bounds("slice_axis", 2)];
    known = g.node("Slice", slice, ["known_logits"]);
  }
  const top = g.node("Gather", [known, "top_rows"], ["top_logits"], { axis: 1 });
  g.node("TopK", [top, "k"], ["top_values", "top_ids"], { axis: -1 });
  const summed = g.node("Gather", [known, "lse_rows"], ["lse_logits"], { axis: 1 });
  // x - logSoftmax(x), at any column: ReduceLogSumExp is ten times slower and fails for no row.
  const first = g.initializer("first_column", "i64", [], BigInt64Array.of(0n));
  const logProbs = g.node("LogSoftmax", [summed], ["lse_log_probs"], { axis: -1 });
  const logit = g.node("Gather", [summed, first], ["lse_logit"], { axis: 2 });
  const logProb = g.node("Gather", [logProbs, first], ["lse_log_prob"], { axis: 2 });
  g.node("Sub", [logit, logProb], ["lse"]);
}
