import { rm } from "node:fs/promises";
import { join } from "node:path";
import { LanguageModel } from "../../api/language-model.js";
import { cacheDirectory } from "../../conversion/cache-directory.js";
import { readJson } from "../../files/json.js";
import { makeFolder } from "../../files/make-folder.js";
import { architectureOf } from "../../models/architectures.js";
import { type Checkpoint, openCheckpoint } from "../../models/checkpoint/checkpoint.js";
import { UsageError } from "../../types/errors.js";
import { shown } from "../../types/shown.js";
import { assertSameData } from "../data/same-data.js";
import { LayeredDecoder } from "../gradient/layered-decoder.js";
import { adapterNames, mergeAdapter } from "../gradient/low-rank.js";
import { settingsKey } from "../loop/loop-options.js";
import { prepareOutput } from "../loop/output-folder.js";
import { TrainingLoop } from "../loop/training-loop.js";
import { HEADS_FILES } from "../medusa/layouts.js";
import { writeHeads } from "../medusa/write-heads.js";
import { cacheSequences } from "../sequences/cache-sequences.js";
import { openSequences } from "../sequences/open-sequences.js";
import type { TrainingExamples } from "../training-example.js";
import { writeDecoder } from "../write-decoder.js";
import { baseCard, jointCard } from "./card.js";
import { DriftError, type DriftStop } from "./drift.js";
import { fittingHeads, initialWeights } from "./initial-weights.js";
import { jointHead } from "./joint-head.js";
import type { JointMeasure } from "./joint-measure.js";
import { JointTrainee } from "./joint-trainee.js";
import type { TrainMedusa2Options } from "./options.js";
import { type JointSettings, jointSettings } from "./settings.js";

/** The changed base's folder in the output. */
export const BASE_FOLDER = "base";

/** What training made of base and heads. */
export interface Medusa2Training {
  /** The heads' folder, the changed base in `base` in it: MedusaModel.fromPretrained loads both. */
  directory: string;
  steps: number;
  /** Tokens that were read. */
  tokens: number;
  before: JointMeasure;
  after: JointMeasure;
  /** Where the base drifted over the limit: written is the last state that a validation found within it, of step `steps`. */
  drift?: DriftStop;
}

/**
 * Trains a base and Medusa heads on it together (Medusa-2, Cai et al. 2024, section 3.2): base loss + c ramp sum_i decay^i CE_i, the
 * base through adapters of low rank (Hu et al. 2021) that are merged in the end, or whole. Writes the changed base as a Hugging Face
 * directory, and the heads.
 * @param base loaded from its folder
 * @param examples token ids, best the base's own answers
 * @throws UsageError for options or examples that make no sense; DriftError where the first validation finds the base's perplexity risen over the limit;
 *   ForetokenError where the disk refuses; DivergenceError
 */
export async function trainMedusa2(
  base: LanguageModel,
  examples: TrainingExamples,
  options: TrainMedusa2Options,
): Promise<Medusa2Training> {
  if (!(base instanceof LanguageModel)) {
    throw new UsageError(`trainMedusa2 needs a loaded LanguageModel, got ${shown(base)}`);
  }
  const settings = jointSettings(options, base.contextLength);
  settings.signal?.throwIfAborted();
  if (!base.directory) throw new UsageError("trainMedusa2 changes the base's weights: load the base from its folder");
  const { output, layout, onProgress, baseLoss } = settings;
  const { work, checkpoints, resumeFrom } = await prepareOutput(output, HEADS_FILES[layout], settings.resume);
  await assertSameData(work, examples, settings.resume);
  const decoder = await newDecoder(base, settings);
  let loop: TrainingLoop<JointMeasure> | undefined;
  try {
    const key = `${base.dtype} ${settingsKey(settings)}`;
    const onReading = (tokens: number) => onProgress?.({ stage: "reading", tokens });
    const rows = baseLoss === "teacher";
    const note = await cacheSequences(base.model, examples, work, key, { ...settings, rows, onReading });
    await using sequences = await openSequences(work, note, settings);
    const { training, validation } = sequences;
    const { vocabSize, hiddenSize } = base.config;
    const trainee = new JointTrainee(decoder, training, validation, settings, vocabSize, rows ? hiddenSize : 0);
    loop = await TrainingLoop.create({ trainee, checkpoints, settings, key, onProgress });
    const before = await trainee.begin(settings.signal);
    if (resumeFrom !== undefined) await loop.resume(resumeFrom);
    const result = { directory: output, tokens: note.tokens, before, ...(await outcome(loop, trainee)) };
    await write(base, decoder, settings, result);
    await sequences.close();
    await rm(work, { recursive: true, force: true });
    return result;
  } finally {
    loop?.dispose();
    decoder.dispose();
  }
}

