import { basename, resolve } from "node:path";
import type { LanguageModel } from "../../api/language-model.js";
import { logitCount, type ModelConfig } from "../../types/model-config.js";
import type { DraftDistillation } from "./distill-draft.js";
import type { DistillSettings } from "./settings.js";
import type { StudentShape } from "./student-shape.js";

/** The README.md of a distilled draft. */
export function draftCard(
  { steps, tokens, before, after }: DraftDistillation,
  target: LanguageModel,
  { config, kept }: StudentShape,
  settings: DistillSettings,
): string {
  const { loss, textWeight, batchSize, sequenceLength, optimiser, learningRate, decay, seed } = settings;
  const name = basename(resolve(target.directory!));
  const begun = kept ? `layers ${kept.join(", ")} of the target` : "random weights";
  const text = textWeight > 0 ? ` + ${textWeight} cross-entropy of the text` : "";
  const row = (what: string, of: keyof typeof before, digits: number) =>
    `| ${what} | ${before[of].toFixed(digits)} | ${after[of].toFixed(digits)} |`;
  return [
    `# A draft for ${name}`,
    "",
    `${config.numLayers} layers of width ${config.hiddenSize}, begun as ${begun}, distilled from ${name} (${target.dtype}) with its tokenizer.`,
    "",
    `- Data: ${tokens} tokens, one piece in ${settings.validateEvery} kept for validation.`,
    `- Recipe: ${steps} steps of ${batchSize} sequences of ${sequenceLength} tokens, ${optimiser}, learning rate ${learningRate} (${decay}),`,
    `  loss ${loss}${text}, seed ${seed}.`,
    "",
    ...(logitCount(config) < config.vocabSize ? vocabularyWords(config) : []),
    "| on validation | before | after |",
    "| --- | --- | --- |",
    row("loss", "validationLoss", 3),
    row("likeliest token is the target's", "agreement", 3),
    row("acceptance of a sampled token", "acceptance", 3),
    row("tokens per pass, 4 drafted, greedy", "tokensPerPass", 2),
    row("tokens per pass, 4 drafted, temperature 1", "sampledTokensPerPass", 2),
    "",
  ].join("\n");
}

function vocabularyWords(config: ModelConfig): string[] {
  const count = logitCount(config);
  return [
    `It reads ${config.vocabSize} tokens and names ${count} of them, those that occur most in the data; others it never proposes. Row i of`,
    `\`lm_head.weight\` [${count}, ${config.hiddenSize}] is for token i + \`d2t\`[i], as in EAGLE-3's files; config.json says truncated_vocab_size.`,
    "Foretoken runs it as a draft. In transformers AutoTokenizer and AutoModel (the layers, without the output product) load it;",
    "AutoModelForCausalLM refuses it, as that expects a row for every token.",
    "",
  ];
}
