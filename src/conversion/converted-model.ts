import { createHash } from "node:crypto";
import { open, readdir, rename, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { TensorSource } from "../formats/tensor-source.js";
import { architectureOf } from "../models/architectures.js";
import { buildDecoder } from "../models/onnx/decoder.js";
import {
  BYTES_PER_WEIGHT,
  type ProductOperator,
  type WeightFormat,
  type WeightManifest,
  type WeightSpec,
} from "../models/weight-spec.js";
import { cpuFeatures } from "../runtime/cpu.js";
import { ortVersion } from "../runtime/ort-library.js";
import { CheckpointError, ForetokenError } from "../types/errors.js";
import type { ModelConfig } from "../types/model-config.js";
import { cacheDirectory } from "./cache-directory.js";
import { convertWeights } from "./convert.js";
import { packWeights } from "./pack.js";
import { DamagedModelError, FORMAT, readStoredModel, writeStoredModel } from "./stored-model.js";
import { contentFault } from "./stored-tensors.js";
import { discard, makeWorkFolder, removeAbandoned } from "./work-folder.js";

/** Saved and aligned copies, raw and packed each, lie beside each other while a model is packed. */
const SPACE_FACTOR = 4.4;
const PUBLISH_ATTEMPTS = 3;
/**
 * Operators whose weights ONNX Runtime packs in an order of its own. MatMulNBits' lose their scales on the way through a
 * file (1.30): they are packed at each load. SkinnyMatMul's are read as they lie.
 */
const PACKED: readonly ProductOperator[] = ["MatMul", "MatMulIntegerToFloat"];
const FULL = ["ENOSPC", "EDQUOT", "EFBIG"];

/** What is converted: its weights, the graph that they are packed for, and what the result's name depends on. */
export interface Blueprint {
  key: unknown;
  specs: readonly WeightSpec[];
  graph(manifest: WeightManifest): Uint8Array;
}

/** A decoder's weights, packed for passes of one sequence. */
export function decoderBlueprint(config: ModelConfig): Blueprint {
  return {
    key: config,
    specs: architectureOf(config).weightSpecs(config),
    graph: (manifest) => buildDecoder(config, manifest, { sequences: 1, vocabLimit: config.vocabSize }).bytes,
  };
}

export interface ConvertedModel {
  directory: string;
  manifest: WeightManifest;
}

export interface ConversionProgress {
  stage: "convert" | "pack";
  /** From 0 to 1 within the stage. */
  fraction: number;
}

/**
 * The source's weights in `format`, converted and packed for this CPU, from the cache or made now. The result's name
 * is a digest of contents, format, CPU features and versions. A finished folder appears by one rename, so two processes
 * may convert at once and a killed one leaves nothing that counts. A damaged result is made again.
 * @throws CheckpointError when the source changes meanwhile, ForetokenError when the cache cannot be used
 */
export async function convertedModel(
  source: TensorSource,
  blueprint: Blueprint,
  format: WeightFormat,
  onProgress: (progress: ConversionProgress) => void = () => {},
  signal?: AbortSignal,
): Promise<ConvertedModel> {
  const models = join(cacheDirectory(), "models");
  const key = await cacheKey(source, blueprint, format);
  const directory = join(models, key);
  const wanted = { source, specs: blueprint.specs, format };
  try {
    const cached = await readCached(directory, wanted);
    if (cached) return cached;
    await discard(directory);
    const work = await makeWorkFolder(directory);
    try {
      await removeAbandoned(models);
      await makeModel(source, blueprint, format, work.path, onProgress, signal);
      if ((await cacheKey(source, blueprint, format)) !== key) throw changed();
      await publish(work.path, directory, wanted);
    } finally {
      await work.remove();
    }
    const made = await readCached(directory, wanted);
    if (made) return made;
  } catch (error) {
    throw explain(error, models);
  }
  throw new ForetokenError(`the converted model in ${directory} cannot be read back: check the disk, then try again`);
}

/** The converted model if it is in the cache; nothing is made, and no weights are read. */
export async function findConverted(
  source: TensorSource,
  blueprint: Blueprint,
  format: WeightFormat,
): Promise<ConvertedModel | undefined> {
  const digest = await source.knownDigest?.();
  if (digest === undefined) return undefined;
  const key = await cacheKey({ digest: async () => digest }, blueprint, format);
  const directory = join(cacheDirectory(), "models", key);
  return readCached(directory, { source, specs: blueprint.specs, format });
}

async function makeModel(
  source: TensorSource,
  { specs, graph }: Blueprint,
  format: WeightFormat,
  directory: string,
  onProgress: (progress: ConversionProgress) => void,
  signal?: AbortSignal,
): Promise<void> {
  await checkSpace(specs, format, directory);
  const raw = await convertWeights(source, specs, format, join(directory, "weights.bin"), {
    onProgress: (fraction) => onProgress({ stage: "convert", fraction }),
    signal,
  });
  const onPack = (fraction: number) => onProgress({ stage: "pack", fraction });
  const manifest = !PACKED.includes(format.product) ? raw : await packWeights(graph(raw), raw, directory, onPack);
  await writeStoredModel(directory, manifest);
}

async function publish(temporary: string, directory: string, wanted: Wanted): Promise<void> {
  for (const name of await readdir(temporary)) {
    const file = await open(join(temporary, name), "r+");
    await file.sync();
    await file.close();
  }
  for (let attempt = 0; attempt < PUBLISH_ATTEMPTS; attempt++) {
    try {
      await rename(temporary, directory);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "EPERM") throw error;
    }
    // Another process was faster; its result has the same name because it has the same contents.
    if (await readCached(directory, wanted)) return;
    await discard(directory);
  }
}

