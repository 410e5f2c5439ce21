/** Base class of every error that a user can cause or act on. Its message is one line: what was wrong, what was expected, what to do. */
export class ForetokenError extends Error {
  override name = "ForetokenError";
}

/** A bad argument, option or flag. The command line exits with 2. */
export class UsageError extends ForetokenError {
  override name = "UsageError";
  /** The option whose value was wrong, where it was one's; the message names it too. */
  readonly option?: string;

  constructor(message?: string, details: ErrorOptions & { option?: string } = {}) {
    super(message, details);
    if (details.option !== undefined) this.option = details.option;
  }
}

/** A checkpoint that is missing, corrupt, truncated or of an unsupported kind. */
export class CheckpointError extends ForetokenError {
  override name = "CheckpointError";
}

/** A tokenizer that is missing, malformed, or does not fit its model or draft. */
export class TokenizerError extends ForetokenError {
  override name = "TokenizerError";
}

/** A failure inside the runtime (ONNX Runtime's own message included), or use of a disposed object. */
export class RuntimeError extends ForetokenError {
  override name = "RuntimeError";
}

/** Logits that are no finite numbers, or all zero: weights that are damaged or overflow. */
export class NumericsError extends RuntimeError {
  override name = "NumericsError";

  /** @param place whose logits, such as "the token at position 7" (from 0, prompt and output counted) */
  constructor(place: string) {
    super(
      `the logits of ${place} are not finite, or all zero: the weights overflow or are damaged, try dtype "fp32", else download the checkpoint again and empty the cache of converted models`,
    );
  }
}

/** A drafter that failed or broke its contract. The model stays usable. */
export class DrafterError extends RuntimeError {
  override name = "DrafterError";
}

/** A function of the user's (logitsProcessor, stoppingCriteria) that failed, or gave what it may not. Ends its output alone. */
export class CallbackError extends ForetokenError {
  override name = "CallbackError";

  static of(name: string, cause: unknown): CallbackError {
    const message = cause instanceof Error ? cause.message || cause.name : String(cause);
    return new CallbackError(`${name} failed: ${message}`, { cause });
  }
}

/** More rows than a sequence's cache can hold. */
export class ContextOverflowError extends ForetokenError {
  override name = "ContextOverflowError";
}

/** The nearest of `known` to `word` by edit distance, or undefined when none is near. For "did you mean". */
export function nearest(given: string, known: readonly string[]): string | undefined {
  const word = String(given);
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.ceil(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    previous = row;
  }
  return previous[b.length];
}
