import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeSafetensors } from "../../formats/safetensors/writer.js";
import { pathFrom } from "../loop/output-folder.js";
import type { ParameterSet } from "../parameters.js";
import type { MedusaAccuracy } from "./accuracy.js";
import type { Settings } from "./settings.js";

/** What heads lie in, in their folder. */
export const HEADS_FILE = "medusa_lm_head.safetensors";

export interface TrainedHeads {
  parameters: ParameterSet;
  settings: Settings;
  accuracy: MedusaAccuracy;
  before: MedusaAccuracy;
  /** Tokens that hidden states were computed for. */
  tokens: number;
  steps: number;
  /** The base's folder, and how its weights were held. */
  base: { directory: string; dtype: string };
}

/** Writes heads as Medusa's repository does (HEAD.LAYER.linear.weight, HEAD.LAYERS.weight), with config.json and a card. */
export async function writeHeads(directory: string, trained: TrainedHeads): Promise<void> {
  const { parameters, settings, accuracy, base } = trained;
  const tensors = parameters.specs.map(({ name, dims }) => ({
    name: tensorName(name, settings.layers),
    shape: dims,
    values: parameters.valuesOf(name),
  }));
  const config = {
    medusa_num_heads: settings.heads,
    medusa_num_layers: settings.layers,
    base_model_name_or_path: pathFrom(directory, base.directory),
    medusa_accuracies: accuracy.accuracies,
  };
  await writeFile(join(directory, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
  await writeFile(join(directory, "README.md"), card(trained, config.base_model_name_or_path));
  await writeSafetensors(join(directory, HEADS_FILE), tensors, settings.weights);
}

/** "heads.2.blocks.0.bias" is 2.0.linear.bias, "heads.2.lm_head" of a head with one block 2.1.weight. */
function tensorName(name: string, layers: number): string {
  const [, head, kind, block, bias] = name.split(".");
  return kind === "lm_head" ? `${head}.${layers}.weight` : `${head}.${block}.linear.${bias ? "bias" : "weight"}`;
}

function card({ settings, accuracy, before, tokens, steps, base }: TrainedHeads, baseName: string): string {
  const { heads, layers, sharedHead, optimiser, learningRate, decay, batchSize, headDecay, seed } = settings;
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const rate = (value: number) => value.toFixed(3);
  const lines = accuracy.accuracies.map((ranks, i) =>
    row([
      i + 1,
      rate(accuracy.losses[i]),
      rate(before.accuracies[i][0]),
      rate(ranks[0]),
      rate(sumOf(ranks.slice(0, 5))),
    ]),
  );
  return [
    `# Medusa heads for ${baseName}`,
    "",
    `${heads} heads of ${layers} ResBlocks with ${sharedHead ? "the base's output product" : "output products of their own"}, trained on the`,
    `frozen base's hidden states (${base.dtype}): Medusa-1, Cai et al. 2024. Head i guesses the token i + 1 places on.`,
    "",
    `- Data: ${tokens} tokens, one piece in ${settings.validateEvery} kept for validation.`,
    `- Recipe: ${steps} steps of ${batchSize} tokens, ${optimiser}, learning rate ${learningRate} (${decay}), head i counts`,
    `  ${headDecay}^i, seed ${seed}.`,
    `- Expected tokens of a pass with the best tree of 8 nodes: ${accuracy.tokensPerPass.toFixed(2)} (before training`,
    `  ${before.tokensPerPass.toFixed(2)}). Accuracies are in config.json: trees are made for them.`,
    "",
    row(["head", "loss", "top-1 before", "top-1", "top-5"]),
    row(["---", "---", "---", "---", "---"]),
    ...lines,
    "",
  ].join("\n");
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
