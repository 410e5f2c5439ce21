import { UsageError } from "../types/errors.js";
import type { TrainingExample } from "./training-example.js";

/** Pieces of an example of at most `length` tokens. @throws UsageError for what are no token ids */
export function* pieces(
  { tokens, lossMask }: TrainingExample,
  length: number,
  limit: number,
): Iterable<TrainingExample> {
  if (lossMask && lossMask.length !== tokens.length) {
    throw new UsageError(`an example has ${tokens.length} tokens and a lossMask of ${lossMask.length}: one for each`);
  }
  const wrong = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= limit);
  if (wrong !== undefined)
    throw new UsageError(`token id ${wrong} of an example is outside the vocabulary of ${limit}`);
  for (let from = 0; from < tokens.length; from += length) {
    const to = from + length;
    yield { tokens: tokens.slice(from, to), ...(lossMask && { lossMask: lossMask.slice(from, to) }) };
  }
}
