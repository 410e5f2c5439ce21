import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";

/** Bytes that one checksum covers. */
const BLOCK = 4 << 20;

/** The CRC-32 of each block of 4 MiB of a file; the last one may be shorter. */
export async function blockChecksums(path: string): Promise<number[]> {
  const file = await open(path, "r");
  try {
    const block = Buffer.allocUnsafe(BLOCK);
    const sums: number[] = [];
    for (let position = 0; ; position += BLOCK) {
      let length = 0;
      while (length < BLOCK) {
        const { bytesRead } = await file.read(block, length, BLOCK - length, position + length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      if (length > 0) sums.push(crc32(block.subarray(0, length)));
      if (length < BLOCK) return sums;
    }
  } finally {
    await file.close();
  }
}
