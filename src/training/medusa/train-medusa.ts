import { rm } from "node:fs/promises";
import { LanguageModel } from "../../api/language-model.js";
import { UsageError } from "../../types/errors.js";
import { shown } from "../../types/shown.js";
import { baseLmHead } from "../base-head.js";
import { assertSameData } from "../data/same-data.js";
import { checkDraftVocabulary, rowsOfTokens } from "../draft-vocabulary.js";
import { settingsKey } from "../loop/loop-options.js";
import { pathFrom, prepareOutput } from "../loop/output-folder.js";
import { TrainingLoop } from "../loop/training-loop.js";
import type { TrainingExamples } from "../training-example.js";
import type { MedusaAccuracy } from "./accuracy.js";
import { headsCard } from "./card.js";
import { HeadsInTraining } from "./heads-in-training.js";
import { cacheHiddenRows } from "./hidden-rows.js";
import { HEADS_FILES } from "./layouts.js";
import { MedusaTrainee } from "./medusa-trainee.js";
import type { TrainMedusaOptions } from "./options.js";
import { type CacheNote, ROWS_OF_BLOCK, RowCache } from "./row-cache.js";
import { medusaSettings, type Settings } from "./settings.js";
import { writeHeads } from "./write-heads.js";

/** What training made of the heads. */
export interface MedusaTraining {
  /** The folder: MedusaModel.fromPretrained loads it. */
  directory: string;
  steps: number;
  /** Tokens that were read. */
  tokens: number;
  before: MedusaAccuracy;
  after: MedusaAccuracy;
}

/**
 * Trains Medusa heads on a frozen base (Medusa-1, Cai et al. 2024, section 3.2): the base's hidden states, in the dtype that it was
 * loaded with, are computed once; each head starts as the base's own output product and learns the token i + 1 places on.
 * @param base loaded from its folder
 * @param examples token ids, such as texts of the kind that the base will write, best its own answers
 * @throws UsageError for options or examples that make no sense; ForetokenError where the disk refuses; DivergenceError
 */
export async function trainMedusa(
  base: LanguageModel,
  examples: TrainingExamples,
  options: TrainMedusaOptions,
): Promise<MedusaTraining> {
  if (!(base instanceof LanguageModel)) {
    throw new UsageError(`trainMedusa needs a loaded LanguageModel, got ${shown(base)}`);
  }
  const settings = medusaSettings(options, base.contextLength);
  const { output, heads, layers, sharedHead, layout, draftVocabulary, microBatchSize, signal } = settings;
  checkDraftVocabulary(draftVocabulary, base.vocabLimit);
  signal?.throwIfAborted();
  const lmHead = await baseLmHead(base);
  const { work, checkpoints, resumeFrom } = await prepareOutput(output, HEADS_FILES[layout], settings.resume);
  await assertSameData(work, examples, settings.resume);
  const key = `${base.dtype} ${settingsKey(settings)}`;
  const note = await cacheHiddenRows(base.model, examples, work, key, settings);
  checkEnough(note, settings);
  const { hiddenSize } = base.config;
  const targetIds = note.targetIds && Int32Array.from(note.targetIds);
  const named = targetIds ? rowsOfTokens(lmHead, targetIds, hiddenSize) : lmHead;
  const vocabSize = targetIds?.length ?? base.config.vocabSize;
  const open = (name: string, blocks: number) => RowCache.open(work, name, blocks, { hiddenSize, heads, targetIds });
  await using training = await open("training", note.trainingBlocks);
  await using validation = await open("validation", note.validationBlocks);
  const shape = { hiddenSize, vocabSize, layers, sharedHead, vocabLimit: targetIds?.length ?? base.vocabLimit };
  const inTraining = await HeadsInTraining.create(shape, heads, microBatchSize, named);
  const trainee = new MedusaTrainee(inTraining, training, validation, settings);
  const loop = await TrainingLoop.create({ trainee, checkpoints, settings, key, onProgress: settings.onProgress });
  try {
    if (resumeFrom !== undefined) await loop.resume(resumeFrom);
    const { before, after } = await loop.run();
    const { parameters } = inTraining;
    const { steps } = loop;
    const { specs } = parameters;
    const baseName = pathFrom(output, base.directory!);
    const facts = { settings, accuracy: after, before, tokens: note.tokens, steps, dtype: base.dtype, baseName };
    await writeHeads(output, {
      ...{
        layout,
        heads,
        layers,
        hiddenSize,
        vocabSize: base.config.vocabSize,
        targetIds,
        specs,
        valuesOf: (name) => parameters.valuesOf(name),
        accuracies: after.accuracies,
      },
      ...(sharedHead && { sharedHead: { shape: [vocabSize, hiddenSize], values: named } }),
      ...{ base: baseName, type: settings.weights, card: headsCard(facts) },
    });
    await training.close();
    await validation.close();
    await rm(work, { recursive: true, force: true });
    return { directory: output, steps, tokens: note.tokens, before, after };
  } finally {
    loop.dispose();
    inTraining.dispose();
  }
}

/** @throws UsageError where there is too little to train or to measure on */
function checkEnough({ trainingBlocks, validationBlocks }: CacheNote, settings: Settings): void {
  const { batchSize, microBatchSize } = settings;
  const tooFew = (rows: number, what: string, needed: number) =>
    new UsageError(`the examples give ${rows} tokens ${what}, at least ${needed} are needed: give more text`);
  if (trainingBlocks * ROWS_OF_BLOCK < batchSize)
    throw tooFew(trainingBlocks * ROWS_OF_BLOCK, "to train on", batchSize);
  if (validationBlocks * ROWS_OF_BLOCK < microBatchSize) {
    throw tooFew(validationBlocks * ROWS_OF_BLOCK, "to validate on", microBatchSize);
  }
}
