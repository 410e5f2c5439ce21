import type { CausalLM } from "../../engine/causal-lm.js";
import { TextGroup } from "../../engine/read-texts.js";
import { Need } from "../../engine/rows.js";
import type { TokenId } from "../../types/token.js";
import { isHeldOut } from "../data/split.js";
import { readNote, writeNote } from "../loop/cache-note.js";
import { pieces } from "../pieces.js";
import type { TrainingExample, TrainingExamples } from "../training-example.js";
import { type CacheNote, ROWS_OF_BLOCK, RowWriter } from "./row-cache.js";
import type { Settings } from "./settings.js";

/** Validation is measured on so many rows at most. */
const VALIDATION_ROWS = 4096;
/** A label that counts for nothing, as PyTorch has it. */
const IGNORED = -100;

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
  const { heads, maxTokens = Number.POSITIVE_INFINITY, validateEvery, onProgress, signal } = settings;
  const writers = await Promise.all(
    ["training", "validation"].map((name) => RowWriter.create(directory, name, base.config.hiddenSize, heads)),
  );
  const [training, validation] = writers;
  let tokens = 0;
  let count = 0;
  const group = new TextGroup<LabelledText>(base);
  try {
    for await (const example of examples) {
      for (const piece of pieces(example, settings.sequenceLength, base.vocabLimit)) {
        const held = isHeldOut(count++, validateEvery);
        if (held && validation.blocks * ROWS_OF_BLOCK >= VALIDATION_ROWS) continue;
        const text = labelled(piece, heads, held ? validation : training);
        if (!group.fits(text)) await addRows(group, signal);
        group.add(text);
        tokens += piece.tokens.length;
        onProgress?.({ stage: "reading", tokens });
        if (tokens >= maxTokens) break;
      }
      if (tokens >= maxTokens) break;
    }
    await addRows(group, signal);
  } finally {
    for (const writer of writers) await writer.close();
  }
  const note = { key, tokens, trainingBlocks: training.blocks, validationBlocks: validation.blocks };
  await writeNote(directory, note);
  return note;
}

/** A piece with the labels of every row, and where its rows go. */
interface LabelledText {
  tokens: readonly TokenId[];
  labels: number[][];
  writer: RowWriter;
}

function labelled({ tokens, lossMask }: TrainingExample, heads: number, writer: RowWriter): LabelledText {
  const label = (at: number) => (at < tokens.length && (lossMask?.[at] ?? true) ? tokens[at] : IGNORED);
  const labels = tokens.map((_, t) => Array.from({ length: heads }, (_, head) => label(t + head + 2)));
  return { tokens, labels, writer };
}

async function addRows(group: TextGroup<LabelledText>, signal: AbortSignal | undefined): Promise<void> {
  const rows: [RowWriter, Float32Array, number[]][] = [];
  const wanted = ({ labels }: LabelledText, place: number) => labels[place].some((id) => id !== IGNORED);
  await group.read(
    (text, place) => (wanted(text, place) ? Need.hidden : Need.nothing),
    (result, row, request, text, place) => {
      if (!wanted(text, place)) return;
      rows.push([text.writer, result.hidden(row, request).slice(), text.labels[place]]);
    },
    signal,
  );
  for (const [writer, hidden, labels] of rows) await writer.add(hidden, labels);
}
