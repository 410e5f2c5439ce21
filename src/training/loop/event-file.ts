import { join } from "node:path";
import { eventRecord, fileVersion } from "../../formats/tensorboard/events.js";
import { type LogEntry, quantitiesOf } from "./curves.js";

/** A training's log as TensorBoard reads it: scalars such as training/loss and validation/accuracies_1. */
export class EventFile {
  readonly path: string;
  private unwritten: Uint8Array[];

  /** @param step what earlier files of the folder say of later steps does not count: they will come again */
  constructor(output: string, step: number) {
    const seconds = Date.now() / 1000;
    // Names are read in their order; TensorBoard knows them by "tfevents".
    this.path = join(output, `events.out.tfevents.${Math.floor(seconds)}.foretoken.${process.pid}`);
    const from = step === 0 ? 0 : step + 1;
    this.unwritten = [fileVersion(seconds), eventRecord({ seconds, step: from, begin: true })];
  }

  note(entry: LogEntry, seconds: number): void {
    const scalars: Record<string, number> = {};
    for (const { field, values } of quantitiesOf(entry)) {
      const name = `${entry.stage}/${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
      for (const [i, value] of values.entries()) scalars[values.length === 1 ? name : `${name}_${i + 1}`] = value;
    }
    this.unwritten.push(eventRecord({ seconds, step: entry.step, scalars }));
  }

  /** What was noted since the last time, to be put at the file's end. */
  take(): Uint8Array {
    const bytes = Buffer.concat(this.unwritten);
    this.unwritten = [];
    return bytes;
  }
}
