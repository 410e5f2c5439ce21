import type { CausalLM } from "../../engine/causal-lm.js";
import { readText } from "../../engine/read-text.js";
import { Need } from "../../engine/rows.js";
import { readNote, writeNote } from "../loop/cache-note.js";
import { cutPieces } from "../pieces.js";
import type { TrainingExample, TrainingExamples } from "../training-example.js";
import { mostFrequent } from "./draft-vocabulary.js";
import { IGNORED, SequenceWriter } from "./sequence-cache.js";
import type { Settings } from "./settings.js";

/** Rows of a pass of the base. */
const CHUNK = 128;
/** Validation is measured on so many rows at most. */
const VALIDATION_ROWS = 4096;
/** A text of fewer tokens has no row with a token before and after it. */
const SHORTEST = 3;

/** What a finished cache says of itself. */
export interface FeatureNote {
  key: string;
  /** That the target read. */
  tokens: number;
  trainingSequences: number;
  validationSequences: number;
  /** The draft's vocabulary, by the target's ids, ascending. */
  targetIds: number[];
}

/**
 * Reads the examples with the target, once, and writes what rows of a draft layer are made of, packed into sequences. What was
 * written for the same key is used again.
 */
export async function cacheTargetFeatures(
  base: CausalLM,
  examples: TrainingExamples,
  directory: string,
  key: string,
  settings: Settings,
): Promise<FeatureNote> {
  const known = settings.resume ? await readNote<FeatureNote>(directory, key) : undefined;
  if (known) return known;
  const { sequenceLength, maxTokens = Number.POSITIVE_INFINITY, validateEvery, onProgress, signal } = settings;
  base.capture(settings.targetLayers);
  const width = featureWidth(base, settings);
  const writers = await Promise.all(
    ["training", "validation"].map((name) => SequenceWriter.create(directory, name, sequenceLength, width)),
  );
  const [training, validation] = writers;
  const counts = new Float64Array(base.vocabLimit);
  let tokens = 0;
  let pieces = 0;
  try {
    for await (const example of examples) {
      for (const piece of cutPieces(example, sequenceLength + 1, base.vocabLimit)) {
        if (piece.tokens.length < SHORTEST) continue;
        const held = pieces++ % validateEvery === validateEvery - 1;
        if (held && validation.sequences * sequenceLength >= VALIDATION_ROWS) continue;
        for (const token of piece.tokens) counts[token]++;
        await addRows(base, piece, settings, held ? validation : training, signal);
        tokens += piece.tokens.length;
        onProgress?.({ stage: "reading", tokens });
        if (tokens >= maxTokens) break;
      }
      if (tokens >= maxTokens) break;
    }
  } finally {
    for (const writer of writers) await writer.close();
  }
  const targetIds = mostFrequent(counts, settings.draftVocabulary);
  const [trainingSequences, validationSequences] = [training.sequences, validation.sequences];
  const note: FeatureNote = { key, tokens, trainingSequences, validationSequences, targetIds };
  await writeNote(directory, note);
  return note;
}

/** Numbers of a row: the target's streams, and its hidden state. */
export function featureWidth({ config }: Pick<CausalLM, "config">, { targetLayers }: Settings): number {
  return (targetLayers.length + 1) * config.hiddenSize;
}

async function addRows(
  base: CausalLM,
  { tokens, lossMask }: TrainingExample,
  { targetLayers }: Settings,
  writer: SequenceWriter,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { hiddenSize: D } = base.config;
  const width = (targetLayers.length + 1) * D;
  const last = tokens.length - 1;
  const features = new Float32Array(last * width);
  const choices: number[] = [];
  // The end of the text may be learnt where the token before it is.
  const learnt = (place: number) => lossMask?.[Math.min(place, last)] ?? true;
  await readText(
    base,
    tokens,
    (place) => (place < last ? Need.auxiliary : 0) | (place > 0 ? Need.hidden | Need.top : 0),
    (result, row, place) => {
      if (place < last) {
        for (const [i, layers] of targetLayers.entries()) {
          features.set(result.auxiliary(row, layers), place * width + i * D);
        }
      }
      if (place === 0) return;
      features.set(result.hidden(row), place * width - D);
      choices.push(learnt(place + 1) ? result.argmax(row) : IGNORED);
    },
    { chunk: CHUNK, signal },
  );
  const rows = choices.map((choice, j) => ({ token: tokens[j + 1], position: j, choice }));
  await writer.add(features, rows);
}
