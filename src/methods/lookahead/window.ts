import type { TokenId } from "../../types/token.js";

/** Rows of the window in a pass. Parents: -1 is the input token, others count the window's own rows. */
export interface WindowRows {
  tokens: TokenId[];
  parents: number[];
  /** The rows whose predictions `advance` wants, in its order; -1 is the input's. */
  read: number[];
}

/**
 * The lookahead branch (Fu et al. 2024): levels of guessed tokens, each a Jacobi iteration of the one before. Level l's
 * column r is guessed for the place l + r after the input; it sees level 0 up to column r and column r of the levels
 * between. Column 0 of level 0 is the input itself, which is not stored.
 */
export class LookaheadWindow {
  private levels: TokenId[][];

  /**
   * @param width W, columns
   * @param ngram N, levels + 1
   * @param start the first guesses of level 0: W + N - 3 tokens, whatever they are
   */
  constructor(
    private width: number,
    private ngram: number,
    start: (column: number) => TokenId,
  ) {
    this.levels = [Array.from({ length: width + ngram - 3 }, (_, column) => start(column))];
  }

  /** Numbers of tokens in the levels, for tests. */
  get sizes(): number[] {
    return this.levels.map((level) => level.length);
  }

  rows(): WindowRows {
    const tokens: TokenId[] = [];
    const parents: number[] = [];
    // Row of each column in the level above; level 0 begins with the input.
    let above: number[] = [];
    for (const [l, level] of this.levels.entries()) {
      const rows = level.map((token, i) => {
        parents.push(l > 0 ? above[i] : tokens.length - 1);
        return tokens.push(token) - 1;
      });
      above = l === 0 ? [-1, ...rows] : rows;
    }
    return { tokens, parents, read: this.warmingUp && this.levels.length === 1 ? above.slice(1) : above };
  }

  /** Whether the levels are still being filled: then `advance` gives no n-grams. */
  get warmingUp(): boolean {
    return this.levels.length < this.ngram - 1;
  }

  /**
   * Takes the predictions of the last level's rows and moves one place on. Returns the new n-grams: what may follow the
   * token of each column of level 0.
   */
  advance(input: TokenId, predicted: readonly TokenId[]): { first: TokenId; rest: TokenId[] }[] {
    const { levels } = this;
    if (this.warmingUp) {
      const next = levels.length === 1 ? [...predicted] : predicted.slice(1);
      this.levels = [...levels.map((level) => level.slice(1)), next];
      return [];
    }
    const firsts = [input, ...levels[0]];
    const ngrams = predicted.map((token, i) => ({
      first: firsts[i],
      rest: [...levels.slice(1).map((level) => level[i]), token],
    }));
    const [second = [...predicted], ...later] = levels.slice(1);
    this.levels = levels.length === 1 ? [second.slice(1)] : [second.slice(1), ...later, [...predicted]];
    return ngrams;
  }

  /** Makes the window another size; while it is filling up, nothing. What is missing is copied: any guesses do. */
  resize(width: number, ngram: number): void {
    if (this.warmingUp || (width === this.width && ngram === this.ngram)) return;
    this.width = width;
    this.ngram = ngram;
    const { levels } = this;
    this.levels = Array.from({ length: ngram - 1 }, (_, l) => {
      const known = levels[Math.min(l, levels.length - 1)];
      const size = l === 0 ? width - 1 : width;
      // Of bigrams with one column nothing is left to copy.
      return Array.from({ length: size }, (_, i) => known[i % known.length] ?? 0);
    });
  }

  copy(): LookaheadWindow {
    const copy = new LookaheadWindow(this.width, this.ngram, () => 0);
    copy.levels = this.levels.map((level) => [...level]);
    return copy;
  }
}
