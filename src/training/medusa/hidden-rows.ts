import type { CausalLM } from "../../engine/causal-lm.js";
import type { TextGroup } from "../../engine/read-texts.js";
import { Need } from "../../engine/rows.js";
import { TokenCounts } from "../draft-vocabulary.js";
import { readNote, writeNote } from "../loop/cache-note.js";
import { type Piece, readPieces } from "../read-pieces.js";
import type { TrainingExample, TrainingExamples } from "../training-example.js";
import { type CacheNote, IGNORED, RowWriter } from "./row-cache.js";
import type { Settings } from "./settings.js";

/** Validation is measured on so many rows at most. */
const VALIDATION_ROWS = 4096;

/**
 * Computes the base's hidden states over the examples, once, and writes them with the labels of every head: that of head i
 * (from 1) after token t is token t + i + 1. What was written for the same key is used again.
 */
export async function cacheHiddenRows(
  base: CausalLM,
  examples: TrainingExamples,
  directory: string,
  key: string,
  settings: Settings,
): Promise<CacheNote> {
  const known = settings.resume ? await readNote<CacheNote>(directory, key) : undefined;
  if (known) return known;
  const { heads, sequenceLength: length, onProgress, signal } = settings;
  const writers = await Promise.all(
    ["training", "validation"].map((name) => RowWriter.create(directory, name, base.config.hiddenSize, heads)),
  );
  const [training, validation] = writers;
  const { draftVocabulary } = settings;
  const counts = new TokenCounts(draftVocabulary === undefined ? 0 : base.vocabLimit);
  const onReading = (tokens: number) => onProgress?.({ stage: "reading", tokens });
  let tokens: number;
  try {
    const reading = { ...settings, length, mostHeld: VALIDATION_ROWS, onReading };
    tokens = await readPieces(base, examples, reading, async (group) => {
      if (draftVocabulary !== undefined) for (const { tokens } of group.texts) counts.add(tokens);
      for (const [{ held }, hidden, labels] of await rowsOf(group, heads, signal)) {
        await (held ? validation : training).add(hidden, labels);
      }
    });
  } finally {
    for (const writer of writers) await writer.close();
  }
  const note: CacheNote = { key, tokens, trainingBlocks: training.blocks, validationBlocks: validation.blocks };
  if (draftVocabulary !== undefined) note.targetIds = counts.mostFrequent(draftVocabulary);
  await writeNote(directory, note);
  return note;
}

/** Hidden states of the pieces, each with its labels, where any head has something to learn. */
async function rowsOf(group: TextGroup<Piece>, heads: number, signal: AbortSignal | undefined) {
  const labels = new Map(group.texts.map((text) => [text, labelsOf(text, heads)]));
  const wanted = (text: Piece, place: number) => labels.get(text)![place].some((id) => id !== IGNORED);
  const rows: [Piece, Float32Array, number[]][] = [];
  await group.read(
    (text, place) => (wanted(text, place) ? Need.hidden : Need.nothing),
    (result, row, request, text, place) => {
      if (!wanted(text, place)) return;
      rows.push([text, result.hidden(row, request).slice(), labels.get(text)![place]]);
    },
    signal,
  );
  return rows;
}

/** Of every token, the labels of all heads. */
function labelsOf({ tokens, lossMask }: TrainingExample, heads: number): number[][] {
  const label = (at: number) => (at < tokens.length && (lossMask?.[at] ?? true) ? tokens[at] : IGNORED);
  return tokens.map((_, t) => Array.from({ length: heads }, (_, head) => label(t + head + 2)));
}
