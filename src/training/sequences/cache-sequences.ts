import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CausalLM } from "../../engine/causal-lm.js";
import { readText } from "../../engine/read-text.js";
import { Need } from "../../engine/rows.js";
import { readJsonIfPresent } from "../../files/json.js";
import { ForetokenError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";
import { pieces } from "../pieces.js";
import type { TrainingExample, TrainingExamples } from "../training-example.js";
import { Packer } from "./packed-sequence.js";
import { SequenceFile } from "./sequence-file.js";

/** Rows of a pass of the teacher. */
const CHUNK = 128;
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
  const notePath = join(directory, "sequences.json");
  const known = (await readJsonIfPresent(notePath)) as unknown as SequenceNote | undefined;
  if (settings.resume && known?.key === key) return known;
  const { maxTokens = Number.POSITIVE_INFINITY, validateEvery, sequenceLength, onReading, signal } = settings;
  const { hiddenSize } = teacher.config;
  const files = await Promise.all(["training", "validation"].map((name) => SequenceFile.create(directory, name)));
  const [training, validation] = files.map((file) => new Packer(sequenceLength, hiddenSize, (full) => file.add(full)));
  let tokens = 0;
  let held = 0;
  let count = 0;
  try {
    for await (const example of examples) {
      for (const piece of pieces(example, sequenceLength, teacher.vocabLimit)) {
        const isHeld = count++ % validateEvery === validateEvery - 1;
        if (isHeld && held >= VALIDATION_TOKENS) continue;
        const rows = await teacherRows(teacher, piece, signal);
        await (isHeld ? validation : training).add(piece.tokens, piece.lossMask, rows);
        if (isHeld) held += piece.tokens.length;
        tokens += piece.tokens.length;
        onReading?.(tokens);
        if (tokens >= maxTokens) break;
      }
      if (tokens >= maxTokens) break;
    }
    await training.end();
    await validation.end();
  } finally {
    for (const file of files) await file.close();
  }
  const note = { key, tokens, training: files[0].count, validation: files[1].count };
  await writeNote(notePath, note);
  return note;
}

async function teacherRows(
  teacher: CausalLM,
  { tokens, lossMask }: TrainingExample,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { hiddenSize } = teacher.config;
  const rows = new Float32Array(tokens.length * hiddenSize);
  const wanted = (place: number) => place + 1 < tokens.length && (lossMask?.[place + 1] ?? true);
  await readText(
    teacher,
    tokens,
    (place) => (wanted(place) ? Need.hidden : Need.nothing),
    (result, row, place) => {
      if (wanted(place)) rows.set(result.hidden(row), place * hiddenSize);
    },
    { chunk: CHUNK, signal },
  );
  return rows;
}

/** The note appears last, and whole. */
async function writeNote(path: string, note: SequenceNote): Promise<void> {
  try {
    await writeFile(`${path}.tmp`, JSON.stringify(note), { flush: true });
    await rename(`${path}.tmp`, path);
  } catch (error) {
    throw new ForetokenError(`${escaped(path)} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}
