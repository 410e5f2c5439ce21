import type { MedusaAccuracy } from "./accuracy.js";
import { layoutWords } from "./layouts.js";
import type { Settings } from "./settings.js";

export interface TrainedHeads {
  settings: Settings;
  accuracy: MedusaAccuracy;
  before: MedusaAccuracy;
  /** Tokens that hidden states were computed for. */
  tokens: number;
  steps: number;
  /** How the base's weights were held. */
  dtype: string;
  baseName: string;
}

/** The README.md of Medusa-1 heads. */
export function headsCard({ settings, accuracy, before, tokens, steps, dtype, baseName }: TrainedHeads): string {
  const {
    heads,
    layers,
    sharedHead,
    draftVocabulary,
    layout,
    optimiser,
    learningRate,
    decay,
    batchSize,
    headDecay,
    seed,
  } = settings;
  return [
    `# Medusa heads for ${baseName}`,
    "",
    `${heads} heads of ${layers} ResBlocks with ${sharedHead ? "the base's output product" : "output products of their own"}, trained on the`,
    `frozen base's hidden states (${dtype}): Medusa-1, Cai et al. 2024. Head i guesses the token i + 1 places on.`,
    "",
    `- Data: ${tokens} tokens, one piece in ${settings.validateEvery} kept for validation.`,
    ...(draftVocabulary === undefined
      ? []
      : [`- The heads can name the ${draftVocabulary} tokens that are most frequent there.`]),
    `- Recipe: ${steps} steps of ${batchSize} tokens, ${optimiser}, learning rate ${learningRate} (${decay}), head i counts`,
    `  ${headDecay}^i, seed ${seed}.`,
    `- Expected tokens of a pass with the best tree of 8 nodes: ${accuracy.tokensPerPass.toFixed(2)} (before training`,
    `  ${before.tokensPerPass.toFixed(2)}). Accuracies are in config.json: trees are made for them.`,
    "",
    ...accuracyRows(before, accuracy),
    "",
    ...layoutWords({ layout, heads, layers, sharedHead, draftVocabulary }),
    "",
  ].join("\n");
}

/** A table of all heads. */
export function accuracyRows(before: MedusaAccuracy, after: MedusaAccuracy): string[] {
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const rate = (value: number) => value.toFixed(3);
  return [
    row(["head", "loss", "top-1 before", "top-1", "top-5"]),
    row(["---", "---", "---", "---", "---"]),
    ...after.accuracies.map((ranks, i) =>
      row([
        i + 1,
        rate(after.losses[i]),
        rate(before.accuracies[i][0]),
        rate(ranks[0]),
        rate(sumOf(ranks.slice(0, 5))),
      ]),
    ),
  ];
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
