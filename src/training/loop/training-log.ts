import { appendFile, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ForetokenError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";
import type { LogEntry } from "./curves.js";
import { curvesPage } from "./curves-page.js";
import { EventFile } from "./event-file.js";

const LINES = "training.jsonl";
/** The page with the curves. */
export const CURVES_PAGE = "training.html";

/**
 * What happened in a training, kept in its output: each step and validation as a line of JSON in training.jsonl, and the
 * curves as a page, training.html, that is drawn anew with each validation; where asked for, also as TensorBoard's events.
 */
export class TrainingLog {
  private unwritten = "";

  private constructor(
    private readonly output: string,
    private readonly entries: LogEntry[],
    private readonly events: EventFile | undefined,
  ) {}

  /**
   * Begins a log, or goes on with one.
   * @param step what came after it is dropped: it will come again
   * @param options.tensorboard whether TensorBoard can read the log too
   */
  static async open(output: string, step = 0, { tensorboard = false } = {}): Promise<TrainingLog> {
    const entries = step === 0 ? [] : (await readEntries(output)).filter((entry) => entry.step <= step);
    const log = new TrainingLog(output, entries, tensorboard ? new EventFile(output, step) : undefined);
    await log.replace(LINES, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    return log;
  }

  note(event: { stage: string; step: number }): void {
    const now = new Date();
    const entry = { ...event, time: now.toISOString() };
    this.events?.note(entry, now.getTime() / 1000);
    this.entries.push(entry);
    this.unwritten += `${JSON.stringify(entry)}\n`;
  }

  /** Writes what was noted, and the page. @throws ForetokenError where the disk is full or refuses */
  async write(): Promise<void> {
    const lines = this.unwritten;
    this.unwritten = "";
    await append(join(this.output, LINES), lines);
    if (this.events) await append(this.events.path, this.events.take());
    await this.replace(CURVES_PAGE, curvesPage(`Training of ${basename(resolve(this.output))}`, this.entries));
  }

  /** The file appears whole. */
  private async replace(name: string, text: string): Promise<void> {
    const path = join(this.output, name);
    try {
      await writeFile(`${path}.tmp`, text);
      await rename(`${path}.tmp`, path);
    } catch (error) {
      await rm(`${path}.tmp`, { force: true }).catch(() => {});
      throw refused(path, error);
    }
  }
}

function append(path: string, what: string | Uint8Array): Promise<void> {
  return appendFile(path, what).catch((error) => {
    throw refused(path, error);
  });
}

/** Whole lines alone: the last may have been cut off. */
async function readEntries(output: string): Promise<LogEntry[]> {
  const text = await readFile(join(output, LINES), "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as LogEntry];
    } catch {
      return [];
    }
  });
}

function refused(path: string, error: unknown): ForetokenError {
  const { code } = error as NodeJS.ErrnoException;
  return new ForetokenError(`the log ${escaped(path)} cannot be written (${code}): free some space, then resume`);
}
