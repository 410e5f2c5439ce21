import { join } from "node:path";
import { LanguageModel } from "../api/language-model.js";
import { cacheDirectory } from "../conversion/cache-directory.js";
import { readJson } from "../files/json.js";
import { SafetensorsWriter } from "../formats/safetensors/stream-writer.js";
import { type Checkpoint, openCheckpoint } from "../models/checkpoint/checkpoint.js";
import { ofFirstLayer } from "../training/gradient/decoder-weights.js";
import { assertWithout, makeWritable } from "../training/loop/output-folder.js";
import { WEIGHTS_FILE, writeDecoderFiles } from "../training/write-decoder.js";
import { UsageError } from "../types/errors.js";
import { escaped, shown } from "../types/shown.js";
import { type CalibrationText, calibrationText } from "./calibration-text.js";
import { calibrationCard } from "./card.js";
import { LayerCalibration } from "./layer-calibration.js";
import { ModelWeights } from "./model-weights.js";
import type { CalibrateOptions } from "./options.js";
import { type CalibrateSettings, calibrateSettings } from "./settings.js";

/** What calibration made. */
export interface Calibration {
  /** The folder: AutoModelForCausalLM.fromPretrained loads it, as q4 unless told otherwise. */
  directory: string;
  /** Tokens that were read. */
  tokens: number;
  /** Products that were rounded. */
  rounded: number;
  /** Products that had been of 4 bits already and stay as they were. */
  kept: number;
  /**
   * How far the last layer's rows are from the model's, relative to those, on the calibration's own text: more on others, and smaller
   * for fewer tokens, which fit less well elsewhere.
   */
  error: number;
  seconds: number;
}

/**
 * Rounds the products of a model's layers to q4's blocks of 4 bits with error compensation, and writes the model as a Hugging Face
 * directory of floats, of which q4 keeps every value: scale and minimum of each block are chosen, and weights not yet
 * rounded changed, so that the layers' outputs over a text change least. Works from the checkpoint's own weights, layer by layer.
 * The model itself writes the text where none is given. Frantar et al. 2022 (GPTQ); Li et al. 2025 (GPTAQ).
 * @param model loaded from its folder, in any dtype: only its text depends on that
 * @throws UsageError for options that make no sense, and where all products are of 4 bits already; ForetokenError where the disk
 *   refuses; what aborts the signal
 */
export async function calibrate(model: LanguageModel, given: CalibrateOptions): Promise<Calibration> {
  if (!(model instanceof LanguageModel)) {
    throw new UsageError(`calibrate needs a loaded LanguageModel, got ${shown(model)}`);
  }
  const settings = calibrateSettings(given, model.contextLength);
  settings.signal?.throwIfAborted();
  if (!model.directory) throw new UsageError("calibration reads a checkpoint: load the model from its folder");
  const started = performance.now();
  assertWithout(settings.output, WEIGHTS_FILE);
  const checkpoint = await openCheckpoint(model.directory, join(cacheDirectory(), "digests"));
  try {
    const weights = await ModelWeights.of(checkpoint, settings.signal);
    if (weights.rounded.size === 0) {
      throw new UsageError(
        `nothing to do: all products of ${escaped(model.directory)} are of 4 bits already, and q4 holds them exactly`,
      );
    }
    await makeWritable(settings.output);
    const text = await calibrationText(model, settings);
    const error = await roundLayers(checkpoint, weights, text, settings);
    const seconds = (performance.now() - started) / 1000;
    return { ...resultOf(weights, text, settings, error), seconds };
  } finally {
    await checkpoint.source.close();
  }
}

/** Writes the folder. @returns the error of the last layer's rows */
async function roundLayers(
  checkpoint: Checkpoint,
  weights: ModelWeights,
  text: CalibrationText,
  settings: CalibrateSettings,
): Promise<number> {
  const { directory, config } = checkpoint;
  const { output, signal } = settings;
  const rows = embeddings(await weights.read(weights.named("embedding")), text, config);
  const layers = await LayerCalibration.create(weights.architecture, config, text, rows, signal);
  try {
    const writer = await SafetensorsWriter.create(join(output, WEIGHTS_FILE), weights.heads());
    try {
      await writeWeights(writer, weights, layers, config.numLayers, settings);
      // A head of its own is said to be one.
      const given = await readJson(join(directory, "config.json"));
      const json = { ...given, tie_word_embeddings: config.tieWordEmbeddings };
      const card = calibrationCard(resultOf(weights, text, settings, layers.error), directory, !settings.examples);
      await writeDecoderFiles(output, { json, type: "F32", tokenizerFrom: directory, card });
      await writer.finish();
    } catch (error) {
      await writer.discard();
      throw error;
    }
    return layers.error;
  } finally {
    layers.dispose();
  }
}

/** Rounds layer by layer, and writes each before the next is read. */
async function writeWeights(
  writer: SafetensorsWriter,
  weights: ModelWeights,
  layers: LayerCalibration,
  count: number,
  { onProgress }: CalibrateSettings,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const own = weights.all.filter(({ name }) => name.startsWith(`layers.${i}.`));
    const values = new Map<string, { values: Float32Array; dims: readonly number[] }>();
    for (const weight of own) {
      values.set(ofFirstLayer(weight.name), { values: await weights.read(weight), dims: weight.dims });
    }
    const names = own.map(({ name }) => name).filter((name) => weights.rounded.has(name));
    const changed = await layers.next(values, new Set(names.map(ofFirstLayer)));
    for (const weight of own) await weights.write(writer, weight, changed.get(ofFirstLayer(weight.name))!.values);
    onProgress?.({ stage: "layers", layer: i + 1, layers: count });
  }
  for (const weight of weights.all) {
    if (!weight.name.startsWith("layers.")) await weights.write(writer, weight, await weights.read(weight));
  }
}

function resultOf(
  { rounded, kept }: ModelWeights,
  { ids }: CalibrationText,
  { output }: CalibrateSettings,
  error: number,
) {
  return { directory: output, tokens: ids.length, rounded: rounded.size, kept: kept.size, error };
}

/** The text's rows of the table [vocabSize, hiddenSize]. */
function embeddings(table: Float32Array, { ids }: CalibrationText, { hiddenSize }: Checkpoint["config"]): Float32Array {
  const rows = new Float32Array(ids.length * hiddenSize);
  for (let i = 0; i < ids.length; i++) {
    const from = Number(ids[i]) * hiddenSize;
    rows.set(table.subarray(from, from + hiddenSize), i * hiddenSize);
  }
  return rows;
}
