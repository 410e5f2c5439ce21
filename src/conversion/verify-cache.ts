import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "./cache-directory.js";
import { DamagedModelError, readStoredModel } from "./stored-model.js";
import { discard, isWorkFolder } from "./work-folder.js";

/** What a check of all converted models found. */
export interface CacheVerification {
  /** Models whose every block is as it was written. */
  intact: number;
  /** Folders of other versions' models, and of conversions under way: not looked at. */
  skipped: number;
  damaged: DamagedModel[];
}

export interface DamagedModel {
  directory: string;
  fault: string;
  /** It is made again when it is next loaded. False: it could not be, for the reason in `fault`. */
  removed: boolean;
}

/** Reads all converted models in the cache, compares every block with its checksum, and removes what is damaged. */
export async function verifyCache(): Promise<CacheVerification> {
  const models = join(cacheDirectory(), "models");
  const found: CacheVerification = { intact: 0, skipped: 0, damaged: [] };
  for (const entry of await readdir(models, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory()) continue;
    const directory = join(models, entry.name);
    try {
      const manifest = isWorkFolder(entry.name) ? undefined : await readStoredModel(directory, true);
      if (manifest) found.intact++;
      else found.skipped++;
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof DamagedModelError) found.damaged.push(await removed(directory, message));
      else found.damaged.push({ directory, fault: message, removed: false });
    }
  }
  return found;
}

async function removed(directory: string, fault: string): Promise<DamagedModel> {
  try {
    await discard(directory);
    return { directory, fault, removed: true };
  } catch (error) {
    return { directory, fault: `${fault} (${(error as Error).message})`, removed: false };
  }
}
