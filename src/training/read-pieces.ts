import type { CausalLM } from "../engine/causal-lm.js";
import { TextGroup } from "../engine/read-texts.js";
import { isHeldOut } from "./data/split.js";
import { pieces } from "./pieces.js";
import type { TrainingExample, TrainingExamples } from "./training-example.js";

/** A piece of an example. */
export interface Piece extends TrainingExample {
  /** For validation. */
  held: boolean;
}

export interface ReadingSettings {
  /** Longest piece, tokens. */
  length: number;
  /** Shorter ones are left out. Default 1. */
  shortest?: number;
  /** Most tokens that are read. Default: all. */
  maxTokens?: number;
  /** One piece in so many is held out. */
  validateEvery: number;
  /** Tokens that are held out at most. */
  mostHeld: number;
  onReading?: (tokens: number) => void;
}

/**
 * Cuts examples into pieces and has a model read them, as many in a pass as fit.
 * @param read reads a group, which is empty afterwards
 * @returns tokens that were read
 * @throws UsageError for what are no token ids
 */
export async function readPieces(
  model: CausalLM,
  examples: TrainingExamples,
  settings: ReadingSettings,
  read: (group: TextGroup<Piece>) => Promise<void>,
): Promise<number> {
  const { length, shortest = 1, maxTokens = Number.POSITIVE_INFINITY, validateEvery, mostHeld, onReading } = settings;
  const group = new TextGroup<Piece>(model);
  let [count, tokens, heldTokens] = [0, 0, 0];
  for await (const example of examples) {
    for (const piece of pieces(example, length, model.vocabLimit)) {
      if (piece.tokens.length < shortest) continue;
      const held = isHeldOut(count++, validateEvery);
      if (held && heldTokens >= mostHeld) continue;
      const text = { ...piece, held };
      if (!group.fits(text)) await read(group);
      group.add(text);
      tokens += piece.tokens.length;
      if (held) heldTokens += piece.tokens.length;
      onReading?.(tokens);
      if (tokens >= maxTokens) break;
    }
    if (tokens >= maxTokens) break;
  }
  await read(group);
  return tokens;
}
