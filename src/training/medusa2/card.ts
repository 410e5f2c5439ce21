import { basename, resolve } from "node:path";
import type { LanguageModel } from "../../api/language-model.js";
import { accuracyRows } from "../medusa/card.js";
import { layoutWords } from "../medusa/layouts.js";
import { driftWords } from "./drift.js";
import type { JointSettings } from "./settings.js";
import type { Medusa2Training } from "./train-medusa2.js";

/** The README.md of Medusa-2 heads. */
export function jointCard(
  base: LanguageModel,
  settings: JointSettings,
  { before, after, ...facts }: Medusa2Training,
): string {
  const { heads, layers, sharedHead, layout } = settings;
  return [
    `# Medusa heads for base/, which was trained with them`,
    "",
    `${heads} heads of ${layers} ResBlocks with ${sharedHead ? "the base's output product" : "output products of their own"}: Medusa-2, Cai et al. 2024. The base`,
    `in base/ began as ${nameOf(base)}.`,
    "",
    ...recipe(settings, facts),
    `- Expected tokens of a pass with the best tree of 8 nodes: ${after.tokensPerPass.toFixed(2)} (before training`,
    `  ${before.tokensPerPass.toFixed(2)}). Perplexity of the base: ${before.perplexity.toFixed(3)} before, ${after.perplexity.toFixed(3)} after.`,
    "",
    ...accuracyRows(before, after),
    "",
    ...layoutWords({ layout, heads, layers, sharedHead }),
    "",
  ].join("\n");
}

/** The README.md of the base that was trained with them. */
export function baseCard(
  base: LanguageModel,
  settings: JointSettings,
  { before, after, ...facts }: Medusa2Training,
): string {
  return [
    `# ${nameOf(base)}, trained together with Medusa heads`,
    "",
    `The base of the Medusa-2 heads beside this folder. Perplexity on validation: ${before.perplexity.toFixed(3)} before, ${after.perplexity.toFixed(3)} after.`,
    "",
    ...recipe(settings, facts),
    "",
  ].join("\n");
}

function recipe(
  settings: JointSettings,
  { steps, tokens, drift }: Pick<Medusa2Training, "steps" | "tokens" | "drift">,
): string[] {
  const { rank, alpha, baseLoss, headsFrom, headWeight, ramp, headDecay, headRate } = settings;
  const { batchSize, sequenceLength, learningRate, decay, seed, validateEvery } = settings;
  const begun = headsFrom === undefined ? "" : " The heads were trained on the frozen base before.";
  return [
    `- Data: ${tokens} tokens, one piece in ${validateEvery} kept for validation.${begun}`,
    `- Recipe: ${steps} steps of ${batchSize} sequences of ${sequenceLength} tokens, AdamW, learning rate ${learningRate} (${decay}), of heads ${headRate} times`,
    `  that; ${rank === 0 ? "the whole base" : `the base through adapters of rank ${rank}, alpha ${alpha}, merged`}; loss ${baseLoss === "teacher" ? "KL to the base before training" : "cross-entropy"} + ${headWeight}${ramp === "sine" ? " sin(pi/2 t)" : ""} sum of ${headDecay}^i CE_i;`,
    `  seed ${seed}.`,
    ...(drift ? [`- ${driftWords(drift, steps)}.`] : []),
  ];
}

const nameOf = ({ directory }: LanguageModel) => basename(resolve(directory!));
