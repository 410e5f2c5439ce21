import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readJsonIfPresent } from "../../files/json.js";
import { ForetokenError, UsageError } from "../../types/errors.js";
import type { TrainingExamples } from "../training-example.js";

/**
 * Keeps what a training is of in its work folder; one that is resumed must be of the same.
 * @throws UsageError where it is of other data; ForetokenError where it cannot be written
 */
export async function assertSameData(
  work: string,
  { fingerprint }: Pick<TrainingExamples, "fingerprint">,
  resume: boolean,
): Promise<void> {
  const path = join(work, "data.json");
  const before = resume ? await readJsonIfPresent(path) : undefined;
  if (before && before.fingerprint !== fingerprint) {
    throw new UsageError(
      "the data, or how it is read, has changed since this training began: resume with what it began with, or choose another output",
    );
  }
  if (before) return;
  try {
    await writeFile(path, JSON.stringify({ fingerprint }), { flush: true });
  } catch (error) {
    throw new ForetokenError(`${path} cannot be written (${(error as NodeJS.ErrnoException).code}): free some space`);
  }
}
