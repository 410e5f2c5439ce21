import { openCheckpoint } from "../src/checkpoint/checkpoint.js";
import { PAD_135M, PAD_500M, padded } from "../src/checkpoint/padded-source.js";
import { AutoModelForCausalLM, AutoTokenizer, type Dtype, type LanguageModel, loadModel } from "../src/index.js";

const TARGET = "models/target";

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

export function draftOf(dtype: Dtype): Promise<LanguageModel> {
  return AutoModelForCausalLM.fromPretrained("models/draft", { dtype });
}
