import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CausalLM } from "../../engine/causal-lm.js";
import { TextGroup } from "../../engine/read-texts.js";
import { Need } from "../../engine/rows.js";
import { readJsonIfPresent } from "../../files/json.js";
import { ForetokenError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";
import type { TokenId } from "../../types/token.js";
import { pieces } from "../pieces.js";
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
  const width = settings.rows === false ? 0 : teacher.config.hiddenSize;
  const files = await Promise.all(["training", "validation"].map((name) => SequenceFile.create(directory, name)));
  const [training, validation] = files.map((file) => new Packer(sequenceLength, width, (full) => file.add(full)));
  const group = new TextGroup<Piece>(teacher);
  let tokens = 0;
  let held = 0;
  let count = 0;
  try {
    for await (const example of examples) {
      for (const piece of pieces(example, sequenceLength, teacher.vocabLimit)) {
        const isHeld = count++ % validateEvery === validateEvery - 1;
        if (isHeld && held >= VALIDATION_TOKENS) continue;
        const text = { ...piece, packer: isHeld ? validation : training };
        if (!group.fits(text)) await addRows(group, width, signal);
        group.add(text);
        if (isHeld) held += piece.tokens.length;
        tokens += piece.tokens.length;
        onReading?.(tokens);
        if (tokens >= maxTokens) break;
      }
      if (tokens >= maxTokens) break;
    }
    await addRows(group, width, signal);
    await training.end();
    await validation.end();
  } finally {
    for (const file of files) await file.close();
  }
  const note = { key, tokens, training: files[0].count, validation: files[1].count };
  await writeNote(notePath, note);
  return note;
}

/** A piece of text, and where it goes. */
interface Piece {
  tokens: readonly TokenId[];
  lossMask?: readonly boolean[];
  packer: Packer;
}

/** Reads the pieces and packs them with the teacher's rows. */
async function addRows(group: TextGroup<Piece>, width: number, signal: AbortSignal | undefined): Promise<void> {
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
  for (const [{ tokens, lossMask, packer }, hidden] of rows) await packer.add(tokens, lossMask, hidden);
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
