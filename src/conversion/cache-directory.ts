import { homedir, platform } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { ForetokenError } from "../types/errors.js";

/**
 * Where converted models are kept: FORETOKEN_CACHE, else the user's cache directory.
 * @throws ForetokenError where neither is there
 */
export function cacheDirectory(): string {
  if (process.env.FORETOKEN_CACHE) return resolve(process.env.FORETOKEN_CACHE);
  if (platform() === "darwin") return join(home(), "Library", "Caches", "foretoken");
  if (platform() === "win32") {
    return join(process.env.LOCALAPPDATA || join(home(), "AppData", "Local"), "foretoken", "cache");
  }
  // By the XDG specification an empty path counts as none and a relative one is invalid.
  const { XDG_CACHE_HOME } = process.env;
  return join(XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(home(), ".cache"), "foretoken");
}

function home(): string {
  let path = "";
  try {
    path = homedir();
  } catch {
    // A container's user that no account belongs to.
  }
  if (isAbsolute(path)) return path;
  throw new ForetokenError(
    "there is no home directory to keep converted models in: set FORETOKEN_CACHE to a folder you can write",
  );
}
