import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { ForetokenError } from "../types/errors.js";
import { escaped } from "../types/shown.js";
import { writeFully } from "./write-fully.js";

/** A file that is written piece by piece and appears whole, at the end, by a rename, or not at all. */
export class WholeFile {
  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
  ) {}

  /** @throws ForetokenError where the disk refuses, as all that follows */
  static async create(path: string): Promise<WholeFile> {
    const temporary = `${path}.tmp-${process.pid}`;
    try {
      return new WholeFile(path, temporary, await open(temporary, "w"));
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /** Writes bytes at a place of the file. */
  write(bytes: Uint8Array, at: number): Promise<void> {
    return this.orDiscard(() => writeFully(this.file, bytes, at));
  }

  /** Puts the file in its place. */
  finish(): Promise<void> {
    return this.orDiscard(async () => {
      await this.file.sync();
      await this.file.close();
      await rename(this.temporary, this.path);
    });
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    await this.file.close().catch(() => {});
    await rm(this.temporary, { force: true });
  }

  private async orDiscard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await this.discard();
      throw unwritable(this.path, error);
    }
  }
}

function unwritable(path: string, error: unknown): ForetokenError {
  if (error instanceof ForetokenError) return error;
  const { code } = error as NodeJS.ErrnoException;
  return new ForetokenError(`${escaped(path)} cannot be written (${code}): free some space or choose another place`);
}
