import { Presets, SingleBar } from "cli-progress";
import type { EagleProgress, EagleTraining, MedusaProgress, MedusaTraining } from "../../index.js";
import { table } from "../terminal.js";

/** Tokens between lines about reading where there is no terminal to show a bar on. */
const LINE_TOKENS = 100_000;

/** Training on standard error: a bar with loss, rate and time left on a terminal, else a line for each validation. */
export class TrainingProgress {
  private readonly bar = new SingleBar(
    {
      format: "training [{bar}] {value}/{total} steps | loss {loss} | {rate} tokens/s | {eta_formatted} left",
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      etaBuffer: 50,
    },
    Presets.shades_classic,
  );
  private started = false;
  private told = 0;

  /** @param quiet nothing at all is shown */
  constructor(private readonly quiet: boolean) {}

  show(event: MedusaProgress | EagleProgress): void {
    if (this.quiet) return;
    if (event.stage === "reading") this.reading(event.tokens);
    else if (event.stage === "validation") this.validation(event);
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

  private validation({
    step,
    steps,
    losses,
    accuracies,
    tokensPerPass,
  }: (MedusaProgress | EagleProgress) & { stage: "validation" }): void {
    const list = (values: number[], digits: number) => values.map((value) => value.toFixed(digits)).join(" ");
    const first = accuracies.map(([top]) => top);
    const line = `step ${step}/${steps}: loss ${list(losses, 3)} | top-1 ${list(first, 3)} | ${tokensPerPass.toFixed(2)} tokens per pass`;
    // Over the bar, which the next step draws again.
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}\n` : `${line}\n`);
  }
}

/** The heads before and after training. */
export function accuracyTable({ directory, before, after }: MedusaTraining): string {
  const rows = after.accuracies.map((ranks, head) => [
    String(head + 1),
    after.losses[head].toFixed(3),
    before.accuracies[head][0].toFixed(3),
    ranks[0].toFixed(3),
    ranks
      .slice(0, 5)
      .reduce((sum, rate) => sum + rate, 0)
      .toFixed(3),
  ]);
  const gain = `${before.tokensPerPass.toFixed(2)} before, ${after.tokensPerPass.toFixed(2)} after`;
  return `${table([["head", "loss", "top-1 before", "top-1", "top-5"], ...rows])}\nExpected tokens per pass, best tree of 8 nodes: ${gain}.\nWritten to ${directory}\n`;
}

/** An EAGLE-3 layer before and after training. */
export function stepTable({ directory, before, after }: EagleTraining): string {
  const rows = after.accuracies.map(([first], step) => [
    String(step + 1),
    after.losses[step].toFixed(3),
    before.accuracies[step][0].toFixed(3),
    first.toFixed(3),
    after.overlaps[step].toFixed(3),
  ]);
  const gain = (name: "chainTokensPerPass" | "tokensPerPass") =>
    `${before[name].toFixed(2)} before, ${after[name].toFixed(2)} after`;
  return [
    table([["step", "loss", "top-1 before", "top-1", "1 - total variation"], ...rows]),
    `Expected tokens per pass, greedy chain of ${rows.length}: ${gain("chainTokensPerPass")}.`,
    `Best tree of 8 nodes: ${gain("tokensPerPass")}.`,
    `Written to ${directory}`,
    "",
  ].join("\n");
}
