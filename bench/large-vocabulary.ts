import { medusaHeadsFrom } from "../src/api/medusa-model.js";
import type { TensorSource } from "../src/formats/tensor-source.js";
import { type LanguageModel, loadModel, type MedusaHeads } from "../src/index.js";
import { openCheckpoint } from "../src/models/checkpoint/checkpoint.js";
import { openMedusaCheckpoint } from "../src/models/medusa/medusa-checkpoint.js";

export const VOCABULARY = 32_000;

/**
 * An embedded model with a vocabulary of 32,000: what it has, and tokens whose embeddings are noise. Its passes cost little,
 * so that a step's own work shows, and its rows are as long as a Llama's.
 */
export async function largeVocabulary(directory: string): Promise<LanguageModel> {
  const { source, config } = await openCheckpoint(directory);
  try {
    const wide = lengthened(source, config.vocabSize, config.hiddenSize);
    return await loadModel(wide, { ...config, vocabSize: VOCABULARY }, undefined, { dtype: "q8", contextLength: 1024 });
  } finally {
    await source.close();
  }
}

export async function largeHeads(base: LanguageModel): Promise<MedusaHeads> {
  const checkpoint = await openMedusaCheckpoint("models/medusa-heads");
  const source = lengthened(checkpoint.source, checkpoint.vocabSize!, checkpoint.hiddenSize);
  return medusaHeadsFrom({ ...checkpoint, source, vocabSize: VOCABULARY }, base);
}

/** Tensors with a row for each token get rows of noise up to VOCABULARY. */
function lengthened(source: TensorSource, rows: number, width: number): TensorSource {
  const isLong = (name: string) => source.info(name)?.shape[0] === rows && source.info(name)?.shape[1] === width;
  return {
    names: () => source.names(),
    info: (name) => {
      const info = source.info(name);
      return info && isLong(name) ? { ...info, shape: [VOCABULARY, width] } : info;
    },
    readRows: async (name, start, count, into) => {
      if (!isLong(name)) return source.readRows(name, start, count, into);
      const known = Math.max(0, Math.min(count, rows - start));
      if (known > 0) await source.readRows(name, start, known, into);
      for (let i = known * width; i < count * width; i++) into[i] = noise(start * width + i);
    },
    digest: async () => `vocabulary of ${VOCABULARY}: ${await source.digest()}`,
    close: () => source.close(),
  };
}

/** Within 0.02 of zero: such tokens are hardly ever likely. */
function noise(i: number): number {
  return (((Math.imul(i + 1, 0x9e3779b1) >>> 0) / 2 ** 32) * 2 - 1) * 0.02;
}
