import type { FileHandle } from "node:fs/promises";
import { CheckpointError } from "../../types/errors.js";
import { escaped, shown } from "../../types/shown.js";

/** A file inside an archive that is stored, not compressed: it can be read in place. */
export interface ZipEntry {
  /** Offset of its local header, which its bytes follow. */
  header: number;
  size: number;
  /** Offset of what comes next in the archive: its bytes end there or before. */
  limit: number;
}

/** End-of-central-directory record: 22 bytes and a comment of at most 65535. */
const END_BYTES = 22;
const END_SEARCH = END_BYTES + 65_535;
const END_SIGNATURE = 0x06054b50;
/** The record of archives with more than 4 GiB or 65535 files, and the one that says where it stands. */
const END64_BYTES = 56;
const END64_SIGNATURE = 0x06064b50;
const LOCATOR_BYTES = 20;
const LOCATOR_SIGNATURE = 0x07064b50;
const ENTRY_BYTES = 46;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_BYTES = 30;
const LOCAL_SIGNATURE = 0x04034b50;
/** Beyond any file; sums of a few stay exact. */
const HUGE = 2n ** 51n;
/** Room for the storages of 50,000 tensors. */
const MAX_DIRECTORY = 8 << 20;

/**
 * The directory of a zip archive, zip64 included. Entries lie inside the file, apart from each other, each name once.
 * @throws CheckpointError for damage or compression
 */
export async function readZipDirectory(file: FileHandle, path: string): Promise<Map<string, ZipEntry>> {
  const { size } = await file.stat();
  const { start, length, count } = await findDirectory(file, size, path);
  if (length > MAX_DIRECTORY || start + length > size || count > length / ENTRY_BYTES) {
    throw damaged(path, "its directory lies outside the file");
  }
  const directory = await bytesAt(file, start, length);
  const entries = new Map<string, ZipEntry>();
  for (let at = 0, i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > directory.length || directory.readUInt32LE(at) !== ENTRY_SIGNATURE)
      throw damaged(path, "its directory ends early");
    const [nameLength, extraLength, comment] = [28, 30, 32].map((offset) => directory.readUInt16LE(at + offset));
    const name = directory.toString("utf8", at + ENTRY_BYTES, at + ENTRY_BYTES + nameLength);
    const extra = directory.subarray(at + ENTRY_BYTES + nameLength).subarray(0, extraLength);
    const [bytes, stored, header] = wide(
      extra,
      [24, 20, 42].map((offset) => directory.readUInt32LE(at + offset)),
    );
    if (directory.readUInt16LE(at + 10) !== 0 || stored !== bytes) {
      throw new CheckpointError(
        `${escaped(path)}: the entry ${shown(name)} is compressed, PyTorch stores them as they are: save it again`,
      );
    }
    if (entries.has(name)) throw damaged(path, `the entry ${shown(name)} is there twice`);
    entries.set(name, { header, size: bytes, limit: start });
    at += ENTRY_BYTES + nameLength + extraLength + comment;
  }
  checkApart(entries, path);
  return entries;
}

/** Where an entry's bytes begin. @throws CheckpointError when it is not where the directory says */
export async function entryStart(file: FileHandle, path: string, name: string, entry: ZipEntry): Promise<number> {
  const local = await bytesAt(file, entry.header, LOCAL_BYTES);
  if (local.length < LOCAL_BYTES || local.readUInt32LE(0) !== LOCAL_SIGNATURE)
    throw damaged(path, `the entry ${shown(name)} is missing`);
  const start = entry.header + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
  if (start + entry.size > entry.limit) throw damaged(path, `the entry ${shown(name)} runs into the next one`);
  return start;
}

async function findDirectory(file: FileHandle, size: number, path: string) {
  const tail = await bytesAt(file, Math.max(0, size - END_SEARCH), Math.min(size, END_SEARCH));
  let end = tail.length - END_BYTES;
  while (end >= 0 && tail.readUInt32LE(end) !== END_SIGNATURE) end--;
  if (end < 0) throw damaged(path, "no zip archive (PyTorch files since version 1.6 are)");
  const locator = tail.subarray(Math.max(0, end - LOCATOR_BYTES), end);
  if (locator.length < LOCATOR_BYTES || locator.readUInt32LE(0) !== LOCATOR_SIGNATURE) {
    return {
      count: tail.readUInt16LE(end + 10),
      length: tail.readUInt32LE(end + 12),
      start: tail.readUInt32LE(end + 16),
    };
  }
  const record = await bytesAt(file, safe(locator, 8), END64_BYTES);
  if (record.length < END64_BYTES || record.readUInt32LE(0) !== END64_SIGNATURE)
    throw damaged(path, "its zip64 directory is missing");
  return { count: safe(record, 32), length: safe(record, 40), start: safe(record, 48) };
}

/** Sizes and offset of an entry: those that do not fit 32 bits stand in its zip64 field (type 1), in this order. */
function wide(extra: Buffer, values: number[]): number[] {
  let field = extra.subarray(0, 0);
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1) field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
  }
  let at = 0;
  return values.map((value) => {
    if (value !== 0xffff_ffff || at + 8 > field.length) return value;
    at += 8;
    return safe(field, at - 8);
  });
}

/** Two entries that share bytes are no archive that a program wrote. */
function checkApart(entries: ReadonlyMap<string, ZipEntry>, path: string): void {
  const sorted = [...entries].sort(([, a], [, b]) => a.header - b.header);
  sorted.forEach(([name, entry], i) => {
    const next = sorted[i + 1]?.[1];
    if (next) entry.limit = Math.min(entry.limit, next.header);
    if (entry.header + LOCAL_BYTES + entry.size <= entry.limit) return;
    throw damaged(path, `the entry ${shown(name)} ends beyond the ${next ? "next one's start" : "file's entries"}`);
  });
}

/** A 64-bit number; one too large for any file is as good as infinite. */
function safe(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  return Number(value < HUGE ? value : HUGE);
}

/** Some bytes of a file, fewer at its end. */
async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function damaged(path: string, what: string): CheckpointError {
  return new CheckpointError(`${escaped(path)}: ${what}: it is truncated or damaged, download it again`);
}
