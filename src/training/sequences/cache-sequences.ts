import type { CausalLM } from "../../engine/causal-lm.js";
import type { TextGroup } from "../../engine/read-texts.js";
import { Need } from "../../engine/rows.js";
import { TokenCounts } from "../draft-vocabulary.js";
import { readNote, writeNote } from "../loop/cache-note.js";
import { type Piece, readPieces } from "../read-pieces.js";
import type { TrainingExamples } from "../training-example.js";
import { Packer } from "./packed-sequence.js";
import { SequenceFile } from "./sequence-file.js";

/** Tokens that validation is measured on at most. */
const VALIDATION_TOKENS = 8192;

export interface SequenceSettings {
  sequenceLength: number;
  /** Most tokens that are read. Default: all. */
  maxTokens?: number;
  /** One piece in so many is kept for validation. */
  validateEvery: number;
  /** Whether what is there of the same key is used. */
  resume: boolean;
  /** Whether the teacher is asked at all. Default true. */
  rows?: boolean;
  /** Most frequent tokens to name; by default nobody counts. */
  draftVocabulary?: number;
  signal?: AbortSignal;
  onReading?: (tokens: number) => void;
}

/** What a finished cache says of itself. */
export interface SequenceNote {
  key: string;
  /** Tokens that were read. */
  tokens: number;
  training: number;
  validation: number;
  /** The most frequent tokens, ascending, where they were asked for. */
  targetIds?: number[];
}

/**
 * Packs the examples into sequences, with the teacher's final hidden rows for every token that is followed by a label, and writes
 * them to "training" and "validation" in a folder. What was written for the same key is used again.
 * @param key of everything that decides the outcome
 */
export async function cacheSequences(
  teacher: CausalLM,
  examples: TrainingExamples,
  directory: string,
  key: string,
  settings: SequenceSettings,
): Promise<SequenceNote> {
  const known = settings.resume ? await readNote<SequenceNote>(directory, key) : undefined;
  if (known) return known;
  const { sequenceLength, signal } = settings;
  const width = settings.rows === false ? 0 : teacher.config.hiddenSize;
  const files = await Promise.all(["training", "validation"].map((name) => SequenceFile.create(directory, name)));
  const [training, validation] = files.map((file) => new Packer(sequenceLength, width, (full) => file.add(full)));
  const { draftVocabulary } = settings;
  const counts = new TokenCounts(draftVocabulary === undefined ? 0 : teacher.vocabLimit);
  let tokens: number;
  try {
    const reading = { ...settings, length: sequenceLength, mostHeld: VALIDATION_TOKENS };
    tokens = await readPieces(teacher, examples, reading, async (group) => {
      if (draftVocabulary !== undefined) for (const { tokens } of group.texts) counts.add(tokens);
      for (const [piece, rows] of await rowsOf(group, width, signal)) {
        await (piece.held ? validation : training).add(piece.tokens, piece.lossMask, rows);
      }
    });
    await training.end();
    await validation.end();
  } finally {
    for (const file of files) await file.close();
  }
  const targetIds = draftVocabulary === undefined ? undefined : counts.mostFrequent(draftVocabulary);
  const note = { key, tokens, training: files[0].count, validation: files[1].count, targetIds };
  await writeNote(directory, note);
  return note;
}

/** The teacher's rows of the pieces. */
async function rowsOf(group: TextGroup<Piece>, width: number, signal: AbortSignal | undefined) {
  const rows = new Map(group.texts.map((text) => [text, new Float32Array(text.tokens.length * width)]));
  const wanted = ({ tokens, lossMask }: Piece, place: number) =>
    place + 1 < tokens.length && (lossMask?.[place + 1] ?? true);
  if (width === 0) group.texts.length = 0;
  await group.read(
    (text, place) => (wanted(text, place) ? Need.hidden : Need.nothing),
    (result, row, request, text, place) => {
      if (wanted(text, place)) rows.get(text)!.set(result.hidden(row, request), place * width);
    },
    signal,
  );
  return rows;
}
