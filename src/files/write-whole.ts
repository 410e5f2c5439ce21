import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { ForetokenError } from "../types/errors.js";
import { escaped } from "../types/shown.js";

/**
 * Writes a file that appears whole, by a rename, or not at all.
 * @throws ForetokenError where the disk refuses; what `write` throws of its own
 */
export async function writeWhole(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    const file = await open(temporary, "w");
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof ForetokenError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new ForetokenError(`${escaped(path)} cannot be written (${code}): free some space or choose another place`);
  }
}
