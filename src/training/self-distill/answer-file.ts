import { existsSync } from "node:fs";
import { type FileHandle, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { readFully } from "../../files/regular-file.js";
import { writeFully } from "../../files/write-fully.js";
import { ForetokenError, UsageError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";

/** Bytes that are read at once in search of the last line. */
const CHUNK = 1 << 16;

/** Lines of JSON that grow at the end alone, so that whatever ends the process leaves whole lines, and at most part of one more. */
export class AnswerFile {
  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    private end: number,
    /** The id of the last line that was there before, -1 for none. */
    readonly lastId: number,
  ) {}

  /**
   * @param run what is being written, as a text: a file that is resumed must be of the same. It is kept beside the file until `finish`
   * @throws UsageError where there are answers already, or of another run; ForetokenError where it cannot be written
   */
  static async open(path: string, run: string, resume: boolean): Promise<AnswerFile> {
    const there = existsSync(path);
    const note = await readFile(notePath(path), "utf8").catch(() => undefined);
    if (there && note === undefined)
      throw new UsageError(`${escaped(path)} is there and complete: choose another output`);
    if (there && !resume)
      throw new UsageError(`${escaped(path)} holds answers already: resume, or choose another output`);
    if (there && note !== run) {
      throw new UsageError(
        `${escaped(path)} was begun with other options, prompts or model: resume with the same, or choose another output`,
      );
    }
    try {
      if (!there) {
        await writeFile(`${notePath(path)}.tmp`, run, { flush: true });
        await rename(`${notePath(path)}.tmp`, notePath(path));
      }
      const file = await open(path, there ? "r+" : "wx");
      const { end, line } = there ? await lastLine(file) : { end: 0, line: undefined };
      await file.truncate(end);
      return new AnswerFile(path, file, end, idOf(line, path));
    } catch (error) {
      throw error instanceof ForetokenError ? error : unwritable(path, error);
    }
  }

  /** Appends lines; they are on the disk when the promise settles. @throws ForetokenError where the disk is full */
  async append(lines: readonly object[]): Promise<void> {
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    try {
      await writeFully(this.file, bytes, this.end);
      await this.file.datasync();
    } catch (error) {
      throw unwritable(this.path, error);
    }
    this.end += bytes.length;
  }

  /** Says that nothing is left to do. */
  async finish(): Promise<void> {
    await rm(notePath(this.path), { force: true });
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

const notePath = (path: string) => `${path}.run`;

function unwritable(path: string, error: unknown): ForetokenError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new ForetokenError(
    `${escaped(path)} cannot be written (${code ?? escaped(message)}): free some space or choose another output; what was written is kept, resume goes on`,
  );
}

/** The last whole line, and where it ends. */
async function lastLine(file: FileHandle): Promise<{ end: number; line?: string }> {
  let from = (await file.stat()).size;
  let tail: Buffer = Buffer.alloc(0);
  while (from > 0) {
    const part = Buffer.alloc(Math.min(from, CHUNK));
    from -= part.length;
    await readFully(file, part, from);
    tail = Buffer.concat([part, tail]);
    const end = tail.lastIndexOf("\n");
    if (end < 0) continue;
    const begin = end === 0 ? -1 : tail.lastIndexOf("\n", end - 1);
    if (begin >= 0 || from === 0) return { end: from + end + 1, line: tail.toString("utf8", begin + 1, end) };
  }
  return { end: 0 };
}

function idOf(line: string | undefined, path: string): number {
  if (line === undefined) return -1;
  try {
    const { id } = JSON.parse(line);
    if (Number.isInteger(id)) return id;
  } catch {
    // Said below.
  }
  throw new UsageError(`${escaped(path)} ends with a line that is no answer: choose another output`);
}
