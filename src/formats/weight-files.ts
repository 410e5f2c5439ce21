import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { fileDigests, knownFileDigests } from "../files/digest.js";
import { isObject, readJson } from "../files/json.js";
import { CheckpointError } from "../types/errors.js";
import { escaped, shown } from "../types/shown.js";
import { PytorchFile } from "./pytorch/pytorch.js";
import { SafetensorsFile } from "./safetensors/safetensors.js";
import type { TensorInfo, TensorSource, WeightFile } from "./tensor-source.js";

/** How a format's weights are named in a folder, whole or as shards with an index. */
interface WeightFormat {
  single: string;
  index: string;
  extension: string;
  open(path: string): Promise<WeightFile>;
}

/** The first that a folder has is read, as transformers does. */
const FORMATS: readonly WeightFormat[] = [
  {
    single: "model.safetensors",
    index: "model.safetensors.index.json",
    extension: ".safetensors",
    open: SafetensorsFile.open,
  },
  { single: "pytorch_model.bin", index: "pytorch_model.bin.index.json", extension: ".bin", open: PytorchFile.open },
];

export function hasWeights(names: readonly string[]): boolean {
  return FORMATS.some(({ single, index }) => names.includes(single) || names.includes(index));
}

/**
 * Opens the weights in a folder: model.safetensors or pytorch_model.bin, whole or as shards. Reads headers only.
 * @param names the files in the folder
 * @param otherFiles files that the digest covers too
 * @throws CheckpointError naming the file and tensor
 */
export async function openWeights(
  directory: string,
  names: readonly string[],
  otherFiles: readonly string[],
  digestMemo?: string,
): Promise<TensorSource> {
  const shards: WeightFile[] = [];
  try {
    for (const format of FORMATS) {
      const index = join(directory, format.index);
      if (names.includes(format.single)) {
        const file = await format.open(join(directory, format.single));
        shards.push(file);
        return new ShardedSource(
          new Map([...file.names()].map((name) => [name, file])),
          shards,
          otherFiles,
          digestMemo,
        );
      }
      if (names.includes(format.index)) {
        const shardOf = await openShards(directory, index, format, shards);
        return new ShardedSource(shardOf, shards, [...otherFiles, index], digestMemo);
      }
    }
    throw new CheckpointError(
      `${escaped(directory)} has no model.safetensors, no pytorch_model.bin and no index of their shards: download them, or save the model with save_pretrained`,
    );
  } catch (error) {
    for (const shard of shards) await shard.close();
    throw error;
  }
}

/** The tensors of one or several files. */
class ShardedSource implements TensorSource {
  constructor(
    private readonly shardOf: ReadonlyMap<string, WeightFile>,
    private readonly shards: readonly WeightFile[],
    private readonly otherFiles: readonly string[],
    private readonly digestMemo: string | undefined,
  ) {}

  names(): Iterable<string> {
    return this.shardOf.keys();
  }

  info(name: string): TensorInfo | undefined {
    return this.shardOf.get(name)?.info(name);
  }

  readRows(name: string, start: number, count: number, into: Float32Array): Promise<void> {
    return this.shardOf.get(name)!.readRows(name, start, count, into);
  }

  async integers(name: string): Promise<number[] | undefined> {
    return this.shardOf.get(name)?.integers?.(name);
  }

  digest(): Promise<string> {
    return fileDigests(this.files(), this.digestMemo);
  }

  async knownDigest(): Promise<string | undefined> {
    return this.digestMemo && knownFileDigests(this.files(), this.digestMemo);
  }

  async close(): Promise<void> {
    for (const shard of this.shards) await shard.close();
  }

  private files(): (string | WeightFile)[] {
    return [...this.otherFiles, ...this.shards];
  }
}

async function openShards(
  directory: string,
  index: string,
  { extension, open }: WeightFormat,
  shards: WeightFile[],
): Promise<Map<string, WeightFile>> {
  const { weight_map: weightMap } = await readJson(index);
  const at = escaped(index);
  if (!isObject(weightMap)) throw new CheckpointError(`${at} has no weight_map object`);
  const byFile = new Map<string, WeightFile>();
  const shardOf = new Map<string, WeightFile>();
  for (const [tensor, file] of Object.entries(weightMap)) {
    if (typeof file !== "string" || !isFileName(file) || !file.endsWith(extension)) {
      throw new CheckpointError(
        `${at}: tensor ${shown(tensor)} is in ${shown(file)}, expected the name of a ${extension} file beside it`,
      );
    }
    let shard = byFile.get(file);
    if (!shard) {
      shard = await openShard(join(directory, file), at, open);
      shards.push(shard);
      byFile.set(file, shard);
    }
    if (!shard.has(tensor)) {
      throw new CheckpointError(`${escaped(shard.path)} has no tensor ${shown(tensor)}, which ${at} puts there`);
    }
    shardOf.set(tensor, shard);
  }
  return shardOf;
}

/** A name within the folder: no path, and short enough for a file system. */
function isFileName(file: string): boolean {
  return file === basename(file) && file.length <= 255 && !/[\p{Cc}\\]/u.test(file);
}

async function openShard(path: string, index: string, open: WeightFormat["open"]): Promise<WeightFile> {
  if (existsSync(path)) return open(path);
  throw new CheckpointError(`${index} names the shard ${escaped(basename(path))}, which is missing: download it`);
}
