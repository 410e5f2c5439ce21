import type { TokenId } from "../types/token.js";
import type { CausalLM } from "./causal-lm.js";
import { readText } from "./read-text.js";
import type { PassResult } from "./rows.js";

/**
 * Rows of a pass: passes of 256 to 1024 rows have the same tokens per second, within what measurements of a busy machine tell.
 * Texts of 16 tokens gain a third by sharing passes, of 64 a seventh, of 256 nothing (embedded target, best of five).
 */
export const ROWS_OF_PASS = 256;

/** Texts that one pass reads: short ones together, a longer one by itself. */
export class TextGroup<T extends { tokens: readonly TokenId[] }> {
  readonly texts: T[] = [];
  private rows = 0;

  constructor(private readonly model: CausalLM) {}

  /** Whether the text fits beside those that are there. */
  fits({ tokens }: T): boolean {
    if (this.texts.length === 0) return true;
    return this.texts.length < this.model.maxSequences && this.rows + tokens.length <= ROWS_OF_PASS;
  }

  add(text: T): void {
    this.texts.push(text);
    this.rows += text.tokens.length;
  }

  /**
   * Reads the texts, each from its beginning, and empties the group.
   * @param need flags of Need for the row that reads the token at a place of a text
   * @param visit is given the pass, the row, the request that it belongs to, the text and the row's place in it, in the order of
   *   texts and places; rows are valid inside the call only
   */
  async read(
    need: (text: T, place: number) => number,
    visit: (result: PassResult, row: number, request: number, text: T, place: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const texts = this.texts.splice(0);
    const total = this.rows;
    this.rows = 0;
    if (texts.length === 0) return;
    if (total > ROWS_OF_PASS) {
      const [text] = texts;
      const show = (result: PassResult, row: number, place: number) => visit(result, row, 0, text, place);
      return readText(this.model, text.tokens, (place) => need(text, place), show, { chunk: ROWS_OF_PASS, signal });
    }
    const sequences = texts.map(() => this.model.newSequence());
    try {
      const requests = texts.map((text, i) => ({
        sequence: sequences[i],
        tokens: text.tokens,
        needs: text.tokens.map((_, place) => need(text, place)),
      }));
      await this.model.forward(
        requests,
        (result) => {
          for (const [request, text] of texts.entries()) {
            for (let row = 0; row < text.tokens.length; row++) visit(result, row, request, text, row);
          }
        },
        { signal },
      );
    } finally {
      for (const sequence of sequences) sequence.dispose();
    }
  }
}
