import type { TokenId } from "../types/token.js";
import type { CausalLM } from "./causal-lm.js";
import type { PassResult } from "./rows.js";

/** Rows of a pass unless the caller says otherwise. Rows do not depend on it. */
const CHUNK = 64;

/**
 * Reads a text from its beginning, once, and shows its rows in order.
 * @param need flags of Need for the row that reads the token at a place
 * @param visit is given the pass, the row in it and the row's place in the text; rows are valid inside the call only
 */
export async function readText(
  model: CausalLM,
  tokens: readonly TokenId[],
  need: (place: number) => number,
  visit: (result: PassResult, row: number, place: number) => void,
  options: { k?: number; chunk?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const { chunk = CHUNK, ...pass } = options;
  using sequence = model.newSequence();
  for (let start = 0; start < tokens.length; start += chunk) {
    const part = tokens.slice(start, start + chunk);
    const needs = part.map((_, row) => need(start + row));
    await model.forward(
      [{ sequence, tokens: part, needs }],
      (result) => {
        for (let row = 0; row < part.length; row++) visit(result, row, start + row);
      },
      pass,
    );
    sequence.commit(part.map((_, row) => row));
  }
}
