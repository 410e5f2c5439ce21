import type { SingleBar } from "cli-progress";
import type { CalibrateProgress } from "../index.js";
import { progressBar } from "./terminal.js";

/** Calibration on standard error: a bar for the text and one for the layers on a terminal, else a line when each begins. */
export class CalibrateBars {
  private bar: SingleBar | undefined;
  private stage: CalibrateProgress["stage"] | undefined;

  /** @param quiet nothing at all is shown */
  constructor(private readonly quiet: boolean) {}

  show(progress: CalibrateProgress): void {
    if (this.quiet) return;
    const text = progress.stage === "text";
    const [done, all] = text ? [progress.tokens, progress.most] : [progress.layer, progress.layers];
    const unit = text ? "tokens of text" : "layers";
    if (progress.stage !== this.stage) {
      this.end();
      this.stage = progress.stage;
      if (process.stderr.isTTY) this.start(unit, all);
      else process.stderr.write(`${text ? "taking" : "rounding"} ${all} ${unit}\n`);
    }
    this.bar?.update(done);
  }

  end(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  private start(unit: string, all: number): void {
    const format = `calibrating [{bar}] {value}/{total} ${unit} | {eta_formatted} left`;
    this.bar = progressBar(format);
    this.bar.start(all, 0);
  }
}
