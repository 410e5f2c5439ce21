import { readdir, rm, stat } from "node:fs/promises";
import { homedir, platform } from "node:os";
import { join } from "node:path";

/** Temporary folders older than this were left by a process that was killed. */
const ABANDONED_AFTER_MS = 6 * 60 * 60 * 1000;

/** Where converted models are kept: FORETOKEN_CACHE, else the user's cache directory. */
export function cacheDirectory(): string {
  if (process.env.FORETOKEN_CACHE) return process.env.FORETOKEN_CACHE;
  if (platform() === "darwin") return join(homedir(), "Library", "Caches", "foretoken");
  if (platform() === "win32") {
    return join(process.env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "foretoken", "cache");
  }
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "foretoken");
}

/** Removes what killed conversions left behind. */
export async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [] as string[])) {
    if (!name.includes(".tmp-")) continue;
    const path = join(directory, name);
    const pid = Number(name.split(".tmp-")[1].split("-")[0]);
    const info = await stat(path).catch(() => undefined);
    if (!info) continue;
    if (!isAlive(pid) || Date.now() - info.mtimeMs > ABANDONED_AFTER_MS)
      await rm(path, { recursive: true, force: true });
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
