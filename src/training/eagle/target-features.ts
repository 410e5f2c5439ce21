import type { CausalLM } from "../../engine/causal-lm.js";
import type { TextGroup } from "../../engine/read-texts.js";
import { Need } from "../../engine/rows.js";
import { TokenCounts } from "../draft-vocabulary.js";
import { readNote, writeNote } from "../loop/cache-note.js";
import { type Piece, readPieces } from "../read-pieces.js";
import type { TrainingExamples } from "../training-example.js";
import { IGNORED, SequenceWriter } from "./sequence-cache.js";
import type { Settings } from "./settings.js";

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
  const { sequenceLength, onProgress } = settings;
  base.capture(settings.targetLayers);
  const width = featureWidth(base, settings);
  const writers = await Promise.all(
    ["training", "validation"].map((name) => SequenceWriter.create(directory, name, sequenceLength, width)),
  );
  const [training, validation] = writers;
  const counts = new TokenCounts(base.vocabLimit);
  const onReading = (tokens: number) => onProgress?.({ stage: "reading", tokens });
  let tokens: number;
  try {
    const lengths = { length: sequenceLength + 1, shortest: SHORTEST, mostHeld: VALIDATION_ROWS };
    tokens = await readPieces(base, examples, { ...settings, ...lengths, onReading }, async (group) => {
      for (const { tokens } of group.texts) counts.add(tokens);
      for (const [{ held }, features, rows] of await rowsOf(group, base, settings)) {
        await (held ? validation : training).add(features, rows);
      }
    });
  } finally {
    for (const writer of writers) await writer.close();
  }
  const targetIds = counts.mostFrequent(settings.draftVocabulary);
  const [trainingSequences, validationSequences] = [training.sequences, validation.sequences];
  const note: FeatureNote = { key, tokens, trainingSequences, validationSequences, targetIds };
  await writeNote(directory, note);
  return note;
}

/** Numbers of a row: the target's streams, and its hidden state. */
export function featureWidth({ config }: Pick<CausalLM, "config">, { targetLayers }: Settings): number {
  return (targetLayers.length + 1) * config.hiddenSize;
}

/** Rows of the pieces, and their features: row j has the streams at token j, and what the target says after token j + 1. */
async function rowsOf(group: TextGroup<Piece>, base: CausalLM, settings: Settings) {
  const { targetLayers, signal } = settings;
  const { hiddenSize: D } = base.config;
  const width = featureWidth(base, settings);
  const read = new Map(
    group.texts.map((text) => [
      text,
      { features: new Float32Array((text.tokens.length - 1) * width), choices: [] as number[] },
    ]),
  );
  await group.read(
    ({ tokens }, place) =>
      (place < tokens.length - 1 ? Need.auxiliary : Need.nothing) | (place > 0 ? Need.hidden | Need.top : Need.nothing),
    (result, row, request, text, place) => {
      const { features, choices } = read.get(text)!;
      if (place < text.tokens.length - 1) {
        for (const [i, layers] of targetLayers.entries()) {
          features.set(result.auxiliary(row, layers, request), place * width + i * D);
        }
      }
      if (place === 0) return;
      features.set(result.hidden(row, request), place * width - D);
      choices.push(isLearnt(text, place + 1) ? result.argmax(row, request) : IGNORED);
    },
    signal,
  );
  return [...read].map(([text, { features, choices }]) => {
    const rows = choices.map((choice, j) => ({ token: text.tokens[j + 1], position: j, choice }));
    return [text, features, rows] as const;
  });
}

/** What follows the end of a text is learnt where its last token is. */
function isLearnt({ tokens, lossMask }: Piece, place: number): boolean {
  return lossMask?.[Math.min(place, tokens.length - 1)] ?? true;
}
