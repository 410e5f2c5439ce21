import type { LoopProgress } from "../../training/loop/loop-options.js";
import { progressBar } from "../terminal.js";

/** Tokens between lines about reading where there is no terminal to show a bar on. */
const LINE_TOKENS = 100_000;

/** Training on standard error: a bar with loss, rate and time left on a terminal, else a line for each validation. */
export class TrainingProgress<Measure> {
  private readonly bar = progressBar(
    "training [{bar}] {value}/{total} steps | loss {loss} | {rate} tokens/s | {eta_formatted} left",
    { etaBuffer: 50 },
  );
  private started = false;
  private told = 0;

  /**
   * @param quiet nothing at all is shown
   * @param describe a validation on one line
   */
  constructor(
    private readonly quiet: boolean,
    private readonly describe: (measure: Measure) => string,
  ) {}

  show(event: { stage: "reading"; tokens: number } | LoopProgress<Measure>): void {
    if (this.quiet) return;
    if (event.stage === "reading") this.reading(event.tokens);
    else if (event.stage === "validation") this.validation(event, event);
    else if (process.stderr.isTTY) {
      if (!this.started) this.bar.start(event.steps, event.step);
      this.started = true;
      this.bar.update(event.step, { loss: event.loss.toFixed(3), rate: event.tokensPerSecond.toFixed(0) });
    }
  }

  end(): void {
    if (this.started) this.bar.stop();
    this.started = false;
  }

  private reading(tokens: number): void {
    if (process.stderr.isTTY) process.stderr.write(`\rhidden states of ${tokens} tokens`);
    else if (tokens - this.told >= LINE_TOKENS) {
      this.told = tokens;
      process.stderr.write(`hidden states of ${tokens} tokens\n`);
    }
  }

  private validation({ step, steps }: { step: number; steps: number }, measure: Measure): void {
    const line = `step ${step}/${steps}: ${this.describe(measure)}`;
    // Over the bar, which the next step draws again.
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}\n` : `${line}\n`);
  }
}
