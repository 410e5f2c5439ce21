import { logitCount } from "../../types/model-config.js";
import type { TrainedHeads } from "./write-heads.js";

/** README.md of trained heads: data, recipe, figures. */
export function headsCard(trained: TrainedHeads, baseName: string): string {
  const { settings, config, accuracy, before, tokens, steps, base } = trained;
  const { optimiser, learningRate, decay, batchSize, sequenceLength, stepDecay, seed, epochs, loss } = settings;
  const { targetLayers } = config.eagle!;
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const rate = (value: number) => value.toFixed(3);
  const lines = accuracy.accuracies.map((ranks, i) =>
    row([i + 1, rate(accuracy.losses[i]), rate(before.accuracies[i][0]), rate(ranks[0]), rate(accuracy.overlaps[i])]),
  );
  const head = settings.trainHead ? "trained" : "the target's";
  return [
    `# EAGLE-3 heads for ${baseName}`,
    "",
    `One decoder layer over the target's residual streams after ${targetLayers.join(", ")} layers (${base.dtype}), trained on the`,
    `frozen target: Li et al. 2025. It names ${logitCount(config)} of ${config.vocabSize} tokens; its output product is ${head}, its embedding`,
    "the target's, which is not stored here.",
    "",
    `- Data: ${tokens} tokens, one piece in ${settings.validateEvery} kept for validation.`,
    `- Recipe: ${steps} steps of ${batchSize} rows in sequences of ${sequenceLength}, at most ${epochs} epochs, ${optimiser}, learning`,
    `  rate ${learningRate} (${decay}), training-time test of ${settings.steps} steps that count ${stepDecay}^s, loss ${loss}, seed ${seed}.`,
    `- Expected tokens of a pass on text: ${accuracy.chainTokensPerPass.toFixed(2)} with a greedy chain of ${settings.steps} (before training`,
    `  ${before.chainTokensPerPass.toFixed(2)}), ${accuracy.tokensPerPass.toFixed(2)} with the best tree of 8 nodes (${before.tokensPerPass.toFixed(2)}).`,
    "",
    row(["step", "loss", "top-1 before", "top-1", "1 - total variation"]),
    row(["---", "---", "---", "---", "---"]),
    ...lines,
    "",
  ].join("\n");
}
