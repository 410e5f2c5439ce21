import type { SelfDistillation, SelfDistillProgress } from "../../index.js";
import { progressBar } from "../terminal.js";

/** Milliseconds between lines where there is no terminal to show a bar on. */
const LINE_MS = 30_000;

/** Self-distillation on standard error: a bar with rate and time left on a terminal, else a line every half minute. */
export class DistillProgress {
  private readonly bar = progressBar(
    "answering [{bar}] {value}/{total} prompts | {rate} tokens/s | {eta_formatted} left",
    { etaBuffer: 100 },
  );
  private started = false;
  private told = Date.now();

  /** @param quiet nothing at all is shown */
  constructor(
    private readonly total: number,
    private readonly quiet: boolean,
  ) {}

  show({ prompts, tokens, tokensPerSecond }: SelfDistillProgress): void {
    if (this.quiet) return;
    const rate = tokensPerSecond.toFixed(0);
    if (process.stderr.isTTY) {
      if (!this.started) this.bar.start(this.total, prompts, { rate });
      this.started = true;
      this.bar.update(prompts, { rate });
    } else if (Date.now() - this.told > LINE_MS) {
      this.told = Date.now();
      process.stderr.write(`${prompts} of ${this.total} prompts, ${tokens} tokens, ${rate} tokens/s\n`);
    }
  }

  end(): void {
    if (this.started) this.bar.stop();
    this.started = false;
  }

  summary({ output, answers, tokens, seconds }: SelfDistillation): string {
    const rate = (tokens / Math.max(seconds, 1e-3)).toFixed(0);
    return `${answers} answers of ${tokens} tokens in ${seconds.toFixed(0)} s (${rate} tokens/s). Written to ${output}\n`;
  }
}
