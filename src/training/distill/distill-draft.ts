import { rm } from "node:fs/promises";
import { join } from "node:path";
import { LanguageModel } from "../../api/language-model.js";
import { cacheDirectory } from "../../conversion/cache-directory.js";
import { architectureOf } from "../../models/architectures.js";
import { openCheckpoint } from "../../models/checkpoint/checkpoint.js";
import { UsageError } from "../../types/errors.js";
import { shown } from "../../types/shown.js";
import { baseLmHead } from "../base-head.js";
import { assertSameData } from "../data/same-data.js";
import { rowsOfTokens } from "../draft-vocabulary.js";
import { LayeredDecoder } from "../gradient/layered-decoder.js";
import { settingsKey } from "../loop/loop-options.js";
import { prepareOutput } from "../loop/output-folder.js";
import { TrainingLoop } from "../loop/training-loop.js";
import { cacheSequences } from "../sequences/cache-sequences.js";
import { openSequences } from "../sequences/open-sequences.js";
import { TEACHER_DRAFT_HEAD, TEACHER_HEAD } from "../teacher-rows.js";
import type { TrainingExamples } from "../training-example.js";
import { WEIGHTS_FILE, writeDecoder } from "../write-decoder.js";
import type { DraftAgreement } from "./agreement.js";
import { draftCard } from "./card.js";
import { distillationHead } from "./distillation-head.js";
import { DraftTrainee } from "./draft-trainee.js";
import type { DistillDraftOptions } from "./options.js";
import { type DistillSettings, distillSettings } from "./settings.js";
import { type StudentShape, studentShape } from "./student-shape.js";
import { initialWeights } from "./student-weights.js";

/** What training made of the draft. */
export interface DraftDistillation {
  /** The folder: AutoModelForCausalLM.fromPretrained loads it, as a draft or by itself. */
  directory: string;
  steps: number;
  /** Tokens that were read. */
  tokens: number;
  before: DraftAgreement;
  after: DraftAgreement;
}

/**
 * Distils a draft model with the target's tokenizer: some of the target's layers, or random weights, learn the target's
 * distributions over the examples. The target's final hidden rows, in the dtype that it was loaded with, are computed once.
 * Hinton et al. 2015; Zhou et al. 2024 (DistillSpec).
 * @param target loaded from its folder
 * @param examples token ids, best the target's own answers
 * @throws UsageError for options or examples that make no sense; ForetokenError where the disk refuses; DivergenceError
 */
export async function distillDraft(
  target: LanguageModel,
  examples: TrainingExamples,
  options: DistillDraftOptions,
): Promise<DraftDistillation> {
  if (!(target instanceof LanguageModel)) {
    throw new UsageError(`distillDraft needs a loaded LanguageModel, got ${shown(target)}`);
  }
  const settings = distillSettings(options, target);
  settings.signal?.throwIfAborted();
  if (!target.directory)
    throw new UsageError("a draft takes over the target's tokenizer: load the target from its folder");
  const shape = await studentShape(target.directory, target.config, settings);
  const { output, onProgress } = settings;
  const { work, checkpoints, resumeFrom } = await prepareOutput(output, WEIGHTS_FILE, settings.resume);
  await assertSameData(work, examples, settings.resume);
  const key = `${target.dtype} ${settingsKey(settings)}`;
  const onReading = (tokens: number) => onProgress?.({ stage: "reading", tokens });
  const note = await cacheSequences(target.model, examples, work, key, { ...settings, onReading });
  await using sequences = await openSequences(work, note, settings);
  const targetIds = note.targetIds && Int32Array.from(note.targetIds);
  const decoder = await newStudent(target, shape, settings, targetIds);
  let loop: TrainingLoop<DraftAgreement> | undefined;
  try {
    const { training, validation } = sequences;
    const trainee = new DraftTrainee(decoder, training, validation, settings, target.config.hiddenSize, targetIds);
    loop = await TrainingLoop.create({ trainee, checkpoints, settings, key, onProgress });
    if (resumeFrom !== undefined) await loop.resume(resumeFrom);
    const { before, after } = await loop.run();
    const result = { directory: output, steps: loop.steps, tokens: note.tokens, before, after };
    await writeDecoder(output, {
      ...{ json: shape.json, weights: decoder.weights, type: settings.weights, targetIds },
      ...{ tokenizerFrom: target.directory, card: draftCard(result, target, shape, settings) },
    });
    await sequences.close();
    await rm(work, { recursive: true, force: true });
    return result;
  } finally {
    loop?.dispose();
    decoder.dispose();
  }
}

/** The draft as it begins, with its teacher's output product. */
async function newStudent(
  target: LanguageModel,
  shape: StudentShape,
  settings: DistillSettings,
  targetIds: Int32Array | undefined,
): Promise<LayeredDecoder> {
  const { config } = shape;
  const { loss, textWeight, microBatchSize: batch, sequenceLength: length, seed } = settings;
  const { vocabSize, hiddenSize: teacherHiddenSize } = target.config;
  const head = distillationHead({ vocabSize, teacherHiddenSize, loss, text: textWeight > 0, targetIds });
  const checkpoint = await openCheckpoint(target.directory!, join(cacheDirectory(), "digests"));
  let decoder: LayeredDecoder | undefined;
  try {
    decoder = await LayeredDecoder.create({ architecture: architectureOf(config), config, head, batch, length });
    const teacher = await baseLmHead(target);
    const known = targetIds && rowsOfTokens(teacher, targetIds, teacherHiddenSize);
    await initialWeights(decoder.weights, shape, checkpoint, { seed, head: known });
    decoder.weights.valuesOf(TEACHER_HEAD).set(teacher);
    if (known) decoder.weights.valuesOf(TEACHER_DRAFT_HEAD).set(known);
    return decoder;
  } catch (error) {
    decoder?.dispose();
    throw error;
  } finally {
    await checkpoint.source.close();
  }
}
