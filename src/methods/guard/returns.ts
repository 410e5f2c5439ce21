/** Weight of what was before in the running sums. */
const MEMORY = 0.98;
/** Steps before proposals are judged. */
const ENOUGH = 16;
/** What was learned long ago counts at most for so many plain passes when it is tried again. */
const OLD = 2;

/** What steps with proposals give whose candidates' chances are known. */
export class Returns {
  private tokens = 0;
  private passes = 0;
  private steps = 0;

  /** Told of every step that was proposed in, whatever was left of the proposal: tokens expected, and its time in plain passes. */
  step(tokens: number, passes: number): void {
    this.tokens = MEMORY * this.tokens + tokens;
    this.passes = MEMORY * this.passes + passes;
    this.steps++;
  }

  /** Tokens in the time of a plain pass; undefined before enough was seen. */
  get gain(): number | undefined {
    return this.steps < ENOUGH ? undefined : this.tokens / this.passes;
  }

  /** Told before a step that proposes though it was not worth it: what it shows may turn the judgement. */
  tryAgain(): void {
    const share = Math.min(1, OLD / this.passes);
    this.tokens *= share;
    this.passes *= share;
  }
}
