import { existsSync } from "node:fs";
import { join } from "node:path";
import { convertedModel, decoderBlueprint } from "../../src/conversion/converted-model.js";
import { stockFormat } from "../../src/conversion/weight-format.js";
import { CausalLM } from "../../src/engine/causal-lm.js";
import { exactnessOf } from "../../src/exactness/exactness.js";
import { AutoTokenizer, type Dtype, LanguageModel } from "../../src/index.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";

const ATTENTION = "GroupQueryAttention";
const CONTEXT = 512;

/** A checkpoint with ONNX Runtime's own operators, as where no native operators are. */
export async function stockModel(directory: string, dtype: Dtype): Promise<LanguageModel> {
  const { source, config } = await openCheckpoint(directory);
  const converted = await convertedModel(source, decoderBlueprint(config), await stockFormat(dtype));
  await source.close();
  const exactness = await exactnessOf(converted, config, undefined, { attention: ATTENTION });
  const contextLength = Math.min(CONTEXT, config.maxPositionEmbeddings);
  const options = { config, ...converted, contextLength, vocabLimit: config.vocabSize, exactness };
  const lm = await CausalLM.load({ ...options, attention: ATTENTION });
  const tokenizer = existsSync(join(directory, "tokenizer.json")) ? AutoTokenizer.fromPretrained(directory) : undefined;
  return new LanguageModel(lm, await tokenizer, directory);
}
