import type { FileHandle } from "node:fs/promises";

/** One write takes at most 2 GiB. */
const MOST_BYTES = 1 << 30;

/**
 * Writes all of `bytes` at `position`. A single write may take less than it is given, without an error: at a quota, a
 * limit of file size, the end of the disk. The next one then says why.
 */
export async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const most = Math.min(bytes.length - done, MOST_BYTES);
    const { bytesWritten } = await file.write(bytes, done, most, position + done);
    done += bytesWritten;
  }
}
