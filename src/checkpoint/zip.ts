import type { FileHandle } from "node:fs/promises";
import { CheckpointError } from "../types/errors.js";

/** A file inside an archive that is stored, not compressed: it can be read in place. */
export interface ZipEntry {
  /** Offset of its first byte in the archive. */
  start: number;
  size: number;
}

/** End-of-central-directory record: 22 bytes and a comment of at most 65535. */
const END_BYTES = 22;
const END_SEARCH = END_BYTES + 65_535;
const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const MAX_DIRECTORY = 64 << 20;

/** The directory of a zip archive. @throws CheckpointError for damage, compression, or more than 4 GiB */
export async function readZipDirectory(file: FileHandle, path: string): Promise<Map<string, ZipEntry>> {
  const damaged = (what: string) =>
    new CheckpointError(`${path}: ${what}: it is truncated or damaged, download it again`);
  const { size } = await file.stat();
  const tail = await bytesAt(file, Math.max(0, size - END_SEARCH), Math.min(size, END_SEARCH));
  let end = tail.length - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END_SIGNATURE) end--;
  if (end < 0) throw damaged("no zip archive (PyTorch files since version 1.6 are)");
  const count = tail.value.getUint16(end + 10, true);
  const length = tail.getUint32(end + 12, true);
  const start = tail.getUint32(end + 16, true);
  if (start === 0xffffffff || count === 0xffff) {
    throw new CheckpointError(`${path} is a zip archive of more than 4 GiB, which is not read: save it as safetensors`);
  }
  if (length > MAX_DIRECTORY || start + length > size) throw damaged("its directory lies outside the file");
  const directory = await bytesAt(file, start, length);
  const entries = new Map<string, ZipEntry>();
  for (let at = 0, i = 0; i < count; i++) {
    if (at + 46 > directory.length || directory.getUint32(at, true) !== ENTRY_SIGNATURE)
      throw damaged("its directory ends early");
    const [method, stored, bytes] = [
      directory.value.getUint16(at + 10, true),
      directory.getUint32(at + 20, true),
      directory.getUint32(at + 24, true),
    ];
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => directory.value.getUint16(at + offset, true));
    const name = directory.text(at + 46, nameLength);
    const local = await bytesAt(file, directory.getUint32(at + 42, true), 30);
    if (local.length < 30 || local.getUint32(0, true) !== LOCAL_SIGNATURE)
      throw damaged(`the entry ${name} is missing`);
    if (method !== 0 || stored !== bytes) {
      throw new CheckpointError(
        `${path}: the entry ${name} is compressed, PyTorch stores them as they are: save it again`,
      );
    }
    const first =
      directory.getUint32(at + 42, true) + 30 + local.value.getUint16(26, true) + local.value.getUint16(28, true);
    if (first + bytes > size) throw damaged(`the entry ${name} ends beyond the file`);
    entries.set(name, { start: first, size: bytes });
    at += 46 + nameLength + extra + comment;
  }
  return entries;
}

/** Some bytes of a file, fewer at its end. */
async function bytesAt(file: FileHandle, position: number, length: number) {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  const value = new DataView(buffer.buffer, buffer.byteOffset, bytesRead);
  return {
    value,
    length: bytesRead,
    getUint32: (at: number, little: boolean) => value.getUint32(at, little),
    text: (at: number, count: number) => buffer.toString("utf8", at, at + count),
  };
}
