/** Weight of what was before in the running sums. */
const MEMORY = 0.98;
/** Steps before proposals are judged. */
const ENOUGH = 16;
/** What is thought of chances before anything was seen: worth so many tokens of experience, of which so many came true. */
const [PROMISED, TRUE] = [8, 6.4];

/** What proposals bring that tell how likely their candidates are: how far that is true, and what steps with them give. */
export class Returns {
  private promised = PROMISED;
  private right = TRUE;
  private tokens = 0;
  private ms = 0;
  private steps = 0;

  /** Of one token that chances promise, how much comes true. */
  get trust(): number {
    return this.right / this.promised;
  }

  /** @param promised the sum of a proposal's chances, @param right how many of its levels came true */
  settle(promised: number, right: number): void {
    this.promised = MEMORY * this.promised + promised;
    this.right = MEMORY * this.right + right;
  }

  /** Told of every step that was proposed in, whatever was left of the proposal: tokens expected, and its time with drafting. */
  step(tokens: number, ms: number): void {
    this.tokens = MEMORY * this.tokens + tokens;
    this.ms = MEMORY * this.ms + ms;
    this.steps++;
  }

  /** Whether such steps give more than `rate` tokens a millisecond, as far as is known. */
  beats(rate: number): boolean {
    return this.steps < ENOUGH || this.tokens > rate * this.ms;
  }

  /** Judges anew, from the next steps. */
  tryAgain(): void {
    this.tokens = 0;
    this.ms = 0;
    this.steps = 0;
  }
}
