import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { CheckpointError } from "../types/errors.js";
import { escaped } from "../types/shown.js";

/** How the file begins that git leaves in place of a large one. */
const LFS_POINTER = "version https://git-lfs";
/** Git LFS's own limit: a longer file is no pointer. */
const LFS_POINTER_BYTES = 1024;

/**
 * Opens a file for reading. Pipes and devices are refused without waiting for whoever should write to them; a pointer
 * that Git LFS left in place of the file is named as such.
 * @throws CheckpointError naming the file
 */
export async function openRegular(path: string): Promise<FileHandle> {
  let file: FileHandle;
  try {
    // A pipe opens at once without a writer.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    await check(file, path, await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error instanceof CheckpointError ? error : unreadable(path, error);
  }
}

async function check(file: FileHandle, path: string, info: Stats): Promise<void> {
  if (info.isDirectory()) throw new CheckpointError(`${escaped(path)} cannot be read (EISDIR): a folder stands there`);
  if (!info.isFile()) {
    throw new CheckpointError(`${escaped(path)} cannot be read: it is a pipe or a device, expected a regular file`);
  }
  if (info.size >= LFS_POINTER_BYTES) return;
  const { buffer } = await file.read(Buffer.alloc(LFS_POINTER.length), 0, LFS_POINTER.length, 0);
  if (buffer.toString("latin1") !== LFS_POINTER) return;
  throw new CheckpointError(`${escaped(path)} is a Git LFS pointer, expected the file itself: run git lfs pull`);
}

/** The whole of a file of at most `limit` bytes as text. @throws CheckpointError naming the file */
export async function readText(path: string, limit: number): Promise<string> {
  const file = await openRegular(path);
  try {
    const { size } = await file.stat();
    if (size > limit) {
      throw new CheckpointError(
        `${escaped(path)} has ${size} bytes, at most ${limit} are read: is it the right file? Download it again`,
      );
    }
    const bytes = Buffer.alloc(size);
    await readFully(file, bytes, 0);
    return bytes.toString("utf8");
  } catch (error) {
    throw error instanceof CheckpointError ? error : unreadable(path, error);
  } finally {
    await file.close();
  }
}

/** Fills `bytes`: a single read may return less than asked for, at most 2 GiB on Linux. */
export async function readFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw new Error("the file ends early");
    done += bytesRead;
  }
}

/** A file system's error as a CheckpointError. */
export function unreadable(path: string, error: unknown): CheckpointError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") {
    return new CheckpointError(`${escaped(path)} does not exist: is this a Hugging Face checkpoint directory?`);
  }
  return new CheckpointError(
    `${escaped(path)} cannot be read (${code ?? escaped(message)}): check the file and its permissions`,
  );
}
