import { createHash, randomUUID } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile, realpath, rename, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { CheckpointError } from "../types/errors.js";
import { fileStamp, isSettled } from "./file-stamp.js";
import { makeFolder } from "./make-folder.js";
import { unreadable } from "./regular-file.js";

/** A file that is open for reading: what its stamp was then. */
export interface OpenedFile {
  path: string;
  stamp: string;
}

/**
 * A digest (hex) over the names and contents of files. Each file's own digest is remembered under its path, inode and
 * stamp, so that unchanged gigabytes are not read again: in this process, and with `memo`, a folder, for later ones.
 * @throws CheckpointError for a file that was changed or replaced since it was opened, or while it is read
 */
export async function fileDigests(files: readonly (string | OpenedFile)[], memo?: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    const path = typeof file === "string" ? file : file.path;
    const opened = typeof file === "string" ? undefined : file.stamp;
    hash.update(`${basename(path)}\0${await fileDigest(path, opened, memo)}\0`);
  }
  return hash.digest("hex");
}

/** As fileDigests, from what is remembered alone: undefined where a file is not in it, or has changed. */
export async function knownFileDigests(
  files: readonly (string | OpenedFile)[],
  memo: string,
): Promise<string | undefined> {
  const known = await Promise.all(
    files.map(async (file) => (await lookUp(typeof file === "string" ? file : file.path, memo)).digest),
  );
  return known.includes(undefined) ? undefined : fileDigests(files, memo);
}

const inProcess = new Map<string, Note>();

async function fileDigest(path: string, opened: string | undefined, memo?: string): Promise<string> {
  try {
    return await digestOf(path, opened, memo);
  } catch (error) {
    throw error instanceof CheckpointError ? error : unreadable(path, error);
  }
}

async function lookUp(path: string, memo?: string) {
  const real = await realpath(path);
  const info = await stat(real, { bigint: true });
  const stamp = `${info.ino} ${fileStamp(info)}`;
  const note = memo && join(memo, `${createHash("sha256").update(real).digest("hex")}.json`);
  const known = inProcess.get(real) ?? (note ? await readNote(note) : undefined);
  return { real, info, stamp, note, digest: known?.stamp === stamp ? known.digest : undefined };
}

async function digestOf(path: string, opened: string | undefined, memo?: string): Promise<string> {
  const { real, info, stamp, note, digest: known } = await lookUp(path, memo);
  if (opened !== undefined && fileStamp(info) !== opened) throw changed(path);
  if (known !== undefined) {
    // What this process remembers may not be in this folder yet.
    if (memo && note && !existsSync(note)) await writeNote(memo, note, { stamp, digest: known });
    return known;
  }
  const hash = createHash("sha256");
  await pipeline(createReadStream(real, { highWaterMark: 4 << 20 }), hash);
  const digest = hash.digest("hex");
  if (fileStamp(await stat(real, { bigint: true })) !== fileStamp(info)) throw changed(path);
  if (!isSettled(info)) return digest;
  inProcess.set(real, { stamp, digest });
  if (memo && note) await writeNote(memo, note, { stamp, digest });
  return digest;
}

function changed(path: string): CheckpointError {
  return new CheckpointError(`${path} changed while it was read: wait until it is complete, then load it again`);
}

interface Note {
  stamp: string;
  digest: string;
}

async function readNote(path: string): Promise<Note | undefined> {
  try {
    const note = JSON.parse(await readFile(path, "utf8"));
    return /^[0-9a-f]{64}$/.test(note.digest) ? note : undefined;
  } catch {
    return undefined;
  }
}

/** The memo only saves time: where it cannot be written, the digest is computed again next time. */
async function writeNote(folder: string, path: string, note: Note): Promise<void> {
  try {
    await makeFolder(folder);
    // Processes in other containers may have the same id.
    const temporary = `${path}.${randomUUID()}.tmp`;
    await writeFile(temporary, JSON.stringify(note));
    await rename(temporary, path);
  } catch {
    // A read-only or full cache.
  }
}
