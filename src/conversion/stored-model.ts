import { createHash, randomUUID } from "node:crypto";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileStamp } from "../files/file-stamp.js";
import type { WeightManifest } from "../models/weight-spec.js";
import { ForetokenError } from "../types/errors.js";
import { blockChecksums } from "./block-checksums.js";
import { layoutFault } from "./weight-layout.js";

/** Raise when conversion, packing or these files change, so that older results are made again. */
export const FORMAT = 5;

/** The manifest, and the checksums of what it describes. */
const MODEL_FILE = "model.json";
/** Size, times and inode of the weights when their checksums were last right. */
const VERIFIED_FILE = "verified.json";
const WEIGHT_FILES = ["packed.bin", "weights.bin"];

/** A converted model on disk that is not what was written. */
export class DamagedModelError extends ForetokenError {
  override name = "DamagedModelError";
}

interface StoredModel {
  format: number;
  manifest: WeightManifest;
  /** Of the manifest. */
  digest: string;
  /** Checksums of the weights' blocks. */
  blocks: number[];
}

/** Completes a folder that holds the weights which `manifest` describes. */
export async function writeStoredModel(directory: string, manifest: WeightManifest): Promise<void> {
  const blocks = await blockChecksums(join(directory, manifest.file));
  const model: StoredModel = { format: FORMAT, manifest, digest: manifestDigest(manifest), blocks };
  await writeFile(join(directory, MODEL_FILE), JSON.stringify(model));
  await noteVerified(directory, await weightStamp(directory, manifest));
}

/**
 * The manifest of a converted model; undefined where there is none, or one of another format. Manifest, sizes and alignment
 * are always checked. The weights' checksums are when size, times or inode have changed since they were last right, or
 * always with `everything`.
 * @throws DamagedModelError saying what is wrong
 */
export async function readStoredModel(directory: string, everything = false): Promise<WeightManifest | undefined> {
  if (!(await stat(directory).catch(absent))) return undefined;
  const text = await readFile(join(directory, MODEL_FILE), "utf8").catch(absent);
  const { format, manifest, digest, blocks } = parse(text ?? "");
  if (manifest && format !== FORMAT) return undefined;
  if (manifestDigest(manifest) !== digest || !WEIGHT_FILES.includes(manifest?.file) || !Array.isArray(blocks)) {
    throw new DamagedModelError(`${MODEL_FILE} is not as it was written`);
  }
  const path = join(directory, manifest.file);
  const info = await stat(path).catch(absent);
  const fault = info ? layoutFault(manifest, info.size) : "it is missing";
  if (fault !== undefined) throw new DamagedModelError(`${manifest.file}: ${fault}`);
  const stamp = await weightStamp(directory, manifest);
  if (!everything && (await isVerified(directory, stamp))) return manifest;
  const found = await blockChecksums(path);
  const wrong = found.findIndex((sum, i) => sum !== blocks[i]);
  if (found.length !== blocks.length || wrong >= 0) {
    throw new DamagedModelError(`${manifest.file}: block ${wrong} of ${found.length} is not as it was written`);
  }
  // Of before they were read: a change meanwhile is noticed next time.
  await noteVerified(directory, stamp);
  return manifest;
}

function parse(text: string): Partial<StoredModel> & { manifest: WeightManifest } {
  try {
    return { ...JSON.parse(text) };
  } catch {
    throw new DamagedModelError(`${MODEL_FILE} is missing or no JSON`);
  }
}

function manifestDigest(manifest: WeightManifest): string {
  return createHash("sha256")
    .update(JSON.stringify(manifest) ?? "")
    .digest("hex");
}

async function weightStamp(directory: string, { file }: WeightManifest): Promise<string> {
  const info = await stat(join(directory, file), { bigint: true });
  return `${info.ino} ${fileStamp(info)}`;
}

/** Folders that this process has verified but whose note it could not write, as in a read-only cache. */
const unwritten = new Map<string, string>();

async function isVerified(directory: string, stamp: string): Promise<boolean> {
  if (unwritten.get(directory) === stamp) return true;
  const text = await readFile(join(directory, VERIFIED_FILE), "utf8").catch(() => "");
  return text === JSON.stringify({ stamp });
}

async function noteVerified(directory: string, stamp: string): Promise<void> {
  const temporary = join(directory, `${VERIFIED_FILE}.${randomUUID()}`);
  try {
    await writeFile(temporary, JSON.stringify({ stamp }));
    await rename(temporary, join(directory, VERIFIED_FILE));
  } catch {
    unwritten.set(directory, stamp);
    await rm(temporary, { force: true }).catch(() => {});
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}
