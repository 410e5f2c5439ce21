import { ContextOverflowError, RuntimeError, UsageError } from "../types/errors.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";
import { checkTokens } from "./check-rows.js";
import { Need, type TokenRows } from "./rows.js";
import type { Sequence } from "./sequence.js";

/** Rows of a prefill pass: 64 to 256 were fastest for a prompt of 2048 tokens. */
export const PREFILL_CHUNK = 128;

export interface PrefillOptions {
  /** Rows of a pass, at least 1. Default 128. Rows do not depend on it. */
  chunk?: number;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

/**
 * Commits `tokens` to a sequence that nothing else may change meanwhile, all of them or, when it fails, none.
 * @param pass runs a pass that reads nothing back
 */
export async function prefill(
  sequence: Sequence,
  tokens: readonly TokenId[],
  { chunk = PREFILL_CHUNK, onProgress }: PrefillOptions,
  pass: (request: TokenRows) => Promise<unknown>,
): Promise<void> {
  const before = sequence.length;
  try {
    for (let start = 0; start < tokens.length; start += chunk) {
      const part = tokens.slice(start, start + chunk);
      await pass({ sequence, tokens: part, needs: part.map(() => Need.nothing) });
      sequence.keep(part.map((_, i) => i));
      onProgress?.(start + part.length, tokens.length);
    }
  } catch (error) {
    sequence.truncate(before);
    throw error;
  }
}

/** @throws UsageError, RuntimeError or ContextOverflowError for what cannot be prefilled */
export function checkPrefill(
  sequence: Sequence,
  tokens: readonly TokenId[],
  { chunk = PREFILL_CHUNK }: PrefillOptions,
  vocabSize: number,
): void {
  if (!(Number.isInteger(chunk) && chunk > 0)) {
    throw new UsageError(`chunk must be an integer above 0, got ${shown(chunk)}`);
  }
  checkTokens(tokens, vocabSize);
  const { pending, length, capacity } = sequence;
  if (pending > 0) {
    throw new RuntimeError(`prefill: the sequence has ${pending} pending rows: commit them or roll back first`);
  }
  if (length + tokens.length <= capacity) return;
  throw new ContextOverflowError(
    `the sequence needs ${length + tokens.length} rows but its cache holds ${capacity}: shorten the prompt or raise contextLength`,
  );
}
