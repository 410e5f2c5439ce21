import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readJsonIfPresent } from "../../files/json.js";
import { ForetokenError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";

const NOTE = "rows.json";

/** The note of a cache that was finished and is of this key. */
export async function readNote<Note extends { key: string }>(
  directory: string,
  key: string,
): Promise<Note | undefined> {
  const note = (await readJsonIfPresent(join(directory, NOTE))) as unknown as Note | undefined;
  return note?.key === key ? note : undefined;
}

/** The note appears last, and whole. */
export async function writeNote(directory: string, note: { key: string }): Promise<void> {
  const path = join(directory, NOTE);
  try {
    await writeFile(`${path}.tmp`, JSON.stringify(note), { flush: true });
    await rename(`${path}.tmp`, path);
  } catch (error) {
    throw new ForetokenError(`${escaped(path)} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}
