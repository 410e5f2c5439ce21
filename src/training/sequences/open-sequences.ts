import { UsageError } from "../../types/errors.js";
import type { SequenceNote } from "./cache-sequences.js";
import { SequenceFile } from "./sequence-file.js";

/** What is trained on, and measured on. */
export interface Sequences extends AsyncDisposable {
  training: SequenceFile;
  validation: SequenceFile;
  /** Before the folder is removed: Windows keeps open files. */
  close(): Promise<void>;
}

/**
 * Opens what cacheSequences wrote.
 * @throws UsageError where there is too little to train or to measure on
 */
export async function openSequences(
  directory: string,
  note: SequenceNote,
  { batchSize, sequenceLength }: { batchSize: number; sequenceLength: number },
): Promise<Sequences> {
  const tooFew = (count: number, what: string, needed: number) =>
    new UsageError(
      `the examples fill ${count} sequences of ${sequenceLength} tokens ${what}, at least ${needed} are needed: give more text`,
    );
  if (note.training < batchSize) throw tooFew(note.training, "to train on", batchSize);
  if (note.validation === 0) throw tooFew(note.validation, "to validate on", 1);
  const training = await SequenceFile.open(directory, "training", note.training);
  const validation = await SequenceFile.open(directory, "validation", note.validation);
  const close = async () => {
    await training.close();
    await validation.close();
  };
  return { training, validation, close, [Symbol.asyncDispose]: close };
}
