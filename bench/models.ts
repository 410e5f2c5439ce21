import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertedModel, decoderBlueprint } from "../src/conversion/converted-model.js";
import { stockFormat } from "../src/conversion/weight-format.js";
import { CausalLM } from "../src/engine/causal-lm.js";
import { paddedEagleHeads, paddedMedusaHeads } from "../src/evaluation/padded-heads.js";
import { PAD_135M, PAD_500M, padded } from "../src/evaluation/padded-source.js";
import { exactnessOf } from "../src/exactness/exactness.js";
import {
  AutoModelForCausalLM,
  AutoTokenizer,
  type Dtype,
  type EagleHeads,
  fitMedusaHeads,
  LanguageModel,
  loadMedusaHeads,
  loadModel,
  type MedusaHeads,
  MedusaModel,
  saveMedusaHeads,
} from "../src/index.js";
import { openCheckpoint } from "../src/models/checkpoint/checkpoint.js";

export const TARGET = "models/target";

export const SHAPES = { "135M": PAD_135M, "500M": PAD_500M } as const;
export type Size = "embedded" | keyof typeof SHAPES;

/** The embedded target, as it is or padded to the cost of a larger model. */
export async function targetOf(size: Size, dtype: Dtype, contextLength?: number): Promise<LanguageModel> {
  if (size === "embedded") return AutoModelForCausalLM.fromPretrained(TARGET, { dtype, contextLength });
  const { source, config } = await openCheckpoint(TARGET);
  try {
    const wide = padded(source, { ...config, maxPositionEmbeddings: contextLength ?? 1024 }, SHAPES[size]);
    return await loadModel(wide.source, wide.config, await AutoTokenizer.fromPretrained(TARGET), {
      dtype,
      contextLength,
    });
  } finally {
    await source.close();
  }
}

/** The same weights with ONNX Runtime's own operators. */
export async function stockTargetOf(size: Size, dtype: Dtype, contextLength?: number): Promise<LanguageModel> {
  const attention = "GroupQueryAttention";
  const format = await stockFormat(dtype);
  const { source, config } = await openCheckpoint(TARGET);
  try {
    const length = contextLength ?? 1024;
    const narrow = { source, config };
    const wide =
      size === "embedded" ? narrow : padded(source, { ...config, maxPositionEmbeddings: length }, SHAPES[size]);
    const converted = await convertedModel(wide.source, decoderBlueprint(wide.config), format);
    const exactness = await exactnessOf(converted, wide.config, undefined, { attention });
    const { vocabSize: vocabLimit } = wide.config;
    const options = { config: wide.config, ...converted, contextLength: length, vocabLimit, exactness };
    const model = await CausalLM.load({ ...options, attention });
    return new LanguageModel(model, await AutoTokenizer.fromPretrained(TARGET), undefined);
  } finally {
    await source.close();
  }
}

/** The embedded Medusa heads. */
export function headsOf(target: LanguageModel): Promise<MedusaHeads> {
  return paddedMedusaHeads("models/medusa-heads", target);
}

/** The embedded EAGLE-3 layer. */
export function eagleOf(target: LanguageModel): Promise<EagleHeads> {
  return paddedEagleHeads("models/eagle-heads", target, TARGET);
}

/**
 * The embedded draft with Medusa heads of its own, made now by regression on texts that it writes: what drafts trees for a
 * larger target.
 */
export async function draftWithHeads(dtype: Dtype): Promise<MedusaModel> {
  const draft = await draftOf(dtype);
  const texts: number[][] = [];
  for (let i = 0; i < 128; i++) {
    const opening = [0, 300 + ((i * 97) % 3796)];
    const options = { temperature: 0.7, seed: i, maxNewTokens: 120, ignoreEos: true };
    texts.push([...opening, ...(await draft.generate(opening, options)).tokenIds]);
  }
  const folder = mkdtempSync(join(tmpdir(), "draft-heads-"));
  try {
    await saveMedusaHeads(folder, await fitMedusaHeads(draft, texts, { heads: 3 }), "models/draft");
    return new MedusaModel(draft, await loadMedusaHeads(folder, draft));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function draftOf(dtype: Dtype): Promise<LanguageModel> {
  return AutoModelForCausalLM.fromPretrained("models/draft", { dtype });
}
