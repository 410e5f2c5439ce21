/** Steps between decisions. */
const PERIOD = 16;
/** Fewer accepted tokens a step than this are not worth their rows; more than the second deserve more of them. */
const POOR = 0.15;
const GOOD = 0.4;
/** Halvings at most; from then on the window runs in every fourth step only. */
const SMALLEST = 3;

export interface WindowSize {
  /** W. */
  windowSize: number;
  /** N. */
  ngramSize: number;
  /** G. */
  guessSize: number;
}

/**
 * How many rows lookahead spends in a step. Adaptive: W and G halve while few guesses are accepted and double again while
 * many are; N becomes shorter while no guess is accepted to its end, and longer again when some are.
 */
export class WindowBudget {
  private halvings = 0;
  private ngram: number;
  private step = 0;
  private accepted = 0;
  private deepest = 0;

  constructor(
    private readonly most: WindowSize,
    private readonly adaptive: boolean,
  ) {
    this.ngram = most.ngramSize;
  }

  get size(): WindowSize {
    const part = (whole: number) => Math.max(1, Math.ceil(whole / 2 ** this.halvings));
    return {
      windowSize: part(this.most.windowSize),
      ngramSize: this.ngram,
      guessSize: part(this.most.guessSize),
    };
  }

  get runsWindow(): boolean {
    return this.halvings < SMALLEST || this.step % 4 === 0;
  }

  /** @param accepted guessed tokens that were right in the step */
  observe(accepted: number): void {
    this.step++;
    this.accepted += accepted;
    this.deepest = Math.max(this.deepest, accepted);
    if (!this.adaptive || this.step % PERIOD !== 0) return;
    const mean = this.accepted / PERIOD;
    if (mean < POOR) this.halvings = Math.min(SMALLEST, this.halvings + 1);
    else if (mean > GOOD) this.halvings = Math.max(0, this.halvings - 1);
    const least = Math.min(3, this.most.ngramSize);
    if (this.deepest < this.ngram - 1) this.ngram = Math.max(least, this.ngram - 1);
    else this.ngram = Math.min(this.most.ngramSize, this.ngram + 1);
    this.accepted = 0;
    this.deepest = 0;
  }

  copy(): WindowBudget {
    const copy = new WindowBudget(this.most, this.adaptive);
    return Object.assign(copy, this);
  }
}