/** What a result in the cache must be the conversion of. */
interface Wanted {
  source: TensorSource;
  specs: readonly WeightSpec[];
  format: WeightFormat;
}

/** The model in the cache, or undefined where there is none, or a damaged one. */
async function readCached(directory: string, wanted: Wanted): Promise<ConvertedModel | undefined> {
  try {
    const manifest = await readStoredModel(directory);
    if (!manifest || contentFault(manifest, wanted.specs, wanted.format, wanted.source) !== undefined) return undefined;
    return { directory, manifest };
  } catch (error) {
    if (error instanceof DamagedModelError) return undefined;
    throw error;
  }
}

function changed(): CheckpointError {
  return new CheckpointError(
    "the checkpoint changed while it was converted: wait until its files are complete, then load it again",
  );
}

async function cacheKey(
  source: Pick<TensorSource, "digest">,
  { key }: Blueprint,
  format: WeightFormat,
): Promise<string> {
  const parts = [FORMAT, await source.digest(), key, format, cpuFeatures(), ortVersion()];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 40);
}

async function checkSpace(specs: readonly WeightSpec[], format: WeightFormat, directory: string): Promise<void> {
  let bytes = 0;
  for (const spec of specs) {
    if (spec.kind === "linear") bytes += spec.in * spec.out * BYTES_PER_WEIGHT[format.dtype];
    else if (spec.kind === "embedding") bytes += 4 * spec.rows * spec.columns;
    else if (spec.kind === "vector") bytes += 4 * spec.length;
    else if (format.product === "MatMulIntegerToFloat") bytes += 4 * spec.width ** 2;
  }
  const { bavail, bsize } = await statfs(directory);
  const needed = bytes * SPACE_FACTOR;
  if (bavail * bsize >= needed) return;
  const gigabytes = (n: number) => `${(n / 1e9).toFixed(1)} GB`;
  throw new ForetokenError(
    `converting needs ${gigabytes(needed)} in ${directory} but ${gigabytes(bavail * bsize)} is free: free some space or set FORETOKEN_CACHE to another disk`,
  );
}

/** A file system's error says what to do about the cache; others stay as they are. */
function explain(error: unknown, models: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof ForetokenError || code === undefined || syscall === undefined) return error;
  if (FULL.includes(code)) {
    return new ForetokenError(
      `the disk, a quota or a limit of file size is full (${code}): free some space near ${models} or set FORETOKEN_CACHE`,
    );
  }
  return new ForetokenError(
    `cannot use the model cache in ${models} (${code}): set FORETOKEN_CACHE to a folder you can write`,
  );
}
