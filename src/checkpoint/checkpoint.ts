import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { CheckpointError } from "../types/errors.js";
import type { ModelConfig } from "../types/model-config.js";
import { parseModelConfig } from "./config.js";
import { fileDigests } from "./digest.js";
import { isObject, readJson, readJsonIfPresent, show } from "./json.js";
import { SafetensorsFile } from "./safetensors.js";
import type { TensorInfo, TensorSource } from "./tensor-source.js";

export interface Checkpoint {
  directory: string;
  config: ModelConfig;
  source: TensorSource;
}

/**
 * Opens a Hugging Face checkpoint directory: config.json, generation_config.json if there, model.safetensors or its
 * shards. Reads headers only.
 * @param digestMemo folder that remembers digests of files, so that later loads do not read them whole
 * @throws CheckpointError naming the file and tensor
 */
export async function openCheckpoint(directory: string, digestMemo?: string): Promise<Checkpoint> {
  const info = await stat(directory).catch(() => undefined);
  if (!info?.isDirectory()) {
    throw new CheckpointError(
      `no checkpoint directory at ${directory}: give a folder with config.json and model.safetensors`,
    );
  }
  const configPath = join(directory, "config.json");
  const generation = await readJsonIfPresent(join(directory, "generation_config.json"));
  const config = parseModelConfig(await readJson(configPath), generation, configPath);
  const source = await ShardedSource.open(directory, [configPath], digestMemo);
  return { directory, config, source };
}

/** The tensors of one or several safetensors files. */
class ShardedSource implements TensorSource {
  private constructor(
    private readonly shardOf: ReadonlyMap<string, SafetensorsFile>,
    private readonly shards: readonly SafetensorsFile[],
    private readonly otherFiles: readonly string[],
    private readonly digestMemo: string | undefined,
  ) {}

  static async open(directory: string, otherFiles: readonly string[], digestMemo?: string): Promise<ShardedSource> {
    const single = join(directory, "model.safetensors");
    const index = join(directory, "model.safetensors.index.json");
    const shards: SafetensorsFile[] = [];
    try {
      if (existsSync(single)) {
        shards.push(await SafetensorsFile.open(single));
        const shardOf = new Map([...shards[0].names()].map((name) => [name, shards[0]]));
        return new ShardedSource(shardOf, shards, otherFiles, digestMemo);
      }
      if (!existsSync(index)) throw await noWeights(directory);
      const shardOf = await openShards(directory, index, shards);
      return new ShardedSource(shardOf, shards, [...otherFiles, index], digestMemo);
    } catch (error) {
      for (const shard of shards) await shard.close();
      throw error;
    }
  }

  names(): Iterable<string> {
    return this.shardOf.keys();
  }

  info(name: string): TensorInfo | undefined {
    return this.shardOf.get(name)?.info(name);
  }

  readRows(name: string, start: number, count: number, into: Float32Array): Promise<void> {
    return this.shardOf.get(name)!.readRows(name, start, count, into);
  }

  digest(): Promise<string> {
    return fileDigests([...this.otherFiles, ...this.shards], this.digestMemo);
  }

  async close(): Promise<void> {
    for (const shard of this.shards) await shard.close();
  }
}

async function openShards(
  directory: string,
  index: string,
  shards: SafetensorsFile[],
): Promise<Map<string, SafetensorsFile>> {
  const { weight_map: weightMap } = await readJson(index);
  if (!isObject(weightMap)) throw new CheckpointError(`${index} has no weight_map object`);
  const byFile = new Map<string, SafetensorsFile>();
  const shardOf = new Map<string, SafetensorsFile>();
  for (const [tensor, file] of Object.entries(weightMap)) {
    if (typeof file !== "string" || file !== basename(file) || !file.endsWith(".safetensors")) {
      throw new CheckpointError(
        `${index}: tensor ${show(tensor)} is in ${show(file)}, expected the name of a .safetensors file`,
      );
    }
    let shard = byFile.get(file);
    if (!shard) {
      const path = join(directory, file);
      if (!existsSync(path))
        throw new CheckpointError(`${index} names the shard ${file}, which is missing: download it`);
      shard = await SafetensorsFile.open(path);
      shards.push(shard);
      byFile.set(file, shard);
    }
    if (!shard.has(tensor))
      throw new CheckpointError(`${shard.path} has no tensor ${show(tensor)}, which ${index} puts there`);
    shardOf.set(tensor, shard);
  }
  return shardOf;
}

async function noWeights(directory: string): Promise<CheckpointError> {
  const other = (await readdir(directory)).find((name) => /\.(bin|pt|pth|gguf|h5|msgpack)$/.test(name));
  const found = other ? `found ${other}, which is another format: ` : "";
  return new CheckpointError(
    `${directory} has no model.safetensors and no model.safetensors.index.json: ${found}save the model with save_pretrained(..., safe_serialization=True)`,
  );
}
