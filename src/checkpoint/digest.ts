import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, realpath, rename, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";

/**
 * A digest (hex) over the names and contents of files. With `memo`, a folder, each file's own digest is remembered
 * under its path, size, inode and time of change, so that unchanged gigabytes are not read again.
 */
export async function fileDigests(paths: readonly string[], memo?: string): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(`${basename(path)}\0${await fileDigest(path, memo)}\0`);
  return hash.digest("hex");
}

/** As fileDigests, from the memo alone: undefined where a file is not in it, or has changed. */
export async function knownFileDigests(paths: readonly string[], memo: string): Promise<string | undefined> {
  const known = await Promise.all(paths.map(async (path) => (await lookUp(path, memo)).digest));
  return known.includes(undefined) ? undefined : fileDigests(paths, memo);
}

async function lookUp(path: string, memo?: string) {
  const real = await realpath(path);
  const { size, mtimeNs, ino } = await stat(real, { bigint: true });
  const stamp = `${size} ${mtimeNs} ${ino}`;
  const note = memo && join(memo, `${createHash("sha256").update(real).digest("hex")}.json`);
  const known = note ? await readNote(note) : undefined;
  return { real, stamp, note, digest: known?.stamp === stamp ? known.digest : undefined };
}

async function fileDigest(path: string, memo?: string): Promise<string> {
  const { real, stamp, note, digest: known } = await lookUp(path, memo);
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  await pipeline(createReadStream(real, { highWaterMark: 4 << 20 }), hash);
  const digest = hash.digest("hex");
  if (memo && note) await writeNote(memo, note, { stamp, digest });
  return digest;
}

interface Note {
  stamp: string;
  digest: string;
}

async function readNote(path: string): Promise<Note | undefined> {
  try {
    const note = JSON.parse(await readFile(path, "utf8"));
    return typeof note.digest === "string" ? note : undefined;
  } catch {
    return undefined;
  }
}

/** The memo only saves time: where it cannot be written, the digest is computed again next time. */
async function writeNote(folder: string, path: string, note: Note): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    const temporary = `${path}.${process.pid}.tmp`;
    await writeFile(temporary, JSON.stringify(note));
    await rename(temporary, path);
  } catch {
    // A read-only or full cache.
  }
}
