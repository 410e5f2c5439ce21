import { rm } from "node:fs/promises";
import { LanguageModel } from "../../api/language-model.js";
import { UsageError } from "../../types/errors.js";
import { shown } from "../../types/shown.js";
import { assertSameData } from "../data/same-data.js";
import { settingsKey } from "../loop/loop-options.js";
import { prepareOutput } from "../loop/output-folder.js";
import { TrainingLoop } from "../loop/training-loop.js";
import type { TrainingExamples } from "../training-example.js";
import type { EagleAccuracy } from "./accuracy.js";
import type { ChainShape } from "./chain-graphs.js";
import { draftConfig } from "./draft-config.js";
import { EagleTrainee } from "./eagle-trainee.js";
import { LayerInTraining } from "./layer-in-training.js";
import type { TrainEagleOptions } from "./options.js";
import { SequenceCache } from "./sequence-cache.js";
import { eagleSettings, type Settings } from "./settings.js";
import { readTarget, startAsTarget, teacherRows } from "./start-values.js";
import { cacheTargetFeatures, type FeatureNote, featureWidth } from "./target-features.js";
import { HEADS_FILE, writeHeads } from "./write-heads.js";

/** What training made of the heads. */
export interface EagleTraining {
  /** The folder: EagleModel.fromPretrained loads it. */
  directory: string;
  steps: number;
  /** Tokens that the target read. */
  tokens: number;
  before: EagleAccuracy;
  after: EagleAccuracy;
}

/**
 * Trains an EAGLE-3 layer on a frozen target (Li et al. 2025): the target's streams and hidden states, in the dtype that it was
 * loaded with, are computed once; the layer starts as the target's last one and learns the target's distribution, several
 * tokens on, from its own guesses.
 * @param base the target, loaded from its folder
 * @param examples token ids, such as texts of the kind that the target will write, best its own answers
 * @throws UsageError for options or examples that make no sense; ForetokenError where the disk refuses; DivergenceError
 */
export async function trainEagle(
  base: LanguageModel,
  examples: TrainingExamples,
  options: TrainEagleOptions,
): Promise<EagleTraining> {
  if (!(base instanceof LanguageModel)) {
    throw new UsageError(`trainEagle needs a loaded LanguageModel, got ${shown(base)}`);
  }
  const settings = eagleSettings(options, base);
  const { output, sequenceLength, signal, targetLayers } = settings;
  signal?.throwIfAborted();
  const target = await readTarget(base);
  const { work, checkpoints, resumeFrom } = await prepareOutput(output, HEADS_FILE, settings.resume);
  await assertSameData(work, examples, settings.resume);
  const key = `${base.dtype} ${settingsKey(settings)}`;
  const note = await cacheTargetFeatures(base.model, examples, work, key, settings);
  checkEnough(note, settings);
  const width = featureWidth(base, settings);
  const open = (name: string, sequences: number) => SequenceCache.open(work, name, sequences, sequenceLength, width);
  await using training = await open("training", note.trainingSequences);
  await using validation = await open("validation", note.validationSequences);
  const targetIds = Int32Array.from(note.targetIds);
  const config = draftConfig(base.config, { targetLayers, draftVocabSize: targetIds.length });
  const shape: ChainShape = { ...shapeOf(settings), config, vocabLimit: base.vocabLimit, targetIds };
  const teacher = teacherRows(target, shape);
  const { embedding, head } = target;
  const layer = await LayerInTraining.create(shape, { embedding, head, teacher });
  startAsTarget(layer.parameters, config, target, teacher);
  const trainee = new EagleTrainee(layer, training, validation, settings);
  const loop = await TrainingLoop.create({ trainee, checkpoints, settings, key, onProgress: settings.onProgress });
  try {
    if (resumeFrom !== undefined) await loop.resume(resumeFrom);
    const { before, after } = await loop.run();
    const { parameters } = layer;
    const { steps } = loop;
    const from = { directory: base.directory!, dtype: base.dtype };
    const made = { parameters, config, targetIds, teacher, settings, accuracy: after, before, steps, base: from };
    await writeHeads(output, { ...made, tokens: note.tokens });
    await training.close();
    await validation.close();
    await rm(work, { recursive: true, force: true });
    return { directory: output, steps, tokens: note.tokens, before, after };
  } finally {
    loop.dispose();
    layer.dispose();
  }
}

function shapeOf({ microBatchSize: rows, sequenceLength: length, steps, loss, trainHead }: Settings) {
  return { rows, length, steps, loss, trainHead };
}

/** @throws UsageError where there is too little to train or to measure on */
function checkEnough({ trainingSequences, validationSequences }: FeatureNote, settings: Settings): void {
  const { batchSize, microBatchSize, sequenceLength } = settings;
  const tooFew = (sequences: number, what: string, needed: number) => {
    const rows = sequences * sequenceLength;
    return new UsageError(`the examples give ${rows} tokens ${what}, at least ${needed} are needed: give more text`);
  };
  if (trainingSequences * sequenceLength < batchSize) throw tooFew(trainingSequences, "to train on", batchSize);
  if (validationSequences * sequenceLength < microBatchSize) {
    throw tooFew(validationSequences, "to validate on", microBatchSize);
  }
}
