import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../files/make-folder.js";

/** How often a process at work renews its folder's time. */
const HEARTBEAT_MS = 60 * 1000;
/** Folders of processes that cannot be seen from here count as left behind without a heartbeat for so long. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

/** "NAME.tmp-SPACE-PID-RANDOM". */
const WORK_FOLDER = /\.tmp-(?:([0-9a-f]{8})-)?(\d+)-[0-9a-f]+$/;

/** A folder that a result grows in before it gets its name. */
export interface WorkFolder {
  path: string;
  /** Removes what is still there. */
  remove(): Promise<void>;
}

/** Makes a folder beside `target`, kept from others' cleaning until it is removed or renamed. */
export async function makeWorkFolder(target: string): Promise<WorkFolder> {
  const path = workPath(target);
  await makeFolder(path);
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, HEARTBEAT_MS).unref();
  const remove = async () => {
    clearInterval(heartbeat);
    await rm(path, { recursive: true, force: true }).catch(() => {});
  };
  return { path, remove };
}

/** Removes a finished folder. Whoever is stopped half-way leaves none that looks finished. */
export async function discard(directory: string): Promise<void> {
  const path = workPath(directory);
  try {
    await rename(directory, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  await rm(path, { recursive: true, force: true });
}

/** Removes what killed conversions left behind. */
export async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [] as string[])) {
    const match = WORK_FOLDER.exec(name);
    if (!match) continue;
    const path = join(directory, name);
    const info = await stat(path).catch(() => undefined);
    if (!info) continue;
    const [, space, pid] = match;
    const dead = space === processSpace() && !isAlive(Number(pid));
    if (dead || Date.now() - info.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(path, { recursive: true, force: true }).catch(() => {});
    }
  }
}

/** Whether a cache's folder is one that work is, or was, under way in. */
export function isWorkFolder(name: string): boolean {
  return WORK_FOLDER.test(name);
}

function workPath(target: string): string {
  return `${target}.tmp-${processSpace()}-${process.pid}-${randomBytes(4).toString("hex")}`;
}

/**
 * Names the space in which process ids mean the same: containers and machines that share a cache have ids of their own,
 * and a process that is alive elsewhere seems dead here.
 */
function processSpace(): string {
  space ??= createHash("sha256").update([hostname(), bootId(), pidNamespace()].join("\0")).digest("hex").slice(0, 8);
  return space;
}

let space: string | undefined;

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
  } catch {
    return "";
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
