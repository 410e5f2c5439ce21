/** Steps between decisions. */
const PERIOD = 16;
/** Fewer accepted tokens a step than this are not worth their rows; more than the second deserve all of them. */
const POOR = 0.15;
const GOOD = 0.4;

/**
 * How much of lookahead's rows a step spends. Adaptive: when few guesses are accepted the window runs in every second,
 * fourth, eighth step only, with fewer guesses; when many are, in every step again.
 */
export class WindowBudget {
  guesses: number;
  private every = 1;
  private step = 0;
  private accepted = 0;

  constructor(private readonly options: { guessSize: number; adaptive: boolean }) {
    this.guesses = options.guessSize;
  }

  get runsWindow(): boolean {
    return this.step % this.every === 0;
  }

  observe(accepted: number): void {
    this.step++;
    this.accepted += accepted;
    if (!this.options.adaptive || this.step % PERIOD !== 0) return;
    const mean = this.accepted / PERIOD;
    this.accepted = 0;
    if (mean < POOR) this.set(2 * this.every);
    else if (mean > GOOD) this.set(1);
  }

  copy(): WindowBudget {
    const copy = new WindowBudget(this.options);
    copy.set(this.every);
    return copy;
  }

  private set(every: number): void {
    this.every = Math.min(8, every);
    this.guesses = Math.max(1, Math.ceil(this.options.guessSize / this.every));
  }
}
