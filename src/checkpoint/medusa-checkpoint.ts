import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError } from "../types/errors.js";
import { readJsonIfPresent, show } from "./json.js";
import { PytorchFile } from "./pytorch.js";
import { SafetensorsFile } from "./safetensors.js";
import type { TensorSource } from "./tensor-source.js";

/** The tensors of one Medusa head. */
export interface MedusaHeadTensors {
  /** ResBlocks, in order; none for a plain linear head. */
  blocks: readonly { weight: string; bias?: string }[];
  /** The head's own output product; absent: the base's is shared. */
  lmHead?: string;
}

export interface MedusaCheckpoint {
  directory: string;
  source: TensorSource;
  heads: readonly MedusaHeadTensors[];
  hiddenSize: number;
  /** Rows of the heads' own output products; absent when all share the base's. */
  vocabSize?: number;
  /** `base_model_name_or_path` of config.json. */
  base?: string;
  /** How often each rank of each head was right on held-out text, when whoever made the heads measured it. */
  accuracies?: readonly (readonly number[])[];
}

const FILES = ["medusa_lm_head.safetensors", "medusa_lm_head.pt"] as const;
/** More heads than anybody trains: a name such as 99999.0.weight is damage. */
const MAX_HEADS = 64;
const MAX_BLOCKS = 16;

/**
 * Opens a folder of Medusa heads: config.json and medusa_lm_head.safetensors or .pt, as Medusa's repository and its
 * descendants write them. Reads names and shapes only. @throws CheckpointError naming file and tensor
 */
export async function openMedusaCheckpoint(directory: string): Promise<MedusaCheckpoint> {
  const info = await stat(directory).catch(() => undefined);
  if (!info?.isDirectory()) {
    throw new CheckpointError(`no folder of Medusa heads at ${directory}: give one with ${FILES.join(" or ")}`);
  }
  const name = FILES.find((file) => existsSync(join(directory, file)));
  if (!name)
    throw new CheckpointError(`${directory} has no ${FILES.join(" and no ")}: is it a folder of Medusa heads?`);
  const path = join(directory, name);
  const config = (await readJsonIfPresent(join(directory, "config.json"))) ?? {};
  const source: TensorSource = name.endsWith(".pt") ? await PytorchFile.open(path) : await SafetensorsFile.open(path);
  try {
    const heads = headsIn([...source.names()], path);
    checkCount(config.medusa_num_heads, heads.length, `${path} has ${heads.length} heads`, "medusa_num_heads");
    const layers = heads[0].blocks.length;
    checkCount(config.medusa_num_layers, layers, `the heads in ${path} have ${layers} ResBlocks`, "medusa_num_layers");
    const { base_model_name_or_path: base, medusa_accuracies: accuracies } = config;
    return {
      directory,
      source,
      heads,
      ...sizes(source, heads, path),
      ...(typeof base === "string" && { base }),
      ...(isAccuracies(accuracies, heads.length) && { accuracies }),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Finds the heads by the names of their tensors: "[medusa_head.]HEAD.LAYER.linear.weight", "HEAD.LAYER.weight". */
function headsIn(names: readonly string[], path: string): MedusaHeadTensors[] {
  const heads: { blocks: { weight: string; bias?: string }[]; lmHead?: string }[] = [];
  for (const name of [...names].sort((a, b) => a.localeCompare(b, "en", { numeric: true }))) {
    const match = /^(?:medusa_head\.)?(\d+)(?:\.(\d+))?\.(?:(linear)\.)?(weight|bias)$/.exec(name);
    if (!match || Number(match[1]) >= MAX_HEADS) {
      throw new CheckpointError(
        `${path} has a tensor ${show(name)}, expected names such as 0.0.linear.weight and 0.1.weight`,
      );
    }
    const head = Number(match[1]);
    heads[head] ??= { blocks: [] };
    const layer = Number(match[2] ?? 0);
    if (layer > MAX_BLOCKS) {
      throw new CheckpointError(`${path}: tensor ${show(name)} is in layer ${layer}, heads have at most ${MAX_BLOCKS}`);
    }
    if (match[3] === undefined) {
      if (match[4] === "bias")
        throw new CheckpointError(`${path}: head ${head} has an output bias, which Medusa heads have not`);
      if (heads[head].lmHead) {
        throw new CheckpointError(`${path}: head ${head} has two output products, ${heads[head].lmHead} and ${name}`);
      }
      heads[head].lmHead = name;
      continue;
    }
    heads[head].blocks[layer] ??= { weight: "" };
    heads[head].blocks[layer][match[4] as "weight" | "bias"] = name;
  }
  if (heads.length === 0) throw new CheckpointError(`${path} holds no tensors`);
  for (let head = 0; head < heads.length; head++) {
    const { blocks, lmHead } = heads[head] ?? { blocks: [] };
    const whole = Array.from(blocks, (block) => Boolean(block?.weight)).every(Boolean);
    if (!whole || (blocks.length === 0 && !lmHead)) throw new CheckpointError(`${path}: head ${head} is not complete`);
    if (blocks.length !== heads[0].blocks.length) {
      throw new CheckpointError(
        `${path}: head ${head} has ${blocks.length} ResBlocks, head 0 has ${heads[0].blocks.length}`,
      );
    }
  }
  return heads;
}

function sizes(source: TensorSource, heads: readonly MedusaHeadTensors[], path: string) {
  const of = (name: string) => source.info(name)!.shape;
  const hiddenSize = heads[0].lmHead ? of(heads[0].lmHead)[1] : of(heads[0].blocks[0].weight)[1];
  const vocabSize = heads.find((head) => head.lmHead)?.lmHead;
  const rows = vocabSize === undefined ? undefined : of(vocabSize)[0];
  for (const { blocks, lmHead } of heads) {
    for (const { weight, bias } of blocks) {
      expectShape(of(weight), [hiddenSize, hiddenSize], weight, path);
      if (bias) expectShape(of(bias), [hiddenSize], bias, path);
    }
    if (lmHead) expectShape(of(lmHead), [rows!, hiddenSize], lmHead, path);
  }
  return { hiddenSize, ...(rows !== undefined && { vocabSize: rows }) };
}

function expectShape(shape: readonly number[], expected: readonly number[], name: string, path: string): void {
  if (shape.length === expected.length && shape.every((size, i) => size === expected[i])) return;
  throw new CheckpointError(
    `${path}: tensor ${show(name)} has shape [${shape}], expected [${expected}] like the others`,
  );
}

function checkCount(said: unknown, found: number, what: string, key: string): void {
  if (said === undefined || said === found) return;
  throw new CheckpointError(`${what} but ${key} in config.json is ${show(said)}: the files do not belong together`);
}

/** Accuracies that say nothing about these heads are no use: trees are then made for typical ones. */
function isAccuracies(value: unknown, heads: number): value is number[][] {
  const isRate = (rate: unknown) => typeof rate === "number" && rate >= 0 && rate <= 1;
  const isHead = (head: unknown) => Array.isArray(head) && head.length > 0 && head.every(isRate);
  return Array.isArray(value) && value.length === heads && value.every(isHead);
}
