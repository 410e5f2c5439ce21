import type { CausalLM } from "../../engine/causal-lm.js";
import { readText } from "../../engine/read-text.js";
import { Need } from "../../engine/rows.js";
import { pieces } from "../pieces.js";
import type { TrainingExample, TrainingExamples } from "../training-example.js";
import { type CacheNote, ROWS_OF_BLOCK, RowWriter, readNote, writeNote } from "./row-cache.js";
import type { Settings } from "./settings.js";

/** Rows of a pass of the base. */
const CHUNK = 128;
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
  const known = settings.resume ? await readNote(directory, key) : undefined;
  if (known) return known;
  const { heads, maxTokens = Number.POSITIVE_INFINITY, validateEvery, onProgress, signal } = settings;
  const writers = await Promise.all(
    ["training", "validation"].map((name) => RowWriter.create(directory, name, base.config.hiddenSize, heads)),
  );
  const [training, validation] = writers;
  let tokens = 0;
  let count = 0;
  try {
    for await (const example of examples) {
      for (const piece of pieces(example, settings.sequenceLength, base.vocabLimit)) {
        const held = count++ % validateEvery === validateEvery - 1;
        if (held && validation.blocks * ROWS_OF_BLOCK >= VALIDATION_ROWS) continue;
        await addRows(base, piece, heads, held ? validation : training, signal);
        tokens += piece.tokens.length;
        onProgress?.({ stage: "reading", tokens });
        if (tokens >= maxTokens) break;
      }
      if (tokens >= maxTokens) break;
    }
  } finally {
    for (const writer of writers) await writer.close();
  }
  const note = { key, tokens, trainingBlocks: training.blocks, validationBlocks: validation.blocks };
  await writeNote(directory, note);
  return note;
}

async function addRows(
  base: CausalLM,
  { tokens, lossMask }: TrainingExample,
  heads: number,
  writer: RowWriter,
  signal: AbortSignal | undefined,
): Promise<void> {
  const label = (at: number) => (at < tokens.length && (lossMask?.[at] ?? true) ? tokens[at] : IGNORED);
  const labelled = tokens.map((_, t) => Array.from({ length: heads }, (_, head) => label(t + head + 2)));
  const rows: Float32Array[] = [];
  const wanted = labelled.map((labels) => labels.some((id) => id !== IGNORED));
  await readText(
    base,
    tokens,
    (place) => (wanted[place] ? Need.hidden : Need.nothing),
    (result, row, place) => {
      if (wanted[place]) rows.push(result.hidden(row).slice());
    },
    { chunk: CHUNK, signal },
  );
  let next = 0;
  for (const [place, labels] of labelled.entries()) if (wanted[place]) await writer.add(rows[next++], labels);
}
