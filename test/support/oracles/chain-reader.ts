import { type CausalLM, Need, type PassResult } from "../../../src/index.js";
import type { TokenId } from "../../../src/types/token.js";

/**
 * Reads a text as a plain chain and looks at its last row: no tree, no mask, no branch. Consecutive texts share the rows
 * of their common beginning, which changes nothing: test/conversion/cache.test.ts.
 */
export class ChainReader {
  private held: TokenId[] = [];
  private readonly sequence;

  constructor(private readonly model: CausalLM) {
    this.sequence = model.newSequence();
  }

  /** The `count` likeliest tokens after a text, likeliest first; the lowest id wins ties. */
  async likeliest(text: readonly TokenId[], count: number): Promise<TokenId[]> {
    const { vocabLimit } = this.model;
    const logits = await this.last(text, Need.logits, (result, row) => result.logits(row).slice(0, vocabLimit));
    const found: TokenId[] = [];
    while (found.length < count) {
      const best = logits.indexOf(Math.max(...logits));
      found.push(best);
      logits[best] = Number.NEGATIVE_INFINITY;
    }
    return found;
  }

  /** The hidden state of a text's last token. */
  hidden(text: readonly TokenId[]): Promise<Float32Array> {
    return this.last(text, Need.hidden, (result, row) => result.hidden(row).slice());
  }

  private async last<T>(text: readonly TokenId[], need: number, read: (result: PassResult, row: number) => T) {
    let same = 0;
    while (same < text.length - 1 && this.held[same] === text[same]) same++;
    this.sequence.rollback(same);
    const tokens = text.slice(same);
    const row = tokens.length - 1;
    const needs = tokens.map((_, i) => (i === row ? need : Need.nothing));
    const value = await this.model.forward([{ sequence: this.sequence, tokens, needs }], (result) => read(result, row));
    this.sequence.commit(tokens.map((_, i) => i));
    this.held = [...text];
    return value;
  }
}