/** Runs to the end, or to where the base drifts: then it goes back. @throws DriftError where there is no step to go back to */
async function outcome(
  loop: TrainingLoop<JointMeasure>,
  trainee: JointTrainee,
): Promise<Pick<Medusa2Training, "steps" | "after" | "drift">> {
  try {
    const { after } = await loop.run();
    return { steps: loop.steps, after };
  } catch (error) {
    const steps = error instanceof DriftError ? trainee.goBack() : 0;
    if (steps === 0) throw error;
    return { steps, after: await trainee.measure(), drift: (error as DriftError).stop };
  }
}

/** Base and heads as they begin. Fills in what trained heads decide. */
async function newDecoder(base: LanguageModel, settings: JointSettings): Promise<LayeredDecoder> {
  const { config, vocabLimit } = base;
  const { rank, alpha, headsFrom, baseLoss, seed, microBatchSize: batch, sequenceLength: length } = settings;
  const given = headsFrom === undefined ? undefined : await fittingHeads(headsFrom, config);
  if (given) {
    settings.heads = given.heads.length;
    settings.layers = given.heads[0].blocks.length;
    settings.sharedHead = given.heads[0].lmHead === undefined;
  }
  const { heads, layers, sharedHead } = settings;
  const shape = { hiddenSize: config.hiddenSize, vocabSize: config.vocabSize, vocabLimit, heads, layers, sharedHead };
  const head = jointHead({ ...shape, teacher: baseLoss === "teacher", lmHeadTrained: rank === 0 });
  let decoder: LayeredDecoder | undefined;
  let checkpoint: Checkpoint | undefined;
  try {
    checkpoint = await openCheckpoint(base.directory!, join(cacheDirectory(), "digests"));
    decoder = await LayeredDecoder.create({
      ...{ architecture: architectureOf(config), config, head, batch, length },
      ...(rank > 0 && { frozen: () => true, adapters: { rank, alpha } }),
    });
    await initialWeights(decoder.weights, checkpoint, given, seed);
    return decoder;
  } catch (error) {
    decoder?.dispose();
    throw error;
  } finally {
    await checkpoint?.source.close();
    await given?.source.close();
  }
}

/** The heads last: without them there is no result. */
async function write(
  base: LanguageModel,
  { weights }: LayeredDecoder,
  settings: JointSettings,
  result: Medusa2Training,
): Promise<void> {
  const { output, layout, heads, layers, sharedHead, weights: type } = settings;
  const { hiddenSize, vocabSize } = base.config;
  const { adapters } = weights.trained;
  for (const { name } of adapters ? weights.own : []) {
    const { a, b } = adapterNames(name);
    if (weights.find(a)) mergeAdapter(weights.valuesOf(name), weights.valuesOf(a), weights.valuesOf(b), adapters!);
  }
  const folder = join(output, BASE_FOLDER);
  await makeFolder(folder);
  const json = {
    ...(await readJson(join(base.directory!, "config.json"))),
    tie_word_embeddings: base.config.tieWordEmbeddings,
  };
  const card = baseCard(base, settings, result);
  await writeDecoder(folder, { json, weights, type, tokenizerFrom: base.directory!, card });
  await writeHeads(output, {
    ...{ layout, heads, layers, hiddenSize, vocabSize, type, base: BASE_FOLDER, accuracies: result.after.accuracies },
    specs: weights.parameters.specs.filter(({ name }) => name.startsWith("heads.")),
    valuesOf: (name) => weights.valuesOf(name),
    ...(sharedHead && { sharedHead: { shape: [vocabSize, hiddenSize], values: weights.valuesOf("lm_head") } }),
    card: jointCard(base, settings, result),
  });
}
